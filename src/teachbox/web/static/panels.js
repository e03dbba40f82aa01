/** The parts of the page around the canvas. Each is made once and then told what to show. */

import { labelColor } from "./colors.js";
import { isSuggestion } from "./editor.js";
import { labelKey } from "./keys.js";

/** @import { Editor, Label } from "./types.js" */
/** @import { Line } from "./status_line.js" */
/** @import { SaveState } from "./outbox.js" */

/**
 * The element with an id; the page is incomplete without it.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element #${id}`);
  return element;
}

/**
 * Set the text of an element, where it differs: what did not change is not announced again.
 * @param {string} id
 * @param {string} text
 */
export function setText(id, text) {
  const element = part(id);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} id
 * @param {number | null} share  0 to 1; null hides the bar.
 */
export function setBar(id, share) {
  const bar = /** @type {HTMLProgressElement} */ (part(id));
  bar.hidden = share === null;
  if (share !== null) bar.value = share;
}

/**
 * Show whether a button does anything now. It stays focusable: who is on it must not be thrown off.
 * @param {string} id
 * @param {boolean} disabled
 */
export function setDisabled(id, disabled) {
  part(id).ariaDisabled = String(disabled);
}

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

  return {
    /** @param {number} index */
    choose(index) {
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
      buttons[index]?.scrollIntoView({ block: "nearest" });
    },
  };
}

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

/**
 * Whether a key belongs to the button that the keyboard is on.
 * @param {KeyboardEvent} event
 */
export function isForFocused({ key, target }) {
  return (key === " " || key === "Enter") && target instanceof HTMLButtonElement && target.matches(":focus-visible");
}

/**
 * @param {string} id
 * @param {() => void} act
 */
export function onPress(id, act) {
  part(id).addEventListener("click", (event) => {
    act();
    leaveToImage(event);
  });
}

/**
 * After a click the keys are the image's again: space must ignore it, and not press the button once more.
 * @param {MouseEvent} event
 */
function leaveToImage(event) {
  if (event.detail > 0) leaveFocus();
}

/** Take the focus from wherever it is: keys then mean the image. */
export function leaveFocus() {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/** @param {string} text  "" hides it. */
export function showBanner(text) {
  part("banner").hidden = !text;
  setText("banner", text);
}

/**
 * What stands in the place of an image; null where there is one.
 * @param {{title: string, text: string, busy?: boolean} | null} notice
 */
export function showNotice(notice) {
  part("notice").hidden = !notice;
  part("notice").classList.toggle("busy", notice?.busy ?? false);
  setText("notice-title", notice?.title ?? "");
  setText("notice-text", notice?.text ?? "");
}

/**
 * Say something to those who do not see the page.
 * @param {string} text
 */
export function announce(text) {
  setText("live", text);
}

/**
 * @param {string} name
 * @param {string} className
 * @param {string} [text]
 */
function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
