// The sessions as the server's API tells of them: those of this page, of an earlier one, and of whoever else calls the API.

/** How many are looked at, and how often while one of them goes on; in milliseconds. */
const MOST = 10;
const AGAIN = 1000;
/** What happens at once is asked about once. */
const SOON = 40;

/** Whether a session is over, or nearly. */
export const isOver = ({ state }) => state === 'ending' || state === 'ended';

/** The latest line of the agent's in a session. */
export const lastAsked = ({ messages }) => messages.findLast((line) => line.speaker === 'claude');

export class Sessions {
  #key;
  #due = null;
  #again = null;
  #isStopped = false;
  /** Counts the looks: one that was overtaken counts no more. */
  #looks = 0;
  /** Newest first. */
  all = [];

  /** `onNews` is called with each look. */
  constructor(key, onNews) {
    this.#key = key;
    this.onNews = onNews;
  }

  /** Something has happened: the server is asked in a moment. */
  soon() {
    if (!this.#isStopped) this.#due ??= setTimeout(() => this.look(), SOON);
  }

  /** There is nobody to be asked any more. */
  stop() {
    this.#isStopped = true;
    clearTimeout(this.#due);
    clearTimeout(this.#again);
  }

  /** A request of the session has its answer; looks that began before do not know. */
  answered(id) {
    this.#looks++;
    const session = this.all.find((session) => session.id === id);
    if (session) session.waiting = false;
  }

  /** Asks the server how they stand. */
  async look() {
    const look = ++this.#looks;
    clearTimeout(this.#due);
    this.#due = null;
    const told = await this.#get(`/api/history?limit=${MOST}`);
    const all = told && (await Promise.all(told.conversations.map((session) => this.#stands(session))));
    if (look !== this.#looks) return this.soon();
    if (!all) return;
    this.all = all;
    this.onNews();
    clearTimeout(this.#again);
    if (all.some(({ state }) => state !== 'ended')) this.#again = setTimeout(() => this.soon(), AGAIN);
  }

  /** A session of the history with its state. What is over stays so. */
  async #stands(session) {
    const known = this.all.find(({ id, state }) => id === session.id && state === 'ended');
    const { state, waiting, outcome, endedAt } = known ?? (await this.#get(`/api/call/${session.id}`)) ?? { state: 'ended', waiting: false };
    return { ...session, state, waiting, outcome, endedAt };
  }

  async #get(path) {
    try {
      const response = await fetch(path, { headers: { Authorization: `Bearer ${this.#key}` } });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }
}
