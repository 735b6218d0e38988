// Speech for those who would rather talk than type, where the browser recognises it.

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;

/** Why it did not work, in words. */
const TROUBLE = {
  'not-allowed': 'The browser does not allow the microphone here.',
  'service-not-allowed': 'The browser does not allow speech recognition here.',
  'audio-capture': 'There is no microphone.',
  network: 'The browser cannot reach its speech service. Typing works.',
  'language-not-supported': 'The browser does not know this language. Typing works.',
};

export const isThere = Boolean(Recognition);

export class Microphone {
  #recognition = null;

  /** Calls `onBegin` when speech begins, `onWords` with each finished sentence, `onEnd` with a trouble or nothing. */
  constructor({ onBegin, onWords, onEnd }) {
    Object.assign(this, { onBegin, onWords, onEnd });
  }

  get isOn() {
    return this.#recognition !== null;
  }

  start() {
    const recognition = new Recognition();
    recognition.lang = 'en-US';
    recognition.continuous = true;
    let trouble = null;
    recognition.onspeechstart = () => this.onBegin();
    recognition.onresult = (event) => {
      for (const result of Array.from(event.results).slice(event.resultIndex)) {
        if (result.isFinal) this.onWords(result[0].transcript.trim());
      }
    };
    recognition.onerror = (event) => {
      if (event.error !== 'no-speech' && event.error !== 'aborted') trouble = TROUBLE[event.error] ?? `Speech recognition failed: ${event.error}.`;
    };
    recognition.onend = () => {
      this.#recognition = null;
      this.onEnd(trouble);
    };
    this.#recognition = recognition;
    recognition.start();
  }

  stop() {
    this.#recognition?.stop();
  }
}
