// The program under test, and the browsers.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';
import { listen } from './ear.mjs';

/** Starts `callme demo` on a free port; gives its address and how to end it. */
export async function startDemo(binary) {
  const child = spawn(binary, ['demo', '--no-open', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = [];
  const address = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the demo ended before it had an address')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      resolve(line.match(/http:\S+/)?.[0]);
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { address, lines, stop };
}

/** A sound server with a loudspeaker that nobody hears: without any, Firefox plays nothing at all. */
async function startLoudspeaker(folder) {
  const socket = join(folder, 'sound');
  const modules = ['module-null-sink', `module-native-protocol-unix auth-anonymous=1 socket=${socket}`];
  const options = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--disable-shm=yes', '--log-level=error'];
  const child = spawn('pulseaudio', [...options, ...modules.map((module) => `--load=${module}`)], {
    stdio: 'ignore',
    env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder },
  });
  const failed = new Promise((_, reject) => child.once('error', reject));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // Asked again rather than watched for: a socket is there a moment before it is listened to.
  const answers = () =>
    new Promise((resolve) => {
      const probe = connect(socket, () => probe.end(() => resolve(true)));
      probe.once('error', () => resolve(false));
    });
  const there = async () => {
    for (let tries = 0; !(await answers()); tries++) {
      if (tries === 100) throw new Error('the sound server does not start');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.race([there(), failed]);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { server: `unix:${socket}`, stop };
}

const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

/** Starts a browser with a profile of its own. */
export async function startBrowser(name) {
  const profile = await mkdtemp(join(tmpdir(), `callme-${name}-`));
  await mkdir(join(profile, 'profile'));
  const loudspeaker = name === 'firefox' ? await startLoudspeaker(profile) : null;
  const browser = await puppeteer.launch(
    name === 'firefox'
      ? {
          browser: 'firefox',
          executablePath: process.env.CALLME_TEST_FIREFOX ?? '/usr/bin/firefox-esr',
          headless: true,
          userDataDir: join(profile, 'profile'),
          env: { ...process.env, HOME: profile, PULSE_SERVER: loudspeaker.server },
          extraPrefsFirefox: { 'media.autoplay.default': 0, 'media.autoplay.blocking_policy': 0 },
        }
      : {
          executablePath: process.env.CALLME_TEST_CHROMIUM ?? '/usr/bin/chromium',
          headless: true,
          userDataDir: profile,
          args: CHROMIUM,
        },
  );
  const close = async () => {
    await browser.close();
    await loudspeaker?.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { browser, close };
}

/** Opens the page, with an ear at its loudspeaker and every complaint of its scripts collected. */
export async function openPage(browser, address, viewport = { width: 1280, height: 800 }) {
  const page = await browser.newPage();
  await page.setViewport(viewport);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  // An answer that is a refusal is no fault of the page, though browsers write it to the console.
  page.on('console', (message) => message.type() === 'error' && !/status of 4\d\d/.test(message.text()) && complaints.push(message.text()));
  const answers = [];
  page.on('response', async (response) => {
    if (!/^\/api\/(call|message)/.test(new URL(response.url()).pathname) || response.request().method() !== 'POST') return;
    answers.push({ status: response.status(), json: response.json().catch(() => null) });
  });
  await page.evaluateOnNewDocument(listen);
  await page.goto(address, { waitUntil: 'load' });
  await page.waitForSelector('.connection.up');
  // A second listener to the story that the page is told.
  await page.evaluate(() => {
    window.story = [];
    const socket = new WebSocket(`ws://${location.host}/demo/phone`);
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') window.story.push(...(JSON.parse(data).events ?? []));
    };
  });
  return { page, complaints, answers };
}
