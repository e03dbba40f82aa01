/** The transform between the image and the screen. Pure; screen numbers are CSS pixels from the canvas's corner. */

/** @import { Point, Rect, Size, View } from "../types.js" */

/** Tiny images are enlarged to be seen, but not without end. */
const MAX_FIT = 8;

/**
 * The view that shows the whole image in the middle of a port.
 * @param {Size} image
 * @param {Size} port
 * @param {number} padding
 * @returns {View}
 */
export function fitView(image, port, padding) {
  const room = { width: Math.max(1, port.width - 2 * padding), height: Math.max(1, port.height - 2 * padding) };
  const scale = Math.min(room.width / image.width, room.height / image.height, MAX_FIT);
  return { scale, x: (port.width - image.width * scale) / 2, y: (port.height - image.height * scale) / 2 };
}

/**
 * @param {View} view
 * @param {Point} point
 * @returns {Point}
 */
export function toImage(view, point) {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

/**
 * @param {View} view
 * @param {Rect} rect
 * @returns {Rect}
 */
export function toScreen(view, rect) {
  return {
    x: rect.x * view.scale + view.x,
    y: rect.y * view.scale + view.y,
    width: rect.width * view.scale,
    height: rect.height * view.scale,
  };
}

/**
 * The part of image space that a port shows: what lies outside need not be drawn.
 * @param {View} view
 * @param {Size} port
 * @returns {Rect}
 */
export function visibleRect(view, port) {
  const corner = toImage(view, { x: 0, y: 0 });
  return { ...corner, width: port.width / view.scale, height: port.height / view.scale };
}
