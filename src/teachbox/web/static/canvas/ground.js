/**
 * Keeps the image with its boxes as it was painted last: while one box is moved, or all is panned, thousands of others are
 * copied and not painted again.
 */

import { paintGround } from "./paint.js";

/** @import { Box } from "../types.js" */
/** @import { Scene } from "./paint.js" */

/** Painted beyond each side of what is in sight while it is panned, in pixels of the screen. */
const MARGIN = 160;

export function createGround() {
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** What is painted there, all that it was made of, and where. @type {{key: unknown[], x: number, y: number, margin: number} | null} */
  let kept = null;
  let scale = 0;

  /** @param {Scene} scene @param {unknown[]} key @param {(margin: number) => readonly Box[]} inSight @param {number} margin */
  function repaint(scene, key, inSight, margin) {
    const { port, density, view } = scene;
    const wide = { width: port.width + 2 * margin, height: port.height + 2 * margin };
    const pixels = { width: Math.round(wide.width * density), height: Math.round(wide.height * density) };
    if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
    const moved = { ...view, x: view.x + margin, y: view.y + margin };
    paintGround(context, { ...scene, port: wide, view: moved }, inSight(margin));
    kept = { key, x: view.x, y: view.y, margin };
    return kept;
  }

  return {
    /** Paint all of it the next time: labels may have other colours. */
    forget() {
      kept = null;
    },

    /**
     * @param {CanvasRenderingContext2D} target
     * @param {Scene} scene
     * @param {unknown[]} made  What the boxes are made of: the same as long as they are the same.
     * @param {(margin: number) => readonly Box[]} inSight  Boxes in sight and so many pixels of the screen around it.
     */
    paint(target, scene, made, inSight) {
      const { port, density, view, picture, arrival, tags, doubts, filter } = scene;
      const zooming = view.scale !== scale;
      scale = view.scale;
      if (arrival < 1 || zooming) {
        kept = null;
        return paintGround(target, scene, inSight(0));
      }
      const key = [...made, picture, picture.part, port.width, port.height, density, tags, doubts, filter];
      const panned = kept?.key.every((one, at) => one === key[at]) ? kept : null;
      const found = panned && offset(panned, scene) ? panned : repaint(scene, key, inSight, panned ? MARGIN : 0);
      const at = offset(found, scene) ?? { x: 0, y: 0 };
      target.setTransform(1, 0, 0, 1, 0, 0);
      target.clearRect(0, 0, port.width * density, port.height * density);
      return target.drawImage(canvas, at.x, at.y);
    },
  };
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
