/** The last answers given in this tab, to be taken back: the newest last. They outlive a reload. */

/** @import { AnsweredTask } from "../types.js" */
/** @import { Entry } from "./queue.js" */

/**
 * @typedef {object} Given
 * @property {AnsweredTask} answered
 * @property {Entry | null} entry  With its edits; null after a reload.
 *
 * @typedef {ReturnType<typeof openHistory>} History
 */

/**
 * @param {string} dataset
 * @param {Pick<Storage, "getItem" | "setItem">} storage
 * @param {number} most  How many can be taken back.
 */
export function openHistory(dataset, storage, most) {
  const name = `teachbox/history/${dataset}`;
  /** @type {Given[]} */
  let given = JSON.parse(storage.getItem(name) ?? "[]").map(
    /** @param {AnsweredTask} answered */ (answered) => ({ answered, entry: null }),
  );

  /** @param {Given[]} next */
  function keep(next) {
    given = next.slice(-most);
    try {
      storage.setItem(name, JSON.stringify(given.map((one) => one.answered)));
    } catch (error) {
      // A full or forbidden storage: then it ends with the tab.
      if (!(error instanceof DOMException)) throw error;
    }
  }

  return {
    last: () => given.at(-1) ?? null,
    /** @param {Given} one */
    push: (one) => keep([...given, one]),
    /** @param {string} key  The `_answer_key` of the answer to forget. */
    forget: (key) => keep(given.filter((one) => one.answered._answer_key !== key)),
  };
}
