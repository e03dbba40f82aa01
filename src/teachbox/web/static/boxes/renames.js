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
  const all = editor.all.map((box) => renameBox(box, names));
  return all.every((box, place) => box === editor.all[place]) ? editor : withBoxes(editor, all);
}

/** @param {Box} box @param {Names} names @returns {Box} */
function renameBox(box, names) {
  const label = names.get(box.label) ?? box.label;
  const span = box.span && renameSpan(box.span, names);
  return label === box.label && span === box.span ? box : { ...box, label, span };
}

/** @param {Span} span @param {Names} names @returns {Span} */
function renameSpan(span, names) {
  const label = names.get(span.label) ?? span.label;
  const scores = Object.entries(span.class_scores ?? {});
  if (scores.some(([name]) => names.has(name))) {
    return { ...span, label, class_scores: Object.fromEntries(scores.map(([name, score]) => [names.get(name) ?? name, score])) };
  }
  return label === span.label ? span : { ...span, label };
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
  const told = keys.map((key) => /** @type {const} */ ([key, task[key]?.map((span) => renameSpan(span, names))]));
  const changed = told.filter(([key, spans]) => spans?.some((span, place) => span !== task[key]?.[place]));
  const label = names.get(task.label ?? "");
  if (!changed.length && label === undefined) return task;
  return { ...task, ...(label === undefined ? {} : { label }), ...Object.fromEntries(changed) };
}
