/** The learning curve: average precision of each evaluated version, of all classes and of those that are chosen. */

import { element } from "../panels/dom.js";
import { chartOf } from "./charts.js";

/** @typedef {{version: number, mean: number, classes: Record<string, number>}} Evaluated */

const NONE_YET = "No version has been evaluated. With --run-eval the trainer evaluates each, and its learning curve is shown here.";
/** More lines than these are not told apart: then a class is chosen first. */
const MOST_LINES = 6;
const [EACH, NONE] = ["each", "none"];

/** @param {(label: string) => string} colorOf */
export function createCurve(colorOf) {
  const section = element("section", "curve");
  const chart = element("div", "");
  const choice = /** @type {HTMLSelectElement} */ (element("select", ""));
  const row = element("label", "curve-choice", "Classes ");
  row.append(choice);
  section.append(chart, row);
  /** @type {readonly Evaluated[]} */
  let curve = [];
  /** @type {readonly string[]} */
  let offered = [];

  /** What is chosen stays so while it can be. @param {readonly string[]} names */
  function offer(names) {
    if (names.join("\n") === offered.join("\n") && choice.length) return;
    const chosen = choice.length ? choice.value : names.length <= MOST_LINES ? EACH : NONE;
    offered = names;
    choice.replaceChildren(new Option("each", EACH), new Option("none, the mean alone", NONE), ...names.map((name) => new Option(name, `class ${name}`)));
    choice.value = chosen;
    if (choice.selectedIndex < 0) choice.value = NONE;
  }

  function draw() {
    const wasOpen = chart.querySelector("details")?.open ?? false;
    chart.replaceChildren(curve.length ? curveChart(curve, shownOf(offered, choice.value), colorOf) : element("p", "soft", NONE_YET));
    const details = chart.querySelector("details");
    if (details) details.open = wasOpen;
  }

  choice.addEventListener("change", draw);

  return {
    element: section,
    /** @param {readonly Evaluated[]} told */
    show(told) {
      curve = told;
      offer(classesOf(told));
      row.hidden = offered.length < 2;
      draw();
    },
  };
}

/** @param {readonly string[]} names @param {string} choice */
function shownOf(names, choice) {
  return choice === EACH ? names : names.filter((name) => `class ${name}` === choice);
}

/** Every class that any version was measured on. @param {readonly Evaluated[]} curve */
function classesOf(curve) {
  return [...new Set(curve.flatMap((one) => Object.keys(one.classes)))].sort();
}

/** @param {readonly Evaluated[]} curve @param {readonly string[]} names @param {(label: string) => string} colorOf */
function curveChart(curve, names, colorOf) {
  const places = curve.map((_, at) => `${at + 1}`);
  return chartOf("Learning curve: average precision", "evaluated versions in their order", places, [
    { name: "all (mAP)", color: "currentColor", values: curve.map(({ mean }) => mean) },
    ...names.map((name) => ({ name, color: colorOf(name), values: curve.map(({ classes }) => classes[name] ?? null) })),
  ], 1);
}
