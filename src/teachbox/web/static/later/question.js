/** What is asked beside the image: one label to agree to, or options to choose from. */

import { chooseOption } from "../desk/asked.js";
import { labelKey } from "../keys/keymap.js";
import { element } from "../panels/dom.js";
import { KEYS, createBeside, optionButton } from "./beside.js";

/** @import { Option, Task } from "../types.js" */
/** @import { Config } from "../desk/config.js" */
/** @import { Desk } from "../desk/desk.js" */

/**
 * What a view beside the image does.
 * @typedef {object} Question
 * @property {() => void} show  What is on the desk now.
 * @property {(place: number) => boolean} choose  By its key; false where there is nothing at that place.
 * @property {(task: Task) => string} words  What is asked, to those who do not see it.
 * @property {(context: CanvasRenderingContext2D, scene: import("../canvas/paint.js").Scene) => void} [paint]
 */

/**
 * @param {readonly string[]} views
 * @param {Config} config
 * @param {Desk} desk
 * @param {number} firstKey  The place of the key of the first option: labels have those before it.
 * @param {(label: string) => string} colorOf
 * @returns {Question}
 */
export function createQuestion(views, config, desk, firstKey, colorOf) {
  const single = config.choice_style === "single";
  const { section, title, list } = createBeside("question");
  /** @type {Task | null} */
  let shown = null;
  /** @type {HTMLElement[]} */
  let buttons = [];

  const asksChoice = views.includes("choice");

  /** @param {Task} task */
  function titleOf(task) {
    if (views.includes("classification")) return task.label ?? "";
    return typeof task.text === "string" && task.text ? task.text : single ? "Choose one" : "Choose all that apply";
  }

  /** @param {Task} task */
  function build(task) {
    title.textContent = titleOf(task);
    title.classList.toggle("large", views.includes("classification"));
    title.style.setProperty("--label", views.includes("classification") ? colorOf(task.label ?? "") : "transparent");
    buttons = asksChoice ? (task.options ?? []).map(buttonOf) : [];
    list.ariaLabel = single ? "Options, choose one" : "Options, choose all that apply";
    list.replaceChildren(...buttons);
    list.hidden = !buttons.length;
  }

  /** @param {Option} option @param {number} place */
  function buttonOf({ id, text, color }, place) {
    const button = optionButton(place, firstKey, color ?? "", [element("span", "name", text)], take);
    button.dataset.option = String(id);
    return button;
  }

  /** @param {number} place */
  function take(place) {
    const option = shown?.options?.[place];
    const entry = desk.current();
    if (!option || !entry || entry.task !== shown) return;
    const accept = chooseOption(entry.said.accept ?? [], option.id, single);
    desk.takeSaid({ ...entry.said, accept }, `${option.text}${accept.includes(option.id) ? "" : ": not chosen"}`);
    if (config.choice_auto_accept && accept.length) desk.give("accept");
  }

  return {
    show() {
      const entry = desk.current();
      section.hidden = !entry;
      if (!entry) return;
      if (entry.task !== shown) build(entry.task);
      shown = entry.task;
      const accept = entry.said.accept ?? [];
      buttons.forEach((button, place) => {
        const option = shown?.options?.[place];
        button.ariaPressed = String(option !== undefined && accept.includes(option.id));
      });
    },

    choose(place) {
      const at = place - firstKey;
      if (!asksChoice || at < 0 || at >= Math.min(KEYS, buttons.length)) return false;
      take(at);
      return true;
    },

    words(task) {
      const options = asksChoice ? (task.options ?? []).slice(0, KEYS) : [];
      const named = options.map(({ text }, place) => `${labelKey(place + firstKey)} ${text}`).join(", ");
      return [`${titleOf(task)}?`, named].filter(Boolean).join(" ");
    },
  };
}
