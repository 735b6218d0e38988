// Joins the parts: one socket to the emulated phone, the agent, the phone, the timeline.

import { Agent } from './agent.js';
import { Phone } from './phone.js';
import { Line } from './sound.js';
import { Timeline } from './timeline.js';

const $ = (id) => document.getElementById(id);

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
const send = (order) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(order));
};

const world = await (await fetch('/demo/world')).json();
const phone = new Phone({ line, send, announce, alarm, now });
const timeline = new Timeline(now);
const agent = new Agent(world.key, {
  now,
  onGesture: () => line.wake(),
  onRequest: (request) => timeline.request(request),
  onReply: (words) => announce(`The agent got the reply: ${words}`),
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
      timeline.take(event);
    }
    agent.isLive = ['dialing', 'ringing', 'talking'].includes(phone.state);
  };
  socket.onclose = () => {
    line.stopRinging();
    line.cut();
    $('connection').className = 'connection down';
    $('connection').textContent = 'the demo has stopped; start it again and reload this page';
  };
}
connect();

// The call may come from elsewhere, too: any touch of the page lets it sound.
document.addEventListener('pointerdown', () => line.wake());

document.addEventListener('keydown', (event) => {
  line.wake();
  if (event.ctrlKey || event.metaKey || event.altKey || !$('shortcuts').checked) return;
  const types = event.target.matches('textarea, input:not([type=checkbox])');
  if (event.key === 'Escape') {
    if (phone.state === 'ringing') phone.letRing();
    else if (event.target === $('words')) $('words').value = '';
  } else if (phone.state === 'ringing' && !types) {
    if (event.key.toLowerCase() === 'a') phone.answer();
    if (event.key.toLowerCase() === 'd') phone.decline();
  }
});
