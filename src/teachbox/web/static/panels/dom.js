/** Elements of the page: found, filled, pressed, made. */

/**
 * The element with an id; the page is incomplete without it.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/**
 * Set the text of an element, where it differs: what did not change is not announced again.
 * @param {string} id
 * @param {string} text
 */
export function setText(id, text) {
  const element = part(id);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} id
 * @param {number | null} share  0 to 1; null hides the bar.
 */
export function setBar(id, share) {
  const bar = /** @type {HTMLProgressElement} */ (part(id));
  bar.hidden = share === null;
  if (share !== null) bar.value = share;
}

/**
 * Show whether a button does anything now. It stays focusable: who is on it must not be thrown off.
 * @param {string} id
 * @param {boolean} disabled
 */
export function setDisabled(id, disabled) {
  part(id).ariaDisabled = String(disabled);
}

const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];

/**
 * Whether a key belongs to what has the keyboard's focus: to a dialog, a field, a button, and tab to all but the image.
 * @param {KeyboardEvent} event
 */
export function isForFocused({ key, target }) {
  if (!(target instanceof HTMLElement) || target === document.body) return document.querySelector("dialog[open]") !== null;
  // The focus stays for a moment in a dialog that was closed: keys are the image's again at once.
  if (target.closest("dialog")) return target.closest("dialog[open]") !== null;
  if (target instanceof HTMLInputElement && target.type === "range") return MOVES.includes(key) || key === "Tab";
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target.isContentEditable) return true;
  if (key === "Tab") return !target.closest("#stage");
  return (key === " " || key === "Enter") && target.matches("button:focus-visible, summary");
}

/**
 * @param {string} id
 * @param {() => void} act
 */
export function onPress(id, act) {
  part(id).addEventListener("click", (event) => {
    act();
    leaveToImage(event);
  });
}

/**
 * After a click the keys are the image's again: space must ignore it, and not press the button once more.
 * @param {MouseEvent} event
 */
export function leaveToImage(event) {
  if (event.detail > 0) leaveFocus();
}

/** Take the focus from wherever it is: keys then mean the image. */
export function leaveFocus() {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/**
 * Say something to those who do not see the page.
 * @param {string} text
 */
export function announce(text) {
  setText("live", text);
}

/**
 * @param {string} name
 * @param {string} className
 * @param {string} [text]
 */
export function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
