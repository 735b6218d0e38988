// The ear is tried on broken sound first: what it cannot notice it must not promise.

import assert from 'node:assert/strict';
import { RATE, compare } from './ear.mjs';

const FRAME = RATE / 50;

export function checkEar() {
  // Something that sounds different everywhere, as speech does.
  const said = Float32Array.from({ length: 2 * RATE }, (_, n) => 0.3 * Math.sin((n * n) / 9e3 + 3 * Math.sin(n / 77)));
  const played = new Float32Array(4 * RATE);
  played.set(said, RATE + 33);
  const broken = (change) => {
    const copy = played.slice();
    change(copy);
    return isWhole(compare(copy, said));
  };
  const at = RATE + 33 + 52 * FRAME;
  assert.ok(broken(() => {}), 'whole sound is found');
  assert.ok(broken((sound) => sound.set(sound.map((x) => x * 0.5))), 'loudness does not matter');
  assert.ok(!broken((sound) => sound.fill(0, at, at + FRAME)), 'a lost frame is noticed');
  assert.ok(!broken((sound) => sound.copyWithin(at + FRAME, at)), 'a frame played twice is noticed');
  assert.ok(!broken((sound) => sound.copyWithin(at, at + FRAME)), 'a frame left out is noticed');
  assert.ok(!broken((sound) => sound.fill(0, RATE + 33 + 1.5 * RATE)), 'a missing end is noticed');
}

/** Every piece is there, and all at the same delay. */
export function isWhole({ share, spread }) {
  return share === 1 && spread < 3;
}
