/** The bar of labels above the image. */

import { labelKey } from "../keys/keymap.js";
import { labelColor } from "./colors.js";
import { element, leaveToImage, part } from "./dom.js";

/** @import { Label } from "../types.js" */

/**
 * A button for each label.
 * @param {readonly Label[]} labels  As they are now: the list changes.
 * @param {(index: number) => void} choose
 */
export function createLabelBar(labels, choose) {
  const edit = part("edit-labels");
  let chosen = -1;
  /** @type {HTMLButtonElement[]} */
  let buttons = [];

  /** @param {Label} label @param {number} index */
  function buttonOf(label, index) {
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
  }

  function show() {
    buttons = labels.map(buttonOf);
    edit.before(...buttons);
  }

  show();
  return {
    /** The labels are others now. */
    renew() {
      for (const button of buttons) button.remove();
      show();
      chosen = -1;
    },

    /** @param {number} index */
    choose(index) {
      if (index === chosen) return;
      chosen = index;
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
      buttons[index]?.scrollIntoView({ block: "nearest" });
    },
  };
}
