/** Two lines through the pointer, over all of the image. Elements of their own: to move them repaints nothing. */

/** @import { Point } from "../types.js" */

/** @param {HTMLElement} root */
export function createCrosshair(root) {
  const [across, down] = ["cross-across", "cross-down"].map((name) => {
    const line = document.createElement("div");
    line.className = `cross ${name}`;
    line.hidden = true;
    root.append(line);
    return line;
  });

  return {
    /** @param {Point | null} at  Of the screen; null hides it. */
    show(at) {
      for (const line of [across, down]) if (line) line.hidden = !at;
      if (!at) return;
      if (across) across.style.transform = `translateY(${Math.round(at.y)}px)`;
      if (down) down.style.transform = `translateX(${Math.round(at.x)}px)`;
    },
  };
}
