// The phone's WhatsApp: what the agent wrote, what the person writes, and a notice while nobody looks.

import { holds, make } from './element.js';

const $ = (id) => document.getElementById(id);
/** What brings a call. */
const CALL_ME = 'call me';
/** What becomes of a text of the person's, one after the other: the words of its ticks. */
const TICKS = ['sent', 'delivered', 'your agent has it'];
/** Words that stop texts and let them come again; a yes is one of them while they are stopped. */
const STEERS = ['stop', 'start', 'yes'];
/** Two clocks differ by less, in seconds. */
const SKEW = 0.5;

export class Chat {
  #send;
  #line;
  /** The person's texts by number: the words, and how many of `TICKS` they have. */
  #written = new Map();
  /** What has arrived and was not looked at, by number. */
  #unread = new Map();
  #isOpen = false;
  /** A call came in front of it. */
  #isCovered = false;
  #phone = 'idle';
  /** What the agent has sent, and when. */
  #sent = [];
  /** The person wants no texts. */
  isStopped = false;
  /** When the agent's latest text came, and when the person wrote last; in the timeline's time. */
  askedAt = 0;
  wroteAt = 0;

  /**
   * `send` gives an order to the phone and says whether it could; `time(at)` is the time of day of an event, `at(time)` the
   * timeline's time of a server's.
   */
  constructor({ line, send, announce, alarm, time, at }) {
    Object.assign(this, { announce, alarm, time, at });
    this.#line = line;
    this.#send = send;
    $('notice').addEventListener('click', () => this.open());
    $('whatsapp').addEventListener('click', () => this.open());
    $('back').addEventListener('click', () => this.close());
    $('call-me').addEventListener('click', () => {
      this.#write(CALL_ME);
      $('text').focus({ preventScroll: true });
    });
    $('write').addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#write($('text').value.trim())) $('text').value = '';
      this.#fit();
    });
    $('text').addEventListener('input', () => this.#fit());
    $('text').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $('write').requestSubmit();
    });
    document.addEventListener('visibilitychange', () => this.#look());
  }

  get isOpen() {
    return this.#isOpen;
  }

  /** The agent has sent this, since it was asked. */
  wasSent({ message, timestamp }) {
    return this.#sent.some(({ text, at }) => at > this.at(timestamp) - SKEW && holds(text, message));
  }

  /** Takes the place of whatever the phone shows; not while it rings. */
  open() {
    if (this.#phone === 'ringing') return;
    this.#show(true);
    $('text').focus({ preventScroll: true });
  }

  close() {
    const hadFocus = $('chat').contains(document.activeElement);
    this.#show(false);
    if (hadFocus) (this.#phone === 'talking' ? $('words') : $('whatsapp')).focus({ preventScroll: true });
  }

  /** Says below the contact's name how it stands. */
  set standing(text) {
    if ($('chat-state').textContent !== text) $('chat-state').textContent = text;
  }

  /** Takes one event of the timeline. */
  take(event) {
    switch (event.kind) {
      case 'rest':
        if (event.verb === 'dial' && event.call !== null) this.#phone = 'dialing';
        break;
      case 'state':
        this.#called(event);
        break;
      case 'text-sent':
        this.#sent.push(event);
        break;
      case 'text-arrived':
        this.#arrived(event);
        break;
      case 'text-read':
        this.#unread.delete(event.number);
        this.#notice();
        break;
      case 'person-writes':
        this.#wrote(event);
        break;
      case 'text-webhook':
        if (event.status === 200) this.#tick(event.number, 2);
        break;
    }
  }

  /** The agent was told this. */
  told(words) {
    for (const [number, { text }] of this.#written) if (words.includes(text)) this.#tick(number, 3);
  }

  /** Says something between the texts. */
  remark(...parts) {
    const item = make('li', 'remark');
    item.append(...parts);
    this.#append(item);
  }

  /** A call comes before everything; afterwards the phone shows what it showed. */
  #called({ state, over }) {
    this.#phone = over ? 'over' : { queued: 'dialing', ringing: 'ringing', 'in-progress': 'talking' }[state];
    if (this.#phone === 'ringing' && this.#isOpen) {
      const hadFocus = $('chat').contains(document.activeElement);
      this.#show(false);
      this.#isCovered = true;
      if (hadFocus) $('phone').focus({ preventScroll: true });
    }
    if (over && this.#isCovered) {
      this.#show(true);
      // Whoever was on the phone writes on.
      if (document.activeElement === $('phone') || $('device').contains(document.activeElement)) $('text').focus({ preventScroll: true });
    }
  }

  #arrived({ number, text, at }) {
    const bubble = make('li', 'agent');
    bubble.append(make('span', 'unseen', 'Your agent: '), make('span', 'words', text), this.#meta(at));
    this.#append(bubble);
    this.askedAt = at;
    this.#unread.set(number, text);
    this.#notice();
    if (this.#isOpen) this.announce(`Your agent writes: ${text}`);
    else this.alarm(`WhatsApp from your agent: ${text}${this.#phone === 'ringing' ? '' : ' W opens it.'}`);
    this.#line.chime();
    this.#look();
  }

  #wrote({ number, text, at, means }) {
    const bubble = make('li', 'person');
    const meta = this.#meta(at);
    const ticks = make('span', 'ticks');
    ticks.append(drawTicks(), make('span', 'unseen', TICKS[0]));
    meta.append(ticks);
    bubble.append(make('span', 'unseen', 'You: '), make('span', 'words', text), meta);
    this.#append(bubble);
    this.wroteAt = at;
    if (STEERS.includes(means)) this.isStopped = means === 'stop';
    this.#written.set(number, { text, ticks, count: 1 });
  }

  #tick(number, count) {
    const written = this.#written.get(number);
    if (!written || written.count >= count) return;
    written.count = count;
    written.ticks.className = `ticks ${['', 'two', 'two has'][count - 1]}`;
    written.ticks.title = written.ticks.lastElementChild.textContent = TICKS[count - 1];
  }

  #meta(at) {
    const meta = make('span', 'meta');
    meta.append(make('time', '', this.time(at)));
    return meta;
  }

  #append(item) {
    $('texts').append(item);
    $('texts').scrollTop = $('texts').scrollHeight;
  }

  /** Writes it, if it is something; false where it cannot be. */
  #write(text) {
    return text !== '' && this.#send({ do: 'write', text });
  }

  /** Whoever has the chat before them has read it. */
  #look() {
    if (this.#isOpen && this.#unread.size && document.visibilityState === 'visible') this.#send({ do: 'read' });
  }

  #show(isOpen) {
    this.#isOpen = isOpen;
    this.#isCovered = false;
    $('chat').hidden = !isOpen;
    $('call-screen').hidden = isOpen;
    this.#fit();
    this.#notice();
    this.#look();
  }

  /** What came and was not looked at: on the call screen, and as a number on the app. */
  #notice() {
    const count = this.#unread.size;
    $('notice').hidden = !count;
    $('notice-words').textContent = [...this.#unread.values()].at(-1) ?? '';
    $('badge').hidden = !count;
    $('badge').firstElementChild.textContent = count;
    $('badge').lastElementChild.textContent = count === 1 ? ' unread text' : ' unread texts';
  }

  /** As many lines as there are, up to four. */
  #fit() {
    const box = $('text');
    box.rows = Math.min(4, box.value.split('\n').length);
    while (box.rows < 4 && box.scrollHeight > box.clientHeight) box.rows++;
    $('texts').scrollTop = $('texts').scrollHeight;
  }
}

/** One tick before another; how many are seen is a matter of style. */
function drawTicks() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 18 12');
  svg.setAttribute('aria-hidden', 'true');
  for (const path of ['M1.5 6.5 4.7 9.7 11.5 2.3', 'M8.6 9.5 8.8 9.7 15.6 2.3']) {
    const tick = document.createElementNS(svg.namespaceURI, 'path');
    tick.setAttribute('d', path);
    svg.append(tick);
  }
  return svg;
}
