/** What a pointer does to boxes, from press to release. Pure; all points are in image pixels. */

import { MIN_SIDE, clamp, moveRect, rectBetween, resizeRect } from "../boxes/geometry.js";
import { edgeMiddles, hullOf, moveCorner } from "../boxes/polygons.js";

/** @import { Box, Editor, Grip, Point, Rect, Shape } from "../types.js" */

/**
 * @typedef {object} Gesture
 * @property {"draw" | "move" | "resize"} kind
 * @property {Point} from
 * @property {Box | null} box  The box that is moved or resized.
 * @property {Grip | null} grip
 */

/**
 * A press on the canvas: on a box it moves that one (the selected before all others, then the smallest), elsewhere,
 * or with `forceDraw`, it draws.
 * @param {readonly Box[]} under  Boxes at the point, the smallest first.
 * @param {number | null} selected
 * @param {Point} from
 * @param {boolean} forceDraw
 * @returns {Gesture}
 */
export function pressCanvas(under, selected, from, forceDraw) {
  const box = forceDraw ? null : (under.find((one) => one.id === selected) ?? under[0] ?? null);
  return { kind: box ? "move" : "draw", from, box, grip: null };
}

/**
 * @param {Box} box
 * @param {Grip} grip
 * @param {Point} from
 * @returns {Gesture}
 */
export function pressGrip(box, grip, from) {
  return { kind: "resize", from, box, grip };
}

/**
 * The rectangle that a gesture makes with the pointer at a point and, of a polygon whose corners it moves, those.
 * @param {Gesture} gesture
 * @param {Editor} editor
 * @param {Point} to
 * @returns {{rect: Rect, shape: Shape | null}}
 */
export function gestureResult({ from, box, grip }, { size }, to) {
  if (!box) return { rect: rectBetween(inside(from, size), inside(to, size)), shape: null };
  const by = { x: to.x - from.x, y: to.y - from.y };
  if (grip && grip.kind !== "side") {
    const shape = moveGrip(/** @type {Shape} */ (box.shape), grip, by, size);
    return { rect: hullOf(shape), shape };
  }
  return { rect: grip ? resizeRect(box.rect, grip.side, by, size) : moveRect(box.rect, by, size), shape: null };
}

/**
 * The corners of a polygon after one of them, or a new one in the middle of an edge, has been moved.
 * @param {Shape} shape
 * @param {Exclude<Grip, {kind: "side"}>} grip
 * @param {Point} by
 * @param {{width: number, height: number}} size
 * @returns {Shape}
 */
export function moveGrip(shape, { kind, at }, by, size) {
  const [x, y] = /** @type {[number, number]} */ (kind === "corner" ? shape[at] : edgeMiddles(shape)[at]);
  const to = { x: x + by.x, y: y + by.y };
  return kind === "corner" ? moveCorner(shape, at, to, size) : moveCorner(shape.toSpliced(at + 1, 0, [x, y]), at + 1, to, size);
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
 * @param {readonly Box[]} under  Boxes at the point, the smallest first.
 * @param {number | null} selected
 * @returns {number | null}
 */
export function clickedBox(under, selected) {
  const at = under.findIndex((box) => box.id === selected);
  return (under[at + 1] ?? under[0])?.id ?? null;
}

/**
 * @param {Point} point
 * @param {{width: number, height: number}} size
 * @returns {Point}
 */
function inside(point, size) {
  return { x: clamp(point.x, 0, size.width), y: clamp(point.y, 0, size.height) };
}
