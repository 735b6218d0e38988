// What the timeline is drawn with: lanes, and stretches and moments in them, to scale.

/** Pixels before its beginning. */
export const LEFT = 6;
/** The axis above the lanes, and a lane. */
export const AXIS = 26;
export const LANE = 44;

export const LANES = [
  ['request', 'Agent asks'],
  ['state', 'Phone'],
  ['sent', 'Agent, sent'],
  ['heard', 'Agent, heard'],
  ['person', 'You'],
  ['ears', 'Recognised'],
  ['text', 'WhatsApp'],
  ['wire', 'Webhooks'],
  ['took', 'It took'],
];
export const MIDDLE = Object.fromEntries(LANES.map(([lane], n) => [lane, AXIS + n * LANE + LANE / 2]));

/** Characters of a text beside a moment. */
const LONGEST = 44;

/** An SVG in which a second has `scale` pixels. */
export class Drawing {
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

  /** A stretch of time. Its label stands in it if it fits, or beside it if `beside`; `row` is the part of the lane it has. */
  bar(lane, from, to, kind, label, { beside = false, row = 'whole' } = {}) {
    const [x, width] = [this.x(from), Math.max(2, this.x(to) - this.x(from))];
    const middle = MIDDLE[lane] + { upper: -10, whole: 0, lower: 10 }[row];
    const half = lane === 'took' ? 3 : row === 'whole' ? 11 : 9;
    const bar = this.add('rect', { x, y: middle - half, width, height: half * 2, rx: Math.min(5, width / 2), class: `bar ${kind}` });
    if (!label) return;
    bar.append(Object.assign(document.createElementNS(this.svg.namespaceURI, 'title'), { textContent: label }));
    if (beside) {
      this.text(x, MIDDLE[lane] + 17, label, 'small');
      return;
    }
    const fits = Math.floor((width - 10) / 5.7);
    if (fits >= 3) this.text(x + 7, middle + 4, label.length > fits ? `${label.slice(0, fits - 1)}…` : label, `label ${kind}`);
  }

  /** A text of the agent's: its way to the phone, and until it was read. */
  letter(sent, arrived, read, text) {
    const [x, y] = [this.x(sent), MIDDLE.text - 12];
    const bar = this.add('rect', { x, y: y - 5, width: Math.max(2, this.x(arrived) - x), height: 11, rx: 5, class: 'bar text' });
    bar.append(Object.assign(document.createElementNS(this.svg.namespaceURI, 'title'), { textContent: text }));
    if (read !== undefined) this.add('line', { x1: this.x(arrived), x2: this.x(read), y1: y + 9, y2: y + 9, class: 'unread' });
  }

  /** Words beside a moment, as many as fit before another. */
  label(at, until, y, text, kind) {
    const fits = until === undefined ? LONGEST : Math.min(LONGEST, Math.floor((this.x(until) - this.x(at) - 12) / 6));
    if (fits >= 3) this.text(this.x(at) + 6, y, shortened(text, fits), kind);
  }

  /** A moment. */
  tick(lane, at, kind, label = '') {
    const x = this.x(at);
    this.add('line', { x1: x, x2: x, y1: MIDDLE[lane] - 14, y2: MIDDLE[lane] + 14, class: `tick ${kind}` });
    if (label) this.text(x + 5, MIDDLE[lane] + 4, shortened(label), `small ${kind}`);
  }

  dot(lane, at, kind, title) {
    const dot = this.add('circle', { cx: this.x(at), cy: MIDDLE[lane], r: 4.5, class: `dot ${kind}` });
    dot.append(Object.assign(document.createElementNS(this.svg.namespaceURI, 'title'), { textContent: title }));
  }
}

/** As much of a text as may stand beside a moment, in one line. */
function shortened(text, longest = LONGEST) {
  const line = text.replace(/\s+/g, ' ');
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
