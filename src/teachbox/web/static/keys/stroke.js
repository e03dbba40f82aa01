/** The name of what is pressed: `a`, `shift+tab`, `mod+z`, `?`. Pure. */

/** @typedef {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean, altKey: boolean}} Press */

/** @type {Record<string, string>} */
const SHORT = { " ": "space", Escape: "esc" };

/**
 * Modifiers stand in the order mod, alt, shift; `mod` is Control, or Command on a Mac. A sign that takes shift on some
 * keyboards is named by itself alone, a digit by its place, a letter by its place where the keyboard types no Latin ones.
 * @param {Press} press
 */
export function strokeOf(press) {
  const { name, sign } = nameOf(press);
  const held = [press.ctrlKey || press.metaKey ? "mod+" : "", press.altKey ? "alt+" : ""];
  if (press.shiftKey && !sign) held.push("shift+");
  return held.join("") + name;
}

/**
 * @param {Press} press
 * @returns {{name: string, sign: boolean}}
 */
function nameOf({ key, code }) {
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1];
  if (digit !== undefined) return { name: digit, sign: false };
  if (key in SHORT) return { name: String(SHORT[key]), sign: false };
  if (key.length > 1) return { name: key.replace(/^Arrow/, "").toLowerCase(), sign: false };
  if (/^[a-z]$/i.test(key)) return { name: key.toLowerCase(), sign: false };
  if (/^[\x21-\x7e]$/.test(key)) return { name: key, sign: true };
  return { name: code.replace(/^Key/, "").toLowerCase(), sign: false };
}

/** @type {Record<string, string>} */
const WRITTEN = {
  mod: "ctrl", alt: "alt", shift: "⇧", backspace: "⌫", delete: "del", tab: "⇥", enter: "⏎",
  left: "←", right: "→", up: "↑", down: "↓",
};

/**
 * A stroke as it is written on a key cap.
 * @param {string} stroke
 */
export function writtenStroke(stroke) {
  return partsOf(stroke).map((part) => WRITTEN[part] ?? part).join(" ").replace("⇧ ", "⇧");
}

/** @param {string} stroke */
function partsOf(stroke) {
  const held = /^(?:(?:mod|alt|shift)\+)*/.exec(stroke)?.[0] ?? "";
  return [...held.split("+").filter(Boolean), stroke.slice(held.length)];
}
