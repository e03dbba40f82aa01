/** The bar at the top: what the trainer does, and whether all is saved. */

import { part, setBar, setText } from "./dom.js";

/** @import { Line } from "./status_line.js" */
/** @import { SaveState } from "../desk/outbox.js" */

/** @param {Line} line */
export function showTrainer(line) {
  part("trainer").dataset.mood = line.mood;
  setText("trainer-text", line.trainer);
  setBar("trainer-bar", line.share);
  setText("model-text", line.model);
  part("trainer").title = [line.trainer, line.model, line.detail].filter(Boolean).join("\n");
}

/**
 * @param {SaveState} state
 * @param {number} waiting
 */
export function showSaved(state, waiting) {
  part("saved").dataset.state = state;
  const retrying = waiting > 1 ? `${waiting} not saved – retrying` : "Not saved – retrying";
  setText("saved", { saved: "Saved", saving: "Saving…", retrying }[state]);
}

/** Answer the save key: there is nothing to do, and that is shown. */
export function flashSaved() {
  const saved = part("saved");
  saved.classList.remove("flash");
  // Reading the layout restarts the animation.
  void saved.offsetWidth;
  saved.classList.add("flash");
}
