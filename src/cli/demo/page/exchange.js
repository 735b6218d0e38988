// A request of the agent's and what came of it, as its agent would see it.

import { make } from './element.js';

const $ = (id) => document.getElementById(id);
/** How the person replied, in words. */
const BY = { voice: 'by voice', whatsapp: 'by WhatsApp', sms: 'by SMS' };

/** A request and its answer, as a list item. */
export class Exchange {
  #head;
  #status;
  #time;
  #answer;
  #item;

  constructor(path, body, method = 'POST') {
    this.#item = make('li', 'exchange waiting');
    this.#head = make('p', 'head');
    this.#status = make('span', 'status', '…');
    this.#time = make('span', 'time', '0.0 s');
    this.#head.append(make('span', 'method', method), make('code', 'path', path), this.#status, this.#time);
    this.#answer = make('pre', 'answer');
    this.#answer.textContent = 'waiting for the person …';
    this.#answer.tabIndex = 0;
    this.#item.append(this.#head);
    if (body) this.#item.append(make('pre', 'sent', JSON.stringify(body)));
    this.#item.append(this.#answer);
    const list = $('exchanges');
    list.querySelector('.empty')?.remove();
    list.prepend(this.#item);
    list.scrollTop = 0;
  }

  /** One that this page did not send; `from` says where it is from. */
  static elsewhere(session, message, from) {
    const shown = new Exchange(session, { message }, 'Session');
    shown.#item.classList.add('elsewhere');
    shown.#status.replaceWith(make('span', 'by', from));
    shown.#time.remove();
    return shown;
  }

  /** What is known of its answer, which went to somebody else. */
  tell(text) {
    this.#item.classList.remove('waiting');
    this.#answer.textContent = text;
  }

  tick(took) {
    this.#time.textContent = `${(took / 1000).toFixed(1)} s`;
  }

  /** How it goes meanwhile. */
  set progress(text) {
    this.#answer.textContent = text;
  }

  /** `replyChannel` is how the person replied, if they did. */
  finish(status, text, took, replyChannel) {
    this.#item.className = `exchange ${status < 300 ? 'good' : 'bad'}`;
    this.#status.textContent = status;
    if (BY[replyChannel]) this.#status.after(make('span', `by ${replyChannel}`, `replied ${BY[replyChannel]}`));
    this.#time.textContent = took < 1000 ? `${Math.round(took)} ms` : `${(took / 1000).toFixed(2)} s`;
    this.#answer.replaceChildren(...coloured(text));
  }

  fail(took) {
    this.#item.className = 'exchange bad';
    this.#status.textContent = 'no answer';
    this.#answer.textContent = 'The server did not answer. Is the demo still running?';
    this.tick(took);
  }
}

/** JSON with line breaks and colours; anything else as it is. */
function coloured(text) {
  let pretty;
  try {
    pretty = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return [text];
  }
  const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null|-?\d[\d.eE+-]*)\b/g;
  const parts = [];
  let at = 0;
  for (const match of pretty.matchAll(token)) {
    parts.push(pretty.slice(at, match.index));
    const [whole, string, colon] = match;
    parts.push(make('span', string ? (colon ? 'name' : 'text') : 'value', string ?? whole), colon ?? '');
    at = match.index + whole.length;
  }
  return [...parts, pretty.slice(at)];
}
