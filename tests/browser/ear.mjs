// What the page plays, taken from its loudspeaker, and compared with what the voice said.

/** The rate of everything here. */
export const RATE = 8000;

/**
 * Runs in the page before its scripts: whatever is connected to an audio context's output is also recorded.
 * The page knows nothing of it.
 */
export function listen() {
  const ear = (window.ear = { rate: 0, pieces: [] });
  const connect = AudioNode.prototype.connect;
  const taps = new Map();
  AudioNode.prototype.connect = function (to, ...rest) {
    const connected = connect.call(this, to, ...rest);
    if (to instanceof AudioDestinationNode) {
      const context = to.context;
      if (!taps.has(context)) {
        // Half a second: the page's thread may be busy for as long without a loss.
        const tap = context.createScriptProcessor(4096, 1, 1);
        tap.onaudioprocess = ({ inputBuffer }) => ear.pieces.push(Float32Array.from(inputBuffer.getChannelData(0)));
        connect.call(tap, to);
        taps.set(context, tap);
        ear.rate = context.sampleRate;
      }
      connect.call(this, taps.get(context));
    }
    return connected;
  };
}

/** Everything heard since the last time. Waits until what has just been played has come through. */
export async function take(page) {
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1300)));
  const { rate, base64 } = await page.evaluate(() => {
    const pieces = window.ear.pieces.splice(0);
    const samples = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) for (const sample of piece) samples[at++] = Math.max(-1, Math.min(1, sample)) * 32767;
    const bytes = new Uint8Array(samples.buffer);
    let text = '';
    for (let n = 0; n < bytes.length; n += 8192) text += String.fromCharCode(...bytes.subarray(n, n + 8192));
    return { rate: window.ear.rate, base64: btoa(text) };
  });
  if (base64 && rate !== RATE) throw new Error(`the page plays at ${rate} Hz, this ear hears ${RATE}`);
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 2 }, (_, n) => bytes.readInt16LE(n * 2) / 32768);
}

/** How the agent's voice says this, brought to the rate of the telephone. */
export async function voice(address, text) {
  const response = await fetch(`${address}/demo/voice?text=${encodeURIComponent(text)}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const samples = Float32Array.from({ length: bytes.length / 2 }, (_, n) => bytes.readInt16LE(n * 2) / 32768);
  // Low pass at 3.6 kHz, then every third sample.
  const half = 48;
  const taps = Array.from({ length: 2 * half + 1 }, (_, n) => {
    const x = n - half;
    const sinc = x === 0 ? 0.3 : Math.sin(0.3 * Math.PI * x) / (Math.PI * x);
    return sinc * (0.54 + 0.46 * Math.cos((Math.PI * x) / half));
  });
  return Float32Array.from({ length: Math.floor(samples.length / 3) }, (_, n) => taps.reduce((sum, tap, k) => sum + tap * (samples[3 * n + k - half] ?? 0), 0));
}

const PIECE = RATE / 4;

/** Loudness, root mean square. */
export function loudness(samples) {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / Math.max(1, samples.length));
}

/** Without the silence before and after, so that there is less to search. */
function withoutSilence(samples) {
  const from = samples.findIndex((x) => Math.abs(x) > 0.003);
  const to = samples.findLastIndex((x) => Math.abs(x) > 0.003);
  return samples.slice(Math.max(0, from - RATE / 2), to + RATE / 2);
}

/** How alike two stretches are, from -1 to 1. */
function likeness(a, aFrom, b, bFrom, length) {
  let [ab, aa, bb] = [0, 0, 0];
  for (let n = 0; n < length; n++) {
    const at = aFrom + n;
    const x = at >= 0 && at < a.length ? a[at] : 0;
    const y = b[bFrom + n];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
}

/**
 * Looks for what was said in what was heard, a quarter of a second at a time.
 *
 * `share` of the loud pieces were there at one and the same delay; `until` is where the last of them ends, in seconds of the speech;
 * `spread` is by how many milliseconds their delays differ: a gap in the playing, or a piece out of order, would be seen there.
 */
export function compare(loudspeaker, said) {
  const heard = withoutSilence(loudspeaker);
  const pieces = [];
  for (let at = 0; at + PIECE <= said.length; at += PIECE) {
    const loud = loudness(said.subarray(at, at + PIECE));
    if (loud > 0.01) pieces.push({ at, loud });
  }
  // Where the first piece is found decides where everything else must be.
  const first = pieces[0].at;
  let delay = 0;
  let best = -1;
  for (let at = -first; at + first + PIECE <= heard.length; at++) {
    const like = likeness(heard, first + at, said, first, PIECE);
    if (like > best) [best, delay] = [like, at];
  }
  const found = pieces.map(({ at }) => {
    let there = { at, like: -1, delay };
    for (let shift = -160; shift <= 160; shift++) {
      const like = likeness(heard, at + delay + shift, said, at, PIECE);
      if (like > there.like) there = { at, like, delay: delay + shift };
    }
    return there;
  });
  // A frame of the twelve in a piece that is lost takes the likeness below this.
  const good = found.filter(({ like }) => like > 0.97);
  const delays = good.map((piece) => piece.delay);
  return {
    share: good.length / pieces.length,
    until: good.length ? (good.at(-1).at + PIECE) / RATE : 0,
    spread: good.length ? ((Math.max(...delays) - Math.min(...delays)) / RATE) * 1000 : 0,
    length: said.length / RATE,
    likeness: found.map(({ like }) => Number(like.toFixed(3))),
  };
}
