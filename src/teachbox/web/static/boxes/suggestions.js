/** What a person does to predicted boxes as such. Pure. */

import { commit, deleteBox, openEditor, select, selectedBox } from "./editor.js";
import { clipRect, overlap } from "./geometry.js";
import { isSuggestion } from "./limits.js";
import { fitShape } from "./polygons.js";
import { roundRect, roundShape } from "./spans.js";

/** @import { Box, Editor, Rect, Span, Task } from "../types.js" */

/** A drawn box snaps to a predicted one that overlaps it by so much. */
const NEAR = 0.3;
/** Two boxes of one label that overlap by so much are one object. */
export const SAME = 0.9;

/**
 * A predicted box agreed to: it is the person's from now on.
 * @param {Editor} editor
 * @param {number | null} id
 * @returns {Editor}
 */
export function acceptBox(editor, id) {
  const box = editor.boxes.find((one) => one.id === id);
  if (!box || !isSuggestion(box)) return editor;
  return commit(editor, editor.all.map((one) => (one === box ? { ...box, touched: true } : one)));
}

/**
 * Accept or reject the selected suggestion and go on to the next one, after the last to the first; where none is selected,
 * go to the next. Null where there is none.
 * @param {Editor} editor
 * @param {boolean} accept
 * @returns {Editor | null}
 */
export function judgeBox(editor, accept) {
  const box = selectedBox(editor);
  const judged = box && isSuggestion(box) ? box : null;
  const at = box ? editor.boxes.indexOf(box) + 1 : 0;
  const next = [...editor.boxes.slice(at), ...editor.boxes.slice(0, at)].find((one) => one !== judged && isSuggestion(one));
  if (!judged && !next) return null;
  const { id } = judged ?? {};
  const left = id === undefined ? editor : accept ? acceptBox(editor, id) : deleteBox(editor, id);
  return select(left, next?.id ?? null);
}

/**
 * Without the suggestions that are shown.
 * @param {Editor} editor
 * @returns {Editor}
 */
export function clearSuggestions(editor) {
  const gone = new Set(editor.boxes.filter(isSuggestion));
  return gone.size ? commit(editor, editor.all.filter((box) => !gone.has(box))) : editor;
}

/**
 * With the boxes of another image, as a person's, in one edit. Those that lie here already are not put twice, and what lies
 * beyond this image is left out.
 * @param {Editor} editor
 * @param {readonly Span[]} spans
 * @returns {Editor}
 */
export function repeatBoxes(editor, spans) {
  /** @type {Box[]} */
  const come = [];
  for (const { label, rect: before, shape: corners } of openEditor(spans, editor.size, null).all) {
    const rect = roundRect(clipRect(before, editor.size));
    const there = [...editor.boxes, ...come].some((box) => isSame(box, { label, rect }));
    if (there || rect.width < 1 || rect.height < 1) continue;
    const shape = corners && roundShape(fitShape(corners, before, rect));
    come.push({ id: editor.nextId + come.length, label, rect, shape, span: null, touched: true });
  }
  if (!come.length) return editor;
  return commit({ ...editor, nextId: editor.nextId + come.length }, [...editor.all, ...come]);
}

/**
 * The selected box of a person, or the one that was drawn last, put where the prediction is that it overlaps most, be that
 * shown or hidden; the two become one, with the person's label. The same editor where no prediction is near.
 * @param {Editor} editor
 * @returns {Editor}
 */
export function snapBox(editor) {
  const chosen = selectedBox(editor) ?? editor.boxes.findLast((box) => !box.span);
  if (!chosen || chosen.shape || isSuggestion(chosen)) return editor;
  let [best, most] = [/** @type {Box | null} */ (null), NEAR];
  for (const box of editor.all) {
    const share = isSuggestion(box) ? overlap(box.rect, chosen.rect) : 0;
    if (share >= most) [best, most] = [box, share];
  }
  if (!best) return editor;
  const { rect, shape, span } = best;
  const left = editor.all.filter((box) => box !== best);
  return commit(editor, left.map((box) => (box === chosen ? { ...chosen, rect, shape, span, touched: true } : box)));
}

/** @typedef {{label: string, rect: Rect}} Placed */

/** Whether two boxes are of one object, as far as can be told. @param {Placed} a @param {Placed} b */
export function isSame(a, b) {
  return a.label === b.label && overlap(a.rect, b.rect) >= SAME;
}

/**
 * Predicted boxes of a task that are not there any more as they were predicted: changed, agreed to, or removed.
 * @param {Pick<Task, "spans" | "candidates" | "replaced">} task
 * @param {Editor} editor
 * @returns {Span[]}
 */
export function replacedSpans({ spans = [], candidates = [], replaced = [] }, editor) {
  const left = new Set(editor.all.filter(isSuggestion).map((box) => JSON.stringify(box.span)));
  const predicted = [...spans, ...candidates].filter((span) => span.score !== undefined && !span.touched);
  return [...replaced, ...predicted.filter((span) => !left.has(JSON.stringify(span)))];
}
