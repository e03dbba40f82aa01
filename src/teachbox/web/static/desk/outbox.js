/**
 * What is to be sent to the server, kept until it is acknowledged: also over a reload, a crash of the tab and a
 * restart of the server. Answers and undos go out one after another, in the order in which they were given.
 */

import { Refused, giveAnswer, undoAnswer } from "./api.js";

/** @import { AnsweredTask } from "../types.js" */

/**
 * @typedef {object} Letter
 * @property {string} key
 * @property {number} order
 * @property {string} session
 * @property {AnsweredTask | null} answer  Null for an undo.
 * @property {number} taskHash
 *
 * @typedef {"saved" | "saving" | "retrying"} SaveState
 *
 * @typedef {object} Watcher
 * @property {(state: SaveState, waiting: number) => void} changed
 * @property {(letter: Letter, reason: string) => void} refused
 *
 * @typedef {ReturnType<typeof openOutbox>} Outbox
 */

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;

/**
 * The outbox of one dataset.
 * @param {string} dataset
 * @param {Pick<Storage, "length" | "key" | "getItem" | "setItem" | "removeItem">} storage
 * @param {Watcher} watcher
 */
export function openOutbox(dataset, storage, watcher) {
  const prefix = `teachbox/outbox/${dataset}/`;
  /** @type {Letter[]} */
  const letters = readLetters(storage, prefix);
  /** @type {Set<string>} */
  const tried = new Set(letters.map((letter) => letter.key));
  let order = (letters.at(-1)?.order ?? 0) + 1;
  let sending = false;
  let failing = false;
  let paused = false;
  let atRisk = false;
  let retryMs = FIRST_RETRY_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const tell = () => watcher.changed(!letters.length ? "saved" : failing ? "retrying" : "saving", letters.length);

  /** @param {Omit<Letter, "order">} content */
  function put(content) {
    const letter = { ...content, order: order++ };
    letters.push(letter);
    try {
      storage.setItem(prefix + letter.key, JSON.stringify(letter));
    } catch (error) {
      // A full or forbidden storage: the letter is still in memory, and the tab warns before it is closed.
      if (!(error instanceof DOMException)) throw error;
      atRisk = true;
    }
    tell();
    if (!timer) void flush();
  }

  /** @param {Letter} letter */
  function drop(letter) {
    letters.splice(letters.indexOf(letter), 1);
    storage.removeItem(prefix + letter.key);
  }

  async function flush() {
    clearTimeout(timer);
    timer = undefined;
    if (sending || paused) return;
    sending = true;
    for (let letter = letters[0]; letter && !paused; letter = letters[0]) {
      tried.add(letter.key);
      try {
        await (letter.answer ? giveAnswer(letter.session, letter.answer) : undoAnswer(letter.session, letter.taskHash));
        drop(letter);
        failing = false;
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (error instanceof Refused) {
          drop(letter);
          watcher.refused(letter, error.message);
          continue;
        }
        failing = true;
        timer = setTimeout(flush, retryMs);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
        break;
      }
    }
    sending = false;
    tell();
  }

  return {
    /**
     * @param {string} session
     * @param {AnsweredTask} answer
     */
    answer: (session, answer) =>
      put({ key: answer._answer_key, session, answer, taskHash: answer._task_hash }),

    /**
     * Take an answer back: one that was never sent is forgotten, any other is undone at the server.
     * @param {string} session
     * @param {AnsweredTask} answer
     */
    undo(session, answer) {
      const unsent = letters.find((letter) => letter.key === answer._answer_key && !tried.has(letter.key));
      if (unsent) {
        drop(unsent);
        tell();
      } else {
        put({ key: newKey(), session, answer: null, taskHash: answer._task_hash });
      }
    },

    /** Try at once. */
    flush: () => void flush(),

    /** Send nothing until `resume`. */
    pause() {
      paused = failing = true;
      tell();
    },

    resume() {
      paused = failing = false;
      void flush();
    },

    /** Whether something waits that would be lost with the tab: the browser could not store it. */
    isAtRisk: () => atRisk && letters.length > 0,

    /** Task hashes of answers under way: the page must not be given those again. */
    taskHashes: () => letters.map((letter) => letter.taskHash),

    waiting: () => letters.length,
  };
}

/** An identifier that nothing else has. `crypto.randomUUID` is there on secure pages alone. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Pick<Storage, "length" | "key" | "getItem">} storage
 * @param {string} prefix
 * @returns {Letter[]}
 */
function readLetters(storage, prefix) {
  const names = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? "");
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => /** @type {Letter} */ (JSON.parse(storage.getItem(name) ?? "null")))
    .sort((a, b) => a.order - b.order);
}
