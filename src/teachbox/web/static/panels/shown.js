/** Which parts of the page there are, as the settings say, and what a task tells of itself. */

import { element, part } from "./dom.js";

/** @import { Task } from "../types.js" */
/** @import { Config } from "../desk/config.js" */

/**
 * @param {Config} config
 * @param {boolean} editable  Whether boxes are drawn and changed.
 */
export function showParts(config, editable) {
  part("labels").hidden = !editable;
  part("delete").hidden = !editable;
  part("hints").hidden = !editable;
  if (!editable) {
    part("canvas").ariaLabel = "Image";
    part("no-boxes").textContent = "No boxes.";
  }
  for (const id of ["counts", "progress"]) part(id).classList.toggle("unseen", !config.show_stats);
  part("facts").hidden = config.hide_meta;
  part("instructions").hidden = !config.instructions;
  part("flag").hidden = !config.show_flag;
  for (const id of /** @type {const} */ (["accept", "reject", "ignore", "undo"])) part(id).hidden = !config.buttons.includes(id);
  const width = config.custom_theme.cardMaxWidth;
  if (width) Object.assign(part("stage").style, { maxInlineSize: `${width}px`, marginInline: "auto" });
}

/** The task whose facts are shown. @type {Task | null} */
let told = null;

/** What a task's `meta` tells beside the file. @param {Task | null} task */
export function showMeta(task) {
  if (task === told) return;
  told = task;
  const facts = Object.entries(task?.meta ?? {}).filter(([name]) => name !== "file");
  const rows = facts.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", textOf(value))]);
  part("meta").replaceChildren(...rows);
  part("meta").hidden = !rows.length;
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
