/** Polygons: lists of `[x, y]` in pixels of the image, closed by themselves. Pure. */

import { clamp, contains } from "./geometry.js";

/** @import { Point, Rect, Shape, Size } from "../types.js" */

/** Fewer corners have no area. */
export const MIN_CORNERS = 3;

/**
 * The smallest rectangle around points.
 * @param {Shape} points
 * @returns {Rect}
 */
export function hullOf(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * Points carried along as their hull goes from one rectangle to another.
 * @param {Shape} points
 * @param {Rect} from
 * @param {Rect} to
 * @returns {Shape}
 */
export function fitShape(points, from, to) {
  const scaleX = from.width ? to.width / from.width : 1;
  const scaleY = from.height ? to.height / from.height : 1;
  return points.map(([x, y]) => [to.x + (x - from.x) * scaleX, to.y + (y - from.y) * scaleY]);
}

/**
 * @param {Shape} points
 * @param {number} at
 * @param {Point} to  Stopped at the image's edges.
 * @param {Size} size
 * @returns {Shape}
 */
export function moveCorner(points, at, to, size) {
  return points.with(at, [clamp(to.x, 0, size.width), clamp(to.y, 0, size.height)]);
}

/**
 * A new corner in the middle of the edge that leaves the corner at a place.
 * @param {Shape} points
 * @param {number} at
 * @returns {Shape}
 */
export function splitEdge(points, at) {
  const middle = edgeMiddles(points)[at];
  return middle ? points.toSpliced(at + 1, 0, middle) : points;
}

/** @param {Shape} points @returns {Shape} */
export function edgeMiddles(points) {
  return points.map(([x, y], at) => {
    const [nextX, nextY] = /** @type {[number, number]} */ (points[(at + 1) % points.length]);
    return [(x + nextX) / 2, (y + nextY) / 2];
  });
}

/**
 * Whether a point lies inside, by the even-odd rule.
 * @param {Shape} points
 * @param {Point} point
 */
export function isInside(points, { x, y }) {
  let inside = false;
  points.forEach(([ax, ay], at) => {
    const [bx, by] = /** @type {[number, number]} */ (points.at(at - 1));
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
}

/**
 * Whether a box is under a point: a polygon by its area and a margin around it.
 * @param {{rect: Rect, shape: Shape | null}} box
 * @param {Point} point
 * @param {number} margin
 */
export function isUnder({ rect, shape }, point, margin) {
  if (!contains(rect, point, margin)) return false;
  return !shape || isInside(shape, point) || isNearEdge(shape, point, margin);
}

/**
 * @param {Shape} points
 * @param {Point} point
 * @param {number} margin
 */
function isNearEdge(points, { x, y }, margin) {
  return points.some(([ax, ay], at) => {
    const [bx, by] = /** @type {[number, number]} */ (points.at(at - 1));
    const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
    const along = length2 ? clamp(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2, 0, 1) : 0;
    return Math.hypot(ax + along * (bx - ax) - x, ay + along * (by - ay) - y) <= margin;
  });
}
