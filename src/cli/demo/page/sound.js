// The call's sound: µ-law frames in, sound out; and the ring.

/** What the telephone carries; the audio context runs at the same rate, so frames join without a seam. */
const RATE = 8000;
/** How far behind the phone the page plays, in seconds: frames may be late by as much without a gap. */
const LEAD = 0.12;
/** From one ring to the next, in seconds. */
const RING = 3;

/** G.711 µ-law as linear samples from -1 to 1. */
const LINEAR = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return (bits & 0x80 ? -magnitude : magnitude) / 32768;
});

export class Line {
  #context = null;
  #voice = null;
  #ringer = null;
  #meter = null;
  #playing = new Set();
  /** When the next frame is due, in the context's time; 0 when nothing plays. */
  #next = 0;
  #ringing = null;
  #muted = false;

  /** Makes sound possible. Browsers allow it only in answer to a click or a key. */
  wake() {
    if (!this.#context) {
      this.#context = new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
      this.#meter = new AnalyserNode(this.#context, { fftSize: 256 });
      this.#voice = new GainNode(this.#context, { gain: this.#muted ? 0 : 1 });
      this.#ringer = new GainNode(this.#context, { gain: 0.25 });
      this.#meter.connect(this.#voice).connect(this.#context.destination);
      this.#ringer.connect(this.#context.destination);
    }
    this.#context.resume();
  }

  get isAwake() {
    return this.#context?.state === 'running';
  }

  /** Plays a frame after those before it. */
  frame(ulaw) {
    // What cannot be heard now is not kept for later: it is a telephone.
    if (!this.isAwake || ulaw.length === 0) return;
    const buffer = this.#context.createBuffer(1, ulaw.length, RATE);
    const samples = buffer.getChannelData(0);
    for (let n = 0; n < ulaw.length; n++) samples[n] = LINEAR[ulaw[n]];
    const now = this.#context.currentTime;
    // On whole samples, so that no frame is interpolated.
    if (this.#next < now) this.#next = Math.ceil((now + LEAD) * RATE) / RATE;
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#meter);
    source.onended = () => this.#playing.delete(source);
    source.start(this.#next);
    this.#playing.add(source);
    this.#next = Math.round(this.#next * RATE + ulaw.length) / RATE;
  }

  /** Drops what has not been played. */
  cut() {
    for (const source of this.#playing) source.stop();
    this.#playing.clear();
    this.#next = 0;
  }

  set muted(muted) {
    this.#muted = muted;
    if (this.#voice) this.#voice.gain.value = muted ? 0 : 1;
  }

  /** Rings until it is told to stop. */
  startRinging() {
    if (this.#ringing !== null) return;
    let next = 0;
    const ring = () => {
      // A context may take a second to wake.
      if (!this.isAwake || this.#context.currentTime < next) return;
      const now = this.#context.currentTime + 0.02;
      next = now + RING;
      [659, 784, 988, 784, 659, 784, 988].forEach((tone, n) => this.#strike(tone, now + n * 0.16));
    };
    ring();
    this.#ringing = setInterval(ring, 100);
  }

  stopRinging() {
    clearInterval(this.#ringing);
    this.#ringing = null;
    if (!this.#context) return;
    // The strikes that were planned hang on the old one.
    this.#ringer.disconnect();
    this.#ringer = new GainNode(this.#context, { gain: 0.25 });
    this.#ringer.connect(this.#context.destination);
  }

  /** Says that a text has come, where that can be heard. */
  chime() {
    if (!this.isAwake) return;
    const now = this.#context.currentTime + 0.02;
    [988, 1319].forEach((tone, n) => this.#strike(tone, now + n * 0.12));
  }

  /** One stroke of a small bell. */
  #strike(tone, at) {
    for (const [partial, loud, decay] of [[1, 0.5, 0.5], [2.76, 0.16, 0.2]]) {
      const gain = new GainNode(this.#context, { gain: 0 });
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(loud, at + 0.008);
      gain.gain.exponentialRampToValueAtTime(0.0005, at + decay);
      const bell = new OscillatorNode(this.#context, { frequency: tone * partial });
      bell.connect(gain).connect(this.#ringer);
      bell.start(at);
      bell.stop(at + decay);
    }
  }

  /** The wave as it is heard now, 128 values from -1 to 1; null when nothing plays. */
  wave() {
    if (!this.#meter || this.#playing.size === 0) return null;
    const wave = new Float32Array(128);
    this.#meter.getFloatTimeDomainData(wave);
    return wave;
  }
}
