/** The tasks that the page holds: the first is shown, the others wait. Pure: every function returns a new queue. */

import { isTouched, openEditor } from "../boxes/editor.js";
import { NO_LIMITS } from "../boxes/limits.js";
import { openSaid } from "./asked.js";

/** @import { Editor, Task } from "../types.js" */
/** @import { Said } from "./asked.js" */

/**
 * @typedef {object} Entry
 * @property {Task} task
 * @property {Editor} editor
 * @property {boolean} kept  Its boxes are a person's (an answer taken back): no prediction replaces them.
 * @property {boolean} flagged  Marked to be found again.
 * @property {Said} said  Beside the boxes.
 *
 * @typedef {readonly Entry[]} Queue
 */

/** Tasks held ahead of the one shown. */
export const AHEAD = 3;

/**
 * @param {Task} task  One with an answer's boxes has no candidates: with `kept`, none of its boxes is ever hidden.
 * @param {boolean} [kept]
 * @returns {Entry}
 */
export function openEntry(task, kept = false) {
  const { width = 0, height = 0, spans = [], candidates = [], flagged = false } = task;
  const limits = kept && !task.candidates ? null : NO_LIMITS;
  return { task, editor: openEditor([...spans, ...candidates], { width, height }, limits), kept, flagged, said: openSaid(task) };
}

/**
 * How many more tasks to ask for.
 * @param {Queue} queue
 */
export function wanted(queue) {
  return Math.max(0, AHEAD + 1 - queue.length);
}

/**
 * New tasks go to the end; one that is held already is brought up to date.
 * @param {Queue} queue
 * @param {readonly Task[]} tasks
 * @returns {Queue}
 */
export function addTasks(queue, tasks) {
  let next = queue;
  for (const task of tasks) {
    const held = next.some((entry) => entry.task._task_hash === task._task_hash);
    next = held ? refreshTask(next, task) : [...next, openEntry(task)];
  }
  return next;
}

/**
 * A held task with newer predictions takes the place of the old one, unless a person has touched it or has a box of it
 * selected. A task that is not held changes nothing, nor does one that is no news.
 * @param {Queue} queue
 * @param {Task} task
 * @returns {Queue}
 */
export function refreshTask(queue, task) {
  const at = queue.findIndex((entry) => entry.task._task_hash === task._task_hash);
  const entry = queue[at];
  if (!entry || entry.kept || isTouched(entry.editor) || entry.editor.selected !== null) return queue;
  const same = entry.task.version === task.version && boxesOf(entry.task) === boxesOf(task);
  return same ? queue : queue.with(at, { ...openEntry(task), flagged: entry.flagged, said: entry.said });
}

/** @param {Task} task */
function boxesOf({ spans, candidates }) {
  return JSON.stringify([spans, candidates]);
}

/**
 * @param {Queue} queue
 * @param {Editor} editor
 * @returns {Queue}
 */
export function setEditor(queue, editor) {
  const [first, ...rest] = queue;
  return first && first.editor !== editor ? [{ ...first, editor }, ...rest] : queue;
}

/**
 * An entry put before all others, as when an answer is taken back.
 * @param {Queue} queue
 * @param {Entry} entry
 * @returns {Queue}
 */
export function putFirst(queue, entry) {
  return [entry, ...queue.filter((one) => one.task._task_hash !== entry.task._task_hash)];
}
