/** Two buttons below a suggestion that is pointed at or selected: to accept it, to reject it. */

import { clamp } from "../boxes/geometry.js";
import { isSuggestion } from "../boxes/limits.js";
import { part } from "../panels/dom.js";
import { toScreen } from "./view.js";

/** @import { Box, Size, View } from "../types.js" */

/** Both buttons with the room around them, in pixels of the screen. */
const ROOM = { width: 68, height: 42 };

/** @param {(box: Box, accept: boolean) => void} judge */
export function createVerdict(judge) {
  const root = part("verdict");
  /** @type {Box | null} */
  let shown = null;
  root.addEventListener("pointerdown", (event) => event.stopPropagation());
  for (const name of ["accept-box", "reject-box"]) {
    part(name).addEventListener("click", () => shown && judge(shown, name === "accept-box"));
  }

  return {
    /** @param {Box | null} box  That has the handles. @param {View} view @param {Size} port */
    show(box, view, port) {
      shown = box && isSuggestion(box) ? box : null;
      root.hidden = !shown;
      if (!shown) return;
      const { x, y, width, height } = toScreen(view, shown.rect);
      const left = clamp(x + width - Math.min(ROOM.width, (width + ROOM.width) / 2), 0, port.width - ROOM.width);
      root.style.transform = `translate(${left}px, ${clamp(y + height, 0, port.height - ROOM.height)}px)`;
    },
    contains: (/** @type {EventTarget | null} */ target) => target instanceof Node && root.contains(target),
  };
}
