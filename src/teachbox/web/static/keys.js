/** From a key to what it asks for. Pure. */

/** @import { Answer } from "./types.js" */

/**
 * @typedef {{do: "answer", answer: Answer}
 *   | {do: "label", index: number}
 *   | {do: "undo" | "delete" | "save" | "undo-edit" | "redo-edit" | "deselect"}} Command
 *
 * @typedef {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean, altKey: boolean}} Stroke
 */

/** @type {Record<string, Command>} */
const PLAIN = {
  a: { do: "answer", answer: "accept" },
  x: { do: "answer", answer: "reject" },
  " ": { do: "answer", answer: "ignore" },
  z: { do: "undo-edit" },
  Backspace: { do: "undo" },
  Delete: { do: "delete" },
  Escape: { do: "deselect" },
};

/** @type {Record<string, Command>} */
const WITH_CONTROL = { s: { do: "save" }, z: { do: "undo-edit" }, y: { do: "redo-edit" } };

/**
 * @param {Stroke} stroke
 * @returns {Command | null}
 */
export function commandOf(stroke) {
  if (stroke.altKey) return null;
  const key = letterOf(stroke);
  if (key === "z" && stroke.shiftKey) return { do: "redo-edit" };
  if (stroke.ctrlKey || stroke.metaKey) return WITH_CONTROL[key] ?? null;
  // The digit's place and not its character: with shift that is another one on every keyboard.
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(stroke.code)?.[1];
  if (digit !== undefined) return { do: "label", index: ((Number(digit) + 9) % 10) + (stroke.shiftKey ? 10 : 0) };
  return PLAIN[key] ?? null;
}

/**
 * The key that chooses the label at a place, as it is written on the label bar; "" beyond the twentieth.
 * @param {number} index
 */
export function labelKey(index) {
  if (index >= 20) return "";
  return (index >= 10 ? "⇧" : "") + String((index + 1) % 10);
}

/**
 * Letters by what they type, and by their place where the keyboard types no Latin ones.
 * @param {Stroke} stroke
 */
function letterOf({ key, code }) {
  if (key.length > 1) return key;
  const latin = /^[\x20-\x7e]$/.test(key);
  return (latin ? key : code.replace(/^Key/, "")).toLowerCase();
}
