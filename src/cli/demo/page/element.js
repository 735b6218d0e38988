// Elements of the page. Texts are set as texts: nothing that anybody says or writes becomes markup.

/** An element with a class and a text. */
export function make(tag, className = '', text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== '') element.textContent = text;
  return element;
}
