/** Drawing by clicks: a box by two corners or by four extreme points, a polygon by its corners. Pure. */

import { clamp, rectBetween } from "../boxes/geometry.js";
import { MIN_CORNERS, hullOf } from "../boxes/polygons.js";

/** @import { Point, Rect, Shape, Size } from "../types.js" */

/**
 * `box`: two opposite corners. `extreme`: the object's leftmost, topmost, rightmost and lowest points, in any order.
 * @typedef {"box" | "extreme" | "polygon"} Tool
 *
 * @typedef {{tool: Tool, points: readonly Point[]}} Drawing
 * @typedef {{rect: Rect} | {shape: Shape}} Drawn
 */

/** @type {readonly Tool[]} */
export const TOOLS = ["box", "extreme", "polygon"];

/** Points that a box is made of; a polygon has as many as it is given. */
const ENOUGH = { box: 2, extreme: 4, polygon: Infinity };

/**
 * A drawing with one point more, or what it has become. A click on the first corner closes a polygon.
 * @param {Drawing} drawing
 * @param {Point} point
 * @param {Size} size  Points beyond the image are taken at its edge.
 * @param {number} reach
 * @returns {{drawing: Drawing | null, drawn: Drawn | null}}
 */
export function addPoint({ tool, points }, point, size, reach) {
  const inside = { x: clamp(point.x, 0, size.width), y: clamp(point.y, 0, size.height) };
  const [first] = points;
  if (tool === "polygon" && first && points.length >= MIN_CORNERS && distance(first, inside) <= reach) {
    return closeDrawing({ tool, points });
  }
  const next = { tool, points: [...points, inside] };
  return next.points.length >= ENOUGH[tool] ? { drawing: null, drawn: { rect: hullOf(shapeOf(next.points)) } } : { drawing: next, drawn: null };
}

/**
 * End a polygon with the corners that it has; one of fewer than three goes on.
 * @param {Drawing} drawing
 * @returns {{drawing: Drawing | null, drawn: Drawn | null}}
 */
export function closeDrawing(drawing) {
  const { tool, points } = drawing;
  if (tool !== "polygon" || points.length < MIN_CORNERS) return { drawing, drawn: null };
  return { drawing: null, drawn: { shape: shapeOf(points) } };
}

/**
 * Without its last point; null where none is left.
 * @param {Drawing} drawing
 * @returns {Drawing | null}
 */
export function dropPoint({ tool, points }) {
  return points.length > 1 ? { tool, points: points.slice(0, -1) } : null;
}

/**
 * What a drawing would be with the pointer at a point: the rectangle, or the corners of a polygon.
 * @param {Drawing} drawing
 * @param {Point | null} at
 * @param {Size} size
 * @returns {{rect: Rect | null, points: readonly Point[], closed: boolean}}
 */
export function previewDrawing({ tool, points }, at, size) {
  const inside = at && { x: clamp(at.x, 0, size.width), y: clamp(at.y, 0, size.height) };
  const all = inside ? [...points, inside] : points;
  const [first] = points;
  if (tool === "polygon") return { rect: null, points: all, closed: all.length >= MIN_CORNERS };
  if (tool === "box" && first && inside) return { rect: rectBetween(first, inside), points, closed: true };
  return { rect: all.length > 1 ? hullOf(shapeOf(all)) : null, points, closed: true };
}

/** @param {readonly Point[]} points @returns {Shape} */
function shapeOf(points) {
  return points.map(({ x, y }) => [x, y]);
}

/** @param {Point} a @param {Point} b */
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
