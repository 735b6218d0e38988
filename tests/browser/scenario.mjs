// A whole conversation on the page, as its two people would have it.

import assert from 'node:assert/strict';
import { compare, loudness, take, voice } from './ear.mjs';
import { isWhole } from './ear_check.mjs';
import { answerInWriting, write } from './texts.mjs';

export const QUESTION = 'Hello, this is your build agent. All tests are green. Shall I deploy the release now?';
export const ANSWER = 'Yes, but wait until the backup has finished.';
export const PLAN =
  'Understood, I will wait for the backup. After that I will deploy the release to every server in the European region, one after the other.';
export const INTERRUPTION = 'Stop. Only the first server, please.';
export const NOTE = 'All right. Only the first server, then.';
export const LATER = 'Later, I am in a meeting.';
export const GOODBYE = 'Thank you for your time. Goodbye.';

/** The page as a person works with it. */
export class Hands {
  constructor({ page, answers }, address) {
    Object.assign(this, { page, answers, address });
  }

  state(state) {
    return this.page.waitForSelector(`#device[data-state="${state}"]`, { timeout: 60_000 });
  }

  /** The agent says this by a button. */
  async agent(verb, text = null) {
    if (text !== null) {
      await this.page.$eval('#message', (box) => (box.value = ''));
      await this.page.type('#message', text);
    }
    await this.page.click(`#ask button[data-verb="${verb}"]`);
  }

  /** The agent is heard, or is quiet again. */
  async heard(is) {
    await this.page.waitForSelector(is ? '#device.heard' : '#device:not(.heard)', { timeout: 30_000 });
  }

  async reply(text, options = {}) {
    await this.page.type('#words', text, options);
    await this.page.keyboard.press('Enter');
  }

  /** How many answers are shown. */
  answered() {
    return this.page.$$eval('.exchange:not(.waiting)', (all) => all.length);
  }

  /** The `n`th answer, counted from 1: what is shown of it, which must be what came. */
  async answer(n) {
    await this.page.waitForFunction((n) => document.querySelectorAll('.exchange:not(.waiting)').length >= n, { timeout: 40_000 }, n);
    const shown = await this.page.$$eval('.exchange', (all, n) => {
      const item = all[all.length - n];
      return { status: item.querySelector('.status').textContent, json: item.querySelector('.answer').textContent, time: item.querySelector('.time').textContent };
    }, n);
    const json = JSON.parse(shown.json);
    const came = await Promise.all(this.answers.map(async ({ status, json }) => ({ status, json: await json })));
    assert.ok(
      came.some((answer) => String(answer.status) === shown.status && JSON.stringify(answer.json) === JSON.stringify(json)),
      `the box shows an answer that came: ${shown.json}, of ${JSON.stringify(came)}`,
    );
    assert.match(shown.time, /^[\d.]+ m?s$/);
    return { status: Number(shown.status), json };
  }

  /** What the loudspeaker played must have been this, whole and without a gap. */
  async hears(text) {
    const likeness = compare(await take(this.page), await voice(this.address, text));
    assert.ok(isWhole(likeness), `${JSON.stringify(text)} is heard whole and without a gap: ${JSON.stringify(likeness)}`);
    return likeness;
  }

  count(kind, more = {}) {
    return this.page.evaluate((kind, more) => window.story.filter((e) => e.kind === kind && Object.entries(more).every(([k, v]) => e[k] === v)).length, kind, more);
  }
}

/** A browser may take seconds to open its loudspeaker for the first time; it rings for longer than that. */
async function hearsRinging(page) {
  let loudest = 0;
  for (let piece = 0; piece < 6 && loudest < 0.005; piece++) loudest = Math.max(loudest, loudness(await take(page)));
  assert.ok(loudest > 0.005, `it rings aloud: ${loudest}`);
}

/** The conversation, up to a phone that is left to ring; gives what remains to wait for. */
export async function converse(opened, address, tell) {
  const { page, complaints } = opened;
  const hands = new Hands(opened, address);

  // Ring.
  assert.equal(await page.$eval('#message', (box) => box.value), QUESTION, 'the first message is there already');
  await hands.agent('call');
  await hands.state('ringing');
  await hearsRinging(page);
  tell('rings');

  // Answer by key, and hear.
  await page.keyboard.press('a');
  await hands.state('talking');
  await hands.heard(true);
  await hands.heard(false);
  const question = await hands.hears(QUESTION);
  tell(`hears the question, likeness ${Math.min(...question.likeness)} or better`);

  // Reply by typing.
  await hands.reply(ANSWER);
  const first = await hands.answer(1);
  assert.deepEqual([first.status, first.json.response, first.json.interrupted], [200, ANSWER, false]);
  assert.equal(first.json.outcome.messageHeard, 'full');
  tell('replies');

  // Second turn, interrupted by beginning to type.
  await take(page);
  await hands.agent('continue', PLAN);
  await hands.heard(true);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1500)));
  await page.type('#words', INTERRUPTION.slice(0, 3));
  await hands.heard(false);
  const cut = compare(await take(page), await voice(address, PLAN));
  assert.ok(cut.until > 0.9 && cut.until < cut.length - 2, `the plan is heard in part: ${JSON.stringify(cut)}`);
  await page.waitForSelector('.talk .cut');
  assert.equal(await page.$$eval('.exchange.waiting', (all) => all.length), 1, 'a hesitation is no reply');
  await hands.reply(INTERRUPTION.slice(3));
  const second = await hands.answer(2);
  assert.deepEqual([second.status, second.json.response, second.json.interrupted], [200, INTERRUPTION, true]);
  assert.equal(second.json.outcome.messageHeard, 'partial');
  assert.ok(PLAN.startsWith(second.json.outcome.heardText), second.json.outcome.heardText);
  tell(`interrupts after ${cut.until} s of ${cut.length.toFixed(1)} s`);

  // Only said; a key pressed; and the end, heard to its end.
  await hands.agent('speak', NOTE);
  const third = await hands.answer(3);
  assert.deepEqual([third.status, third.json.interrupted], [200, false]);
  await hands.hears(NOTE);
  await page.click('#keys');
  await page.click('#keypad button:nth-child(5)');
  await page.waitForFunction(() => window.story.some((e) => e.kind === 'person-presses' && e.key === '5'));
  await hands.agent('end', GOODBYE);
  await hands.state('over');
  const fourth = await hands.answer(4);
  assert.equal(fourth.status, 200);
  assert.ok(fourth.json.durationSeconds > 5, JSON.stringify(fourth.json));
  await hands.hears(GOODBYE);
  assert.match(await page.$eval('#phone-state', (line) => line.textContent), /agent hung up/);
  tell('speaks, presses a key, ends');

  // The timeline shows it, to scale.
  const drawn = await page.$$eval('#scroll rect.bar.heard', (bars) => bars.map((bar) => Number(bar.getAttribute('width'))));
  assert.equal(drawn.length, 4, 'four stretches were heard');
  const scale = drawn[0] / question.length;
  assert.ok(Math.abs(drawn[2] / scale - (await voice(address, NOTE)).length / 8000) < 0.3, `the lengths are to one scale: ${drawn}`);
  assert.equal(await page.$$eval('#scroll line.clear', (lines) => lines.length), 1);
  assert.equal(await page.$$eval('#latencies dt', (names) => names.length), 5);
  tell('draws the call');

  // Decline, and go on in writing.
  await write(hands, tell);

  // Let it ring.
  await hands.agent('call', QUESTION);
  await hands.state('ringing');
  await page.click('#let-ring');
  await take(page);
  assert.ok(loudness(await take(page)) < 0.0005, 'it rings on in silence');
  const rangOut = async () => {
    await hands.state('over');
    assert.match(await page.$eval('#phone-state', (line) => line.textContent), /Missed/);
    const last = await answerInWriting(hands, QUESTION, LATER);
    assert.deepEqual([last.status, last.json.response, last.json.outcome.dial], [200, LATER, 'no-answer']);
    assert.equal(await hands.count('rest', { verb: 'dial' }), 4, 'what rings out is not rung again');
    assert.equal(await hands.count('violation'), 0, 'the server keeps to the wire');
    assert.deepEqual(complaints, [], 'the page has nothing to complain about');
    tell('lets it ring, and answers in writing');
  };
  return rangOut;
}
