/**
 * A spatial index: which boxes are at a place, without a look at all of them. A box lies in the grid whose cells are as
 * large as itself, so that it is in four cells at most; small and large ones cost the same.
 */

import { difference } from "./difference.js";
import { intersects } from "./geometry.js";
import { isUnder } from "./polygons.js";

/** @import { Box, Point, Rect } from "../types.js" */

const SMALLEST_CELL = 16;
const LEVELS = 16;
const MOST_CELLS = 4096;

export function createBoxIndex() {
  /** @type {Map<number, Box[]>} */
  const cells = new Map();
  /** How many boxes lie on each level: empty ones are not searched. @type {number[]} */
  const population = Array.from({ length: LEVELS }, () => 0);
  /** @type {readonly Box[]} */
  let known = [];

  /** @param {Box} box @param {number} by  1 to put it in, −1 to take it out. */
  function put(box, by) {
    const level = levelOf(box.rect);
    population[level] = Number(population[level]) + by;
    for (const key of keysOf(box.rect, level)) {
      const cell = cells.get(key) ?? [];
      if (by > 0) cells.set(key, [...cell, box]);
      else if (cell.length === 1) cells.delete(key);
      else cells.set(key, cell.filter((one) => one !== box));
    }
  }

  return {
    /** Take over the boxes as they are now; only those that differ are moved. @param {readonly Box[]} boxes */
    sync(boxes) {
      if (boxes === known) return;
      const { at, gone, come } = difference(known, boxes);
      for (const box of known.slice(at, at + gone)) put(box, -1);
      for (const box of boxes.slice(at, at + come)) put(box, 1);
      known = boxes;
    },

    /** Boxes that meet a rectangle, in no order. @param {Rect} rect @returns {Box[]} */
    within(rect) {
      /** @type {Set<Box>} */
      const found = new Set();
      for (let level = 0; level < LEVELS; level += 1) {
        if (!population[level]) continue;
        const keys = keysOf(rect, level, known.length);
        // As many cells as boxes: then all of them are looked at.
        if (!keys) return known.filter((box) => intersects(box.rect, rect));
        for (const key of keys) for (const box of cells.get(key) ?? []) if (intersects(box.rect, rect)) found.add(box);
      }
      return [...found];
    },

    /** Boxes under a point, the smallest first: what lies inside another can be reached. @param {Point} point @param {number} margin */
    at({ x, y }, margin) {
      const around = { x: x - margin, y: y - margin, width: 2 * margin, height: 2 * margin };
      const under = this.within(around).filter((box) => isUnder(box, { x, y }, margin));
      return under.sort((a, b) => a.rect.width * a.rect.height - b.rect.width * b.rect.height);
    },
  };
}

/** @param {Rect} rect */
function levelOf({ width, height }) {
  const level = Math.ceil(Math.log2(Math.max(width, height, SMALLEST_CELL) / SMALLEST_CELL));
  return Math.min(LEVELS - 1, level);
}

/**
 * @overload
 * @param {Rect} rect
 * @param {number} level
 * @returns {number[]}
 */
/**
 * @overload
 * @param {Rect} rect
 * @param {number} level
 * @param {number} most  More keys than that are not listed.
 * @returns {number[] | null}
 */
/**
 * @param {Rect} rect
 * @param {number} level
 * @param {number} [most]
 */
function keysOf(rect, level, most = Infinity) {
  const side = SMALLEST_CELL * 2 ** level;
  const [left, right] = [cellAt(rect.x, side), cellAt(rect.x + rect.width, side)];
  const [top, bottom] = [cellAt(rect.y, side), cellAt(rect.y + rect.height, side)];
  if ((right - left + 1) * (bottom - top + 1) > most) return null;
  const keys = [];
  for (let x = left; x <= right; x += 1) {
    for (let y = top; y <= bottom; y += 1) keys.push((level * MOST_CELLS + x) * MOST_CELLS + y);
  }
  return keys;
}

/** @param {number} value @param {number} side */
function cellAt(value, side) {
  return Math.max(0, Math.min(MOST_CELLS - 1, Math.floor(value / side)));
}
