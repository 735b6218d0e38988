// The agent: says what is in the box by the server's own API, and shows what comes back, as it comes.

import { make } from './element.js';
import { Exchange } from './exchange.js';

const SUGGESTIONS = [
  'Understood. Shall I also tell the team, or do you want to do that yourself?',
  'All right, I will do that.',
  'Thank you for your time. Goodbye.',
];
/** Verbs that begin a session, and those that wait for the person. */
const BEGIN = ['call', 'message'];
const WAIT = ['call', 'message', 'continue', 'wait'];

const $ = (id) => document.getElementById(id);

export class Agent {
  #key;
  /** The session that was begun last; known once an answer has named it. */
  #callId = null;
  /** How that session stands, as the server says: `voice`, `text`, or null when it is over. */
  #channel = null;
  #suggested = 0;
  /** Requests that wait for their answer, and what is shown of them. */
  #waiting = new Map();
  #isOnPhone = false;
  #wasLive = false;
  /** Counts questions about the session: an answer that was overtaken counts no more. */
  #looks = 0;
  /** The question that is about to be asked. */
  #due = null;

  /**
   * `now()` is the timeline's time; `onGesture` is called on each click, `onRequest` with each request as it goes on,
   * `onChange` when the session stands otherwise.
   */
  constructor(key, { now, onGesture, onRequest, onReply, onChange }) {
    this.#key = key;
    Object.assign(this, { now, onGesture, onRequest, onReply, onChange });
    $('ask').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#act(event.submitter?.dataset.verb ?? (this.isLive ? 'continue' : 'call'));
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

  /** There is a session that is not over. */
  get isLive() {
    return this.#isOnPhone || this.#channel !== null || BEGIN.some((verb) => this.#waiting.has(verb));
  }

  /** A request waits for the person. */
  get isWaiting() {
    return WAIT.some((verb) => this.#waiting.has(verb));
  }

  /** The session goes on in writing. */
  get writes() {
    return !this.#isOnPhone && this.#channel === 'text';
  }

  /** Takes one event of the timeline, after the phone has: `isOnPhone` says whether a call is on its way or on. */
  take(event, isOnPhone) {
    const begins = (isOnPhone || event.kind === 'text-sent') && !this.isLive;
    const changes = begins || isOnPhone !== this.#isOnPhone;
    this.#isOnPhone = isOnPhone;
    // Somebody else's session.
    if (begins) this.#callId = null;
    // A text that comes in the middle of a call belongs to another session.
    const how = isOnPhone && event.kind.startsWith('text-') ? null : progress(event);
    for (const [verb, shown] of how ? this.#waiting : []) if (WAIT.includes(verb)) shown.progress = how;
    // Then the server knows how the session goes on, if it does.
    const isSettled = event.kind === 'text-sent' || (event.kind === 'callback' && ['ringing', 'completed'].includes(event.name));
    if (isSettled) this.#due ??= setTimeout(() => this.#look());
    if (changes) this.#show();
  }

  #show() {
    const live = this.isLive;
    for (const button of document.querySelectorAll('#ask button')) {
      button.hidden = BEGIN.includes(button.dataset.verb) === live;
      // One question at a time; the server would say so too.
      button.disabled = WAIT.includes(button.dataset.verb) && this.isWaiting;
      const words = button.querySelector('small');
      if (words) words.textContent = this.writes ? words.dataset.text : words.dataset.voice;
    }
    $('session').hidden = !live;
    $('session-id').textContent = this.#callId ?? '…';
    const mode = this.#isOnPhone ? 'voice' : this.#channel === 'text' ? 'whatsapp' : '';
    $('mode').className = `by ${mode}`;
    $('mode').textContent = { voice: 'by voice', whatsapp: 'by WhatsApp' }[mode] ?? '…';
    if (this.#wasLive && !live) {
      this.#suggested = 0;
      // Nobody has changed what stands there.
      if (['', ...SUGGESTIONS].includes($('message').value.trim())) $('message').value = $('message').defaultValue;
    }
    this.#wasLive = live;
    this.onChange();
  }

  async #act(verb) {
    this.onGesture();
    const message = $('message').value.trim();
    if (!message && verb !== 'wait') {
      $('message').focus();
      return;
    }
    if (verb !== 'wait') $('message').value = '';
    if (BEGIN.includes(verb)) {
      this.#callId = null;
      // What happens next happens there, and its keys must not end up in a text.
      $('phone').focus({ preventScroll: true });
    }
    const path = BEGIN.includes(verb) ? `/api/${verb}` : `/api/call/${await this.#id()}/${verb}`;
    const answer = await this.#request(verb, path, verb === 'wait' ? null : { message });
    if (answer?.callId) this.#callId = answer.callId;
    if (typeof answer?.response === 'string') {
      this.onReply(answer.response);
      if (!$('message').value) $('message').value = SUGGESTIONS[Math.min(this.#suggested++, SUGGESTIONS.length - 1)];
    }
    await this.#look();
  }

  /** Before the first answer nobody has told the session's name; the history knows it. */
  async #id() {
    if (this.#callId) return this.#callId;
    return (await this.#get('/api/history?limit=1'))?.conversations[0]?.id;
  }

  /** Asks the server how the session stands. */
  async #look() {
    const look = ++this.#looks;
    this.#due = null;
    const id = await this.#id();
    const state = id && (await this.#get(`/api/call/${id}`))?.state;
    if (look !== this.#looks) return;
    this.#channel = !state || state === 'ending' || state === 'ended' ? null : state === 'messaging' ? 'text' : 'voice';
    if (this.#channel) this.#callId = id;
    this.#show();
  }

  async #get(path) {
    try {
      const response = await fetch(path, { headers: { Authorization: `Bearer ${this.#key}` } });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** Sends it and shows it, from the first moment on. */
  async #request(verb, path, body) {
    const shown = new Exchange(path, body);
    const request = { verb, from: this.now(), to: null, status: null, by: null };
    this.onRequest(request);
    this.#waiting.set(verb, shown);
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
      request.status = response.status;
      answer = readAs(text);
      if (typeof answer?.response === 'string') request.by = answer.outcome?.replyChannel ?? null;
      shown.finish(response.status, text, performance.now() - began, request.by);
    } catch {
      shown.fail(performance.now() - began);
    }
    clearInterval(clock);
    request.to = this.now();
    this.onRequest(request);
    this.#waiting.delete(verb);
    this.#show();
    return answer;
  }
}

/** JSON, or nothing. */
function readAs(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** How a request goes that waits for the person, in words. */
function progress(event) {
  switch (event.kind) {
    case 'state':
      if (event.over) return event.state === 'completed' ? 'the call is over …' : 'nobody picked up …';
      return { queued: 'dialling …', ringing: 'it rings …', 'in-progress': 'on the line, waiting for the reply …' }[event.state];
    case 'text-sent':
      return 'written over WhatsApp: sent …';
    case 'text-arrived':
      return 'written over WhatsApp: delivered …';
    case 'text-read':
      return 'written over WhatsApp: read, waiting for the reply …';
    default:
      return null;
  }
}
