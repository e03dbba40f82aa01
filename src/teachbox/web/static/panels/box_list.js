/** The list of boxes beside the canvas. */

import { isSuggestion } from "../boxes/editor.js";
import { element, part, setText } from "./dom.js";

/** @import { Editor } from "../types.js" */

/**
 * The list of boxes beside the canvas.
 * @param {(label: string) => string} colorOf
 * @param {(id: number | null) => void} choose
 */
export function createBoxList(colorOf, choose) {
  const list = part("boxes");
  /** @type {Editor | null} */
  let shown = null;

  list.addEventListener("click", (event) => {
    const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
    if (option instanceof HTMLElement) choose(Number(option.dataset.box));
    else choose(null);
  });
  list.addEventListener("keydown", (event) => {
    const boxes = shown?.boxes ?? [];
    const at = boxes.findIndex((box) => box.id === shown?.selected);
    const last = boxes.length - 1;
    const to = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
    const box = to === undefined ? undefined : boxes[to];
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(box.id);
  });

  /** @param {Editor} editor */
  function optionsOf(editor) {
    return editor.boxes.map((box) => {
      const option = element("div", isSuggestion(box) ? "suggestion" : "");
      option.id = `box-${box.id}`;
      option.dataset.box = String(box.id);
      option.role = "option";
      option.ariaSelected = String(box.id === editor.selected);
      option.style.setProperty("--label", colorOf(box.label));
      const score = box.span?.score;
      const state = isSuggestion(box) ? (score ?? 0).toFixed(2) : box.span?.score === undefined ? "" : "edited";
      // The space is for those who hear it.
      option.append(element("span", "swatch"), element("span", "name", box.label), " ", element("span", "state", state));
      return option;
    });
  }

  return {
    /** @param {Editor | null} editor */
    show(editor) {
      if (editor === shown) return;
      const before = shown;
      shown = editor;
      if (editor && editor.boxes === before?.boxes) {
        for (const option of list.children) option.ariaSelected = String(option.id === `box-${editor.selected}`);
      } else {
        list.replaceChildren(...(editor ? optionsOf(editor) : []));
      }
      const selected = editor?.selected ?? null;
      if (selected === null) list.removeAttribute("aria-activedescendant");
      else list.setAttribute("aria-activedescendant", `box-${selected}`);
      document.getElementById(`box-${selected}`)?.scrollIntoView({ block: "nearest" });
      setText("box-count", String(editor?.boxes.length ?? 0));
      part("no-boxes").hidden = !editor || editor.boxes.length > 0;
    },
  };
}
