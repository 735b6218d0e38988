// Elements of the page. Texts are set as texts: nothing that anybody says or writes becomes markup.

/** An element with a class and a text. */
export function make(tag, className = '', text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== '') element.textContent = text;
  return element;
}

/** Whether a text is this message, or has it in it; line breaks and spaces aside, and its length. */
export function holds(text, message) {
  const words = (of) => of.replace(/\s+/g, ' ').trim();
  return Boolean(message) && words(text).includes(words(message).slice(0, 100));
}
