/** Says which boxes are probably a slip. Nothing waits for it. */

import { doubtText, findDoubts } from "../boxes/doubts.js";
import { part, setText } from "./dom.js";

/** @import { Box } from "../types.js" */
/** @import { Doubts } from "../boxes/doubts.js" */

/** More boxes are looked through when the hand rests. */
const AT_ONCE = 500;
const REST_MS = 200;

/** @param {() => void} changed  Called when more is known. */
export function createDoubts(changed) {
  /** @type {readonly Box[]} */
  let known = [];
  /** @type {Doubts} */
  let found = new Map();
  let timer = 0;

  /** @param {readonly Box[]} boxes */
  function look(boxes) {
    known = boxes;
    found = findDoubts(boxes);
  }

  return {
    /** What is doubted of these boxes, as far as it is known. @param {readonly Box[]} boxes */
    of(boxes) {
      if (boxes === known) return found;
      clearTimeout(timer);
      if (boxes.length <= AT_ONCE) look(boxes);
      else {
        timer = window.setTimeout(() => {
          look(boxes);
          changed();
        }, REST_MS);
      }
      return found;
    },

    /** @param {readonly Box[]} boxes */
    show(boxes) {
      const text = doubtText(this.of(boxes));
      part("doubts").hidden = !text;
      setText("doubts", text);
    },
  };
}
