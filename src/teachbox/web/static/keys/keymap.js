/** Which keys mean which command. Data, and how it is read. Pure. */

import { writtenStroke } from "./stroke.js";

/** Strokes by command. @typedef {Readonly<Record<string, readonly string[]>>} Keys */

/** Prodigy's keys where it has any. @type {Keys} */
export const DEFAULT_KEYS = {
  accept: ["a"],
  reject: ["x"],
  ignore: ["space"],
  undo: ["backspace"],
  save: ["mod+s"],
  delete: ["delete"],
  "undo-edit": ["z", "mod+z"],
  "redo-edit": ["shift+z", "mod+shift+z", "mod+y"],
  deselect: ["esc"],
  finish: ["enter"],
  "tool-box": ["b"],
  "tool-extreme": ["e"],
  "tool-polygon": ["p"],
  "zoom-in": ["+", "=", "mod++", "mod+="],
  "zoom-out": ["-", "mod+-"],
  "zoom-fit": ["0", "mod+0"],
  "zoom-actual": ["alt+0"],
  pan: ["space"],
  peek: ["v"],
  tags: ["t"],
  crosshair: ["g"],
  darker: ["["],
  brighter: ["]"],
  "less-contrast": ["{"],
  "more-contrast": ["}"],
  "plain-image": ["\\"],
};

/** Digits choose labels 1 to 10, with shift 11 to 20, with alt and shift 21 to 30. */
const LABEL_KEYS = ["", "shift+", "alt+shift+"].flatMap((held) => Array.from("1234567890", (digit) => held + digit));

/**
 * The commands of a stroke, the first that means anything now to be done: digits are labels first.
 * @param {string} stroke
 * @param {Keys} keys
 * @returns {string[]}
 */
export function commandsOf(stroke, keys) {
  const label = LABEL_KEYS.indexOf(stroke);
  const labels = label < 0 ? [] : [labelCommand(label)];
  const named = commandsAt(stroke, keys);
  // A capital is its letter, unless it has a meaning of its own.
  const plain = named.length ? [] : commandsAt(stroke.replace(/^shift\+(?=[a-z]$)/, ""), keys);
  return [...labels, ...named, ...plain];
}

/**
 * @param {string} stroke
 * @param {Keys} keys
 */
function commandsAt(stroke, keys) {
  return Object.keys(keys).filter((command) => keys[command]?.includes(stroke));
}

/**
 * The command that chooses the label at a place.
 * @param {number} index
 */
export function labelCommand(index) {
  return `label-${index + 1}`;
}

/**
 * The place of the label that a command chooses; null where it chooses none.
 * @param {string} command
 */
export function labelIndex(command) {
  const number = /^label-([0-9]+)$/.exec(command)?.[1];
  return number === undefined ? null : Number(number) - 1;
}

/**
 * The key that chooses the label at a place, as it is written on the label bar; "" beyond the last that has one.
 * @param {number} index
 */
export function labelKey(index) {
  return writtenStroke(LABEL_KEYS[index] ?? "");
}
