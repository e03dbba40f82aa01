/** How the work goes, and what the detector has learnt. */

import { Refused, Unreachable, getProgress } from "../desk/api.js";
import { element } from "../panels/dom.js";
import { chartOf } from "./charts.js";
import { createCurve } from "./curve.js";
import { newsText } from "./news.js";

/**
 * @typedef {object} Progress
 * @property {Record<"accept" | "reject" | "ignore", number>} answers
 * @property {number | null} progress
 * @property {number | null} asked  Images that there are to answer; null where nobody knows.
 * @property {number} minutes
 * @property {number | null} boxes_per_minute
 * @property {number} predicted
 * @property {number | null} untouched
 * @property {{from: number, to: number, added: number, moved: number, removed: number}[]} groups
 * @property {{version: number, answers: number, untouched: number, agreement: number}[]} suggestions
 * @property {import("./curve.js").Evaluated[]} curve
 * @property {{step: number, steps: number, answers: number, seconds_per_step: number | null, seconds_left: number | null} | null} round
 * @property {string | null} tensorboard  An address, or `:port` of the machine that the page comes from.
 * @property {import("./news.js").News | null} news  Of the version that serves.
 */

const COLORS = ["#0f8f83", "#d97706", "#b4459c"];
const REFRESH_MS = 5000;

/** @param {(label: string) => string} colorOf */
export function createProgress(colorOf) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", ""));
  dialog.id = "progress-dialog";
  dialog.setAttribute("aria-labelledby", "progress-title");
  dialog.innerHTML = `<div class="dialog-head"><h2 id="progress-title">Progress</h2>
    <button type="button" autofocus>Close</button></div><div class="progress-body"></div>`;
  const body = /** @type {HTMLElement} */ (dialog.querySelector(".progress-body"));
  document.body.append(dialog);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const curve = createCurve(colorOf);
  const [facts, news, work, board] = [element("dl", "figures"), element("p", "news"), element("section", "charts"), element("p", "board")];
  /** What each part was last filled with: what is the same is left alone, and an open list stays open. @type {Map<Element, string>} */
  const known = new Map();

  async function load() {
    clearTimeout(timer);
    try {
      show(await getProgress());
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
      if (!known.size) body.replaceChildren(element("p", "", `The figures cannot be read: ${error.message}`));
    }
    if (dialog.open) timer = setTimeout(load, REFRESH_MS);
  }

  /** @param {Progress} told */
  function show(told) {
    if (!known.size) body.replaceChildren(facts, news, work, curve.element, board);
    showFacts(facts, factsOf(told));
    news.textContent = told.news ? newsText(told.news) : "";
    changed(work, [told.groups, told.suggestions]) && replaceCharts(work, chartsOf(told));
    changed(curve.element, told.curve) && curve.show(told.curve);
    changed(board, told.tensorboard) && board.replaceChildren(...(told.tensorboard ? [boardLink(told.tensorboard)] : []));
    for (const part of [news, work, board]) part.hidden = !part.childNodes.length;
  }

  /** @param {Element} part @param {unknown} value */
  function changed(part, value) {
    const text = JSON.stringify(value);
    if (known.get(part) === text) return false;
    known.set(part, text);
    return true;
  }

  dialog.querySelector("button")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => clearTimeout(timer));

  return {
    open() {
      dialog.showModal();
      void load();
    },
  };
}

/** Names and values. @param {Progress} told @returns {[string, string][]} */
function factsOf({ answers: { accept, reject, ignore }, progress, asked, boxes_per_minute: pace, minutes, untouched, predicted, round }) {
  const share = (asked === null ? "" : ` of ${asked}`) + (progress === null ? "" : ` (${Math.floor(progress * 100)} %)`);
  return [
    ["Answered", `${accept + reject + ignore}${share}`],
    ["Boxes a minute", pace === null ? "–" : pace.toFixed(1)],
    ["Minutes of work", minutes.toFixed(0)],
    ["Accepted untouched", untouched === null ? "–" : `${Math.round(untouched * 100)} % of ${predicted}`],
    ...(round ? [/** @type {[string, string]} */ (["This round", roundText(round)])] : []),
  ];
}

/** @param {Element} list @param {[string, string][]} facts */
function showFacts(list, facts) {
  list.replaceChildren(...facts.map(([name, value]) => {
    const pair = element("div", "");
    pair.append(element("dt", "", name), element("dd", "", value));
    return pair;
  }));
}

/** What was done to the suggestions, and how well those of each version fitted. @param {Progress} told */
function chartsOf({ groups, suggestions }) {
  if (!groups.length) return [];
  const names = /** @type {const} */ (["added", "moved", "removed"]);
  const places = groups.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  const series = names.map((name, at) => ({ name, color: String(COLORS[at]), values: groups.map((one) => one[name]) }));
  const versions = suggestions.map((_, at) => `${at + 1}`);
  return [
    chartOf("Corrections: boxes an image", "accepted images with suggestions", places, series),
    chartOf("How well the suggestions fit", "versions in their order", versions, [
      { name: "agreement", color: String(COLORS[0]), values: suggestions.map((one) => one.agreement) },
      { name: "untouched", color: String(COLORS[1]), values: suggestions.map((one) => one.untouched) },
    ], 1),
  ];
}

/** A table that is open stays open. @param {Element} section @param {Element[]} charts */
function replaceCharts(section, charts) {
  const open = Array.from(section.querySelectorAll("details"), (one) => one.open);
  section.replaceChildren(...charts);
  section.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? false));
}

/** @param {string} where */
function boardLink(where) {
  const link = /** @type {HTMLAnchorElement} */ (element("a", "", "TensorBoard: losses, learning rate, metrics and pictures"));
  link.href = where.startsWith(":") ? `http://${location.hostname}${where}` : where;
  link.target = "_blank";
  link.rel = "noopener";
  return link;
}

/** @param {NonNullable<Progress["round"]>} round */
function roundText({ step, steps, seconds_per_step: each, seconds_left: left }) {
  const done = `step ${step} of ${steps}`;
  if (each === null || left === null) return done;
  const rest = left < 90 ? `${Math.round(left)} s` : `${Math.round(left / 60)} min`;
  return `${done}, ${each.toFixed(2)} s a step, ${rest} left`;
}
