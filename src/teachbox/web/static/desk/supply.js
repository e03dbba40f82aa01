/** Keeps the desk supplied: asks the server for tasks, hears what it tells, waits while it is gone. */

import { Refused, Unreachable, getProject, getQuestions, skipTask } from "./api.js";
import { openConnection } from "./connection.js";
import { AHEAD } from "./queue.js";

/** @import { Label, Project, Questions, Status } from "../types.js" */
/** @import { Desk } from "./desk.js" */
/** @import { Drafts } from "./drafts.js" */
/** @import { Outbox } from "./outbox.js" */

const RETRY_MS = 1000;
/** How often to ask again where nothing is left: another person's lease may have run out. */
const ASK_AGAIN_MS = 3000;
/** A break shorter than this is not worth a word. */
const PATIENCE_MS = 700;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {Project} project
 * @param {Desk} desk
 * @param {Outbox} outbox
 * @param {Drafts} drafts
 * @param {() => void} changed
 * @param {(labels: readonly Label[]) => void} takeLabels
 * @param {Promise<Questions | null> | null} early  What was asked before it was known what is held: it may be here already.
 */
export function createSupply(project, desk, outbox, drafts, changed, takeLabels, early) {
  const session = project.session_id;
  /** @type {Status | null} */
  let status = null;
  /** @type {"empty" | "done" | null} Why the server had no task when it was last asked. */
  let dry = null;
  let asking = false;
  let askAgain = 0;
  let gone = false;
  let checking = false;

  async function refill() {
    if (asking || !desk.wanted()) return;
    asking = true;
    try {
      const asked = early;
      early = null;
      const questions = (await asked) ?? (await getQuestions(session, desk.wanted(), desk.held()));
      drafts.adopt(questions.drafts ?? []);
      desk.take(questions.tasks);
      dry = questions.tasks.length ? null : questions.done ? "done" : "empty";
    } catch (error) {
      if (error instanceof Refused) desk.refuse(`The server refused to give images: ${error.message}`);
      else if (!(error instanceof Unreachable)) throw error;
      dry = null;
      await pause(RETRY_MS);
    }
    asking = false;
    changed();
    if (!dry) void refill();
    clearTimeout(askAgain);
    if (dry && desk.isEmpty()) askAgain = window.setTimeout(() => void refill(), ASK_AGAIN_MS);
  }

  /** Let the server give a task again later. Where it cannot be told, it gives it again soon. @param {number} taskHash */
  async function skip(taskHash) {
    asking = true;
    try {
      await skipTask(session, taskHash);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    }
    asking = false;
    void refill();
  }

  /** @param {Status} next */
  function takeStatus(next) {
    status = next;
    desk.takeCounts(next.answers ?? {});
    changed();
  }

  /** The server is gone, or was for a moment: wait until it is back, and see whether it is the same. */
  async function checkServer() {
    if (checking) return;
    checking = true;
    outbox.pause();
    const patience = setTimeout(() => {
      gone = true;
      changed();
    }, PATIENCE_MS);
    const { dataset } = await findProject();
    // Another dataset at the same address: answers must not go there. Those unsent wait in the storage.
    if (dataset !== project.dataset) return location.reload();
    clearTimeout(patience);
    gone = checking = false;
    outbox.resume();
    drafts.flush();
    changed();
    return refill();
  }

  return {
    status: () => status,
    dry: () => dry,
    /** Whether the server has not answered for a while. */
    gone: () => gone,
    refill: () => void refill(),
    /** @param {number} taskHash */
    skip: (taskHash) => void skip(taskHash),
    open() {
      openConnection(
        `events?session_id=${encodeURIComponent(session)}`,
        {
          status: takeStatus,
          task: desk.takeTask,
          /** @param {{labels: Label[]}} told */
          labels: ({ labels }) => takeLabels(labels),
          /** @param {{version: number}} served */
          served: ({ version }) => takeStatus({ ...status, served_version: version }),
        },
        checkServer,
      );
      outbox.flush();
      void refill();
    },
  };
}

/**
 * Ask for the first tasks before it is known what the page held when it was last open. Null where that fails: what is
 * asked next says why.
 * @param {Project} project
 * @returns {Promise<Questions | null>}
 */
export const askEarly = (project) => getQuestions(project.session_id, AHEAD + 1, []).catch(() => null);

/** The project as it came with the page; else, as soon as the server answers. @returns {Promise<Project>} */
export async function firstProject() {
  const told = document.getElementById("project");
  return told ? JSON.parse(told.textContent ?? "") : findProject();
}

/** The project, as soon as the server answers. */
export async function findProject() {
  for (;;) {
    try {
      return await getProject(location.search);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await pause(RETRY_MS);
    }
  }
}
