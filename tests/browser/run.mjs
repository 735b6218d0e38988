// Drives the page of `callme demo` in Chromium and Firefox: ring, answer, hear, reply, interrupt, end, decline, write, call back;
// and looks at what it says where others ask too, after a reload, and at its end.
//
//   node run.mjs BINARY                 what every change must pass
//   node run.mjs BINARY --only firefox  one browser
//   node run.mjs BINARY --screenshots   the pictures in docs/images, instead

import { openPage, startBrowser, startDemo } from './demo.mjs';
import { checkEar } from './ear_check.mjs';
import { converse } from './scenario.mjs';
import { stand } from './standing.mjs';

const [binary, ...options] = process.argv.slice(2);
if (!binary) {
  console.error('usage: node run.mjs BINARY [--only chromium|firefox] [--screenshots]');
  process.exit(2);
}
const only = options.includes('--only') ? options[options.indexOf('--only') + 1] : null;

async function drive(name) {
  const began = Date.now();
  const tell = (what) => console.log(`${name}: ${what} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  const demo = await startDemo(binary);
  const { browser, close } = await startBrowser(name);
  let opened = null;
  const finish = async (failure) => {
    if (failure && opened) {
      const story = await opened.page.$$eval('#log li', (lines) => lines.map((line) => line.textContent)).catch(() => []);
      console.error(`${name}: what had happened in the last call:\n${story.join('\n')}\nthe page's complaints: ${opened.complaints.join('\n')}`);
    }
    await close();
    await demo.stop();
    if (failure) throw failure;
    if (demo.lines.length !== 3) throw new Error(`the demo says how it is used, and no more: ${demo.lines.join('\n')}`);
  };
  try {
    tell(await browser.version());
    opened = await openPage(browser, demo.address);
    const rest = await converse(opened, demo.address, tell);
    await stand(binary, browser, tell);
    // What is behind another page draws nothing.
    await opened.page.bringToFront();
    // The phone rings out by itself; meanwhile the next browser may go on.
    return { rest: rest().then(() => finish(null), finish) };
  } catch (failure) {
    await finish(failure);
  }
}

if (options.includes('--screenshots')) {
  const { takeScreenshots } = await import('./screenshots.mjs');
  await takeScreenshots(binary);
} else {
  checkEar();
  const rests = [];
  for (const name of ['chromium', 'firefox'].filter((name) => !only || name === only)) {
    const { rest } = await drive(name);
    // Looked at in the end; until then a failure is not lost, only late.
    rest.catch(() => {});
    rests.push(rest);
  }
  await Promise.all(rests);
  console.log('the page works');
}
