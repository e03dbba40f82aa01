/** Spans, as they travel, to and from the page's boxes. Pure. */

import { MIN_CORNERS } from "./polygons.js";

/** @import { Box, Rect, Shape, Span } from "../types.js" */

/**
 * The rectangle of a span: from x, y, width, height, else the hull of its points; null where it has neither.
 * @param {Span} span
 * @returns {Rect | null}
 */
export function spanRect(span) {
  const { x, y, width, height } = span;
  const sides = [x, y, width, height];
  if (sides.every(Number.isFinite)) return /** @type {Rect} */ ({ x, y, width, height });
  const xs = (span.points ?? []).map((point) => Number(point[0]));
  const ys = (span.points ?? []).map((point) => Number(point[1]));
  if (!xs.length || ![...xs, ...ys].every(Number.isFinite)) return null;
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/**
 * What is sent for a box. One that nobody touched goes back exactly as it came; a predicted one that was changed, or agreed
 * to, keeps what says where it came from, and is `touched`.
 * @param {Box} box
 * @returns {Span}
 */
export function boxSpan(box) {
  if (box.span && !box.touched) return box.span;
  const type = box.shape ? "polygon" : "rect";
  const known = knownOf(box) ?? { label: box.label, type };
  const kept = known.score === undefined ? known : { ...known, touched: true };
  const before = box.span && spanRect(box.span);
  const unmoved = !box.span || box.shape === null || box.shape === box.span.points;
  if (before && unmoved && sameRect(before, box.rect)) return { ...kept, label: box.label };
  const rect = roundRect(box.rect);
  return { ...kept, label: box.label, ...rect, points: box.shape ?? cornersOf(rect) };
}

/** The span that a box came with. Another label outdates what it said of all labels. @param {Box} box */
function knownOf({ span, label }) {
  if (!span?.class_scores || span.label === label) return span;
  const { class_scores: _outdated, ...rest } = span;
  return rest;
}

/** @param {Shape} points @returns {Shape} */
export function roundShape(points) {
  return points.map(([x, y]) => [round4(x), round4(y)]);
}

/**
 * Whole ten-thousandths of a pixel: what the server writes too, and no tail of float digits.
 * @param {Rect} rect
 * @returns {Rect}
 */
export function roundRect(rect) {
  return { x: round4(rect.x), y: round4(rect.y), width: round4(rect.width), height: round4(rect.height) };
}

/** @param {number} value */
function round4(value) {
  return Math.round(value * 1e4) / 1e4;
}

/**
 * @param {Rect} rect
 * @returns {Shape}
 */
export function cornersOf({ x, y, width, height }) {
  const right = round4(x + width);
  const bottom = round4(y + height);
  return [
    [x, y],
    [x, bottom],
    [right, bottom],
    [right, y],
  ];
}

/** Whether a span is more than a box: a polygon, or drawn freehand. @param {Span} span */
export function isShape(span) {
  return (span.type === "polygon" || span.type === "freehand") && (span.points?.length ?? 0) >= MIN_CORNERS;
}

/**
 * @param {Rect} a
 * @param {Rect} b
 */
export function sameRect(a, b) {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}
