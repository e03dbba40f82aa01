/** What a pointer does to boxes, from press to release. Pure; all points are in image pixels. */

import { MIN_SIDE, clamp, itemsAt, moveRect, rectBetween, resizeRect } from "../boxes/geometry.js";

/** @import { Box, Editor, Handle, Point, Rect } from "../types.js" */

/**
 * @typedef {object} Gesture
 * @property {"draw" | "move" | "resize"} kind
 * @property {Point} from
 * @property {Box | null} box  The box that is moved or resized.
 * @property {Handle | null} handle
 */

/**
 * A press on the canvas: on a box it moves that one (the selected before all others, then the smallest), elsewhere,
 * or with `forceDraw`, it draws.
 * @param {Editor} editor
 * @param {Point} from
 * @param {number} margin
 * @param {boolean} forceDraw
 * @returns {Gesture}
 */
export function pressCanvas(editor, from, margin, forceDraw) {
  const under = forceDraw ? [] : itemsAt(editor.boxes, from, margin);
  const box = under.find((one) => one.id === editor.selected) ?? under[0] ?? null;
  return { kind: box ? "move" : "draw", from, box, handle: null };
}

/**
 * @param {Box} box
 * @param {Handle} handle
 * @param {Point} from
 * @returns {Gesture}
 */
export function pressHandle(box, handle, from) {
  return { kind: "resize", from, box, handle };
}

/**
 * The rectangle that a gesture makes with the pointer at a point.
 * @param {Gesture} gesture
 * @param {Editor} editor
 * @param {Point} to
 * @returns {Rect}
 */
export function gestureRect(gesture, editor, to) {
  const { size } = editor;
  if (!gesture.box) return rectBetween(within(gesture.from, editor), within(to, editor));
  const by = { x: to.x - gesture.from.x, y: to.y - gesture.from.y };
  if (gesture.handle) return resizeRect(gesture.box.rect, gesture.handle, by, size);
  return moveRect(gesture.box.rect, by, size);
}

/**
 * Whether a drawn rectangle is one: smaller ones are slips of the hand.
 * @param {Rect} rect
 */
export function isDrawn(rect) {
  return rect.width >= MIN_SIDE && rect.height >= MIN_SIDE;
}

/**
 * What a click selects: the smallest box under it; a further click there the next larger one.
 * @param {Editor} editor
 * @param {Point} point
 * @param {number} margin
 * @returns {number | null}
 */
export function clickedBox(editor, point, margin) {
  const under = itemsAt(editor.boxes, point, margin);
  const at = under.findIndex((box) => box.id === editor.selected);
  return (under[at + 1] ?? under[0])?.id ?? null;
}

/**
 * @param {Point} point
 * @param {Editor} editor
 * @returns {Point}
 */
function within(point, { size }) {
  return { x: clamp(point.x, 0, size.width), y: clamp(point.y, 0, size.height) };
}
