/** The instructions that a project has for its annotators, in a frame in which no script runs. */

import { element } from "../panels/dom.js";

/** The dialog, as it is opened first. @returns {{open: () => void}} */
export function createInstructions() {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", "instructions"));
  dialog.setAttribute("aria-labelledby", "instructions-title");
  const head = element("div", "dialog-head");
  const title = element("h2", "", "Instructions");
  title.id = "instructions-title";
  const close = /** @type {HTMLButtonElement} */ (element("button", "", "Close"));
  close.type = "button";
  close.autofocus = true;
  close.addEventListener("click", () => dialog.close());
  head.append(title, close);
  const frame = document.createElement("iframe");
  // Without a word in it: no scripts, no forms, no way to the page around it.
  frame.setAttribute("sandbox", "");
  frame.title = "Instructions";
  frame.src = "instructions";
  dialog.append(head, frame);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "h") return;
    // Else the same press, on the page now, would open it again.
    event.stopPropagation();
    event.preventDefault();
    dialog.close();
  });
  document.body.append(dialog);
  return { open: () => dialog.showModal() };
}
