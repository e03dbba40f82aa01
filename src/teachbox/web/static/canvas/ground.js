/**
 * Keeps the image with its boxes as it was painted last: while one box is moved or changed, or all is panned, thousands of
 * others are copied and not painted again.
 */

import { paintGround, paintStill } from "./paint.js";

/** @import { Box } from "../types.js" */
/** @import { Scene } from "./paint.js" */

/**
 * @typedef {object} Still
 * @property {readonly Box[]} boxes  All that are to be seen.
 * @property {number | null} selected  Likely to change: painted over what is kept, not into it.
 * @property {number | null} held  Taken from its place.
 *
 * What is painted there, all that it was made of, and where.
 * @typedef {object} Kept
 * @property {unknown[]} key
 * @property {unknown[]} from  What the boxes were when it was last seen that all are there.
 * @property {Set<Box>} boxes  In sight or not.
 * @property {readonly Box[]} marked  Those of them that carry a doubt.
 * @property {boolean} crowd
 * @property {number} x
 * @property {number} y
 * @property {number} margin
 */

/** Painted beyond each side of what is in sight while it is panned, in pixels of the screen. */
const MARGIN = 160;
/** So many boxes that have come are painted over the others; with more, all are painted anew. */
const FEW = 8;

export function createGround() {
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {Kept | null} */
  let kept = null;
  let scale = 0;

  /**
   * @param {Scene} scene
   * @param {unknown[]} key
   * @param {unknown[]} from
   * @param {readonly Box[]} still
   * @param {(margin: number) => readonly Box[]} inSight
   * @param {number} margin
   */
  function repaint(scene, key, from, still, inSight, margin) {
    const { port, density, view, doubts } = scene;
    const wide = { width: port.width + 2 * margin, height: port.height + 2 * margin };
    const pixels = { width: Math.round(wide.width * density), height: Math.round(wide.height * density) };
    if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
    const moved = { ...view, x: view.x + margin, y: view.y + margin };
    const boxes = new Set(still);
    const crowd = paintGround(context, { ...scene, port: wide, view: moved }, inSight(margin).filter((box) => boxes.has(box)));
    kept = { key, from, boxes, marked: still.filter((box) => doubts.has(box)), crowd, x: view.x, y: view.y, margin };
    return kept;
  }

  /**
   * Whether what is kept shows these boxes too; a few that are missing are painted over the others.
   * @param {Kept} kept
   * @param {Scene} scene
   * @param {Still} all
   * @param {readonly Box[]} still
   */
  function holds(kept, scene, { boxes, held }, still) {
    const { view, doubts, port } = scene;
    const missing = still.filter((box) => !kept.boxes.has(box));
    // One that is painted and has gone, or is another now, can only be painted away.
    const painted = boxes.reduce((count, box) => count + Number(box.id !== held && kept.boxes.has(box)), 0);
    if (missing.length > FEW || painted !== kept.boxes.size) return false;
    const marked = still.filter((box) => doubts.has(box));
    if (!missing.length) return sameItems(marked, kept.marked);
    if (!sameItems(marked.filter((box) => kept.boxes.has(box)), kept.marked)) return false;
    const { margin } = kept;
    const wide = { width: port.width + 2 * margin, height: port.height + 2 * margin };
    const moved = { ...view, x: kept.x + margin, y: kept.y + margin };
    paintStill(context, { ...scene, port: wide, view: moved }, missing, kept.crowd);
    for (const box of missing) kept.boxes.add(box);
    kept.marked = marked;
    return true;
  }

  return {
    /** Paint all of it the next time: labels may have other colours. */
    forget() {
      kept = null;
    },

    /**
     * @param {CanvasRenderingContext2D} target
     * @param {Scene} scene
     * @param {Still} all
     * @param {(margin: number) => readonly Box[]} inSight  Boxes in sight and so many pixels of the screen around it.
     */
    paint(target, scene, all, inSight) {
      const { port, density, view, picture, arrival, tags, filter, doubts } = scene;
      const { boxes, selected, held } = all;
      const zooming = view.scale !== scale;
      scale = view.scale;
      if (arrival < 1 || zooming) {
        kept = null;
        paintGround(target, scene, inSight(0));
        return;
      }
      const key = [picture, picture.part, port.width, port.height, density, tags, filter];
      const from = [boxes, selected, held, doubts];
      const still = () => boxes.filter((box) => box.id !== selected && box.id !== held);
      let alike = kept && sameItems(kept.key, key) ? kept : null;
      if (alike && !sameItems(alike.from, from)) alike = holds(alike, scene, all, still()) ? Object.assign(alike, { from }) : null;
      const found = alike && offset(alike, scene) ? alike : repaint(scene, key, from, still(), inSight, alike ? MARGIN : 0);
      const at = offset(found, scene) ?? { x: 0, y: 0 };
      target.setTransform(1, 0, 0, 1, 0, 0);
      target.clearRect(0, 0, port.width * density, port.height * density);
      target.drawImage(canvas, at.x, at.y);
      const chosen = selected === held ? null : boxes.find((box) => box.id === selected);
      if (!chosen || found.boxes.has(chosen)) return;
      target.setTransform(density, 0, 0, density, 0, 0);
      paintStill(target, scene, [chosen], found.crowd);
    },
  };
}

/** @param {readonly unknown[]} some @param {readonly unknown[]} others */
function sameItems(some, others) {
  return some.length === others.length && some.every((one, at) => one === others[at]);
}

/**
 * Where to put what is kept, in device pixels; null where it does not reach, or would lie between pixels.
 * @param {{x: number, y: number, margin: number}} kept
 * @param {Scene} scene
 */
function offset({ x, y, margin }, { view, density }) {
  const by = { x: (view.x - x) * density, y: (view.y - y) * density };
  const whole = { x: Math.round(by.x), y: Math.round(by.y) };
  if (Math.abs(by.x - whole.x) > 0.01 || Math.abs(by.y - whole.y) > 0.01) return null;
  if (Math.max(Math.abs(by.x), Math.abs(by.y)) > margin * density) return null;
  const edge = Math.round(margin * density);
  return { x: whole.x - edge, y: whole.y - edge };
}
