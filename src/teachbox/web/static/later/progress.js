/** How the work goes, and what the detector has learnt. */

import { Refused, Unreachable, getProgress } from "../desk/api.js";
import { element } from "../panels/dom.js";
import { chartOf } from "./charts.js";
import { newsText } from "./news.js";

/**
 * @typedef {object} Progress
 * @property {Record<"accept" | "reject" | "ignore", number>} answers
 * @property {number | null} progress
 * @property {number} minutes
 * @property {number | null} boxes_per_minute
 * @property {number} predicted
 * @property {number | null} untouched
 * @property {{from: number, to: number, added: number, moved: number, removed: number}[]} groups
 * @property {{version: number, answers: number, untouched: number, agreement: number}[]} suggestions
 * @property {{version: number, mean: number, classes: Record<string, number>}[]} curve
 * @property {{step: number, steps: number, answers: number, seconds_per_step: number | null, seconds_left: number | null} | null} round
 * @property {import("./news.js").News | null} news  Of the version that serves.
 */

const COLORS = ["#0f8f83", "#d97706", "#b4459c", "#3b82f6", "#7c8796", "#c0392b", "#5b8c2a"];
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
  let shown = "";

  async function load() {
    clearTimeout(timer);
    try {
      const told = await getProgress();
      // What is the same is left alone: an open table stays open.
      if (shown !== JSON.stringify(told)) show(told);
      shown = JSON.stringify(told);
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
      if (!shown) body.replaceChildren(element("p", "", `The figures cannot be read: ${error.message}`));
    }
    if (dialog.open) timer = setTimeout(load, REFRESH_MS);
  }

  /** @param {Progress} told */
  function show(told) {
    const open = new Set(Array.from(body.querySelectorAll("details[open]"), (one) => one.parentElement?.firstElementChild?.textContent));
    const { accept, reject, ignore } = told.answers;
    const facts = element("dl", "figures");
    /** @param {string} name @param {string} value */
    const fact = (name, value) => {
      const pair = element("div", "");
      pair.append(element("dt", "", name), element("dd", "", value));
      facts.append(pair);
    };
    const share = told.progress === null ? "" : ` (${Math.floor(told.progress * 100)} %)`;
    fact("Answered", `${accept + reject + ignore}${share}`);
    fact("Boxes a minute", told.boxes_per_minute === null ? "–" : told.boxes_per_minute.toFixed(1));
    fact("Minutes of work", told.minutes.toFixed(0));
    fact("Accepted untouched", told.untouched === null ? "–" : `${Math.round(told.untouched * 100)} % of ${told.predicted}`);
    if (told.round) fact("This round", roundText(told.round));
    const charts = [];
    if (told.groups.length) {
      const names = /** @type {const} */ (["added", "moved", "removed"]);
      const places = told.groups.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
      const series = names.map((name, at) => ({ name, color: String(COLORS[at]), values: told.groups.map((one) => one[name]) }));
      charts.push(chartOf("Corrections: boxes an image", "accepted images with suggestions", places, series));
      const versions = told.suggestions.map((_, at) => `${at + 1}`);
      charts.push(chartOf("How well the suggestions fit", "versions in their order", versions, [
        { name: "agreement", color: String(COLORS[0]), values: told.suggestions.map((one) => one.agreement) },
        { name: "untouched", color: String(COLORS[1]), values: told.suggestions.map((one) => one.untouched) },
      ], 1));
    }
    if (told.curve.length) {
      const classes = [...new Set(told.curve.flatMap((one) => Object.keys(one.classes)))];
      charts.push(chartOf("Learning curve: average precision", "evaluated versions in their order", told.curve.map((_, at) => `${at + 1}`), [
        { name: "all (mAP)", color: "currentColor", values: told.curve.map((one) => one.mean) },
        ...classes.map((name) => ({ name, color: colorOf(name), values: told.curve.map((one) => one.classes[name] ?? null) })),
      ], 1));
    } else {
      charts.push(element("p", "soft", "No version has been evaluated. With --run-eval the trainer evaluates each, and its learning curve is shown here."));
    }
    const news = told.news ? newsText(told.news) : "";
    body.replaceChildren(facts, ...(news ? [element("p", "", news)] : []), ...charts);
    for (const one of body.querySelectorAll("details")) one.open = open.has(one.parentElement?.firstElementChild?.textContent);
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

/** @param {NonNullable<Progress["round"]>} round */
function roundText({ step, steps, seconds_per_step: each, seconds_left: left }) {
  const done = `step ${step} of ${steps}`;
  if (each === null || left === null) return done;
  const rest = left < 90 ? `${Math.round(left)} s` : `${Math.round(left / 60)} min`;
  return `${done}, ${each.toFixed(2)} s a step, ${rest} left`;
}
