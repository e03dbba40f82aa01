/** What a person has set for themselves on this page, kept in the browser under their name. */

/** @import { Look } from "../canvas/stage.js" */

/** @typedef {ReturnType<typeof openSettings>} Settings */

/** @type {Look} */
const DEFAULTS = { tool: "box", crosshair: true, tags: true, brightness: 1, contrast: 1 };

/**
 * @param {string} person
 * @param {Pick<Storage, "getItem" | "setItem">} storage
 * @param {() => void} changed
 */
export function openSettings(person, storage, changed) {
  const name = `teachbox/settings/${person}`;
  let values = { ...DEFAULTS, ...known(JSON.parse(storage.getItem(name) ?? "{}")) };

  return {
    get: () => values,

    /** @param {Partial<Look>} some */
    set(some) {
      values = { ...values, ...some };
      try {
        storage.setItem(name, JSON.stringify(values));
      } catch (error) {
        // A full or forbidden storage: then it ends with the tab.
        if (!(error instanceof DOMException)) throw error;
      }
      changed();
    },
  };
}

/**
 * What of stored values is of the kind that it should be: another version of the page may have written them.
 * @param {Record<string, unknown>} stored
 * @returns {Partial<Look>}
 */
function known(stored) {
  return Object.fromEntries(
    Object.entries(DEFAULTS)
      .map(([key, value]) => [key, typeof stored[key] === typeof value ? stored[key] : value]),
  );
}
