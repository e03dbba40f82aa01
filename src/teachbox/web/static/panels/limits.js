/** The sliders that choose which suggestions are shown: one for all labels, and, folded away, one for each. */

import { isSuggestion, limitOf } from "../boxes/limits.js";
import { element, leaveToImage, part, setText } from "./dom.js";

/** @import { Editor, Label } from "../types.js" */
/** @import { PersonalLimits } from "../desk/limits.js" */

/**
 * @param {readonly Label[]} labels
 * @param {PersonalLimits} limits
 * @param {(label: string) => string} colorOf
 */
export function createLimitPanel(labels, limits, colorOf) {
  const panel = part("limits");
  const slider = /** @type {HTMLInputElement} */ (part("limit"));
  const fold = /** @type {HTMLDetailsElement} */ (part("label-limits"));
  /** @type {Map<string, {slider: HTMLInputElement, said: HTMLElement, back: HTMLElement}>} */
  const rows = new Map();

  slider.addEventListener("input", () => limits.set(null, slider.valueAsNumber));
  fold.addEventListener("toggle", showLabels);
  fold.addEventListener("click", (event) => event.target instanceof HTMLElement && event.target.closest("summary") && leaveToImage(event));

  /** @param {string} label */
  function rowOf(label) {
    const row = element("div", "limit-row");
    row.style.setProperty("--label", colorOf(label));
    const own = /** @type {HTMLInputElement} */ (slider.cloneNode());
    own.removeAttribute("id");
    own.ariaLabel = `Suggestions of ${label} from a score of`;
    own.addEventListener("input", () => limits.set(label, own.valueAsNumber));
    const back = /** @type {HTMLButtonElement} */ (element("button", "quiet", "×"));
    back.type = "button";
    back.title = back.ariaLabel = `${label}: as all labels`;
    back.addEventListener("click", () => {
      limits.set(label, null);
      own.focus();
    });
    const said = element("output", "");
    row.append(element("span", "swatch"), element("span", "name", label), own, said, back);
    rows.set(label, { slider: own, said, back });
    return row;
  }

  function showLabels() {
    if (!fold.open) return;
    if (!rows.size) part("limit-rows").replaceChildren(...labels.map(({ name }) => rowOf(name)));
    for (const [label, row] of rows) {
      const limit = limitOf(limits.get(), label);
      row.slider.value = String(limit);
      row.said.textContent = limit.toFixed(2);
      row.back.style.visibility = Object.hasOwn(limits.get().labels, label) ? "" : "hidden";
    }
  }

  return {
    /** The labels are others now. */
    renew() {
      rows.clear();
      showLabels();
    },

    /** @param {Editor | null} editor */
    show(editor) {
      if (!editor) return;
      const all = editor.all.filter(isSuggestion).length;
      if (all) panel.hidden = false;
      if (panel.hidden) return;
      slider.value = String(limits.get().all);
      setText("limit-value", limits.get().all.toFixed(2));
      setText("limit-count", `${editor.boxes.filter(isSuggestion).length} of ${all}`);
      showLabels();
    },
  };
}
