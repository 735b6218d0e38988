// The phone: rings, is picked up or not, and carries what the person says.

import { make } from './element.js';
import { Microphone, isThere as canRecognise } from './microphone.js';

const $ = (id) => document.getElementById(id);
/** The server gives up ringing after this, in seconds. */
const RINGS = 25;

export class Phone {
  #line;
  #send;
  #say;
  #state = 'idle';
  /** When the present state began, in the timeline's time. */
  #since = 0;
  #silenced = false;
  /** The agent's sound is on the line now. */
  #agentSpeaks = false;
  /** Interrupting once is enough. */
  #hesitated = false;
  /** What the agent asked to have spoken and has not been heard yet. */
  #toCome = [];
  #bubble = null;
  #microphone = null;

  /** `send` gives an order to the phone, `announce` and `alarm` tell who cannot see; `now()` is the timeline's time. */
  constructor({ line, send, announce, alarm, now }) {
    Object.assign(this, { announce, alarm, now });
    this.#line = line;
    this.#send = send;
    this.#say = (text) => send({ do: 'say', text });
    $('answer').addEventListener('click', () => this.answer());
    $('decline').addEventListener('click', () => this.decline());
    $('let-ring').addEventListener('click', () => this.letRing());
    $('hang-up').addEventListener('click', () => send({ do: 'hang-up' }));
    $('reply').addEventListener('submit', (event) => this.#reply(event));
    $('words').addEventListener('input', () => this.#interrupt());
    $('mute').addEventListener('click', () => this.#mute());
    this.#keypad();
    if (canRecognise) this.#listen();
    setInterval(() => this.#clock(), 250);
    this.#draw();
  }

  get state() {
    return this.#state;
  }

  /** A call is on its way, or on. */
  get isBusy() {
    return ['dialing', 'ringing', 'talking'].includes(this.#state);
  }

  /** When that began, in the timeline's time. */
  get since() {
    return this.#since;
  }

  /** The latest call was not picked up. */
  get isMissed() {
    return this.#state === 'over' && this.#isMissed;
  }

  answer() {
    this.#line.wake();
    this.#send({ do: 'pick-up' });
  }

  decline() {
    this.#send({ do: 'decline' });
  }

  /** The sound ends, the ringing goes on. */
  letRing() {
    this.#silenced = true;
    this.#line.stopRinging();
    $('let-ring').disabled = true;
    this.announce('It rings on, silently.');
    this.#clock();
  }

  /** Nobody calls any more. */
  stop() {
    this.#microphone?.stop();
    this.#agentSpeaks = false;
    this.#ending = 'The demo has stopped';
    this.#state = 'over';
    $('device').classList.remove('heard');
    this.#show('over');
  }

  /** Takes one event of the timeline. */
  take(event) {
    switch (event.kind) {
      case 'rest':
        if (event.verb === 'dial' && event.call !== null) this.#enter({ state: 'queued', at: event.at });
        break;
      case 'state':
        this.#enter(event);
        break;
      case 'speech-asked':
        if (event.status === 200) this.#toCome.push(event.text);
        break;
      case 'agent-audible': {
        this.#agentSpeaks = true;
        this.#hesitated = false;
        const text = this.#toCome.shift();
        if (text) this.#bubble = this.#said('agent', text);
        break;
      }
      case 'agent-quiet':
        this.#agentSpeaks = false;
        break;
      case 'cleared':
        if (event.dropped > 0 && this.#bubble) {
          this.#bubble.classList.add('cut');
          this.#bubble.append(make('small', '', `interrupted, ${event.dropped.toFixed(1)} s unheard`));
        }
        // What waited behind it was dropped too.
        this.#toCome = [];
        break;
      case 'person-says':
        this.#said('person', event.text);
        break;
      case 'person-hesitates':
        this.#said('person', '…').classList.add('hesitation');
        break;
      case 'person-presses':
        this.#said('person', event.key).classList.add('key');
        break;
      case 'hung-up':
        this.#hungUp = event.by;
        break;
    }
    $('device').classList.toggle('heard', this.#agentSpeaks);
  }

  #hungUp = null;
  #isMissed = false;

  #enter({ state, at, over }) {
    const was = this.#state;
    this.#state = over ? 'over' : { queued: 'dialing', ringing: 'ringing', 'in-progress': 'talking' }[state];
    this.#since = at;
    this.#line.stopRinging();
    if (this.#state === 'dialing') this.#begin();
    if (this.#state === 'ringing') {
      this.#line.startRinging();
      this.alarm('Your phone rings. A answers, D declines.');
      // On a small screen the phone may be out of sight.
      $('device').scrollIntoView({ block: 'nearest' });
    }
    if (this.#state === 'talking') {
      $('talk').hidden = false;
      this.announce('You are on the line.');
    }
    if (over) {
      this.#line.cut();
      this.#microphone?.stop();
      this.#toCome = [];
      this.#agentSpeaks = false;
      this.#ending = ending(state, was, this.#hungUp);
      this.#isMissed = state !== 'completed';
      this.announce(this.#ending);
    }
    this.#show(was);
  }

  #ending = '';

  /** A new call. */
  #begin() {
    this.#silenced = false;
    this.#hungUp = null;
    this.#bubble = null;
    $('let-ring').disabled = false;
    $('talk').replaceChildren();
    $('talk').hidden = true;
    $('words').value = '';
  }

  #show(was) {
    $('device').dataset.state = this.#state;
    const hadFocus = $('call-screen').contains(document.activeElement);
    $('ringing').hidden = this.#state !== 'ringing';
    $('talking').hidden = this.#state !== 'talking';
    if (this.#state === 'talking' && was === 'ringing') $('words').focus({ preventScroll: true });
    // What had the focus is gone; the reader must not be thrown to the page's top.
    else if (hadFocus && this.#state === 'over') $('phone').focus({ preventScroll: true });
    this.#clock();
  }

  #clock() {
    const passed = Math.max(0, this.now() - this.#since);
    $('phone-state').textContent = {
      idle: 'Nobody is calling',
      dialing: 'Being dialled …',
      ringing: this.#silenced ? `Rings silently, for ${Math.max(0, Math.ceil(RINGS - passed))} s more` : 'is calling you',
      talking: `${Math.floor(passed / 60)}:${String(Math.floor(passed % 60)).padStart(2, '0')}`,
      over: this.#ending,
    }[this.#state];
  }

  #reply(event) {
    event.preventDefault();
    const text = $('words').value.trim();
    if (!text) return;
    $('words').value = '';
    this.#say(text);
  }

  /** To begin a reply while the agent speaks is to interrupt it. */
  #interrupt() {
    if (!this.#agentSpeaks || this.#hesitated || !$('words').value.trim()) return;
    this.#hesitated = true;
    this.#send({ do: 'hesitate' });
  }

  #mute() {
    const muted = $('mute').getAttribute('aria-pressed') !== 'true';
    $('mute').setAttribute('aria-pressed', muted);
    this.#line.muted = muted;
  }

  #keypad() {
    for (const key of '123456789*0#') {
      const button = make('button', '', key);
      button.type = 'button';
      button.addEventListener('click', () => this.#send({ do: 'press', key }));
      $('keypad').append(button);
    }
    $('keys').addEventListener('click', () => {
      const open = $('keypad').hidden;
      $('keypad').hidden = !open;
      $('keys').setAttribute('aria-expanded', open);
    });
  }

  #listen() {
    const show = (on) => {
      $('microphone').setAttribute('aria-pressed', on);
      $('microphone-note').hidden = !on;
    };
    this.#microphone = new Microphone({
      onBegin: () => {
        if (this.#agentSpeaks && !this.#hesitated) {
          this.#hesitated = true;
          this.#send({ do: 'hesitate' });
        }
      },
      onWords: (text) => text && this.#say(text),
      onEnd: (trouble) => {
        show(false);
        if (trouble) this.trouble(trouble);
      },
    });
    $('microphone').hidden = false;
    $('microphone').title = $('microphone-note').textContent;
    $('microphone').addEventListener('click', () => {
      if (this.#microphone.isOn) return this.#microphone.stop();
      show(true);
      this.#microphone.start();
    });
  }

  /** Says what did not work, where the person looks. */
  trouble(text) {
    const line = make('li', 'trouble', text);
    $('talk').append(line);
    $('talk').hidden = false;
    $('talk').scrollTop = $('talk').scrollHeight;
    this.announce(text);
  }

  #said(who, text) {
    const bubble = make('li', who);
    bubble.append(make('span', 'unseen', who === 'agent' ? 'Agent: ' : 'You: '), text);
    $('talk').append(bubble);
    $('talk').scrollTop = $('talk').scrollHeight;
    return bubble;
  }

  /** The agent's voice, as a wave. */
  #draw() {
    const canvas = $('meter');
    const pen = canvas.getContext('2d');
    const wave = this.#state === 'talking' ? this.#line.wave() : null;
    const { width, height } = canvas;
    pen.clearRect(0, 0, width, height);
    if (this.#state === 'talking') {
      pen.strokeStyle = getComputedStyle(canvas).color;
      pen.lineWidth = 2;
      pen.beginPath();
      for (let x = 0; x <= width; x += 2) {
        const sample = wave ? wave[Math.floor((x / width) * (wave.length - 1))] : 0;
        // Narrower towards the ends.
        const y = height / 2 + sample * 2.4 * (height / 2) * Math.sin((Math.PI * x) / width);
        x ? pen.lineTo(x, y) : pen.moveTo(x, y);
      }
      pen.stroke();
    }
    requestAnimationFrame(() => this.#draw());
  }
}

/** How it ended, in words. */
function ending(state, was, by) {
  if (state === 'completed') return by === 'person' ? 'You hung up' : 'The agent hung up';
  if (state === 'no-answer') return by === 'person' ? 'You declined the call' : 'Missed call';
  if (state === 'canceled') return was === 'ringing' ? 'Missed call' : 'The call was called off';
  return 'The call failed';
}
