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
  skip: ["n"],
  flag: ["f"],
  "next-box": ["tab"],
  "previous-box": ["shift+tab"],
  "name-label": ["l", "/"],
  "edit-labels": ["shift+l"],
  copy: ["mod+c"],
  paste: ["mod+v"],
  "undo-edit": ["z", "mod+z"],
  "redo-edit": ["shift+z", "mod+shift+z", "mod+y"],
  deselect: ["esc"],
  "accept-box": ["y"],
  "reject-box": ["d"],
  "clear-suggestions": ["c"],
  repeat: ["r"],
  snap: ["s"],
  "limit-up": ["."],
  "limit-down": [","],
  "label-limit-up": [">"],
  "label-limit-down": ["<"],
  "insert-box": ["i"],
  "tool-box": ["b"],
  "tool-extreme": ["e"],
  "tool-polygon": ["p"],
  finish: ["enter"],
  ...arrows("move", ""),
  ...arrows("move-far", "shift+"),
  ...arrows("size", "alt+"),
  ...arrows("size-far", "alt+shift+"),
  handles: ["f2"],
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
  history: ["o"],
  progress: ["m"],
  instructions: ["h"],
  help: ["?"],
};

/** Commands that mean something while their key is held: another may share it, and is done when it is let go unused. */
const HOLDS = ["pan", "peek"];

/** @param {string} name @param {string} held */
function arrows(name, held) {
  return Object.fromEntries(["left", "right", "up", "down"].map((way) => [`${name}-${way}`, [held + way]]));
}

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
 * What a stroke means already, that another command would take it from; null where it is free.
 * @param {Keys} keys
 * @param {string} command  That is to have it.
 * @param {string} stroke
 * @returns {string | null}
 */
export function conflictOf(keys, command, stroke) {
  const others = commandsAt(stroke, keys).filter((name) => name !== command && HOLDS.includes(name) === HOLDS.includes(command));
  if (others[0]) return others[0];
  const label = LABEL_KEYS.indexOf(stroke);
  return label < 0 ? null : labelCommand(label);
}

/**
 * The keys with one stroke given to a command in the place of another, and taken from whichever had it.
 * @param {Keys} keys
 * @param {string} command
 * @param {string | null} before  Null where it gets one more.
 * @param {string | null} after  Null where it loses one.
 * @returns {Keys}
 */
export function rebind(keys, command, before, after) {
  const taken = after === null ? null : conflictOf(keys, command, after);
  return Object.fromEntries(
    Object.entries(keys).map(([name, strokes]) => {
      if (name === taken) return [name, strokes.filter((stroke) => stroke !== after)];
      if (name !== command) return [name, strokes];
      const kept = strokes.filter((stroke) => stroke !== before && stroke !== after);
      return [name, after === null ? kept : [...kept.slice(0, placeOf(strokes, before)), after, ...kept.slice(placeOf(strokes, before))]];
    }),
  );
}

/** @param {readonly string[]} strokes @param {string | null} stroke */
function placeOf(strokes, stroke) {
  const at = stroke === null ? -1 : strokes.indexOf(stroke);
  return at < 0 ? strokes.length : at;
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
