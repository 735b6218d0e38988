// The latest story, a call or texts or both, drawn to scale: one lane for each who acts, time from left to right.

import { AXIS, Drawing, LEFT, LANE, LANES, MIDDLE } from './drawing.js';
import { make } from './element.js';
import { inWords } from './words.js';

const $ = (id) => document.getElementById(id);

/** Pixels in a second, at least; a longer call scrolls. One that is over may be looked at as a whole. */
const LEAST_SCALE = 44;
const LEAST_SCALE_OVER = 24;
/** Pixels after the end of a call, for the labels of its last moment. */
const LABELS = 64;
/** Pixels of a whole story, at most: who is written to may take an hour. */
const MOST_PIXELS = 16_000;
/** A call that has just begun is drawn into this many seconds. */
const LEAST_SPAN = 14;

const REST = { dial: 'dial', 'hang up': 'hang up', redirect: 'redirect', 'send message': 'send' };
const HOOKS = { initiated: 'initiated', ringing: 'ringing', answered: 'answered', completed: 'completed', amd: 'who answered' };
const TEXT_HOOKS = { onMessageAdded: 'text', message: 'text', onDeliveryUpdated: 'receipt' };

export class Timeline {
  /** Of the latest story; what belongs to no call counts for the one it falls into. */
  #events = [];
  #requests = [];
  /** When the story began; null before the first. */
  #zero = null;
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
      if (!this.#goesOn()) this.#begin(event.at);
      this.#call = event.call;
    } else if (event.kind === 'text-sent' && this.#zero === null) this.#begin(event.at);
    this.#events.push(event);
    if (this.#zero !== null) $('log').append(this.#line(event));
    this.#stale = true;
  }

  /** Takes a request of the agent, when it begins and when it ends. */
  request(request) {
    if (!this.#requests.includes(request)) {
      // What others asked in an earlier story is none of this one.
      if (request.isElsewhere && this.#zero !== null && request.to !== null && request.to < this.#zero) return;
      if (request.verb === 'message' && !request.isElsewhere) this.#begin(request.from);
      this.#requests.push(request);
    }
    this.#stale = true;
  }

  #begin(at) {
    this.#zero = at;
    this.#follows = true;
    // Speech is asked for while the carrier is, and may come first.
    this.#events = this.#events.filter((e) => e.call === null && e.at > at - 1);
    this.#requests = this.#requests.filter((r) => r.to === null || r.to > at);
    $('log').replaceChildren();
  }

  /** Whether a new call belongs to the story: a request waits that has been through the one before, or through texts. */
  #goesOn() {
    const over = this.#over()?.at ?? 0;
    return this.#zero !== null && this.#requests.some((r) => r.to === null && (r.verb !== 'call' || r.from < over));
  }

  #first(fits) {
    return this.#events.find(fits);
  }

  #over() {
    return this.#events.findLast((e) => e.kind === 'state' && e.over);
  }

  #isRunning() {
    if (this.#zero === null) return false;
    const states = this.#events.filter((e) => e.call !== null && e.call === this.#call);
    return (states.length > 0 && !states.some((e) => e.kind === 'state' && e.over)) || this.#requests.some((r) => r.to === null);
  }

  #line(event) {
    const item = make('li');
    item.append(make('time', '', `${(event.at - this.#zero).toFixed(3)} s`), ` ${inWords(event)}`);
    return item;
  }

  #draw() {
    if (this.#zero === null) return;
    this.#stale = false;
    $('no-call').hidden = true;
    $('chart').hidden = false;
    const origin = Math.min(this.#zero, ...this.#requests.map((r) => r.from));
    const last = Math.max(...this.#events.map((e) => e.at), ...this.#requests.map((r) => r.to ?? 0));
    const running = this.#isRunning();
    const end = running ? Math.max(last, this.now()) + 0.6 : last;
    const width = $('scroll').clientWidth - 2 - LEFT - (running ? 0 : LABELS);
    const least = Math.min(running ? LEAST_SCALE : LEAST_SCALE_OVER, MOST_PIXELS / (end - origin));
    const scale = Math.max(least, width / Math.max(LEAST_SPAN, end - origin));
    const span = Math.max(LEAST_SPAN, end - origin) + (running ? 0 : LABELS / scale);
    const drawing = new Drawing(origin, scale, span, end);
    this.#drawAxis(drawing, span);
    this.#drawRequests(drawing);
    this.#drawStates(drawing);
    this.#drawAgent(drawing);
    this.#drawPerson(drawing);
    this.#drawTexts(drawing);
    this.#drawWire(drawing);
    this.#drawLatencies(drawing);
    $('scroll').replaceChildren(drawing.svg);
    if (this.#follows && running) $('scroll').scrollLeft = drawing.x(end) - $('scroll').clientWidth + 40;
  }

  #drawAxis(drawing, span) {
    const height = AXIS + LANES.length * LANE;
    LANES.forEach((_, n) => n % 2 === 0 && drawing.add('rect', { x: 0, y: AXIS + n * LANE, width: '100%', height: LANE, class: 'stripe' }));
    const [line, label] = drawing.scale > 36 ? [1, 1] : drawing.scale > 12 ? [1, 5] : [10, 60];
    for (let second = 0; second <= span; second += line) {
      const x = drawing.x(drawing.origin + second);
      drawing.add('line', { x1: x, x2: x, y1: AXIS - 6, y2: height, class: second % (5 * line) ? 'grid' : 'grid five' });
      if (second % label === 0) drawing.text(x + 3, AXIS - 11, `${second} s`, 'axis');
    }
    if (this.#isRunning()) {
      const x = drawing.x(this.now());
      drawing.add('line', { x1: x, x2: x, y1: AXIS - 6, y2: height, class: 'now' });
    }
  }

  #drawRequests(drawing) {
    const until = ({ to }) => to ?? this.now();
    // Those of different sessions may wait at the same time.
    const share = this.#requests.some((a) => this.#requests.some((b) => a !== b && a.from <= b.from && until(a) > b.from));
    let busy = -Infinity;
    for (const request of [...this.#requests].sort((a, b) => a.from - b.from)) {
      const { verb, from, to, status, isElsewhere, words } = request;
      const row = share ? (from < busy ? 'lower' : 'upper') : 'whole';
      if (row !== 'lower') busy = until(request);
      const label = to === null ? `${verb} …` : `${verb} → ${isElsewhere ? words || '?' : (status ?? 'none')}`;
      const kind = isElsewhere ? ' elsewhere' : status >= 400 ? ' bad' : '';
      drawing.bar('request', from, until(request), `request${kind}`, isElsewhere ? `elsewhere: ${label}` : label, { row });
    }
  }

  #drawStates(drawing) {
    const calls = new Set(this.#events.map((e) => e.call).filter((call) => call !== null));
    for (const call of calls) this.#drawCall(drawing, this.#events.filter((e) => e.call === call));
  }

  #drawCall(drawing, events) {
    const states = events.filter((e) => e.kind === 'state');
    const spans = [{ at: events[0].at, state: 'dialled' }, ...states];
    spans.forEach(({ at, state, over }, n) => {
      if (over) return;
      const until = spans[n + 1]?.at ?? this.now();
      const label = { dialled: 'dial', ringing: 'rings', 'in-progress': 'on the line' }[state] ?? state;
      drawing.bar('state', at, until, `state ${state}`, label);
    });
    const over = states.find((e) => e.over);
    if (!over) return;
    const hung = events.findLast((e) => e.kind === 'hung-up');
    const who = { person: 'you', server: 'agent', carrier: 'carrier' }[hung?.by];
    drawing.tick('state', over.at, 'end');
    // What ended in ringing has no room for it on that side.
    const [x, anchor] = over.state === 'completed' ? [-7, 'end'] : [7, 'start'];
    const label = drawing.text(drawing.x(over.at) + x, MIDDLE.state + 4, `${over.state}${who ? `, by ${who}` : ''}`, 'label state');
    label.setAttribute('text-anchor', anchor);
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

  /** Texts: the agent's above, with their way to the phone and the time until they were read; yours below. */
  #drawTexts(drawing) {
    const sent = this.#events.filter((e) => e.kind === 'text-sent');
    const written = this.#events.filter((e) => e.kind === 'person-writes');
    const label = (texts, n, at, y, kind) => drawing.label(at, texts[n + 1]?.at, MIDDLE.text + y, texts[n].text, kind);
    sent.forEach(({ number, at, text }, n) => {
      const of = (kind) => this.#first((e) => e.kind === kind && e.number === number)?.at;
      const arrived = of('text-arrived');
      drawing.letter(at, arrived ?? this.now(), of('text-read'), text);
      if (arrived !== undefined) label(sent, n, arrived, -8, 'small sent-text');
    });
    written.forEach(({ at }, n) => {
      const x = drawing.x(at);
      drawing.add('line', { x1: x, x2: x, y1: MIDDLE.text + 2, y2: MIDDLE.text + 19, class: 'written' });
      label(written, n, at, 15, 'small written');
    });
  }

  #drawWire(drawing) {
    // Where the last label of each of two rows ends.
    const ends = [-9, -9];
    for (const event of this.#events) {
      const name = { callback: HOOKS[event.name], twiml: 'twiml', rest: REST[event.verb], 'text-webhook': TEXT_HOOKS[event.name] }[event.kind];
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
    wait('request → it rings', this.#requests.findLast((r) => r.verb === 'call' && r.from < rings)?.from, rings);
    const answered = this.#first((e) => e.kind === 'state' && e.state === 'in-progress')?.at;
    if (answered !== undefined) wait('picked up → agent heard', answered, after(answered, (e) => e.kind === 'agent-audible'));
    for (const { at } of of((e) => e.kind === 'cleared' && e.dropped > 0)) {
      wait('speech noticed → agent silent', before(at, (e) => e.kind === 'hearing' && e.what === 'speech-started'), at);
    }
    const missed = this.#first((e) => e.kind === 'state' && e.over && e.state !== 'completed')?.at;
    if (missed !== undefined) wait('not picked up → question written', missed, after(missed, (e) => e.kind === 'text-sent'));
    for (const { to, by } of this.#requests) {
      if (by === 'voice') wait('you have spoken → agent has the words', before(to, (e) => e.kind === 'person-said'), to);
      if (by === 'whatsapp') wait('you have written → agent has the words', before(to, (e) => e.kind === 'person-writes'), to);
    }
    const hung = this.#first((e) => e.kind === 'hung-up' && e.by === 'server')?.at;
    if (hung !== undefined && answered !== undefined) wait('goodbye heard → hung up', before(hung, (e) => e.kind === 'agent-quiet'), hung);
    return waits;
  }

  #drawLatencies(drawing) {
    const waits = this.#waits();
    for (const { from, to } of waits) drawing.bar('took', from, to, 'took', millis(to - from), { beside: true });
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
