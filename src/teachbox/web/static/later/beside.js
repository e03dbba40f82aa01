/** The panel of what a view asks beside the image: a heading, and buttons that keys press too. */

import { labelKey } from "../keys/keymap.js";
import { element, leaveToImage, part } from "../panels/dom.js";

/** So many buttons have keys. */
export const KEYS = 10;

/** Below the labels. @param {string} id @returns {{section: HTMLElement, title: HTMLElement, list: HTMLElement}} */
export function createBeside(id) {
  const section = element("section", "question");
  section.id = id;
  section.setAttribute("aria-labelledby", `${id}-title`);
  const title = element("h2", "");
  title.id = `${id}-title`;
  const list = element("div", "options");
  list.role = "group";
  section.append(title, list);
  part("labels").after(section);
  return { section, title, list };
}

/**
 * @param {number} place  Of the button among the others.
 * @param {number} firstKey  The place of the key of the first of them: labels have those before it.
 * @param {string} color  Empty: none.
 * @param {readonly HTMLElement[]} words
 * @param {(place: number) => void} take
 */
export function optionButton(place, firstKey, color, words, take) {
  const button = /** @type {HTMLButtonElement} */ (element("button", "option"));
  button.type = "button";
  if (color) {
    button.style.setProperty("--label", color);
    button.append(element("span", "swatch"));
  }
  button.append(...words);
  if (place < KEYS) button.append(element("kbd", "", labelKey(place + firstKey)));
  button.addEventListener("click", (event) => {
    take(place);
    leaveToImage(event);
  });
  return button;
}
