/** Boxes that are probably a slip: two of one object, or one too small to be meant. Pure. */

import { SAME, isSame } from "./suggestions.js";

/** @import { Box } from "../types.js" */

/** @typedef {"twice" | "tiny"} Doubt */
/** @typedef {ReadonlyMap<Box, Doubt>} Doubts */

/** A box with a side of fewer pixels of the image is doubted. */
export const TINY = 5;

/**
 * @param {readonly Box[]} boxes
 * @returns {Doubts}
 */
export function findDoubts(boxes) {
  /** @type {Map<Box, Doubt>} */
  const found = new Map();
  const sorted = boxes.toSorted((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : a.rect.x - b.rect.x));
  for (const [at, box] of sorted.entries()) {
    const { x, width, height } = box.rect;
    if (Math.min(width, height) < TINY && !found.has(box)) found.set(box, "tiny");
    // One that begins further to the right cannot overlap it by so much.
    const end = x + width * (1 - SAME);
    for (let next = at + 1; next < sorted.length; next += 1) {
      const other = /** @type {Box} */ (sorted[next]);
      if (other.label !== box.label || other.rect.x > end) break;
      if (isSame(box, other)) found.set(box, "twice").set(other, "twice");
    }
  }
  return found;
}

/**
 * What is said about them; "" where there is nothing to say.
 * @param {Doubts} doubts
 */
export function doubtText(doubts) {
  const said = [["twice", "Twice at one place"], ["tiny", "Very small"]].map(([kind, words]) => {
    const labels = [...doubts].filter(([, doubt]) => doubt === kind).map(([box]) => box.label);
    return labels.length ? `${words}: ${[...new Set(labels)].join(", ")}.` : "";
  });
  return said.filter(Boolean).join(" ");
}
