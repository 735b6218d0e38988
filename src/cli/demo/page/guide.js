// What to do next, in a sentence below the phone.

import { make } from './element.js';

const typed = (words) => make('kbd', '', words);
const callMe = () => typed('call me');

/** What may be done, by how things stand; what waits for the person is called out. */
const SAYINGS = {
  idle: { says: () => ['Pick up and talk; or decline, and answer in WhatsApp.'] },
  stopped: { says: () => ['You wrote ', typed('stop'), ': your agent may ring you, and writes nothing. Write ', typed('start'), ' to get its texts again.'] },
  ringing: { says: () => ['Pick up and talk. Decline or let it ring, and the question comes by WhatsApp.'] },
  'ringing, stopped': { says: () => ['Pick up and talk. You wrote ', typed('stop'), ': if you do not pick up, nothing is written.'] },
  'ringing, behind another': { says: () => ['Pick up and talk. If you do not, the question waits until you have answered the older one on WhatsApp.'] },
  talking: { says: () => ['Begin to type while the agent speaks, and you interrupt it.'] },
  coming: { says: () => ['Nobody picked up: the question is on its way to WhatsApp.'] },
  missed: { says: () => ['Nobody picked up: the question went to WhatsApp. Answer there, or write ', callMe(), '.'], calls: true },
  'missed, stopped': {
    says: () => ['Nobody picked up, and nothing was written, because you wrote ', typed('stop'), '. Write ', typed('start'), ' to get texts again.'],
  },
  behind: { says: () => ['An older question is still open on WhatsApp: answer that one, and the new one follows.'], calls: true },
  asked: { says: () => ['Your agent wrote on WhatsApp. Answer there, or write ', callMe(), '.'], calls: true },
  answered: { says: () => ['Your agent has it, and may continue. Write ', callMe(), ', and it rings.'] },
  ended: { says: () => ['The demo has stopped. Start it again, and reload this page.'], calls: true },
};

/** Stands above the texts that came instead of a call. */
export const INSTEAD = () => ['You did not pick up. Answer here; or write ', callMe(), ', and it rings.'];

export class Guide {
  #place;
  #shown = null;
  #isStopped = false;

  constructor(place) {
    this.#place = place;
  }

  /** Says what fits. */
  show({ phone, chat, agent }) {
    const standing = this.#isStopped ? 'ended' : stands({ phone, chat, agent });
    const { says, calls } = SAYINGS[standing];
    const below = { talking: ', you are on the line', ended: ', stopped' }[standing] ?? (calls && agent.isWaiting ? ', waiting for you' : '');
    chat.standing = `WhatsApp${below}`;
    if (standing === this.#shown) return;
    this.#shown = standing;
    this.#place.replaceChildren(...says());
    this.#place.classList.toggle('calls', Boolean(calls));
    this.#place.classList.toggle('ended', standing === 'ended');
  }

  /** There is nobody any more who could call. */
  stop(parts) {
    this.#isStopped = true;
    this.show(parts);
  }
}

function stands({ phone, chat, agent }) {
  const { written, queued } = sorted(agent.questions, chat);
  if (queued.length && written.length) agent.queued(queued);
  if (phone.state === 'ringing') return chat.isStopped ? 'ringing, stopped' : written.length ? 'ringing, behind another' : 'ringing';
  if (phone.state === 'talking') return 'talking';
  if (chat.isStopped) return phone.isMissed && chat.wroteAt < phone.since ? 'missed, stopped' : 'stopped';
  if (queued.length && written.length) return 'behind';
  if (phone.isMissed && agent.isWaiting && chat.askedAt < phone.since) return 'coming';
  if (chat.askedAt > chat.wroteAt && (agent.isWaiting || agent.writes)) {
    return phone.isMissed && chat.wroteAt < phone.since && chat.askedAt >= phone.since ? 'missed' : 'asked';
  }
  return agent.writes && !agent.isWaiting && chat.wroteAt > 0 ? 'answered' : 'idle';
}

/** Open questions, by whether the agent's text is on its way or there: one is written at a time, the others queue. */
function sorted(questions, chat) {
  const written = questions.filter((question) => chat.wasSent(question));
  return { written, queued: questions.filter((question) => !written.includes(question)) };
}
