/** The list of boxes beside the canvas. Of thousands only those in sight are elements. */

import { isAgreed, isSuggestion } from "../boxes/limits.js";
import { element, part, setText } from "./dom.js";

/** @import { Box, Editor } from "../types.js" */
/** @import { Doubts } from "../boxes/doubts.js" */

/** Rows are this high, all of them: the style sheet says so too. */
const ROW_PX = 33;
/** Rows kept above and below those in sight. */
const SPARE = 20;

/**
 * @param {(label: string) => string} colorOf
 * @param {(id: number | null) => void} choose
 */
export function createBoxList(colorOf, choose) {
  const list = part("boxes");
  const rows = element("div", "rows");
  rows.role = "presentation";
  list.replaceChildren(rows);
  /** @type {Editor | null} */
  let shown = null;
  /** @type {Doubts} */
  let doubts = new Map();
  let room = 0;
  let frame = 0;
  let revealing = false;
  /** Rows by box: one that did not change is not made again. @type {Map<Box, HTMLElement>} */
  let made = new Map();

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
    event.stopPropagation();
    choose(box.id);
  });
  list.addEventListener("scroll", () => soon(), { passive: true });
  // Its height is told: to ask for it after a change would lay out the whole page at once.
  new ResizeObserver(() => {
    room = list.clientHeight;
    soon();
  }).observe(list);

  /** Make the rows in the next frame, however often they change before it. */
  function soon() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (revealing) reveal();
      revealing = false;
      fill();
    });
  }

  /** @param {Box} box */
  function optionOf(box) {
    const option = element("div", isSuggestion(box) ? "suggestion" : "");
    option.id = `box-${box.id}`;
    option.dataset.box = String(box.id);
    option.role = "option";
    option.style.setProperty("--label", colorOf(box.label));
    // The space is for those who hear it.
    option.append(element("span", "swatch"), element("span", "name", box.label), " ", element("span", "state"));
    return option;
  }

  /** Make the rows in sight. */
  function fill() {
    const boxes = shown?.boxes ?? [];
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - SPARE);
    const last = Math.ceil((list.scrollTop + (room || ROW_PX)) / ROW_PX) + SPARE;
    /** @type {Map<Box, HTMLElement>} */
    const next = new Map();
    for (const [at, box] of boxes.slice(first, last).entries()) {
      const option = made.get(box) ?? optionOf(box);
      const state = /** @type {HTMLElement} */ (option.lastChild);
      const words = [stateOf(box), doubts.get(box)].filter(Boolean).join(" · ");
      if (state.textContent !== words) state.textContent = words;
      option.classList.toggle("doubted", doubts.has(box));
      option.ariaSelected = String(box.id === shown?.selected);
      option.ariaSetSize = String(boxes.length);
      option.ariaPosInSet = String(first + at + 1);
      next.set(box, option);
    }
    const options = [...next.values()];
    if (options.length !== rows.children.length || options.some((option, at) => option !== rows.children[at])) {
      rows.replaceChildren(...options);
    }
    made = next;
    rows.style.paddingBlockStart = `${first * ROW_PX}px`;
    rows.style.paddingBlockEnd = `${Math.max(0, boxes.length - first - options.length) * ROW_PX}px`;
  }

  /** Scroll the selected row into sight. */
  function reveal() {
    const at = shown?.boxes.findIndex((box) => box.id === shown?.selected) ?? -1;
    if (at < 0) return;
    if (at * ROW_PX < list.scrollTop) list.scrollTop = at * ROW_PX;
    else if ((at + 1) * ROW_PX > list.scrollTop + room) list.scrollTop = (at + 1) * ROW_PX - room;
  }

  return {
    /** Labels have other colours. */
    renew() {
      made = new Map();
      soon();
    },

    /** @param {Editor | null} editor @param {Doubts} known  Which of its boxes are marked. */
    show(editor, known) {
      if (editor === shown && known === doubts) return;
      doubts = known;
      const chosen = editor?.selected ?? null;
      const moved = chosen !== (shown?.selected ?? null);
      shown = editor;
      revealing ||= moved;
      soon();
      if (chosen === null) list.removeAttribute("aria-activedescendant");
      else list.setAttribute("aria-activedescendant", `box-${chosen}`);
      setText("box-count", String(editor?.boxes.length ?? 0));
      part("no-boxes").hidden = !editor || editor.boxes.length > 0;
    },
  };
}

/** What of a box that was predicted: its score, or what a person made of it. @param {Box} box */
function stateOf(box) {
  const { score } = box.span ?? {};
  if (!box.span || score === undefined) return "";
  if (isSuggestion(box)) return score.toFixed(2);
  return isAgreed(box) ? "accepted" : "edited";
}
