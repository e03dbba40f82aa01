/** The rail beside the image: tools, zoom, how the image is shown. */

import { element, leaveToImage, part } from "./dom.js";

/** @import { Look } from "../canvas/stage.js" */

/** Drawn in a square of 20. @type {Record<string, string>} */
const ICONS = {
  "tool-box": "M4 5h12v10H4z",
  "tool-extreme": "M10 3.5 16.5 10 10 16.5 3.5 10zM10 3.5h.01M16.5 10h.01M10 16.5h.01M3.5 10h.01",
  "tool-polygon": "M4 7l6-4 6 5-2 8H6z",
  "undo-edit": "M7 4 3 8l4 4M3 8h9a4.5 4.5 0 0 1 0 9H9",
  "redo-edit": "m13 4 4 4-4 4M17 8H8a4.5 4.5 0 0 0 0 9h3",
  repeat: "M7 7V3h10v10h-4M3 7h10v10H3z",
  snap: "M5 3v7a5 5 0 0 0 10 0V3M3 6.5h4M13 6.5h4",
  peek: "M2 10q8-9 16 0-8 9-16 0M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  "zoom-in": "M10 5v10M5 10h10",
  "zoom-out": "M5 10h10",
  "zoom-fit": "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  history: "M3.5 10a6.5 6.5 0 1 0 2-4.7L3.5 7M3.5 3.5V7H7M10 6.5V10l2.5 1.5",
  progress: "M3 3v14h14M6 13l3.5-4 3 2.5L17 5",
  crosshair: "M10 2v16M2 10h16",
  tags: "M3 10V4h6l8 8-6 6zM6.5 7h.01",
  light: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M16 4l-1.4 1.4M5.4 14.6 4 16",
};

/** @type {readonly (readonly [string, string])[][]} */
const GROUPS = [
  [["tool-box", "Box: drag, or click two corners"], ["tool-extreme", "Box by four extreme points"], ["tool-polygon", "Polygon"]],
  [
    ["undo-edit", "Undo an edit"],
    ["redo-edit", "Do it again"],
    ["repeat", "The last image’s boxes, once more"],
    ["snap", "Snap the box to a prediction"],
  ],
  [["zoom-in", "Zoom in"], ["zoom-out", "Zoom out"], ["zoom-fit", "Fit the image"]],
  [["history", "History: what was answered"], ["progress", "Progress: how the work goes"]],
  [["peek", "Hide the boxes while held"], ["crosshair", "Crosshair"], ["tags", "Labels on boxes"], ["light", "Brightness and contrast"]],
];

/** What there is only where boxes may be drawn. */
const EDITS = ["undo-edit", "redo-edit", "repeat", "snap", "crosshair"];

/**
 * @param {(command: string) => void} perform
 * @param {(on: boolean) => void} peek
 * @param {(command: string) => string} keyOf  As it is written, or "".
 * @param {() => Look} look
 * @param {(some: Partial<Look>) => void} set
 * @param {readonly string[]} tools  Those that there are.
 */
export function createRail(perform, peek, keyOf, look, set, tools) {
  const light = part("light");
  /** @type {Record<string, HTMLButtonElement>} */
  const buttons = {};
  for (const group of GROUPS) {
    const row = element("div", "rail-group");
    for (const [name, title] of group) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.command = name;
      button.innerHTML = `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
      button.addEventListener("click", (event) => {
        if (name === "light") toggleLight();
        else perform(name);
        leaveToImage(event);
      });
      if (name === "peek") {
        // A key does it for those without a pointer.
        button.tabIndex = -1;
        button.addEventListener("pointerdown", () => peek(true));
        for (const end of ["pointerup", "pointercancel", "pointerleave"]) button.addEventListener(end, () => peek(false));
      }
      button.hidden = EDITS.includes(name) ? !tools.length : name.startsWith("tool-") && !tools.includes(name.slice("tool-".length));
      button.title = title;
      button.ariaLabel = title;
      buttons[name] = button;
      row.append(button);
    }
    if (group.some(([name]) => !buttons[name]?.hidden)) part("rail").append(row);
  }
  for (const name of /** @type {const} */ (["brightness", "contrast"])) {
    part(name).addEventListener("input", (event) => {
      set({ [name]: Number(/** @type {HTMLInputElement} */ (event.target).value) });
    });
  }
  part("plain-image").addEventListener("click", () => perform("plain-image"));

  function toggleLight() {
    light.hidden = !light.hidden;
    buttons.light?.setAttribute("aria-expanded", String(!light.hidden));
  }

  return {
    /** Write the keys, as they are now, into the titles. */
    showKeys() {
      for (const [name, title] of GROUPS.flat()) {
        const key = keyOf(name);
        const button = buttons[name];
        if (button) button.title = key ? `${title} (${key})` : title;
      }
    },

    show() {
      const { tool, crosshair, tags, brightness, contrast } = look();
      for (const name of ["box", "extreme", "polygon"]) press(buttons[`tool-${name}`], name === tool);
      press(buttons.crosshair, crosshair);
      press(buttons.tags, tags);
      press(buttons.light, brightness !== 1 || contrast !== 1);
      /** @type {HTMLInputElement} */ (part("brightness")).value = String(brightness);
      /** @type {HTMLInputElement} */ (part("contrast")).value = String(contrast);
    },
  };
}

/** @param {HTMLElement | undefined} button @param {boolean} on */
function press(button, on) {
  if (button && button.ariaPressed !== String(on)) button.ariaPressed = String(on);
}
