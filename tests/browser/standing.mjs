// Whether the page says what is so where others ask too, where it was loaded again, and where the demo has ended.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openPage, startDemo } from './demo.mjs';

const FIRST = `It's "green". Shall I <ship> $it?`;
const SECOND = 'The backup has finished. Shall I delete the old one?';
const THIRD = 'Shall I restart the server?';
const SMALL = { width: 390, height: 844 };

/** The page with somebody who watches it. */
class Watcher {
  constructor({ page }, address) {
    Object.assign(this, { page, address });
  }

  /** Waits until there is such a text in a place. */
  says(selector, pattern) {
    const fits = (selector, source) => new RegExp(source).test(document.querySelector(selector)?.textContent ?? '');
    return this.page.waitForFunction(fits, { timeout: 15_000 }, selector, pattern.source).catch(async () => {
      const text = await this.page.$eval(selector, (place) => place.textContent).catch(() => 'nothing');
      throw new Error(`${selector} says ${pattern}; it says ${JSON.stringify(text)}`);
    });
  }

  async state(state) {
    await this.page.waitForSelector(`#device[data-state="${state}"]`, { timeout: 15_000 });
  }

  async declines() {
    await this.state('ringing');
    await this.page.click('#decline');
    await this.state('over');
  }

  async writes(words) {
    if (await this.page.$('#chat[hidden]')) await this.page.click('#whatsapp');
    await this.page.type('#text', words);
    await this.page.keyboard.press('Enter');
  }

  isDisabled(verb) {
    return this.page.$eval(`#ask button[data-verb="${verb}"]`, (button) => button.disabled);
  }

  /** Another client asks; gives what it is answered. */
  async asks(message) {
    const { key } = await (await fetch(`${this.address}/demo/world`)).json();
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const response = await fetch(`${this.address}/api/call`, { method: 'POST', headers, body: JSON.stringify({ message }) });
    return response.json();
  }
}

export async function stand(binary, browser, tell) {
  const demo = await startDemo(binary);
  try {
    const opened = await openPage(browser, demo.address);
    await watch(demo, opened, tell);
    await opened.page.close();
  } finally {
    await demo.stop();
  }
}

async function watch(demo, opened, tell) {
  const { page, complaints } = opened;
  const watcher = new Watcher(opened, demo.address);

  // What stands there for a terminal does what the button would; and the page shows what it was not asked itself.
  await page.$eval('#message', (box) => (box.value = ''));
  await page.type('#message', FIRST);
  const shown = await page.$eval('#curl', (place) => place.textContent);
  const { call, message } = Object.fromEntries(shown.split('\n\n').map((command) => [command.match(/api\/(\w+)/)[1], command]));
  assert.ok(message?.startsWith('# Write\n'), shown);
  const typed = promisify(execFile)('bash', ['-c', call.replace('curl ', 'curl -s ')]);
  await watcher.declines();
  await watcher.says('.exchange.elsewhere .head', /from elsewhere/);
  await watcher.says('.exchange.elsewhere .sent', /It's .*green/);
  assert.deepEqual([await watcher.isDisabled('continue'), await watcher.isDisabled('end')], [true, false], 'a request waits that is not of this page');
  assert.match(await page.$eval('#curl', (place) => place.textContent), /api\/call\/call-\S+\/continue/);
  await page.waitForSelector('#scroll .bar.request.elsewhere');
  await watcher.says('#guide', /^Nobody picked up: the question went to WhatsApp\./);
  tell('shows what a terminal asks, by its own command');

  // A second question waits for its turn, and the page promises nothing else.
  const second = watcher.asks(SECOND);
  await watcher.state('ringing');
  await watcher.says('#guide', /until you have answered the older one/);
  await watcher.declines();
  await watcher.says('#guide', /^An older question is still open on WhatsApp/);
  assert.ok(!(await page.$eval('#texts', (texts) => texts.textContent)).includes(SECOND), 'it is not written yet');
  await watcher.writes('Ship it.');
  assert.equal(JSON.parse((await typed).stdout).response, 'Ship it.');
  await watcher.says('#texts li:last-child', /delete the old one/);
  await watcher.says('#guide', /^Your agent wrote on WhatsApp/);
  await watcher.says('.exchange.elsewhere:last-child .answer', /^The person: Ship it\.$/);
  tell('says that a question waits for an older one');

  // Loaded again, it knows of the agent what the server knows.
  await page.reload({ waitUntil: 'load' });
  await watcher.says('.exchange.elsewhere .head', /from an earlier page/);
  await watcher.says('#mode', /by WhatsApp/);
  assert.ok(await watcher.isDisabled('continue'), 'a request waits');
  assert.equal(await page.$eval('#message', (box) => box.value), '', 'the session is past its greeting');
  assert.equal(await page.$$eval('.exchange', (all) => all.length), 2);
  await watcher.says('#guide', /^Your agent wrote on WhatsApp/);
  await watcher.writes('Delete it.');
  assert.equal((await second).response, 'Delete it.');
  await watcher.says('.exchange.elsewhere .answer', /^The person: Delete it\.$/);
  await page.waitForSelector('#ask button[data-verb="continue"]:not(:disabled)');
  tell('goes on after a reload');

  // Who wants no texts is promised none.
  await watcher.writes('Stop');
  await watcher.says('#guide', /^You wrote stop/);
  await page.waitForSelector('#call:not([hidden])');
  const third = watcher.asks(THIRD);
  await watcher.state('ringing');
  await watcher.says('#guide', /nothing is written/);
  await watcher.declines();
  assert.equal((await third).code, 'opted_out');
  await watcher.says('#guide', /^Nobody picked up, and nothing was written, because you wrote stop/);
  await watcher.writes('start');
  await watcher.says('#guide', /^Pick up and talk/);
  tell('says what stop means');

  // Where it has ended it says so on a small screen too, wherever one looks.
  const ringing = watcher.asks(THIRD).catch(() => null);
  await watcher.state('ringing');
  assert.deepEqual(complaints, [], 'the page has nothing to complain about');
  await page.setViewport(SMALL);
  await page.$eval('#phone', (phone) => phone.scrollIntoView());
  await demo.stop();
  await watcher.says('#guide', /^The demo has stopped/);
  await ringing;
  const { top, bottom } = await page.$eval('#stopped', (line) => line.getBoundingClientRect().toJSON());
  assert.ok(top >= 0 && bottom > top && bottom < SMALL.height, `it is in sight: ${top} to ${bottom}`);
  assert.deepEqual(await page.$$eval('#ask :is(button, textarea), #device :is(button, input, textarea)', (all) => all.filter((one) => !one.disabled).length), 0);
  assert.match(await page.$eval('#phone-state', (line) => line.textContent), /stopped/);
  tell('says that it has ended');
}
