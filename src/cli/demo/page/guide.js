// What to do next, in a sentence below the phone.

import { make } from './element.js';

const callMe = () => make('kbd', '', 'call me');

/** What may be done, by how things stand; what waits for the person is called out. */
const SAYINGS = {
  idle: { says: () => ['Pick up and talk; or decline, and answer in WhatsApp.'] },
  ringing: { says: () => ['Pick up and talk. Decline or let it ring, and the question comes by WhatsApp.'] },
  talking: { says: () => ['Begin to type while the agent speaks, and you interrupt it.'] },
  coming: { says: () => ['Nobody picked up: the question is on its way to WhatsApp.'] },
  missed: { says: () => ['Nobody picked up: the question went to WhatsApp. Answer there, or write ', callMe(), '.'], calls: true },
  asked: { says: () => ['Your agent wrote on WhatsApp. Answer there, or write ', callMe(), '.'], calls: true },
  answered: { says: () => ['Your agent has it, and may continue. Write ', callMe(), ', and it rings.'] },
};

/** Stands above the texts that came instead of a call. */
export const INSTEAD = () => ['You did not pick up. Answer here; or write ', callMe(), ', and it rings.'];

export class Guide {
  #place;
  #shown = null;

  constructor(place) {
    this.#place = place;
  }

  /** Says what fits. */
  show({ phone, chat, agent }) {
    const standing = stands({ phone, chat, agent });
    const { says, calls } = SAYINGS[standing];
    const below = standing === 'talking' ? ', you are on the line' : calls && agent.isWaiting ? ', waiting for you' : '';
    chat.standing = `WhatsApp${below}`;
    if (standing === this.#shown) return;
    this.#shown = standing;
    this.#place.replaceChildren(...says());
    this.#place.classList.toggle('calls', Boolean(calls));
  }
}

function stands({ phone, chat, agent }) {
  if (phone.state === 'ringing' || phone.state === 'talking') return phone.state;
  if (phone.isMissed && agent.isWaiting && chat.askedAt < phone.since) return 'coming';
  if (chat.askedAt > chat.wroteAt && (agent.isWaiting || agent.writes)) {
    return phone.isMissed && chat.wroteAt < phone.since ? 'missed' : 'asked';
  }
  return agent.writes && !agent.isWaiting && chat.wroteAt > 0 ? 'answered' : 'idle';
}
