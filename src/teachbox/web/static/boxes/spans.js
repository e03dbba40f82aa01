/** Spans, as they travel, to and from the page's boxes. Pure. */

/** @import { Box, Rect, Span } from "../types.js" */

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
 * What is sent for a box. One that nobody touched goes back exactly as it came; one that was changed loses `score`
 * and `version`, which were said about another box.
 * @param {Box} box
 * @returns {Span}
 */
export function boxSpan(box) {
  if (box.span && !box.touched) return box.span;
  const { score, version, ...kept } = box.span ?? { label: box.label, type: "rect" };
  const before = box.span && spanRect(box.span);
  if (before && sameRect(before, box.rect)) return { ...kept, label: box.label };
  const rect = roundRect(box.rect);
  const points = before && isShape(box.span) ? fitPoints(box.span?.points ?? [], before, rect) : corners(rect);
  return { ...kept, label: box.label, ...rect, points };
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
 * @returns {number[][]}
 */
function corners({ x, y, width, height }) {
  const right = round4(x + width);
  const bottom = round4(y + height);
  return [
    [x, y],
    [x, bottom],
    [right, bottom],
    [right, y],
  ];
}

/** @param {Span | null} span */
function isShape(span) {
  return span?.type === "polygon" || span?.type === "freehand";
}

/**
 * The points of a shape, carried along as its hull goes from one rectangle to another.
 * @param {number[][]} points
 * @param {Rect} from
 * @param {Rect} to
 */
function fitPoints(points, from, to) {
  const scaleX = from.width ? to.width / from.width : 1;
  const scaleY = from.height ? to.height / from.height : 1;
  return points.map(([x = 0, y = 0]) => [
    round4(to.x + (x - from.x) * scaleX),
    round4(to.y + (y - from.y) * scaleY),
  ]);
}

/**
 * @param {Rect} a
 * @param {Rect} b
 */
export function sameRect(a, b) {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}
