/** Draws the image and its boxes on a canvas. Reads everything, changes nothing. */

import { inkOn, withAlpha } from "../panels/colors.js";
import { isSuggestion } from "../boxes/editor.js";
import { intersects } from "../boxes/geometry.js";
import { toScreen, visibleRect } from "./view.js";

/** @import { Box, Rect, Size, View } from "../types.js" */

/**
 * @typedef {object} Scene
 * @property {Size} port  CSS pixels.
 * @property {number} density  Device pixels for one CSS pixel.
 * @property {View} view
 * @property {Size} size  Of the image.
 * @property {ImageBitmap} bitmap
 * @property {readonly Box[]} boxes
 * @property {number | null} selected
 * @property {number | null} hovered
 * @property {{rect: Rect, label: string} | null} draft  A box that is being drawn.
 * @property {number} arrival  0 to 1: how far suggestions that came late have faded in.
 * @property {(label: string) => string} colorOf
 */

const HALO = "rgba(8, 10, 14, 0.5)";
const GAP = "rgba(255, 255, 255, 0.92)";
const TAG_FONT =
  '600 12px -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, Cantarell, "Liberation Sans", Arial, sans-serif';
const TAG_HEIGHT = 19;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
export function paintScene(context, scene) {
  const { port, density, view, size } = scene;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, port.width, port.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(scene.bitmap, view.x, view.y, size.width * view.scale, size.height * view.scale);

  const shown = visibleRect(view, port);
  const boxes = scene.boxes.filter((box) => intersects(box.rect, shown));
  // The selected box last: it lies over all others.
  boxes.sort((a, b) => Number(a.id === scene.selected) - Number(b.id === scene.selected));
  for (const box of boxes) paintFrame(context, scene, box);
  for (const box of boxes) paintTag(context, scene, box);
  if (scene.draft) paintDraft(context, scene, scene.draft);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Box} box
 */
function paintFrame(context, scene, box) {
  const { x, y, width, height } = toScreen(scene.view, box.rect);
  const color = scene.colorOf(box.label);
  const suggestion = isSuggestion(box);
  const active = box.id === scene.selected || box.id === scene.hovered;
  context.globalAlpha = suggestion ? scene.arrival : 1;
  if (active) {
    context.fillStyle = withAlpha(color, 0.09);
    context.fillRect(x, y, width, height);
  }
  // A dark line beneath, so that the frame is seen on bright and on dark images.
  context.lineWidth = active ? 5 : 4;
  context.strokeStyle = HALO;
  context.strokeRect(x, y, width, height);
  context.lineWidth = active ? 3 : 2;
  if (suggestion) {
    context.strokeStyle = GAP;
    context.strokeRect(x, y, width, height);
    context.setLineDash([6, 4]);
  }
  context.strokeStyle = color;
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Box} box
 */
function paintTag(context, scene, box) {
  const { x, y } = toScreen(scene.view, box.rect);
  const color = scene.colorOf(box.label);
  const suggestion = isSuggestion(box);
  context.globalAlpha = suggestion ? scene.arrival : 1;
  context.font = TAG_FONT;
  context.textBaseline = "middle";
  const name = box.label;
  const score = suggestion && box.span?.score !== undefined ? box.span.score.toFixed(2) : "";
  const nameWidth = context.measureText(name).width;
  const scoreWidth = score ? context.measureText(score).width + 6 : 0;
  const tagWidth = nameWidth + scoreWidth + 12;
  const left = Math.max(2, Math.min(x - 1, scene.port.width - tagWidth - 2));
  const above = y - TAG_HEIGHT - 2;
  const top = above >= 2 ? above : Math.max(2, y + 3);

  context.beginPath();
  context.roundRect(left, top, tagWidth, TAG_HEIGHT, 4);
  // A suggestion's tag is an outline: the model's word, not a person's.
  context.fillStyle = suggestion ? "rgba(13, 16, 21, 0.86)" : color;
  context.fill();
  if (suggestion) {
    context.lineWidth = 1;
    context.strokeStyle = color;
    context.stroke();
  }
  const middle = top + TAG_HEIGHT / 2 + 0.5;
  context.fillStyle = suggestion ? "#ffffff" : inkOn(color);
  context.fillText(name, left + 6, middle);
  if (score) {
    context.fillStyle = "#c9d1dc";
    context.fillText(score, left + 12 + nameWidth, middle);
  }
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{rect: Rect, label: string}} draft
 */
function paintDraft(context, scene, draft) {
  const { x, y, width, height } = toScreen(scene.view, draft.rect);
  const color = scene.colorOf(draft.label);
  context.fillStyle = withAlpha(color, 0.16);
  context.fillRect(x, y, width, height);
  context.lineWidth = 4;
  context.strokeStyle = HALO;
  context.strokeRect(x, y, width, height);
  context.lineWidth = 2;
  context.strokeStyle = color;
  context.strokeRect(x, y, width, height);
}
