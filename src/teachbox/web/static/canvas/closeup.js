/** Of an image too large to be whole here, asks for the part that is looked at closely. */

import { clipRect, contains } from "../boxes/geometry.js";
import { visibleRect } from "./view.js";

/** @import { Rect, Size, View } from "../types.js" */
/** @import { Ready } from "./images.js" */

/** How much more than is in sight is asked for, on each side. */
const MARGIN = 0.25;

/** @param {(url: string, rect: Rect, scale: number) => void} wishPart */
export function createCloseup(wishPart) {
  let wished = "";

  /**
   * @param {Ready} picture
   * @param {View} view
   * @param {Size} port
   * @param {number} density  Device pixels for one CSS pixel.
   */
  return function wish({ size, copies, whole, part, url }, view, port, density) {
    const scale = Math.min(1, view.scale * density);
    const coarse = (copies[0]?.width ?? 0) / size.width;
    if (whole || scale <= coarse) return;
    const seen = clipRect(visibleRect(view, port), size);
    const enough = part && inside(part.rect, seen) && part.bitmap.width / part.rect.width >= scale * 0.7;
    if (enough || !seen.width || !seen.height) return;
    const wide = {
      x: seen.x - seen.width * MARGIN,
      y: seen.y - seen.height * MARGIN,
      width: seen.width * (1 + 2 * MARGIN),
      height: seen.height * (1 + 2 * MARGIN),
    };
    const rect = wholePixels(clipRect(wide, size));
    const next = JSON.stringify([url, rect, scale]);
    if (next === wished) return;
    wished = next;
    wishPart(url, rect, scale);
  };
}

/** @param {Rect} outer @param {Rect} inner */
function inside(outer, inner) {
  const end = { x: inner.x + inner.width, y: inner.y + inner.height };
  return contains(outer, inner, 1) && contains(outer, end, 1);
}

/** @param {Rect} rect @returns {Rect} */
function wholePixels({ x, y, width, height }) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  return { x: left, y: top, width: Math.floor(x + width) - left, height: Math.floor(y + height) - top };
}
