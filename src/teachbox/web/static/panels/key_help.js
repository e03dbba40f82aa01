/** All keys, to be read and to be changed. */

import { COMMAND_GROUPS, titleOf } from "../keys/command_list.js";
import { conflictOf, labelIndex, rebind } from "../keys/keymap.js";
import { strokeOf, writtenStroke } from "../keys/stroke.js";
import { element, part, setText } from "./dom.js";

/** @import { Personal } from "../keys/personal.js" */

const MODIFIERS = ["Control", "Shift", "Alt", "Meta"];

/** @param {Personal} personal  The keys of this person. */
export function createKeyHelp(personal) {
  const dialog = /** @type {HTMLDialogElement} */ (part("key-help"));
  /** The key that is being changed; `before` is null for one more. @type {{command: string, before: string | null} | null} */
  let changing = null;
  /** A stroke that another command has: pressed again, it is taken from there. */
  let offered = "";

  function show() {
    const lists = COMMAND_GROUPS.map(({ group, commands }) => {
      const section = element("section", "");
      section.append(element("h3", "", group), ...commands.map(({ name, title }) => rowOf(name, title)));
      return section;
    });
    part("key-list").replaceChildren(...lists);
    // The button that had the focus is gone, and keys would go nowhere.
    const cap = dialog.querySelector(".cap.active");
    if (cap instanceof HTMLElement) cap.focus();
    else if (dialog.open) part("keys-close").focus();
  }

  /** @param {string} name @param {string} title */
  function rowOf(name, title) {
    const row = element("div", "key-row");
    const keys = element("span", "key-caps");
    for (const stroke of personal.keys()[name] ?? []) keys.append(capOf(name, stroke, title));
    keys.append(capOf(name, null, title));
    row.append(element("span", "", title), keys);
    return row;
  }

  /** @param {string} command @param {string | null} stroke @param {string} title */
  function capOf(command, stroke, title) {
    const active = changing?.command === command && changing.before === stroke;
    const cap = /** @type {HTMLButtonElement} */ (element("button", stroke === null ? "cap more" : "cap"));
    cap.type = "button";
    cap.textContent = active ? "press a key" : stroke === null ? "+" : writtenStroke(stroke);
    cap.ariaLabel = stroke === null ? `One more key for: ${title}` : `Change ${writtenStroke(stroke)} for: ${title}`;
    cap.classList.toggle("active", active);
    cap.addEventListener("click", () => {
      changing = active ? null : { command, before: stroke };
      offered = "";
      setText("key-said", changing ? "Press the new key. Esc keeps it as it is, Delete takes it away." : "");
      show();
    });
    return cap;
  }

  /** @param {KeyboardEvent} event */
  function take(event) {
    if (!changing || MODIFIERS.includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const stroke = strokeOf(event);
    const { command, before } = changing;
    const conflict = conflictOf(personal.keys(), command, stroke);
    if (stroke === "esc") return done("");
    if (stroke === "delete" && before !== null && command !== "delete") {
      personal.set(rebind(personal.keys(), command, before, null));
      return done(`${writtenStroke(before)} does nothing now.`);
    }
    if (conflict && labelIndex(conflict) !== null) return setText("key-said", `${writtenStroke(stroke)} chooses a label. Press another key.`);
    if (conflict && offered !== stroke) {
      offered = stroke;
      return setText("key-said", `${writtenStroke(stroke)} is “${titleOf(conflict)}”. Press it again to take it from there.`);
    }
    personal.set(rebind(personal.keys(), command, before, stroke));
    return done(`${writtenStroke(stroke)}: ${titleOf(command)}.${conflict ? ` “${titleOf(conflict)}” has lost it.` : ""}`);
  }

  /** @param {string} said */
  function done(said) {
    changing = null;
    offered = "";
    setText("key-said", said);
    show();
  }

  dialog.addEventListener("keydown", take, true);
  dialog.addEventListener("keydown", (event) => ["?", "esc"].includes(strokeOf(event)) && dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  // Esc ends the change of a key before it closes the dialog.
  dialog.addEventListener("cancel", (event) => {
    if (!changing) return;
    event.preventDefault();
    done("");
  });
  part("keys-reset").addEventListener("click", () => {
    personal.reset();
    done("The keys are as they came.");
  });
  part("keys-close").addEventListener("click", () => dialog.close());

  return {
    open() {
      changing = null;
      setText("key-said", "");
      show();
      dialog.showModal();
    },
  };
}

/** Write the keys onto the page, wherever one is shown. @param {(command: string) => string} keyOf */
export function showKeys(keyOf) {
  for (const cap of document.querySelectorAll("[data-key]")) {
    if (cap instanceof HTMLElement) {
      cap.textContent = keyOf(cap.dataset.key ?? "");
      cap.hidden = !cap.textContent;
    }
  }
}
