// The agent: says what is in the box by the server's own API, and shows what comes back, as it comes.

import { Elsewhere } from './elsewhere.js';
import { holds } from './element.js';
import { Exchange } from './exchange.js';
import { Sessions, isOver, lastAsked } from './sessions.js';
import { commands } from './terminal.js';

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
  /** What the session was begun with, by this page. */
  #began = null;
  #suggested = 0;
  /** Requests that wait for their answer, and what is shown of them. */
  #waiting = new Map();
  /** What this page has said, until it is found in a session. */
  #said = [];
  #sessions;
  #elsewhere;
  #isOnPhone = false;
  #wasLive = false;
  /** The session of somebody else that the box was made fit for. */
  #taken = null;
  #isStopped = false;

  /**
   * `now()` is the timeline's time, `at(time)` that of a server's time; `onGesture` is called on each click, `onRequest` with
   * each request as it goes on, `onChange` when the session stands otherwise.
   */
  constructor(key, { now, at, onGesture, onRequest, onReply, onChange }) {
    this.#key = key;
    Object.assign(this, { now, onGesture, onRequest, onReply, onChange });
    this.#sessions = new Sessions(key, () => this.#looked());
    this.#elsewhere = new Elsewhere({ isOwn: (text) => this.#hasSaid(text), at, now, onRequest });
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
    $('message').addEventListener('input', () => this.#tellTerminal());
    this.#tellTerminal();
  }

  /** There is a session that is not over. */
  get isLive() {
    return this.#isOnPhone || this.#channel !== null || BEGIN.some((verb) => this.#waiting.has(verb));
  }

  /** A request waits for the person, of this page's or of another's. */
  get isWaiting() {
    return WAIT.some((verb) => this.#waiting.has(verb)) || Boolean(this.#session?.waiting);
  }

  /** The session goes on in writing. */
  get writes() {
    // The call on the phone may be another session's.
    return this.#channel === 'text';
  }

  /** Questions of sessions in writing that wait for the person: what was asked, and when in the server's time. */
  get questions() {
    const waiting = this.#sessions.all.filter(({ state, waiting }) => state === 'messaging' && waiting);
    return waiting.map(lastAsked).filter(Boolean);
  }

  /** The clocks are set: what goes on already may be looked at. */
  begin() {
    this.#sessions.soon();
  }

  /** There is no server any more. */
  stop() {
    this.#isStopped = true;
    this.#sessions.stop();
    this.#show();
  }

  /** Takes one event of the timeline, after the phone has: `isOnPhone` says whether a call is on its way or on. */
  take(event, isOnPhone) {
    const begins = (isOnPhone || event.kind === 'text-sent') && !this.isLive;
    const changes = begins || isOnPhone !== this.#isOnPhone;
    this.#isOnPhone = isOnPhone;
    // Somebody else's session.
    if (begins) this.#callId = this.#began = null;
    const how = progress(event);
    for (const [verb, request] of how ? this.#waiting : []) {
      if (!WAIT.includes(verb)) continue;
      // A text may belong to another session.
      if (event.kind === 'text-sent' && holds(event.text, request.message)) request.text = event.number;
      if (event.kind === 'state' || event.number === request.text) request.shown.progress = how;
    }
    this.#sessions.soon();
    if (changes) this.#show();
  }

  /** Tells requests of this page that wait behind another question. */
  queued(questions) {
    for (const { message, shown } of this.#waiting.values()) {
      if (questions.some((question) => message && holds(question.message, message))) {
        shown.progress = 'waits its turn: an older question on WhatsApp comes first …';
      }
    }
  }

  #show() {
    const live = this.isLive;
    for (const button of document.querySelectorAll('#ask button')) {
      button.hidden = BEGIN.includes(button.dataset.verb) === live;
      // One question at a time; the server would say so too.
      button.disabled = this.#isStopped || (WAIT.includes(button.dataset.verb) && !button.hidden && this.isWaiting);
      const words = button.querySelector('small');
      if (words) words.textContent = this.writes ? words.dataset.text : words.dataset.voice;
    }
    $('session').hidden = !live;
    $('session-id').textContent = this.#callId ?? '…';
    const mode = this.writes ? 'whatsapp' : this.#isOnPhone ? 'voice' : '';
    $('mode').className = `by ${mode}`;
    $('mode').textContent = { voice: 'by voice', whatsapp: 'by WhatsApp' }[mode] ?? '…';
    if (this.#wasLive && !live) {
      this.#suggested = 0;
      // Nobody has changed what stands there.
      if (['', ...SUGGESTIONS].includes($('message').value.trim())) $('message').value = $('message').defaultValue;
    }
    this.#wasLive = live;
    this.#tellTerminal();
    this.onChange();
  }

  /** The same as the buttons would do, for who prefers to type. */
  #tellTerminal() {
    const verbs = [...document.querySelectorAll('#ask button:not([hidden])')].map(({ dataset: { verb }, firstChild, textContent }) => ({
      verb,
      name: (firstChild.nodeValue ?? textContent).trim() || textContent.trim(),
      begins: BEGIN.includes(verb),
    }));
    const text = commands({ verbs, key: this.#key, session: this.#callId, message: $('message').value.trim() });
    // What is selected there stays so.
    if ($('curl').textContent !== text) $('curl').textContent = text;
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
      this.#began = message;
      // What happens next happens there, and its keys must not end up in a text.
      $('phone').focus({ preventScroll: true });
    }
    if (verb !== 'wait') this.#said.push(message);
    const path = BEGIN.includes(verb) ? `/api/${verb}` : `/api/call/${await this.#id()}/${verb}`;
    const answer = await this.#request(verb, path, verb === 'wait' ? null : { message });
    if (answer?.callId) this.#callId = answer.callId;
    if (typeof answer?.response === 'string') {
      this.onReply(answer.response);
      if (!$('message').value) $('message').value = SUGGESTIONS[Math.min(this.#suggested++, SUGGESTIONS.length - 1)];
    }
    await this.#sessions.look();
  }

  /** The session that the buttons are about. Before the first answer nobody has told its name; its first line does. */
  get #session() {
    const { all } = this.#sessions;
    if (this.#callId) return all.find(({ id }) => id === this.#callId);
    const going = all.filter((session) => !isOver(session));
    return going.find(({ messages }) => holds(messages[0]?.message ?? '', this.#began)) ?? going[0];
  }

  async #id() {
    if (!this.#callId && !this.#session) await this.#sessions.look();
    return this.#callId ?? this.#session?.id;
  }

  /** The server has told how the sessions stand. */
  #looked() {
    const session = this.#session;
    this.#channel = !session || isOver(session) ? null : session.state === 'messaging' ? 'text' : 'voice';
    if (this.#channel) this.#callId = session.id;
    if (this.#elsewhere.show(this.#sessions.all)) this.#sessions.soon();
    // Who goes on where another began needs no greeting.
    if (this.#channel && session.id !== this.#taken && !holds(session.messages[0]?.message ?? '', this.#began)) {
      this.#taken = session.id;
      if ($('message').value === $('message').defaultValue) $('message').value = session.waiting ? '' : SUGGESTIONS[0];
    }
    this.#show();
  }

  /** Whether this page has said it. Each time counts once. */
  #hasSaid(text) {
    const n = this.#said.findIndex((said) => holds(text, said));
    if (n >= 0) this.#said.splice(n, 1);
    return n >= 0;
  }

  /** Sends it and shows it, from the first moment on. */
  async #request(verb, path, body) {
    const shown = new Exchange(path, body);
    const request = { verb, from: this.now(), to: null, status: null, by: null };
    this.onRequest(request);
    this.#waiting.set(verb, { shown, message: body?.message, text: null });
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
    if (WAIT.includes(verb)) this.#sessions.answered(answer?.callId ?? this.#callId);
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
