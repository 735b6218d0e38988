// What this page did not ask: requests of a terminal, of another client, and of the page before it was loaded again. The API
// tells what was said in their sessions, and not what was answered to whom.

import { Exchange } from './exchange.js';
import { isOver } from './sessions.js';

/** What the server says by itself: nobody asked for it. */
const OF_THE_SERVER = ['I will pass that on. Goodbye.', 'I have to go now. Goodbye.', 'You asked me to call. What shall I pass on?'];

export class Elsewhere {
  /** By session and line: what is shown of it, or null for what this page has asked. */
  #seen = new Map();
  #isFirst = true;
  #isUnsure = false;

  /** `isOwn(text)` says whether this page has said it, `at(time)` is the timeline's time of a server's, `onRequest` draws it. */
  constructor({ isOwn, at, now, onRequest }) {
    Object.assign(this, { isOwn, at, now, onRequest });
  }

  /** Shows what is new of the sessions, newest first; says whether another look is needed. */
  show(sessions) {
    const from = this.#isFirst ? 'from an earlier page, or from elsewhere' : 'from elsewhere';
    this.#isFirst = false;
    this.#isUnsure = false;
    for (const session of [...sessions].reverse()) {
      session.messages.forEach((line, n) => line.speaker === 'claude' && this.#line(session, line, n, from));
    }
    return this.#isUnsure;
  }

  #line(session, line, n, from) {
    const name = `${session.id} ${n}`;
    if (!this.#seen.has(name)) {
      const isOwn = OF_THE_SERVER.includes(line.message) || this.isOwn(line.message);
      this.#seen.set(name, isOwn ? null : this.#begin(session, line, n, from));
    }
    const seen = this.#seen.get(name);
    if (seen && seen.request.to === null) this.#goOn(session, n, seen);
  }

  #begin(session, line, n, from) {
    const verb = n ? 'asks' : session.contactMode === 'voice' || session.outcome?.dial !== 'not-dialed' ? 'call' : 'message';
    const shown = Exchange.elsewhere(session.id, line.message, from);
    const request = { verb, from: this.at(line.timestamp), to: null, status: null, by: null, isElsewhere: true, words: '' };
    return { shown, request, isQuiet: false };
  }

  #goOn({ messages, waiting, outcome, endedAt, ...session }, n, seen) {
    const { shown, request } = seen;
    const next = messages.findIndex((line, at) => at > n && line.speaker === 'claude');
    const replies = messages.slice(n + 1, next < 0 ? undefined : next);
    request.words = replies.map((line) => line.message).join(' / ');
    // What was said is read a moment before the state: a reply may have come between.
    const isQuiet = next < 0 && !waiting && !request.words;
    if (isQuiet && !seen.isQuiet) this.#isUnsure = true;
    else if (next >= 0 || !waiting) {
      const until = replies.at(-1)?.timestamp ?? messages[next]?.timestamp ?? endedAt;
      request.to = until === undefined ? this.now() : this.at(until);
      const how = isOver(session) ? `the session is over${outcome?.endedBy ? `, ended by: ${outcome.endedBy}` : ''}` : 'no reply, or none was asked for';
      shown.tell(request.words ? `The person: ${request.words}` : `Nobody has replied: ${how}.`);
    }
    seen.isQuiet = isQuiet;
    this.onRequest(request);
  }
}
