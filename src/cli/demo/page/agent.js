// The agent: says what is in the box by the server's own API, and shows what comes back, as it comes.

const SUGGESTIONS = [
  'Understood. Shall I also tell the team, or do you want to do that yourself?',
  'All right, I will do that.',
  'Thank you for your time. Goodbye.',
];

const $ = (id) => document.getElementById(id);

export class Agent {
  #key;
  /** The session of the last call; known once an answer has named it. */
  #callId = null;
  #suggested = 0;
  /** Requests that wait for their answer. */
  #waiting = new Set();
  #isLive = false;

  /** `now()` is the timeline's time; `onGesture` is called on each click, `onRequest` with each request as it goes on. */
  constructor(key, { now, onGesture, onRequest, onReply }) {
    this.#key = key;
    Object.assign(this, { now, onGesture, onRequest, onReply });
    $('ask').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#act(event.submitter?.dataset.verb ?? (this.#isLive ? 'continue' : 'call'));
    });
    for (const button of document.querySelectorAll('#ask button[type=button]')) {
      button.addEventListener('click', () => this.#act(button.dataset.verb));
    }
    $('message').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $('ask').requestSubmit(document.querySelector('#ask button[type=submit]:not([hidden])'));
    });
    $('curl').textContent = `curl ${location.origin}/api/call \\\n  -H 'Authorization: Bearer ${key}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{"message": "Shall I deploy?"}'`;
  }

  /** A call is on its way, or over. */
  set isLive(isLive) {
    if (this.#isLive === isLive) return;
    this.#isLive = isLive;
    if (isLive) this.#callId = null;
    else {
      this.#suggested = 0;
      if (!$('message').value.trim()) $('message').value = $('message').defaultValue;
    }
    this.#show();
  }

  #show() {
    for (const button of document.querySelectorAll('#ask button')) {
      const hidden = (button.dataset.verb === 'call') === this.#isLive;
      button.hidden = hidden;
      const waits = ['call', 'continue', 'wait'];
      // One question at a time; the server would say so too.
      button.disabled = waits.includes(button.dataset.verb) && [...this.#waiting].some((verb) => waits.includes(verb));
    }
  }

  async #act(verb) {
    this.onGesture();
    const message = $('message').value.trim();
    if (!message && verb !== 'wait') {
      $('message').focus();
      return;
    }
    if (verb !== 'wait') $('message').value = '';
    // What happens next happens there, and its keys must not end up in a text.
    if (verb === 'call') $('phone').focus({ preventScroll: true });
    // Before the first answer nobody has told the session's name; the history knows it.
    const id = verb === 'call' ? null : (this.#callId ?? (await this.#latest()));
    const path = verb === 'call' ? '/api/call' : `/api/call/${id}/${verb}`;
    const answer = await this.#request(verb, path, verb === 'wait' ? null : { message });
    if (answer?.callId) this.#callId = answer.callId;
    if (typeof answer?.response === 'string') {
      this.onReply(answer.response);
      if (!$('message').value) $('message').value = SUGGESTIONS[Math.min(this.#suggested++, SUGGESTIONS.length - 1)];
    } else if (!this.#isLive && !$('message').value) {
      $('message').value = $('message').defaultValue;
    }
  }

  async #latest() {
    const response = await fetch('/api/history?limit=1', { headers: { Authorization: `Bearer ${this.#key}` } });
    const { conversations } = await response.json();
    return conversations[0]?.id;
  }

  /** Sends it and shows it, from the first moment on. */
  async #request(verb, path, body) {
    const shown = new Exchange(path, body);
    const request = { verb, from: this.now(), to: null, status: null };
    this.onRequest(request);
    this.#waiting.add(verb);
    this.#show();
    const began = performance.now();
    const clock = setInterval(() => shown.tick(performance.now() - began), 100);
    let answer = null;
    try {
      const response = await fetch(path, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${this.#key}`,
          'Content-Type': 'application/json',
          // Browsers repeat a request that was answered with 408; the repeat must not ring again.
          'Idempotency-Key': crypto.randomUUID(),
        },
        body: body && JSON.stringify(body),
      });
      const text = await response.text();
      shown.finish(response.status, text, performance.now() - began);
      request.status = response.status;
      answer = JSON.parse(text);
    } catch {
      if (request.status === null) shown.fail(performance.now() - began);
    }
    clearInterval(clock);
    request.to = this.now();
    this.onRequest(request);
    this.#waiting.delete(verb);
    this.#show();
    return answer;
  }
}

/** A request and its answer, as a list item. */
class Exchange {
  #status;
  #time;
  #answer;
  #item;

  constructor(path, body) {
    this.#item = make('li', 'exchange waiting');
    const head = make('p', 'head');
    this.#status = make('span', 'status', '…');
    this.#time = make('span', 'time', '0.0 s');
    head.append(make('span', 'method', 'POST'), make('code', 'path', path), this.#status, this.#time);
    this.#answer = make('pre', 'answer');
    this.#answer.textContent = 'waiting for the person …';
    this.#answer.tabIndex = 0;
    this.#item.append(head);
    if (body) this.#item.append(make('pre', 'sent', JSON.stringify(body)));
    this.#item.append(this.#answer);
    const list = $('exchanges');
    list.querySelector('.empty')?.remove();
    list.prepend(this.#item);
  }

  tick(took) {
    this.#time.textContent = `${(took / 1000).toFixed(1)} s`;
  }

  finish(status, text, took) {
    this.#item.className = `exchange ${status < 300 ? 'good' : 'bad'}`;
    this.#status.textContent = status;
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

/** An element with a class and a text. */
export function make(tag, className = '', text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== '') element.textContent = text;
  return element;
}
