/** Which predicted boxes are shown: those with a score from a limit on. Pure. */

import { sameRect, spanRect } from "./spans.js";

/** @import { Box, Limits } from "../types.js" */

/** @type {Limits} */
export const NO_LIMITS = { all: 0, labels: {} };

/**
 * Whether a box is the model's word still.
 * @param {Box} box
 */
export function isSuggestion(box) {
  return !box.touched && box.span?.score !== undefined;
}

/**
 * Whether a person has agreed to a predicted box and left it where it was.
 * @param {Box} box
 */
export function isAgreed({ touched, span, label, rect, shape }) {
  const before = span && spanRect(span);
  return touched && span?.score !== undefined && span.label === label && before !== null && sameRect(before, rect)
    && (shape === null || shape === span.points);
}

/**
 * The score from which suggestions of a label are shown.
 * @param {Limits} limits
 * @param {string} label
 */
export function limitOf(limits, label) {
  return Object.hasOwn(limits.labels, label) ? Number(limits.labels[label]) : limits.all;
}

/**
 * The boxes that are shown; the very list where all are.
 * @param {readonly Box[]} all
 * @param {Limits | null} limits
 */
export function shownBoxes(all, limits) {
  if (!limits) return all;
  /** @param {Box} box */
  const isShown = (box) => !isSuggestion(box) || Number(box.span?.score) >= limitOf(limits, box.label);
  return all.every(isShown) ? all : all.filter(isShown);
}
