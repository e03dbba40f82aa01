/** The keys of one person: the default ones, and what they have changed, kept in the browser under their name. */

import { DEFAULT_KEYS } from "./keymap.js";

/** @import { Keys } from "./keymap.js" */

/** @typedef {ReturnType<typeof openPersonal>} Personal */

/**
 * @param {string} person
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} storage
 * @param {() => void} changed
 */
export function openPersonal(person, storage, changed) {
  const name = `teachbox/keys/${person}`;
  const stored = storage.getItem(name);
  let keys = stored ? { ...DEFAULT_KEYS, ...known(JSON.parse(stored)) } : DEFAULT_KEYS;

  return {
    /** @returns {Keys} */
    keys: () => keys,

    /** @param {Keys} next */
    set(next) {
      keys = { ...DEFAULT_KEYS, ...next };
      const own = Object.entries(keys).filter(([command, strokes]) => String(strokes) !== String(DEFAULT_KEYS[command]));
      try {
        storage.setItem(name, JSON.stringify(Object.fromEntries(own)));
      } catch (error) {
        // A full or forbidden storage: then they end with the tab.
        if (!(error instanceof DOMException)) throw error;
      }
      changed();
    },

    reset() {
      keys = DEFAULT_KEYS;
      storage.removeItem(name);
      changed();
    },
  };
}

/**
 * Of stored keys those of commands that there are: another version of the page may have written them.
 * @param {Record<string, unknown>} stored
 * @returns {Keys}
 */
function known(stored) {
  const own = Object.entries(stored).filter(([command, strokes]) => command in DEFAULT_KEYS && Array.isArray(strokes));
  return /** @type {Keys} */ (Object.fromEntries(own));
}
