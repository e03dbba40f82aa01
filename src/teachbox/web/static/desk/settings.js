/** What a person has set for themselves on this page, kept in the browser under their name. */

import { toolsOf } from "./config.js";

/** @import { Look } from "../canvas/stage.js" */
/** @import { Config } from "./config.js" */

/** @typedef {ReturnType<typeof openSettings>} Settings */

/** @type {Look} */
const DEFAULTS = { tool: "box", crosshair: true, tags: true, brightness: 1, contrast: 1 };

/**
 * @param {string} person
 * @param {Pick<Storage, "getItem" | "setItem">} storage
 * @param {() => void} changed
 * @param {Config} config  What holds until the person sets something else.
 */
export function openSettings(person, storage, changed, config) {
  const name = `teachbox/settings/${person}`;
  const tools = toolsOf(config);
  const start = { ...DEFAULTS, tags: config.image_manual_show_labels };
  let values = usable({ ...start, ...known(JSON.parse(storage.getItem(name) ?? "{}")) });

  /** @param {Look} look @returns {Look} */
  function usable(look) {
    return tools.includes(look.tool) ? look : { ...look, tool: tools[0] ?? "box" };
  }

  return {
    get: () => values,
    tools,

    /** @param {Partial<Look>} some */
    set(some) {
      values = usable({ ...values, ...some });
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
  const fitting = Object.entries(DEFAULTS).filter(([key, value]) => typeof stored[key] === typeof value);
  return Object.fromEntries(fitting.map(([key]) => [key, stored[key]]));
}
