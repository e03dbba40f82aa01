/** Panels that are loaded when they are first opened: who never opens them never waits for them. */

import { Refused } from "../desk/api.js";
import { announce, element } from "./dom.js";

/** @import { AnsweredTask, Label, Project } from "../types.js" */

/**
 * @param {Project} project
 * @param {(answered: AnsweredTask, id: number) => void} open  Open an answer, to be corrected.
 * @param {(label: string) => string} colorOf
 * @param {(labels: readonly Label[]) => void} takeLabels
 */
export function createLater(project, open, colorOf, takeLabels) {
  /** @type {ReturnType<typeof import("../later/history.js").createHistory> | null} */
  let history = null;
  /** @type {ReturnType<typeof import("../later/progress.js").createProgress> | null} */
  let progress = null;
  /** @type {ReturnType<typeof import("../later/labels.js").createLabelEditor> | null} */
  let labels = null;
  /** @type {ReturnType<typeof import("../later/instructions.js").createInstructions> | null} */
  let instructions = null;
  let loading = false;

  /**
   * Load a panel, then open it, unless the person went on without it.
   * @param {() => Promise<() => void>} load  What makes the panel, and gives what opens it.
   */
  async function once(load) {
    if (loading) return;
    loading = true;
    // Modal at once: a key that is pressed meanwhile must not answer the image. Escape closes it.
    const waiting = /** @type {HTMLDialogElement} */ (element("dialog", "", "Loading"));
    waiting.ariaLabel = "Loading";
    document.body.append(waiting);
    waiting.showModal();
    try {
      const open = await load();
      const wanted = waiting.open;
      waiting.close();
      if (wanted) open();
    } catch (error) {
      // A browser asks for a program once and remembers that it failed: a reload helps.
      if (!(error instanceof TypeError || error instanceof Event)) throw error;
      announce("It cannot be loaded: the server does not answer, or is of another version");
    } finally {
      waiting.close();
      waiting.remove();
      loading = false;
    }
  }

  async function loadHistory() {
    const { createHistory } = await import("../later/history.js");
    await addStyle("history");
    history = createHistory(project.dataset, project.labels, open);
    return history.toggle;
  }

  async function loadProgress() {
    const { createProgress } = await import("../later/progress.js");
    await addStyle("progress");
    progress = createProgress(colorOf);
    return progress.open;
  }

  async function loadLabels() {
    const { createLabelEditor } = await import("../later/labels.js");
    await addStyle("labels");
    labels = createLabelEditor(project.labels, takeLabels);
    return labels.open;
  }

  async function loadInstructions() {
    const { createInstructions } = await import("../later/instructions.js");
    await addStyle("instructions");
    instructions = createInstructions();
    return instructions.open;
  }

  return {
    labels: () => void (labels ? labels.open() : once(loadLabels)),
    instructions: () => void (instructions ? instructions.open() : once(loadInstructions)),
    history: () => void (history ? history.toggle() : once(loadHistory)),
    progress: () => void (progress ? progress.open() : once(loadProgress)),
    /** There are new answers. */
    refresh: () => history?.refresh(),
    /** The labels are others now. */
    relabelled() {
      history?.relabelled();
      labels?.show();
    },
  };
}

/** What views ask beside boxes: it is waited for, since without it no image could be answered. */
/** @param {readonly string[]} views */
export async function loadQuestion(views) {
  try {
    const [question] = await Promise.all([views.includes("review") ? import("../later/review.js") : import("../later/question.js"), addStyle("question")]);
    return question;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Event)) throw error;
    throw new Refused("A part of it cannot be loaded; open it again");
  }
}

/** @param {string} name @returns {Promise<unknown>} */
function addStyle(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `static/later/${name}.css`;
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = reject;
    document.head.append(link);
  });
}
