/** Panels that are loaded when they are first opened: who never opens them never waits for them. */

import { announce } from "./dom.js";

/** @import { AnsweredTask, Project } from "../types.js" */

/**
 * @param {Project} project
 * @param {(answered: AnsweredTask, id: number) => void} open  Open an answer, to be corrected.
 */
export function createLater(project, open) {
  /** @type {ReturnType<typeof import("../later/history.js").createHistory> | null} */
  let history = null;
  let loading = false;

  async function openHistory() {
    if (history) return history.toggle();
    if (loading) return;
    loading = true;
    try {
      const { createHistory } = await import("../later/history.js");
      await addStyle("history");
      history = createHistory(project.dataset, project.labels, open);
    } catch (error) {
      // A browser asks for a program once and remembers that it failed: a reload helps.
      if (!(error instanceof TypeError || error instanceof Event)) throw error;
      announce("The history cannot be loaded: the server does not answer");
    }
    loading = false;
  }

  return {
    history: () => void openHistory(),
    /** There are new answers. */
    refresh: () => history?.refresh(),
  };
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
