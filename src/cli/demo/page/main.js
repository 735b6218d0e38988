// Joins the parts: one socket to the emulated phone, the agent, the phone, the timeline.

import { Agent } from './agent.js';
import { Chat } from './chat.js';
import { Guide, INSTEAD } from './guide.js';
import { Phone } from './phone.js';
import { Line } from './sound.js';
import { Timeline } from './timeline.js';

const $ = (id) => document.getElementById(id);

/** Whoever typed so many milliseconds ago is typing still. */
const TYPING = 800;

const line = new Line();
/** What the timeline's clock shows more than ours, in seconds. */
let ahead = 0;
const now = () => performance.now() / 1000 + ahead;

const tell = (place) => (text) => {
  $(place).textContent = text;
};
const announce = tell('news');
const alarm = tell('alarm');

let socket = null;
/** Gives an order to the phone; false where there is none. */
const send = (order) => {
  const isOpen = socket?.readyState === WebSocket.OPEN;
  if (isOpen) socket.send(JSON.stringify(order));
  return isOpen;
};
/** The time of day of a moment on the timeline. */
const time = (at) => new Date(Date.now() - (now() - at) * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
/** The timeline's time of a server's time, which is in epoch milliseconds. */
const at = (time) => now() - (Date.now() - time) / 1000;

const world = await (await fetch('/demo/world')).json();
const phone = new Phone({ line, send, announce, alarm, now });
const chat = new Chat({ line, send, announce, alarm, time, at });
const timeline = new Timeline(now);
const guide = new Guide($('guide'));
const agent = new Agent(world.key, {
  now,
  at,
  onGesture: () => line.wake(),
  onRequest: (request) => timeline.request(request),
  onChange: () => guide.show({ phone, chat, agent }),
  onReply: (words) => {
    announce(`The agent got the reply: ${words}`);
    chat.told(words);
  },
});

/** How many events of the socket's story have been taken: a new socket tells it from the beginning. */
let taken = 0;

function connect() {
  let told = 0;
  socket = new WebSocket(`ws://${location.host}/demo/phone`);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    $('connection').className = 'connection up';
    $('connection').textContent = world.voice === 'babble' ? 'ready; install espeak-ng to hear words rather than babble' : 'ready';
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) return line.frame(new Uint8Array(data));
    const message = JSON.parse(data);
    if (message.refused) return phone.trouble(`That does not work now: ${message.refused}.`);
    if ('cut' in message) return line.cut();
    ahead = message.now - performance.now() / 1000;
    const fresh = message.events.slice(Math.max(0, taken - told));
    told += message.events.length;
    taken = Math.max(taken, told);
    for (const event of fresh) {
      phone.take(event);
      // Once for each call that nobody picked up.
      if (event.kind === 'text-arrived' && phone.isMissed && chat.askedAt < phone.since && chat.wroteAt < phone.since) chat.remark(...INSTEAD());
      chat.take(event);
      agent.take(event, phone.isBusy);
      timeline.take(event);
    }
    guide.show({ phone, chat, agent });
    agent.begin();
  };
  socket.onclose = stop;
}

/** The demo has ended: nothing here does anything any more, and it is said where one looks. */
function stop() {
  line.stopRinging();
  line.cut();
  $('connection').className = 'connection down';
  $('connection').textContent = 'stopped';
  $('stopped').hidden = false;
  phone.stop();
  agent.stop();
  guide.stop({ phone, chat, agent });
  for (const control of document.querySelectorAll('#ask textarea, #device :is(button, input, textarea)')) control.disabled = true;
}

connect();

// The call may come from elsewhere, too: any touch of the page lets it sound.
document.addEventListener('pointerdown', () => line.wake());

/** When a key last went into a text; in milliseconds. */
let typedAt = -Infinity;

document.addEventListener('keydown', (event) => {
  line.wake();
  const types = event.target.matches('textarea, input:not([type=checkbox])');
  if (types) typedAt = event.timeStamp;
  if (event.ctrlKey || event.metaKey || event.altKey || !$('shortcuts').checked) return;
  const key = event.key.toLowerCase();
  if (key === 'escape') {
    if (phone.state === 'ringing') phone.letRing();
    else if (event.target === $('words')) $('words').value = '';
    else if (chat.isOpen) chat.close();
  } else if (types || event.timeStamp - typedAt < TYPING) {
    // A call may take the chat away in the middle of a word; its next letters are no answer to it.
  } else if (phone.state === 'ringing') {
    if (key === 'a') phone.answer();
    if (key === 'd') phone.decline();
  } else if (key === 'w' && !chat.isOpen) {
    event.preventDefault();
    chat.open();
  }
});
