// The latest call, drawn to scale: one lane for each who acts, time from left to right.

import { make } from './agent.js';
import { inWords } from './words.js';

const $ = (id) => document.getElementById(id);

/** Pixels in a second, at least; a longer call scrolls. One that is over may be looked at as a whole. */
const LEAST_SCALE = 44;
const LEAST_SCALE_OVER = 24;
/** Pixels after the end of a call, for the labels of its last moment. */
const LABELS = 64;
/** Pixels before its beginning. */
const LEFT = 6;
/** A call that has just begun is drawn into this many seconds. */
const LEAST_SPAN = 14;
/** The axis above the lanes, and a lane. */
const AXIS = 26;
const LANE = 44;

const LANES = [
  ['request', 'Agent asks'],
  ['state', 'Phone'],
  ['sent', 'Agent, sent'],
  ['heard', 'Agent, heard'],
  ['person', 'You'],
  ['ears', 'Recognised'],
  ['wire', 'Webhooks'],
  ['took', 'It took'],
];
const MIDDLE = Object.fromEntries(LANES.map(([lane], n) => [lane, AXIS + n * LANE + LANE / 2]));

const REST = { dial: 'dial', 'hang up': 'hang up', redirect: 'redirect' };
const HOOKS = { initiated: 'initiated', ringing: 'ringing', answered: 'answered', completed: 'completed', amd: 'who answered' };

export class Timeline {
  /** Of the latest call; what belongs to no call counts for the one it falls into. */
  #events = [];
  #requests = [];
  #call = null;
  #stale = false;
  #follows = true;

  constructor(now) {
    this.now = now;
    $('lanes').append(...LANES.map(([lane, label]) => make('li', lane, label)));
    $('scroll').addEventListener('scroll', () => {
      const { scrollLeft, clientWidth, scrollWidth } = $('scroll');
      this.#follows = scrollLeft + clientWidth > scrollWidth - 60;
    });
    new ResizeObserver(() => (this.#stale = true)).observe($('timeline'));
    setInterval(() => {
      if (this.#stale || this.#isRunning()) this.#draw();
    }, 200);
  }

  /** Takes one event of the emulator's timeline. */
  take(event) {
    if (event.call !== null && event.call !== this.#call) {
      this.#call = event.call;
      this.#follows = true;
      // Speech is asked for while the carrier is, and may come first.
      this.#events = this.#events.filter((e) => e.call === null && e.at > event.at - 1);
      this.#requests = this.#requests.filter((r) => r.to === null || r.to > event.at);
      $('log').replaceChildren();
    }
    this.#events.push(event);
    if (this.#call !== null) $('log').append(this.#line(event));
    this.#stale = true;
  }

  /** Takes a request of the agent, when it begins and when it ends. */
  request(request) {
    if (!this.#requests.includes(request)) this.#requests.push(request);
    this.#stale = true;
  }

  #first(fits) {
    return this.#events.find(fits);
  }

  #dialled() {
    return this.#first((e) => e.call !== null)?.at ?? 0;
  }

  #over() {
    return this.#events.findLast((e) => e.kind === 'state' && e.over);
  }

  #isRunning() {
    return this.#call !== null && !this.#over();
  }

  #line(event) {
    const item = make('li');
    item.append(make('time', '', `${(event.at - this.#dialled()).toFixed(3)} s`), ` ${inWords(event)}`);
    return item;
  }

  #draw() {
    if (this.#call === null) return;
    this.#stale = false;
    $('no-call').hidden = true;
    $('chart').hidden = false;
    const origin = Math.min(this.#dialled(), ...this.#requests.map((r) => r.from));
    const last = Math.max(...this.#events.map((e) => e.at), ...this.#requests.map((r) => r.to ?? 0));
    const running = this.#isRunning();
    const end = running ? Math.max(last, this.now()) + 0.6 : last;
    const width = $('scroll').clientWidth - 2 - LEFT - (running ? 0 : LABELS);
    const scale = Math.max(running ? LEAST_SCALE : LEAST_SCALE_OVER, width / Math.max(LEAST_SPAN, end - origin));
    const span = Math.max(LEAST_SPAN, end - origin + (running ? 0 : LABELS / scale));
    const drawing = new Drawing(origin, scale, span, end);
    this.#drawAxis(drawing, span);
    this.#drawRequests(drawing);
    this.#drawStates(drawing);
    this.#drawAgent(drawing);
    this.#drawPerson(drawing);
    this.#drawWire(drawing);
    this.#drawLatencies(drawing);
    $('scroll').replaceChildren(drawing.svg);
    if (this.#follows && running) $('scroll').scrollLeft = drawing.x(end) - $('scroll').clientWidth + 40;
  }

  #drawAxis(drawing, span) {
    const height = AXIS + LANES.length * LANE;
    LANES.forEach((_, n) => n % 2 === 0 && drawing.add('rect', { x: 0, y: AXIS + n * LANE, width: '100%', height: LANE, class: 'stripe' }));
    for (let second = 0; second <= span; second++) {
      const x = drawing.x(drawing.origin + second);
      drawing.add('line', { x1: x, x2: x, y1: AXIS - 6, y2: height, class: second % 5 ? 'grid' : 'grid five' });
      if (drawing.scale > 36 || second % 5 === 0) drawing.text(x + 3, AXIS - 11, `${second} s`, 'axis');
    }
    if (this.#isRunning()) {
      const x = drawing.x(this.now());
      drawing.add('line', { x1: x, x2: x, y1: AXIS - 6, y2: height, class: 'now' });
    }
  }

  #drawRequests(drawing) {
    for (const { verb, from, to, status } of this.#requests) {
      const label = to === null ? `${verb} …` : `${verb} → ${status ?? 'none'}`;
      drawing.bar('request', from, to ?? this.now(), `request${status >= 400 ? ' bad' : ''}`, label);
    }
  }

  #drawStates(drawing) {
    const states = this.#events.filter((e) => e.kind === 'state');
    const spans = [{ at: this.#dialled(), state: 'dialled' }, ...states];
    spans.forEach(({ at, state, over }, n) => {
      if (over) return;
      const until = spans[n + 1]?.at ?? this.now();
      const label = { dialled: 'dial', ringing: 'rings', 'in-progress': 'on the line' }[state] ?? state;
      drawing.bar('state', at, until, `state ${state}`, label);
    });
    const over = this.#over();
    if (over) {
      const hung = this.#events.findLast((e) => e.kind === 'hung-up');
      const who = { person: 'you', server: 'agent', carrier: 'carrier' }[hung?.by];
      drawing.tick('state', over.at, 'end');
      const label = drawing.text(drawing.x(over.at) - 7, MIDDLE.state + 4, `${over.state}${who ? `, by ${who}` : ''}`, 'label state');
      label.setAttribute('text-anchor', 'end');
    }
  }

  /** What was sent and what was heard of it, with marks and clears. */
  #drawAgent(drawing) {
    let heard = null;
    let sent = null;
    const finish = (at) => {
      if (heard !== null) drawing.bar('heard', heard, at, 'heard', '');
      if (sent) drawing.bar('sent', sent.from, Math.max(sent.to, sent.from + 0.05), 'sent', '');
      heard = null;
      sent = null;
    };
    for (const event of this.#events) {
      if (event.kind === 'agent-audible') {
        heard = event.at;
        sent ??= { from: event.at, to: event.at };
      } else if (event.kind === 'mark-set') {
        sent ??= { from: event.at, to: event.at };
        sent.to = event.at;
      } else if (event.kind === 'agent-quiet') finish(event.at);
    }
    if (heard !== null) finish(this.now());
    for (const event of this.#events) {
      if (event.kind === 'mark-set') drawing.tick('sent', event.at, 'mark');
      if (event.kind === 'mark-returned' && event.played) drawing.tick('heard', event.at, 'mark');
      if (event.kind === 'cleared' && event.dropped > 0) {
        const x = drawing.x(event.at);
        drawing.add('line', { x1: x, x2: x, y1: MIDDLE.sent - LANE / 2 + 4, y2: MIDDLE.ears + LANE / 2 - 4, class: 'clear' });
        drawing.text(x + 5, MIDDLE.heard + 5, `cleared, ${event.dropped.toFixed(1)} s unheard`, 'cleared');
      }
    }
    const made = this.#events.filter((e) => e.kind === 'speech-began');
    for (const event of made) drawing.tick('sent', event.at, 'made');
  }

  #drawPerson(drawing) {
    let says = null;
    let hears = null;
    for (const event of this.#events) {
      if (event.kind === 'person-says') says = event;
      if (event.kind === 'person-said' && says) {
        drawing.bar('person', says.at, event.at, 'person', event.text);
        says = null;
      }
      if (event.kind === 'person-hesitates') drawing.bar('person', event.at, event.at + event.length, 'person hesitation', '');
      if (event.kind === 'person-presses') drawing.tick('person', event.at, 'key', event.key);
      if (event.kind !== 'hearing') continue;
      if (event.what === 'speech-started') hears = event.at;
      if (event.what === 'speech-stopped' && hears !== null) {
        const words = this.#first((e) => e.at >= event.at && e.kind === 'hearing' && e.what === 'transcript');
        drawing.bar('ears', hears, event.at, 'ears', words ? words.text || 'no words' : '');
        hears = null;
      }
      if (event.what === 'transcript') drawing.tick('ears', event.at, 'words');
    }
    if (says) drawing.bar('person', says.at, this.now(), 'person', says.text);
    if (hears !== null) drawing.bar('ears', hears, this.#isRunning() ? this.now() : this.#over().at, 'ears', '');
  }

  #drawWire(drawing) {
    // Where the last label of each of two rows ends.
    const ends = [-9, -9];
    for (const event of this.#events) {
      const name = { callback: HOOKS[event.name], twiml: 'twiml', rest: REST[event.verb] }[event.kind];
      if (!name) continue;
      const x = drawing.x(event.at);
      const kind = `wire ${event.kind}${event.status >= 200 && event.status < 300 ? '' : ' bad'}`;
      drawing.dot('wire', event.at, kind, `${inWords(event)}`);
      const row = ends.findIndex((taken) => taken < x - 4);
      if (row < 0) continue;
      const label = drawing.text(x + 5, MIDDLE.wire + (row ? 16 : -9), name, 'small');
      ends[row] = x + 8 + label.textContent.length * 6.4;
    }
  }

  /** The waits that a caller notices, as `{name, from, to}`. */
  #waits() {
    const waits = [];
    const of = (fits) => this.#events.filter(fits);
    const wait = (name, from, to) => from !== undefined && to !== undefined && to >= from && waits.push({ name, from, to });
    const before = (at, fits) => this.#events.findLast((e) => e.at <= at && fits(e))?.at;
    const after = (at, fits) => this.#events.find((e) => e.at >= at && fits(e))?.at;
    const rings = this.#first((e) => e.kind === 'state' && e.state === 'ringing')?.at;
    wait('request → it rings', this.#requests.find((r) => r.verb === 'call')?.from, rings);
    const answered = this.#first((e) => e.kind === 'state' && e.state === 'in-progress')?.at;
    if (answered !== undefined) wait('picked up → agent heard', answered, after(answered, (e) => e.kind === 'agent-audible'));
    for (const { at } of of((e) => e.kind === 'cleared' && e.dropped > 0)) {
      wait('speech noticed → agent silent', before(at, (e) => e.kind === 'hearing' && e.what === 'speech-started'), at);
    }
    for (const { verb, to, status } of this.#requests) {
      if (verb === 'speak' || verb === 'end' || status !== 200) continue;
      wait('you have spoken → agent has the words', before(to, (e) => e.kind === 'person-said'), to);
    }
    const hung = this.#first((e) => e.kind === 'hung-up' && e.by === 'server')?.at;
    if (hung !== undefined && answered !== undefined) wait('goodbye heard → hung up', before(hung, (e) => e.kind === 'agent-quiet'), hung);
    return waits;
  }

  #drawLatencies(drawing) {
    const waits = this.#waits();
    for (const { from, to } of waits) drawing.bar('took', from, to, 'took', millis(to - from), true);
    // The last of each kind.
    const shown = new Map(waits.map((w) => [w.name, w]));
    $('latencies').replaceChildren(
      ...[...shown.values()].map(({ name, from, to }) => {
        const group = make('div');
        group.append(make('dt', '', name), make('dd', '', millis(to - from)));
        return group;
      }),
    );
  }
}

function millis(seconds) {
  if (seconds < 0.0095) return `${Math.max(0.1, seconds * 1000).toFixed(1)} ms`;
  return seconds < 0.995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

/** An SVG in which a second has `scale` pixels. */
class Drawing {
  constructor(origin, scale, span, end) {
    Object.assign(this, { origin, scale, end });
    this.svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    this.svg.setAttribute('width', LEFT + Math.ceil(span * scale));
    this.svg.setAttribute('height', AXIS + LANES.length * LANE);
  }

  x(at) {
    return LEFT + Math.round((at - this.origin) * this.scale * 10) / 10;
  }

  add(tag, attributes, text = null) {
    const element = document.createElementNS(this.svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== null) element.textContent = text;
    this.svg.append(element);
    return element;
  }

  text(x, y, text, kind) {
    return this.add('text', { x, y, class: kind }, text);
  }

  /** A stretch of time. Its label stands in it if it fits, or beside it if `beside`. */
  bar(lane, from, to, kind, label, beside = false) {
    const [x, width] = [this.x(from), Math.max(2, this.x(to) - this.x(from))];
    const half = lane === 'took' ? 3 : 11;
    const bar = this.add('rect', { x, y: MIDDLE[lane] - half, width, height: half * 2, rx: Math.min(5, width / 2), class: `bar ${kind}` });
    if (!label) return;
    bar.append(Object.assign(document.createElementNS(this.svg.namespaceURI, 'title'), { textContent: label }));
    if (beside) {
      this.text(x, MIDDLE[lane] + 17, label, 'small');
      return;
    }
    const fits = Math.floor((width - 10) / 5.7);
    if (fits >= 3) this.text(x + 7, MIDDLE[lane] + 4, label.length > fits ? `${label.slice(0, fits - 1)}…` : label, `label ${kind}`);
  }

  /** A moment. */
  tick(lane, at, kind, label = '') {
    const x = this.x(at);
    this.add('line', { x1: x, x2: x, y1: MIDDLE[lane] - 14, y2: MIDDLE[lane] + 14, class: `tick ${kind}` });
    if (label) this.text(x + 5, MIDDLE[lane] + 4, label.length > 44 ? `${label.slice(0, 43)}…` : label, `small ${kind}`);
  }

  dot(lane, at, kind, title) {
    const dot = this.add('circle', { cx: this.x(at), cy: MIDDLE[lane], r: 4.5, class: `dot ${kind}` });
    dot.append(Object.assign(document.createElementNS(this.svg.namespaceURI, 'title'), { textContent: title }));
  }
}
