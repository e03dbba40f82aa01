/**
 * What is to be sent to the server, kept in the browser until it is acknowledged: also over a reload, a crash of the tab
 * and a restart of the server. Answers and undos go out one after another, in the order in which they were given.
 */

import { Refused, giveAnswer, undoAnswer } from "./api.js";

/** @import { AnsweredTask, Given } from "../types.js" */
/** @import { Vault } from "./vault.js" */

/**
 * @typedef {object} Letter
 * @property {string} key
 * @property {number} order
 * @property {string} session
 * @property {AnsweredTask | null} answer  Null for an undo.
 * @property {number} taskHash
 * @property {string} file  What a person calls the image.
 *
 * @typedef {"saved" | "saving" | "retrying"} SaveState
 *
 * @typedef {object} Watcher
 * @property {(state: SaveState, waiting: number) => void} changed
 * @property {(letter: Letter, reason: string) => void} refused
 * @property {(letter: Letter) => void} put  Called as it is put in, before anything else is written.
 * @property {(letter: Letter, given: Given) => void} given  An answer has arrived.
 *
 * @typedef {ReturnType<typeof openOutbox>} Outbox
 */

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;

/**
 * The outbox of one dataset.
 * @param {Pick<Vault, "put" | "drop" | "trouble">} vault
 * @param {readonly Letter[]} stored  What the vault holds.
 * @param {Watcher} watcher
 */
export function openOutbox(vault, stored, watcher) {
  const letters = stored.toSorted((a, b) => a.order - b.order);
  /** @type {Set<string>} */
  const tried = new Set(letters.map((letter) => letter.key));
  let order = (letters.at(-1)?.order ?? 0) + 1;
  let sending = false;
  let failing = false;
  let paused = false;
  let retryMs = FIRST_RETRY_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const tell = () => watcher.changed(!letters.length ? "saved" : failing ? "retrying" : "saving", letters.length);

  /** @param {Omit<Letter, "order">} content */
  function put(content) {
    const letter = { ...content, order: order++ };
    letters.push(letter);
    vault.put("letters", letter.key, letter);
    watcher.put(letter);
    tell();
    if (!timer) void flush();
  }

  /** @param {Letter} letter */
  function drop(letter) {
    letters.splice(letters.indexOf(letter), 1);
    vault.drop("letters", letter.key);
  }

  async function flush() {
    clearTimeout(timer);
    timer = undefined;
    if (sending || paused) return;
    sending = true;
    for (let letter = letters[0]; letter && !paused; letter = letters[0]) {
      tried.add(letter.key);
      try {
        const { session, answer, taskHash, key } = letter;
        const given = answer ? await giveAnswer(session, answer) : await undoAnswer(session, taskHash, key);
        drop(letter);
        failing = false;
        retryMs = FIRST_RETRY_MS;
        if (answer) watcher.given(letter, /** @type {Given} */ (given));
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
      put({ key: answer._answer_key, session, answer, taskHash: answer._task_hash, file: fileOf(answer) }),

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
        put({ key: newKey(), session, answer: null, taskHash: answer._task_hash, file: fileOf(answer) });
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
    isAtRisk: () => vault.trouble() !== "" && letters.length > 0,

    /** Whether the last try to send failed. */
    isFailing: () => failing,

    /** Task hashes of answers under way: the page must not be given those again. */
    taskHashes: () => letters.map((letter) => letter.taskHash),

    waiting: () => letters.length,

    /** Files of what waits, in the order in which it is sent. */
    files: () => letters.map((letter) => letter.file),

    /** Task hashes of what is answered as far as this page knows, whatever was taken back before. */
    answered() {
      const last = new Map(letters.map((letter) => [letter.taskHash, letter.answer !== null]));
      return [...last].filter(([, answered]) => answered).map(([hash]) => hash);
    },
  };
}

/** An identifier that nothing else has. `crypto.randomUUID` is there on secure pages alone. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {AnsweredTask} answer */
function fileOf(answer) {
  return answer.meta?.file ?? "an image";
}
