/** What a person does to the boxes of one task. Pure: every function returns a new editor. */

import { MIN_SIDE, clipRect } from "./geometry.js";
import { boxSpan, roundRect, sameRect, spanRect } from "./spans.js";

/** @import { Box, Editor, Rect, Size, Span } from "../types.js" */

/**
 * An editor over the spans of a task. A span without a place is left out.
 * @param {readonly Span[]} spans
 * @param {Size} size
 * @returns {Editor}
 */
export function openEditor(spans, size) {
  /** @type {Box[]} */
  const boxes = [];
  for (const span of spans) {
    const rect = spanRect(span);
    if (rect) boxes.push({ id: boxes.length + 1, label: span.label, rect, span, touched: false });
  }
  return { size, boxes, selected: null, past: [], future: [], nextId: boxes.length + 1 };
}

/**
 * Whether a person has changed anything, be it undone since.
 * @param {Editor} editor
 */
export function isTouched(editor) {
  return editor.past.length > 0 || editor.future.length > 0;
}

/**
 * Whether a box is the model's word still.
 * @param {Box} box
 */
export function isSuggestion(box) {
  return !box.touched && box.span?.score !== undefined;
}

/**
 * @param {Editor} editor
 * @returns {Box | null}
 */
export function selectedBox(editor) {
  return editor.boxes.find((box) => box.id === editor.selected) ?? null;
}

/**
 * @param {Editor} editor
 * @param {number | null} id
 * @returns {Editor}
 */
export function select(editor, id) {
  const exists = editor.boxes.some((box) => box.id === id);
  return { ...editor, selected: exists ? id : null };
}

/**
 * A new box, clipped to the image; none where less than `MIN_SIDE` is left of it. It is not selected: the next digit
 * chooses the label of the next box.
 * @param {Editor} editor
 * @param {Rect} rect
 * @param {string} label
 * @returns {Editor}
 */
export function addBox(editor, rect, label) {
  const clipped = roundRect(clipRect(rect, editor.size));
  if (clipped.width < MIN_SIDE || clipped.height < MIN_SIDE) return editor;
  const box = { id: editor.nextId, label, rect: clipped, span: null, touched: true };
  return commit({ ...editor, selected: null, nextId: editor.nextId + 1 }, [...editor.boxes, box]);
}

/**
 * @param {Editor} editor
 * @param {number} id
 * @param {Rect} rect
 * @returns {Editor}
 */
export function reshapeBox(editor, id, rect) {
  const box = editor.boxes.find((one) => one.id === id);
  if (!box || sameRect(box.rect, rect)) return editor;
  return replaceBox(editor, { ...box, rect: roundRect(rect), touched: true });
}

/**
 * @param {Editor} editor
 * @param {number} id
 * @param {string} label
 * @returns {Editor}
 */
export function relabelBox(editor, id, label) {
  const box = editor.boxes.find((one) => one.id === id);
  if (!box || box.label === label) return editor;
  return replaceBox(editor, { ...box, label, touched: true });
}

/**
 * @param {Editor} editor
 * @param {number} id
 * @returns {Editor}
 */
export function deleteBox(editor, id) {
  const left = editor.boxes.filter((box) => box.id !== id);
  if (left.length === editor.boxes.length) return editor;
  return commit({ ...editor, selected: null }, left);
}

/**
 * @param {Editor} editor
 * @returns {Editor}
 */
export function undoEdit(editor) {
  const boxes = editor.past.at(-1);
  if (!boxes) return editor;
  const past = editor.past.slice(0, -1);
  return select({ ...editor, boxes, past, future: [...editor.future, editor.boxes] }, editor.selected);
}

/**
 * @param {Editor} editor
 * @returns {Editor}
 */
export function redoEdit(editor) {
  const boxes = editor.future.at(-1);
  if (!boxes) return editor;
  const future = editor.future.slice(0, -1);
  return select({ ...editor, boxes, past: [...editor.past, editor.boxes], future }, editor.selected);
}

/**
 * The spans to send.
 * @param {Editor} editor
 * @returns {Span[]}
 */
export function editorSpans(editor) {
  return editor.boxes.map(boxSpan);
}

/**
 * @param {Editor} editor
 * @param {Box} box
 * @returns {Editor}
 */
function replaceBox(editor, box) {
  return commit(
    editor,
    editor.boxes.map((one) => (one.id === box.id ? box : one)),
  );
}

/**
 * @param {Editor} editor
 * @param {readonly Box[]} boxes
 * @returns {Editor}
 */
function commit(editor, boxes) {
  return { ...editor, boxes, past: [...editor.past, editor.boxes], future: [] };
}
