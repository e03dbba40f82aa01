/** The bar of labels above the image. */

import { labelKey } from "../keys/keymap.js";
import { labelColor } from "./colors.js";
import { element, leaveToImage, part } from "./dom.js";

/** @import { Label } from "../types.js" */

/**
 * A button for each label.
 * @param {readonly Label[]} labels
 * @param {(index: number) => void} choose
 */
export function createLabelBar(labels, choose) {
  const buttons = labels.map((label, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "label";
    button.style.setProperty("--label", labelColor(label.color));
    button.append(element("span", "swatch"), element("span", "name", label.name));
    const key = labelKey(index);
    if (key) button.append(element("kbd", "", key));
    button.addEventListener("click", (event) => {
      choose(index);
      leaveToImage(event);
    });
    return button;
  });
  part("labels").replaceChildren(...buttons);

  let chosen = -1;
  return {
    /** @param {number} index */
    choose(index) {
      if (index === chosen) return;
      chosen = index;
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
      buttons[index]?.scrollIntoView({ block: "nearest" });
    },
  };
}
