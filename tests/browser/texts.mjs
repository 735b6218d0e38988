// What happens in WhatsApp when nobody picks up, as the two people would have it.

import assert from 'node:assert/strict';
import { take } from './ear.mjs';

/** Text that would be noticed if it became markup. */
export const REPLY = '<b>Yes</b>, but "wait" & <img src=x onerror="document.title = 1">look\nfirst.';
const MORE = 'The backup has finished. Shall I begin in Europe or in Asia?';
const SPOKEN = 'In Europe please.';
const NEWS = 'It runs in Europe. Which one is next?';
const NEXT = 'Asia.';
const PARTING = 'Understood. Goodbye.';

/** The first thing that fits is seen. */
const seen = (page, selector) => page.waitForSelector(selector, { visible: true, timeout: 30_000 });

const texts = (page) =>
  page.$$eval('#texts li:not(.remark)', (all) =>
    all.map((item) => ({ from: item.className, words: item.querySelector('.words').textContent, ticks: item.querySelector('.ticks')?.className })));

/** Waits until the last text is this one. */
const shows = (page, from, words) =>
  page.waitForFunction(
    (from, words) => {
      const last = document.querySelector('#texts li:last-child');
      return last?.className === from && last.querySelector('.words').textContent.endsWith(words);
    },
    { timeout: 30_000 },
    from,
    words,
  );

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);

const hasFocus = (page, selector) => page.$eval(selector, (element) => element === document.activeElement);

/** Types it where the chat is, a line after the other. */
async function type(page, words) {
  for (const [n, line] of words.split('\n').entries()) {
    if (n) {
      await page.keyboard.down('Shift');
      await page.keyboard.press('Enter');
      await page.keyboard.up('Shift');
    }
    await page.type('#text', line);
  }
  await page.keyboard.press('Enter');
}

/** The question comes in writing and is answered so; gives the answer of the request. */
export async function answerInWriting(hands, question, words) {
  const { page } = hands;
  const before = await hands.answered();
  await shows(page, 'agent', question);
  if (!(await page.$('#chat:not([hidden])'))) await page.click('#whatsapp');
  await seen(page, '#chat');
  await type(page, words);
  return hands.answer(before + 1);
}

/** From a declined call to a text, and back to a call; the session's end in writing. */
export async function write(hands, tell) {
  const { page } = hands;
  const question = await page.$eval('#message', (box) => box.defaultValue);

  // Decline: a notice, a number on the app, and what to do.
  await hands.agent('call', question);
  await hands.state('ringing');
  await page.click('#decline');
  await seen(page, '#notice');
  assert.match(await text(page, '#phone-state'), /declined/);
  assert.ok((await text(page, '#notice-words')).endsWith(question), 'the notice says what was asked');
  assert.equal(await text(page, '#badge'), '1 unread text');
  assert.match(await text(page, '#guide'), /^Nobody picked up: the question went to WhatsApp\. Answer there, or write call me\.$/);
  assert.match(await text(page, '.exchange.waiting .answer'), /delivered/, 'the same request goes on waiting');
  assert.equal(await text(page, '#mode'), 'by WhatsApp');
  tell('declines, and is written to');

  // Open it by key, and answer with what is no markup.
  await page.keyboard.press('w');
  await seen(page, '#chat');
  assert.ok(await hasFocus(page, '#text'), 'whoever opens it can type');
  await page.waitForFunction(() => /read/.test(document.querySelector('.exchange.waiting .answer').textContent));
  assert.equal(await page.$('#notice:not([hidden]), #badge:not([hidden])'), null, 'what is looked at is read');
  assert.equal(await text(page, '#chat-state'), 'WhatsApp, waiting for you');
  const declined = await answerInWriting(hands, question, REPLY);
  assert.deepEqual([declined.status, declined.json.response, declined.json.contactMode], [200, REPLY, 'whatsapp']);
  assert.deepEqual([declined.json.outcome.replyChannel, declined.json.outcome.dial], ['whatsapp', 'no-answer']);
  assert.equal(await text(page, '.exchange .by'), 'replied by WhatsApp');
  await page.waitForSelector('#texts .person .ticks.two.has');
  assert.deepEqual((await texts(page)).map(({ from, words }) => [from, words.endsWith(from === 'agent' ? question : REPLY)]), [['agent', true], ['person', true]]);
  assert.deepEqual([await page.$('#texts b, #texts img, #exchanges b, #exchanges img, #scroll img, #log img'), await page.title()], [null, 'callme demo'], 'a text stays a text');
  assert.equal(await hands.count('rest', { verb: 'dial' }), 2, 'declining rings once');
  tell('answers in writing');

  // The same session: asked again, the person wants to be called; the question is heard.
  await hands.agent('continue', MORE);
  await shows(page, 'agent', MORE);
  await take(page);
  await page.click('#call-me');
  await hands.state('ringing');
  assert.equal(await page.$('#chat:not([hidden])'), null, 'a call comes before everything');
  await page.click('#answer');
  await hands.heard(true);
  await hands.heard(false);
  await hands.hears(MORE);
  await hands.reply(SPOKEN);
  const spoken = await hands.answer(6);
  assert.deepEqual([spoken.status, spoken.json.response, spoken.json.contactMode], [200, SPOKEN, 'voice']);
  assert.equal(await hands.count('rest', { verb: 'dial' }), 3);
  assert.equal(await text(page, '#mode'), 'by voice');
  await page.click('#hang-up');
  await hands.state('over');
  await seen(page, '#chat');
  await shows(page, 'person', 'call me');
  await seen(page, '#call');
  tell('is called back, and hears the question');

  // Write without ringing, and end in writing.
  await hands.agent('message', NEWS);
  const written = await answerInWriting(hands, NEWS, NEXT);
  assert.deepEqual([written.status, written.json.response, written.json.messageId], [200, NEXT, written.json.callId]);
  await hands.agent('end', PARTING);
  const end = await hands.answer(8);
  assert.deepEqual([end.status, end.json.outcome.endedBy], [200, 'agent']);
  await shows(page, 'agent', PARTING);
  await seen(page, '#call');
  assert.equal(await hands.count('rest', { verb: 'dial' }), 3, 'a text does not ring');
  await page.focus('#text');
  await page.keyboard.press('Escape');
  await seen(page, '#call-screen');
  assert.ok(await hasFocus(page, '#whatsapp'), 'whoever leaves the chat is where they came from');
  tell('is written to without a call');
}
