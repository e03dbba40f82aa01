/** The edits of a task as they are kept, and the editor they make again. Pure. */

import { withBoxes } from "./editor.js";

/** @import { Edit, Editor } from "../types.js" */

/** @typedef {{past: readonly Edit[], future: readonly Edit[], nextId: number}} Edits */

/** @param {Editor} editor @returns {Edits} */
export function editsOf({ past, future, nextId }) {
  return { past, future, nextId };
}

/**
 * The editor after edits that were made to one like it; null where they do not fit.
 * @param {Editor} opened  Without edits.
 * @param {Edits} edits
 * @returns {Editor | null}
 */
export function replayEdits(opened, { past, future, nextId }) {
  let all = opened.all;
  for (const { at, gone, come } of past) {
    const ids = all.slice(at, at + gone.length).map((box) => box.id);
    if (ids.length !== gone.length || ids.some((id, place) => id !== gone[place]?.id)) return null;
    all = all.toSpliced(at, gone.length, ...come);
  }
  return withBoxes({ ...opened, past, future, nextId }, all);
}
