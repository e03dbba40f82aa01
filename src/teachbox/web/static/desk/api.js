/** The server's REST interface. */

/** @import { AnsweredTask, Given, Project, Questions, Task } from "../types.js" */
/** @import { Draft } from "./drafts.js" */

/** What the server refused, with its reason: to send it again would not help. */
export class Refused extends Error {}

/** The server did not answer, or could not just now: to send it again may help. */
export class Unreachable extends Error {}

/** A request that waits longer than this is given up. The server may take 20 s to find the next task. */
const TIMEOUT_MS = 30_000;
/** What is written in fewer characters is small. */
const SMALL = 20_000;

/**
 * @param {string} search  The page's own query: `?session=NAME` works under that name.
 * @returns {Promise<Project>}
 */
export function getProject(search) {
  return request(`project${search}`, {});
}

/**
 * @param {string} session
 * @param {number} n
 * @param {number[]} exclude  Task hashes that the page holds.
 * @returns {Promise<Questions>}
 */
export function getQuestions(session, n, exclude) {
  return post("get_session_questions", { session_id: session, n, exclude });
}

/**
 * @param {string} session
 * @param {AnsweredTask} answer
 * @returns {Promise<Given>}
 */
export function giveAnswer(session, answer) {
  return post("give_answers", { session_id: session, answers: [answer] });
}

/**
 * @param {string} session
 * @param {number} taskHash
 * @param {string} key  The same for a resend.
 * @returns {Promise<unknown>}
 */
export function undoAnswer(session, taskHash, key) {
  return post("undo_answer", { session_id: session, _task_hash: taskHash, _answer_key: key });
}

/**
 * @param {string} session
 * @param {Draft} draft
 * @returns {Promise<unknown>}
 */
export function saveDraft(session, draft) {
  const { task, ...work } = draft;
  const { hash, stamp } = work;
  const told = JSON.stringify({ session_id: session, _task_hash: hash, stamp, base: task._base_answer ?? 0, draft: work });
  const [head, tail] = [`${told.slice(0, -2)},"task":`, "}}"];
  const packed = pack(task);
  return send("save_draft", typeof packed === "string" ? head + packed + tail : new Blob([head, packed, tail]));
}

/** Tasks that drafts began with, as they travel: the same from draft to draft. @type {WeakMap<Task, string | Blob>} */
const packs = new WeakMap();

/** A large one is handed to the browser once: to write and send it anew would hold up whoever draws. @param {Task} task */
function pack(task) {
  const known = packs.get(task);
  if (known) return known;
  const text = JSON.stringify(task);
  const packed = text.length < SMALL ? text : new Blob([text]);
  packs.set(task, packed);
  return packed;
}

/**
 * @param {URLSearchParams} wanted
 * @returns {Promise<{answers: import("../later/history.js").Row[], next: number | null, sessions: string[]}>}
 */
export function getHistory(wanted) {
  return request(`history?${wanted}`, {});
}

/** @returns {Promise<import("../later/progress.js").Progress>} */
export function getProgress() {
  return request("progress", {});
}

/** @param {number} version @returns {Promise<import("../later/news.js").News>} */
export function getNews(version) {
  return request(`news?version=${version}`, {});
}

/**
 * @param {number} id
 * @returns {Promise<{task: AnsweredTask}>}
 */
export function getAnswer(id) {
  return request(`history/${id}`, {});
}

/**
 * @param {string} session
 * @param {number} taskHash
 * @returns {Promise<unknown>}
 */
export function skipTask(session, taskHash) {
  return post("skip_task", { session_id: session, _task_hash: taskHash });
}

/**
 * @param {string} name
 * @param {string} [color]
 * @returns {Promise<{id: number, labels: Project["labels"]}>}
 */
export function addLabel(name, color = "") {
  return post("add_label", { name, color });
}

/**
 * @param {{id: number, name?: string, color?: string}} change
 * @returns {Promise<{labels: Project["labels"]}>}
 */
export function changeLabel(change) {
  return post("change_label", change);
}

/**
 * @param {string} path
 * @param {unknown} content
 */
function post(path, content) {
  return send(path, JSON.stringify(content));
}

/**
 * @param {string} path
 * @param {string | Blob} body  JSON.
 */
function send(path, body) {
  const headers = { "Content-Type": "application/json" };
  // A request that is kept alive outlives the tab; browsers allow 64 KiB of it.
  return request(path, { method: "POST", body, headers, keepalive: typeof body === "string" && body.length < SMALL });
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
async function request(path, options) {
  let response;
  let content;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    content = await response.json();
  } catch (error) {
    throw new Unreachable(error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return content;
  const reason = typeof content?.error === "string" ? content.error : `${response.status} ${response.statusText}`;
  throw response.status >= 500 || response.status === 429 ? new Unreachable(reason) : new Refused(reason);
}
