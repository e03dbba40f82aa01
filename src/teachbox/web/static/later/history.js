/** What was answered, in a list beside the image: filtered, endless, each to be opened and corrected. */

import { Refused, Unreachable, getAnswer, getHistory } from "../desk/api.js";
import { announce, element, leaveFocus, part } from "../panels/dom.js";

/** @import { AnsweredTask, Label } from "../types.js" */

/**
 * @typedef {object} Row  One answer, without its boxes.
 * @property {number} id
 * @property {string} file
 * @property {"accept" | "reject" | "ignore"} answer
 * @property {boolean} flagged
 * @property {number} boxes
 * @property {Record<string, number>} labels
 * @property {string} session_id
 * @property {number} created
 * @property {number | null} disagreement
 * @property {string} thumbnail
 */

const WORDS = { accept: "Accepted", reject: "Rejected", ignore: "Ignored" };
/** How near to its end the list is scrolled before more is asked for, in pixels. */
const NEAR_PX = 600;

/**
 * @param {string} dataset  What the names of its sessions begin with.
 * @param {readonly Label[]} labels
 * @param {(answered: AnsweredTask, id: number) => void} open
 */
export function createHistory(dataset, labels, open) {
  const panel = element("section", "");
  panel.id = "history";
  panel.hidden = true;
  panel.setAttribute("aria-label", "History");
  panel.innerHTML = `
    <div class="aside-head"><h2>History</h2><button type="button" class="quiet" aria-label="Close the history">✕</button></div>
    <form>
      <select name="answer" aria-label="Answer"><option value="">Any answer</option></select>
      <select name="label" aria-label="Label"><option value="">Any label</option></select>
      <select name="session_id" aria-label="Annotator"><option value="">Everyone</option></select>
      <select name="disagreement" aria-label="Against the model">
        <option value="">Model: any</option><option value="0.001">Corrected</option>
        <option value="0.25">Differs by 25 %</option><option value="0.5">Differs by 50 %</option>
      </select>
      <label><input type="checkbox" name="flagged" value="true" /> Flagged</label>
    </form>
    <div class="history-list" role="listbox" tabindex="0" aria-label="Answers, the newest first"></div>
    <p class="history-note" role="status"></p>`;
  const form = /** @type {HTMLFormElement} */ (panel.querySelector("form"));
  const list = /** @type {HTMLElement} */ (panel.querySelector("[role=listbox]"));
  const note = /** @type {HTMLElement} */ (panel.querySelector(".history-note"));
  /** @param {string} name */
  const select = (name) => /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
  for (const [value, text] of Object.entries(WORDS)) select("answer").add(new Option(text, value));
  showLabels();
  part("rail").after(panel);

  /** @type {Row[]} */
  let rows = [];
  /** Where to go on; null at the end. @type {number | null} */
  let next = null;
  /** The id of the row that the arrows are on. */
  let chosen = -1;
  let asking = false;
  let again = false;

  function showLabels() {
    const label = select("label");
    const chosen = label.value;
    label.length = 1;
    for (const { name, was = [] } of labels) label.add(new Option(name, name, false, name === chosen || was.includes(chosen)));
  }

  /** The filters that are set, as the server wants them. */
  function wanted() {
    const set = [...new FormData(form)].filter(([, value]) => value !== "");
    return new URLSearchParams(/** @type {[string, string][]} */ (set));
  }

  /** The list from its beginning, or what comes after it. @param {boolean} more */
  async function load(more) {
    if (asking) {
      again ||= !more;
      return;
    }
    asking = true;
    const query = wanted();
    if (more && next !== null) query.set("before", String(next));
    try {
      const page = await getHistory(query);
      rows = more ? [...rows, ...page.answers] : page.answers;
      next = page.next;
      showSessions(page.sessions);
      note.textContent = rows.length ? "" : "Nothing here yet.";
      show(more);
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
      note.textContent = `The history cannot be read: ${error.message}`;
    }
    asking = false;
    if (again) {
      again = false;
      void load(false);
    } else if (next !== null && list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_PX) {
      void load(true);
    }
  }

  /** @param {string[]} sessions */
  function showSessions(sessions) {
    const known = Array.from(select("session_id").options, (option) => option.value);
    for (const name of sessions) if (!known.includes(name)) select("session_id").add(new Option(personOf(name), name));
  }

  /** @param {string} session */
  function personOf(session) {
    return session.startsWith(`${dataset}-`) ? session.slice(dataset.length + 1) : session;
  }

  /** @param {boolean} more  Whether rows were added to those that are shown. */
  function show(more) {
    const shown = more ? list.children.length : 0;
    const made = rows.slice(shown).map((row) => rowOf(row));
    if (more) list.append(...made);
    else list.replaceChildren(...made);
    mark(false);
  }

  /** @param {Row} row */
  function rowOf(row) {
    const option = element("div", "history-row");
    option.role = "option";
    option.id = `answer-${row.id}`;
    const picture = new Image(64, 48);
    picture.loading = "lazy";
    picture.alt = "";
    picture.src = row.thumbnail;
    const told = element("div", "history-told");
    const first = element("div", "history-first");
    first.append(element("span", "name", row.file));
    if (row.flagged) first.append(element("span", "flagged", "Flagged"));
    const second = element("div", "history-second");
    const answer = element("span", `answered ${row.answer}`, WORDS[row.answer]);
    second.append(answer, element("span", "soft", ` · ${boxesText(row)}`));
    const differs = row.disagreement ? ` · ${Math.max(1, Math.round(row.disagreement * 100))} % changed` : "";
    const when = new Date(row.created * 1000);
    const third = element("div", "soft", `${timeText(when, new Date())} · ${personOf(row.session_id)}${differs}`);
    third.title = when.toLocaleString();
    told.append(first, second, third);
    option.append(picture, told);
    return option;
  }

  /** @param {boolean} reveal */
  function mark(reveal) {
    for (const option of list.children) option.ariaSelected = String(option.id === `answer-${chosen}`);
    const option = document.getElementById(`answer-${chosen}`);
    if (option) list.setAttribute("aria-activedescendant", option.id);
    else list.removeAttribute("aria-activedescendant");
    if (reveal) option?.scrollIntoView({ block: "nearest" });
  }

  async function openChosen() {
    const id = chosen;
    if (!rows.some((row) => row.id === id)) return;
    try {
      const { task } = await getAnswer(id);
      open(task, id);
      // On a tablet it lies over the image.
      if (getComputedStyle(panel).position === "absolute") close();
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Refused)) throw error;
      announce(`The answer cannot be opened: ${error.message}`);
      note.textContent = `The answer cannot be opened: ${error.message}`;
    }
  }

  function close() {
    panel.hidden = true;
    leaveFocus();
  }

  function focus() {
    panel.hidden = false;
    list.focus();
  }

  list.addEventListener("click", (event) => {
    const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
    if (!option) return;
    chosen = Number(option.id.slice("answer-".length));
    mark(false);
    leaveFocus();
    void openChosen();
  });
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = rows.findIndex((row) => row.id === chosen);
    const last = rows.length - 1;
    const to = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
    const row = to === undefined ? undefined : rows[to];
    if (row) {
      chosen = row.id;
      mark(true);
    } else if (event.key === "Enter") {
      leaveFocus();
      void openChosen();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  list.addEventListener("scroll", () => {
    const left = list.scrollHeight - list.scrollTop - list.clientHeight;
    if (next !== null && !asking && left < NEAR_PX) void load(true);
  }, { passive: true });
  form.addEventListener("change", () => {
    list.scrollTop = 0;
    void load(false);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  panel.querySelector("button")?.addEventListener("click", close);

  return {
    /** To the list, or away from it. */
    toggle() {
      if (!panel.hidden && panel.contains(document.activeElement)) return close();
      focus();
      return void load(false);
    },

    /** The labels are others now. */
    relabelled() {
      showLabels();
      void load(false);
    },

    /** There are new answers. */
    refresh() {
      // Who has scrolled down looks at something: it stays where it is.
      if (!panel.hidden && list.scrollTop < NEAR_PX) void load(false);
    },
  };
}

/** @param {Row} row */
function boxesText({ boxes, labels }) {
  const kinds = Object.entries(labels).map(([label, count]) => (count > 1 ? `${count} ${label}` : label));
  if (!kinds.length) return "no boxes";
  return kinds.length > 3 ? `${boxes} boxes of ${kinds.length} labels` : kinds.join(", ");
}

/** The hour of today, the day of another. @param {Date} when @param {Date} now */
function timeText(when, now) {
  const today = when.toDateString() === now.toDateString();
  return today ? when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : when.toLocaleDateString();
}
