/** The transform between the image and the screen. Pure; screen numbers are CSS pixels from the canvas's corner. */

import { clamp } from "../boxes/geometry.js";

/** @import { Point, Rect, Size, View } from "../types.js" */

/** Tiny images are enlarged to be seen, but not without end. */
const MAX_FIT = 8;
/** Pixels of the screen for one of the image. */
const MAX_SCALE = 64;
/** So much of the image stays in sight, whatever is panned. */
const KEPT_PX = 48;

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
 * A view enlarged by a factor; what is at a point of the screen stays there.
 * @param {View} view
 * @param {Point} at
 * @param {number} factor
 * @param {number} smallest  Scale below which nothing is gained.
 * @returns {View}
 */
export function zoomView(view, at, factor, smallest) {
  const scale = clamp(view.scale * factor, Math.min(smallest, view.scale), MAX_SCALE);
  const by = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

/**
 * A view moved by pixels of the screen. A piece of the image stays in sight.
 * @param {View} view
 * @param {Point} by
 * @param {Size} image
 * @param {Size} port
 * @returns {View}
 */
export function panView(view, by, image, port) {
  const { scale } = view;
  return {
    scale,
    x: clamp(view.x + by.x, KEPT_PX - image.width * scale, port.width - KEPT_PX),
    y: clamp(view.y + by.y, KEPT_PX - image.height * scale, port.height - KEPT_PX),
  };
}

/**
 * A view moved, where needed, so that a rectangle of the image can be seen.
 * @param {View} view
 * @param {Rect} rect
 * @param {Size} image
 * @param {Size} port
 * @returns {View}
 */
export function revealRect(view, rect, image, port) {
  const { x, y, width, height } = toScreen(view, rect);
  const by = { x: stepInto(x, width, port.width), y: stepInto(y, height, port.height) };
  return by.x || by.y ? panView(view, by, image, port) : view;
}

/**
 * How far to move a stretch so that it lies inside a room; one that is larger is left where any of it is in sight.
 * @param {number} start
 * @param {number} length
 * @param {number} room
 */
function stepInto(start, length, room) {
  if (length > room ? start < room && start + length > 0 : start >= 0 && start + length <= room) return 0;
  return (room - length) / 2 - start;
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
