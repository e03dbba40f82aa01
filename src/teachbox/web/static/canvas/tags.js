/** Draws the tags of boxes: their labels and, of suggestions, their scores. */

import { isSuggestion } from "../boxes/limits.js";
import { inkOn } from "../panels/colors.js";
import { toScreen } from "./view.js";

/** @import { Box } from "../types.js" */
/** @import { Scene } from "./paint.js" */

const TAG_FONT =
  '600 12px -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, Cantarell, "Liberation Sans", Arial, sans-serif';
const TAG_HEIGHT = 19;
/** In a crowd only boxes so large on the screen carry a tag, and no more than so many. */
const CROWD_TAG_PX = 48;
const CROWD_TAGS = 120;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {readonly Box[]} boxes
 * @param {boolean} crowd  Whether they are some of very many.
 */
export function paintTags(context, scene, boxes, crowd) {
  context.font = TAG_FONT;
  context.textBaseline = "middle";
  const { scale } = scene.view;
  const large = crowd
    ? boxes.filter(({ rect }) => Math.min(rect.width, rect.height) * scale >= CROWD_TAG_PX).slice(0, CROWD_TAGS)
    : boxes;
  for (const box of large) paintTag(context, scene, box);
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
  const name = scene.doubts.has(box) ? `⚠ ${box.label}` : box.label;
  const score = suggestion && box.span?.score !== undefined ? box.span.score.toFixed(2) : "";
  const nameWidth = widthOf(context, name);
  const scoreWidth = score ? widthOf(context, score) + 6 : 0;
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

/** Widths of texts in the font of tags: measured once each. @type {Map<string, number>} */
const widths = new Map();

/** @param {CanvasRenderingContext2D} context @param {string} text */
function widthOf(context, text) {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size > 2000) widths.clear();
    width = context.measureText(text).width;
    widths.set(text, width);
  }
  return width;
}
