// The pictures in docs/images: the page at desktop and phone width, by day and by night.

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage, startBrowser, startDemo } from './demo.mjs';
import { ANSWER, Hands, INTERRUPTION, PLAN, QUESTION } from './scenario.mjs';
import { answerInWriting } from './texts.mjs';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../docs/images');
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

export async function takeScreenshots(binary) {
  await mkdir(FOLDER, { recursive: true });
  const demo = await startDemo(binary);
  const { browser, close } = await startBrowser('chromium');
  const opened = await openPage(browser, demo.address, DESKTOP);
  const { page } = opened;
  const hands = new Hands(opened, demo.address);
  const shoot = async (name, viewport, scheme, place = null, options = {}) => {
    await page.setViewport(viewport);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.evaluate((place) => (place ? document.querySelector(place).scrollIntoView() : scrollTo(0, 0)), place);
    // Until it is drawn at its new width.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));
    const file = join(FOLDER, `${name}.png`);
    await page.screenshot({ path: file, ...options });
    console.log(file);
  };

  await shoot('demo-desktop-start', DESKTOP, 'light');
  await hands.agent('call', QUESTION);
  await hands.state('ringing');
  await shoot('demo-desktop-ringing-dark', DESKTOP, 'dark');
  await shoot('demo-phone-ringing', PHONE, 'light', '#phone');
  await page.click('#answer');
  await hands.state('talking');
  await hands.heard(true);
  await shoot('demo-phone-talking-dark', PHONE, 'dark', '#phone');
  await page.setViewport(DESKTOP);
  await hands.heard(false);
  await hands.reply(ANSWER);
  await hands.answer(1);
  await hands.agent('continue', PLAN);
  await hands.heard(true);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 2000)));
  await hands.reply(INTERRUPTION);
  await hands.answer(2);
  await shoot('demo-desktop-talking', DESKTOP, 'light', null, { fullPage: true });
  await hands.agent('end', 'Thank you for your time. Goodbye.');
  await hands.state('over');
  await hands.answer(3);
  await shoot('demo-desktop-over', DESKTOP, 'light', '#timeline');
  await shoot('demo-desktop-over-dark', DESKTOP, 'dark', '#timeline');
  await shoot('demo-phone-start', PHONE, 'light');
  await shoot('demo-phone-timeline-dark', PHONE, 'dark', '#timeline');

  // The next one is declined.
  await page.setViewport(DESKTOP);
  await hands.agent('call', QUESTION);
  await hands.state('ringing');
  await page.click('#decline');
  await page.waitForSelector('#notice', { visible: true });
  await shoot('demo-phone-notice', PHONE, 'light', '#phone');
  await page.click('#notice');
  await page.setViewport(DESKTOP);
  await answerInWriting(hands, QUESTION, ANSWER);
  await page.waitForSelector('#texts .ticks.has');
  await shoot('demo-desktop-whatsapp', DESKTOP, 'light');
  await shoot('demo-desktop-whatsapp-dark', DESKTOP, 'dark');
  await shoot('demo-phone-whatsapp-dark', PHONE, 'dark', '#phone');
  await close();
  await demo.stop();
}
