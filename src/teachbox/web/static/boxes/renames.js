/** Labels that were renamed while a task was in hand: its boxes are shown, and sent, under the names of today. Pure. */

import { withBoxes } from "./editor.js";

/** @import { Box, Editor, Label, Span, Task } from "../types.js" */

/** Older name → the label's name today. @typedef {ReadonlyMap<string, string>} Names */

/** @param {readonly Label[]} labels @returns {Names} */
export function namesOf(labels) {
  return new Map(labels.flatMap(({ name, was = [] }) => was.map((old) => [old, name])));
}

/**
 * The very editor where nothing in it has an older name. What can be undone keeps its own, until it is there again.
 * @param {Editor} editor
 * @param {Names} names
 * @returns {Editor}
 */
export function renameBoxes(editor, names) {
  if (!editor.all.some((box) => names.has(box.label) || (box.span && names.has(box.span.label)))) return editor;
  return withBoxes(editor, editor.all.map((box) => renameBox(box, names)));
}

/** @param {Box} box @param {Names} names @returns {Box} */
function renameBox(box, names) {
  return { ...box, label: names.get(box.label) ?? box.label, span: box.span && renameSpan(box.span, names) };
}

/** @param {Span} span @param {Names} names @returns {Span} */
function renameSpan(span, names) {
  const name = names.get(span.label);
  return name === undefined ? span : { ...span, label: name };
}

/**
 * The very task where nothing in it has an older name.
 * @template {Task} T
 * @param {T} task
 * @param {Names} names
 * @returns {T}
 */
export function renameTask(task, names) {
  const keys = /** @type {const} */ (["spans", "candidates", "replaced"]);
  const old = keys.filter((key) => task[key]?.some((span) => names.has(span.label)));
  const label = names.get(task.label ?? "");
  if (!old.length && label === undefined) return task;
  const asked = label === undefined ? {} : { label };
  return { ...task, ...asked, ...Object.fromEntries(old.map((key) => [key, task[key]?.map((span) => renameSpan(span, names))])) };
}
