/** Choose a label by typing a part of its name: with hundreds of them quicker than to look for it. */

import { labelColor } from "./colors.js";
import { element, part } from "./dom.js";

/** @import { Label } from "../types.js" */

const MOST = 12;

/** In the place of a label: a new one, of the name that was typed. */
const ADD = -1;

/**
 * @param {readonly Label[]} labels  As they are now: the list changes.
 * @param {(index: number) => void} choose
 * @param {(name: string) => void} add
 */
export function createLabelPalette(labels, choose, add) {
  const dialog = /** @type {HTMLDialogElement} */ (part("label-palette"));
  const field = /** @type {HTMLInputElement} */ (part("label-name"));
  const list = part("label-matches");
  /** @type {number[]} */
  let found = [];
  let at = 0;

  function show() {
    const options = found.map((index, place) => {
      const { name, color } = labels[index] ?? { name: `Add “${field.value.trim()}”`, color: "" };
      const option = element("div", "match");
      option.id = `match-${place}`;
      option.role = "option";
      option.ariaSelected = String(place === at);
      option.style.setProperty("--label", labelColor(color));
      option.append(index === ADD ? element("span", "plus") : element("span", "swatch"), element("span", "name", name));
      option.addEventListener("click", () => take(place));
      return option;
    });
    list.replaceChildren(...options);
    if (options.length) field.setAttribute("aria-activedescendant", `match-${at}`);
    else field.removeAttribute("aria-activedescendant");
    part("label-none").hidden = options.length > 0;
  }

  /** @param {number} place */
  function take(place) {
    const index = found[place];
    dialog.close();
    if (index === ADD) add(field.value.trim());
    else if (index !== undefined) choose(index);
  }

  field.addEventListener("input", () => {
    found = matchingLabels(labels, field.value).slice(0, MOST);
    const typed = field.value.trim().toLowerCase();
    if (typed && !labels.some(({ name }) => name.toLowerCase() === typed)) found.push(ADD);
    at = 0;
    show();
  });
  field.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) at = (at + by + found.length) % Math.max(1, found.length);
    else if (event.key === "Enter") take(at);
    else if (event.key === "Escape") dialog.close();
    else return;
    event.preventDefault();
    show();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  return {
    open() {
      field.value = "";
      found = matchingLabels(labels, "").slice(0, MOST);
      at = 0;
      show();
      dialog.showModal();
      field.focus();
    },
  };
}

/**
 * Places of the labels that a text may mean: those that begin with it first, then those with a word that does, then those
 * that hold it, then those that hold its letters in their order.
 * @param {readonly {name: string}[]} labels
 * @param {string} text
 * @returns {number[]}
 */
export function matchingLabels(labels, text) {
  const wanted = text.trim().toLowerCase();
  /** @type {number[][]} */
  const ranks = [[], [], [], []];
  labels.forEach(({ name }, index) => {
    const rank = rankOf(name.toLowerCase(), wanted);
    if (rank !== null) ranks[rank]?.push(index);
  });
  return ranks.flat();
}

/** @param {string} name @param {string} wanted @returns {number | null} */
function rankOf(name, wanted) {
  if (name.startsWith(wanted)) return 0;
  if (name.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))) return 1;
  if (name.includes(wanted)) return 2;
  let at = -1;
  for (const letter of wanted) {
    at = name.indexOf(letter, at + 1);
    if (at < 0) return null;
  }
  return 3;
}
