/** What a person does to the boxes of one task. Pure: every function returns a new editor. */

import { difference } from "./difference.js";
import { MIN_SIDE, clipRect, moveRect } from "./geometry.js";
import { NO_LIMITS, shownBoxes } from "./limits.js";
import { fitShape, hullOf } from "./polygons.js";
import { boxSpan, isShape, roundRect, roundShape, sameRect, spanRect } from "./spans.js";

/** @import { Box, Edit, Editor, Limits, Rect, Shape, Size, Span } from "../types.js" */

/** How far beside its original a copy is put. */
const PASTE_PX = 10;

/**
 * An editor over the spans of a task. A span without a place is left out.
 * @param {readonly Span[]} spans
 * @param {Size} size
 * @param {Limits | null} [limits]
 * @returns {Editor}
 */
export function openEditor(spans, size, limits = NO_LIMITS) {
  /** @type {Box[]} */
  const all = [];
  for (const span of spans) {
    const rect = spanRect(span);
    const shape = (isShape(span) && span.points) || null;
    if (rect) all.push({ id: all.length + 1, label: span.label, rect, shape, span, touched: span.touched === true });
  }
  const boxes = shownBoxes(all, limits);
  return { size, all, boxes, limits, selected: null, past: [], future: [], nextId: all.length + 1 };
}

/**
 * The editor with other limits to what is shown, unless it shows everything for good. A box that vanishes is let go.
 * @param {Editor} editor
 * @param {Limits} limits
 * @returns {Editor}
 */
export function limitEditor(editor, limits) {
  if (editor.limits === null || editor.limits === limits) return editor;
  return withBoxes({ ...editor, limits }, editor.all);
}

/**
 * Whether a person has changed anything, be it undone since.
 * @param {Editor} editor
 */
export function isTouched(editor) {
  return editor.past.length > 0 || editor.future.length > 0;
}

/**
 * @param {Editor} editor
 * @returns {Box | null}
 */
export function selectedBox(editor) {
  return editor.selected === null ? null : (editor.boxes.find((box) => box.id === editor.selected) ?? null);
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
  return add(editor, roundRect(clipRect(rect, editor.size)), null, label);
}

/**
 * A new polygon; its hull is the box that trains. Corners lie inside the image.
 * @param {Editor} editor
 * @param {Shape} points
 * @param {string} label
 * @returns {Editor}
 */
export function addPolygon(editor, points, label) {
  const shape = roundShape(points);
  return add(editor, roundRect(hullOf(shape)), shape, label);
}

/**
 * @param {Editor} editor
 * @param {Rect} rect
 * @param {Shape | null} shape
 * @param {string} label
 * @returns {Editor}
 */
function add(editor, rect, shape, label) {
  if (rect.width < MIN_SIDE || rect.height < MIN_SIDE) return editor;
  const box = { id: editor.nextId, label, rect, shape, span: null, touched: true };
  return commit({ ...editor, selected: null, nextId: editor.nextId + 1 }, [...editor.all, box]);
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
  const shape = box.shape && roundShape(fitShape(box.shape, box.rect, rect));
  return replaceBox(editor, { ...box, rect: roundRect(rect), shape, touched: true });
}

/**
 * Give a polygon other corners. None where less than `MIN_SIDE` of it would be left.
 * @param {Editor} editor
 * @param {number} id
 * @param {Shape} points
 * @returns {Editor}
 */
export function setCorners(editor, id, points) {
  const box = editor.boxes.find((one) => one.id === id);
  const shape = roundShape(points);
  const rect = roundRect(hullOf(shape));
  if (!box || rect.width < MIN_SIDE || rect.height < MIN_SIDE) return editor;
  return replaceBox(editor, { ...box, rect, shape, touched: true });
}

/**
 * The box after the selected one, or before it, selected; the first, or the last, where none is. Null at the end.
 * @param {Editor} editor
 * @param {1 | -1} by
 * @returns {Editor | null}
 */
export function selectNext(editor, by) {
  const at = editor.boxes.findIndex((box) => box.id === editor.selected);
  const next = at < 0 ? editor.boxes.at(by > 0 ? 0 : -1) : editor.boxes[at + by];
  return next ? select(editor, next.id) : null;
}

/**
 * A copy of a box, selected; beside the place of one that lies there already.
 * @param {Editor} editor
 * @param {Pick<Box, "label" | "rect" | "shape">} copy
 * @returns {Editor}
 */
export function pasteBox(editor, { label, rect, shape }) {
  const taken = editor.boxes.some((box) => box.label === label && sameRect(box.rect, rect));
  const place = moveRect(rect, taken ? { x: PASTE_PX, y: PASTE_PX } : { x: 0, y: 0 }, editor.size);
  const pasted = shape ? addPolygon(editor, fitShape(shape, rect, place), label) : addBox(editor, place, label);
  return pasted === editor ? editor : select(pasted, editor.nextId);
}

/**
 * The last two edits as one, where the later began with what the earlier made: steps of a key held down are one.
 * @param {Editor} editor
 * @returns {Editor}
 */
export function joinEdits(editor) {
  const [first, second] = editor.past.slice(-2);
  if (!first || !second || first.at !== second.at || first.come.length !== second.gone.length) return editor;
  if (first.come.some((box, at) => box !== second.gone[at])) return editor;
  return { ...editor, past: [...editor.past.slice(0, -2), { ...first, come: second.come }] };
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
  const left = editor.all.filter((box) => box.id !== id);
  if (left.length === editor.all.length) return editor;
  return commit({ ...editor, selected: null }, left);
}

/**
 * @param {Editor} editor
 * @returns {Editor}
 */
export function undoEdit(editor) {
  const edit = editor.past.at(-1);
  if (!edit) return editor;
  const all = editor.all.toSpliced(edit.at, edit.come.length, ...edit.gone);
  return withBoxes({ ...editor, past: editor.past.slice(0, -1), future: [...editor.future, edit] }, all);
}

/**
 * @param {Editor} editor
 * @returns {Editor}
 */
export function redoEdit(editor) {
  const edit = editor.future.at(-1);
  if (!edit) return editor;
  const all = editor.all.toSpliced(edit.at, edit.gone.length, ...edit.come);
  return withBoxes({ ...editor, past: [...editor.past, edit], future: editor.future.slice(0, -1) }, all);
}

/**
 * The spans to send: of what is shown, and nothing else.
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
  const at = editor.all.findIndex((one) => one.id === box.id);
  return commit(editor, editor.all.with(at, box));
}

/**
 * The boxes after an edit. What is kept of those before is the difference: thousands of edits to thousands of boxes fit.
 * @param {Editor} editor
 * @param {readonly Box[]} all
 * @returns {Editor}
 */
export function commit(editor, all) {
  const { at, gone, come } = difference(editor.all, all);
  /** @type {Edit} */
  const edit = { at, gone: editor.all.slice(at, at + gone), come: all.slice(at, at + come) };
  return withBoxes({ ...editor, past: [...editor.past, edit], future: [] }, all);
}

/**
 * The editor with these boxes, of which its limits show some.
 * @param {Editor} editor
 * @param {readonly Box[]} all
 * @returns {Editor}
 */
export function withBoxes(editor, all) {
  return select({ ...editor, all, boxes: shownBoxes(all, editor.limits) }, editor.selected);
}
