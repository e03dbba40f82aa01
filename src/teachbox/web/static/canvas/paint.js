/** Draws the image and its boxes on a canvas. Reads everything, changes nothing. */

import { isSuggestion } from "../boxes/limits.js";
import { withAlpha } from "../panels/colors.js";
import { paintTags } from "./tags.js";
import { toScreen } from "./view.js";

/** @import { Box, Point, Rect, Shape, Size, View } from "../types.js" */
/** @import { Ready } from "./images.js" */

/**
 * @typedef {object} Scene
 * @property {Size} port  CSS pixels.
 * @property {number} density  Device pixels for one CSS pixel.
 * @property {View} view
 * @property {Ready} picture
 * @property {ReadonlyMap<Box, unknown>} doubts  Those that are marked.
 * @property {Draft | null} draft
 * @property {number} arrival  0 to 1: how far suggestions that came late have faded in.
 * @property {boolean} tags  Whether every box shows its label; else only the one that is pointed at or selected.
 * @property {string} filter  Of the image, as CSS writes it; "none" for none.
 * @property {(label: string) => string} colorOf
 *
 * What is being drawn: a rectangle or corners, as far as they are set.
 * @typedef {{label: string, rect: Rect | null, points: readonly Point[], closed: boolean}} Draft
 */

const HALO = "rgba(8, 10, 14, 0.5)";
const GAP = "rgba(255, 255, 255, 0.92)";
/** From so many boxes on, each is a single line: more could not be told apart, and would take longer than a frame. */
const CROWD = 400;
/** A pixel of the image that covers more device pixels is shown as the square that it is. */
const SQUARE_PIXELS = 2;

/**
 * What stays as it is while a pointer is at work: the image and all boxes.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {readonly Box[]} boxes  Those in sight.
 * @returns {boolean}  Whether they are a crowd.
 */
export function paintGround(context, scene, boxes) {
  const { port, density } = scene;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, port.width, port.height);
  paintImage(context, scene);
  const crowd = boxes.length > CROWD;
  paintStill(context, scene, boxes, crowd);
  return crowd;
}

/**
 * Boxes that nothing happens to.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {readonly Box[]} boxes
 * @param {boolean} crowd  Whether they are some of very many.
 */
export function paintStill(context, scene, boxes, crowd) {
  paintFrames(context, scene, boxes, { crowd, active: false });
  paintTags(context, scene, scene.tags ? boxes : boxes.filter((box) => scene.doubts.has(box)), crowd);
}

/**
 * What lies over it: boxes that are pointed at, selected or moved, and what is being drawn.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {readonly Box[]} active  The last over the others.
 */
export function paintActive(context, scene, active) {
  const { density } = scene;
  context.setTransform(density, 0, 0, density, 0, 0);
  paintFrames(context, scene, active, { crowd: false, active: true });
  paintTags(context, scene, active, false);
  if (scene.draft) paintDraft(context, scene, scene.draft);
}

/**
 * The copy nearest to what is shown, never one to be enlarged where there is a larger; over it the part in detail.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
function paintImage(context, { picture, view, density, filter }) {
  const { size, copies, part, whole } = picture;
  const scale = view.scale * density;
  const enough = copies.filter((copy) => copy.width >= size.width * scale - 1);
  const copy = enough.at(-1) ?? copies[0];
  context.imageSmoothingEnabled = scale <= SQUARE_PIXELS;
  context.filter = filter;
  if (copy) context.drawImage(copy, view.x, view.y, size.width * view.scale, size.height * view.scale);
  if (part && !whole && !enough.length) {
    const { x, y, width, height } = toScreen(view, part.rect);
    context.drawImage(part.bitmap, x, y, width, height);
  }
  context.filter = "none";
}

/**
 * Frames of one look together: changing the pen costs more than a line.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {readonly Box[]} boxes
 * @param {{crowd: boolean, active: boolean}} how
 */
function paintFrames(context, scene, boxes, { crowd, active }) {
  const { view, colorOf } = scene;
  /** @type {Map<string, {color: string, suggestion: boolean, boxes: Box[]}>} */
  const looks = new Map();
  for (const box of boxes) {
    const suggestion = isSuggestion(box);
    const key = suggestion ? `${box.label}\n` : box.label;
    const look = looks.get(key);
    if (look) look.boxes.push(box);
    else looks.set(key, { color: colorOf(box.label), suggestion, boxes: [box] });
  }
  for (const { color, suggestion, boxes: alike } of looks.values()) {
    context.globalAlpha = suggestion ? scene.arrival : 1;
    if (active) {
      context.fillStyle = withAlpha(color, 0.09);
      for (const box of alike) fill(context, view, box);
    }
    if (!crowd) {
      // A dark line beneath, so that the frame is seen on bright and on dark images.
      context.lineWidth = active ? 5 : 4;
      context.strokeStyle = HALO;
      for (const box of alike) stroke(context, view, box);
    }
    context.lineWidth = active ? 3 : crowd && suggestion ? 1 : 2;
    if (suggestion && !crowd) {
      context.strokeStyle = GAP;
      for (const box of alike) stroke(context, view, box);
      context.setLineDash([6, 4]);
    }
    context.strokeStyle = color;
    for (const box of alike) stroke(context, view, box);
    context.setLineDash([]);
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {View} view @param {Box} box */
function stroke(context, view, { rect, shape }) {
  if (shape) {
    trace(context, view, shape, true);
    context.stroke();
  } else {
    const { scale } = view;
    context.strokeRect(rect.x * scale + view.x, rect.y * scale + view.y, rect.width * scale, rect.height * scale);
  }
}

/** @param {CanvasRenderingContext2D} context @param {View} view @param {Box} box */
function fill(context, view, { rect, shape }) {
  const { x, y, width, height } = toScreen(view, rect);
  if (!shape) return context.fillRect(x, y, width, height);
  trace(context, view, shape, true);
  return context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Shape} points
 * @param {boolean} closed
 */
function trace(context, { scale, x, y }, points, closed) {
  context.beginPath();
  for (const point of points) context.lineTo(point[0] * scale + x, point[1] * scale + y);
  if (closed) context.closePath();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Draft} draft
 */
function paintDraft(context, { view, colorOf }, { label, rect, points, closed }) {
  const color = colorOf(label);
  /** @type {Shape} */
  const corners = points.map(({ x, y }) => [x, y]);
  /** @type {[number, string][]} */
  const pens = [[4, HALO], [2, color]];
  context.fillStyle = withAlpha(color, 0.16);
  if (rect) {
    const { x, y, width, height } = toScreen(view, rect);
    context.fillRect(x, y, width, height);
    for (const [lineWidth, strokeStyle] of pens) {
      Object.assign(context, { lineWidth, strokeStyle });
      context.strokeRect(x, y, width, height);
    }
  } else {
    trace(context, view, corners, closed);
    context.fill();
    for (const [lineWidth, strokeStyle] of pens) {
      Object.assign(context, { lineWidth, strokeStyle });
      context.stroke();
    }
  }
  for (const [x, y] of corners) {
    context.beginPath();
    context.arc(x * view.scale + view.x, y * view.scale + view.y, 4, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = "#14181f";
    context.stroke();
  }
}
