/** Two answers to one image: says so, and lets the person choose which of them counts. */

import { announce, element, part } from "./dom.js";

/** @import { AnsweredTask, Overtaken } from "../types.js" */

/**
 * @typedef {object} Conflict
 * @property {AnsweredTask} mine
 * @property {number} id  Of mine in the log.
 * @property {Overtaken} theirs
 */

/**
 * @param {string} dataset  Begins the names of sessions, and is not said.
 * @param {(conflict: Conflict) => void} chooseTheirs
 */
export function createConflicts(dataset, chooseTheirs) {
  const panel = part("overtaken");
  /** @type {Conflict[]} */
  let conflicts = [];

  function show() {
    const [conflict] = conflicts;
    panel.hidden = !conflict;
    if (!conflict) return panel.replaceChildren();
    const text = conflictText(conflict, dataset);
    const who = nameOf(conflict.theirs.session_id, dataset);
    const more = conflicts.length > 1 ? ` (1 of ${conflicts.length})` : "";
    return panel.replaceChildren(
      element("p", "", text + more),
      button("Mine counts", () => {}),
      button(`Let ${who}’s count`, () => chooseTheirs(conflict)),
    );
  }

  /** @param {string} text @param {() => void} act */
  function button(text, act) {
    const made = /** @type {HTMLButtonElement} */ (element("button", "", text));
    made.type = "button";
    made.addEventListener("click", () => {
      act();
      conflicts = conflicts.slice(1);
      show();
    });
    return made;
  }

  return {
    /** @param {Conflict} conflict */
    add(conflict) {
      conflicts = [...conflicts, conflict];
      announce(conflictText(conflict, dataset));
      show();
    },
  };
}

/**
 * @param {Conflict} conflict
 * @param {string} dataset
 */
export function conflictText({ mine, theirs }, dataset) {
  const file = mine.meta?.file ?? "this image";
  const who = nameOf(theirs.session_id, dataset);
  return `${capital(who)} had answered ${file} before you: ${said(theirs.task)}. Yours, ${said(mine)}, is newer and counts. Both are kept.`;
}

/** @param {string} session @param {string} dataset */
function nameOf(session, dataset) {
  const name = session.startsWith(`${dataset}-`) ? session.slice(dataset.length + 1) : session;
  return name === "default" ? "another page" : name;
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {AnsweredTask} task */
function said({ answer, spans = [] }) {
  const boxes = spans.length === 1 ? "1 box" : spans.length ? `${spans.length} boxes` : "no box";
  return `${answer}, ${boxes}`;
}
