/** Rectangles and points. Pure; no unit is assumed. */

/** @import { Handle, Point, Rect, Size } from "../types.js" */

/** A drawn or resized box is never smaller than this, in pixels of the original image. */
export const MIN_SIDE = 3;

/** @type {readonly Handle[]} */
export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/**
 * The rectangle between two corners, in any order.
 * @param {Point} a
 * @param {Point} b
 * @returns {Rect}
 */
export function rectBetween(a, b) {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

/**
 * The part of a rectangle inside an image; of no area where there is none.
 * @param {Rect} rect
 * @param {Size} size
 * @returns {Rect}
 */
export function clipRect(rect, size) {
  const left = clamp(rect.x, 0, size.width);
  const top = clamp(rect.y, 0, size.height);
  const right = clamp(rect.x + rect.width, 0, size.width);
  const bottom = clamp(rect.y + rect.height, 0, size.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * A rectangle moved, stopped at the image's edges; its size stays unless it is larger than the image.
 * @param {Rect} rect
 * @param {Point} by
 * @param {Size} size
 * @returns {Rect}
 */
export function moveRect(rect, by, size) {
  const x = clamp(rect.x + by.x, 0, Math.max(0, size.width - rect.width));
  const y = clamp(rect.y + by.y, 0, Math.max(0, size.height - rect.height));
  return clipRect({ ...rect, x, y }, size);
}

/**
 * A rectangle with the edges that a handle holds moved. They stop at the image's edges and `MIN_SIDE` before the
 * opposite edge.
 * @param {Rect} rect
 * @param {Handle} handle
 * @param {Point} by
 * @param {Size} size
 * @returns {Rect}
 */
export function resizeRect(rect, handle, by, size) {
  let { x: left, y: top } = rect;
  let right = rect.x + rect.width;
  let bottom = rect.y + rect.height;
  if (handle.includes("w")) left = clamp(left + by.x, 0, Math.max(0, right - MIN_SIDE));
  if (handle.includes("e")) right = clamp(right + by.x, Math.min(size.width, left + MIN_SIDE), size.width);
  if (handle.includes("n")) top = clamp(top + by.y, 0, Math.max(0, bottom - MIN_SIDE));
  if (handle.includes("s")) bottom = clamp(bottom + by.y, Math.min(size.height, top + MIN_SIDE), size.height);
  return clipRect({ x: left, y: top, width: right - left, height: bottom - top }, size);
}

/**
 * @param {Rect} rect
 * @param {Point} point
 * @param {number} [margin]
 */
export function contains(rect, point, margin = 0) {
  return (
    point.x >= rect.x - margin &&
    point.y >= rect.y - margin &&
    point.x <= rect.x + rect.width + margin &&
    point.y <= rect.y + rect.height + margin
  );
}

/**
 * @param {Rect} a
 * @param {Rect} b
 */
export function intersects(a, b) {
  return a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height && b.y <= a.y + a.height;
}

/**
 * Intersection over union, 0 to 1.
 * @param {Rect} a
 * @param {Rect} b
 */
export function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/**
 * Where the eight handles of a rectangle sit. Around one smaller than `room` they move outwards, so that its body
 * stays within reach.
 * @param {Rect} rect
 * @param {number} room
 * @returns {{handle: Handle, x: number, y: number}[]}
 */
export function handlePoints(rect, room) {
  const outX = Math.max(0, (room - rect.width) / 2);
  const outY = Math.max(0, (room - rect.height) / 2);
  const xs = { w: rect.x - outX, e: rect.x + rect.width + outX };
  const ys = { n: rect.y - outY, s: rect.y + rect.height + outY };
  return HANDLES.map((handle) => ({
    handle,
    x: handle.includes("w") ? xs.w : handle.includes("e") ? xs.e : (xs.w + xs.e) / 2,
    y: handle.includes("n") ? ys.n : handle.includes("s") ? ys.s : (ys.n + ys.s) / 2,
  }));
}
