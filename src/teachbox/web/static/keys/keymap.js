/** Which keys mean which command. Data, and how it is read. Pure. */

import { strokeOf, writtenStroke } from "./stroke.js";

/** @import { Press } from "./stroke.js" */

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
};

/** Digits choose labels 1 to 10, with shift 11 to 20. */
const LABEL_KEYS = ["", "shift+"].flatMap((held) => Array.from("1234567890", (digit) => held + digit));

/**
 * The command of a press; null where it has none.
 * @param {Press} press
 * @param {Keys} [keys]
 * @returns {string | null}
 */
export function commandOf(press, keys = DEFAULT_KEYS) {
  const stroke = strokeOf(press);
  return commandAt(stroke, keys) ?? commandAt(stroke.replace(/^shift\+(?=[a-z]$)/, ""), keys);
}

/**
 * @param {string} stroke
 * @param {Keys} keys
 * @returns {string | null}
 */
function commandAt(stroke, keys) {
  const label = LABEL_KEYS.indexOf(stroke);
  if (label >= 0) return labelCommand(label);
  return Object.entries(keys).find(([, strokes]) => strokes.includes(stroke))?.[0] ?? null;
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
