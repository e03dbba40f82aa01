/** From which score one person wants suggestions shown, kept in the browser under their name. */

import { clamp } from "../boxes/geometry.js";
import { limitOf } from "../boxes/limits.js";

/** @import { Limits } from "../types.js" */

/** @typedef {ReturnType<typeof openLimits>} PersonalLimits */

const STEP = 0.05;

/**
 * @param {string} person
 * @param {Pick<Storage, "getItem" | "setItem">} storage
 * @param {number} first  What the server says. Where it says something else than it did, that counts anew.
 * @param {() => void} changed
 */
export function openLimits(person, storage, first, changed) {
  const name = `teachbox/limits/${person}`;
  let limits = known(JSON.parse(storage.getItem(name) ?? "null"), first) ?? { all: first, labels: {} };

  /** @param {Limits} next */
  function set(next) {
    limits = next;
    try {
      storage.setItem(name, JSON.stringify({ first, ...limits }));
    } catch (error) {
      // A full or forbidden storage: then it ends with the tab.
      if (!(error instanceof DOMException)) throw error;
    }
    changed();
  }

  /**
   * @param {string | null} label  Null for all that have none of their own.
   * @param {number | null} limit  Null gives a label up to that of all.
   */
  function setLimit(label, limit) {
    const at = limit === null ? null : Math.round(clamp(limit, 0, 1) * 100) / 100;
    if (label === null) return set({ ...limits, all: at ?? first });
    const { [label]: _, ...others } = limits.labels;
    return set({ ...limits, labels: at === null ? others : { ...others, [label]: at } });
  }

  return {
    /** @returns {Limits} */
    get: () => limits,
    set: setLimit,
    /** A label's own limit stays its own under another name. @param {import("../boxes/renames.js").Names} names */
    rename(names) {
      const own = Object.entries(limits.labels);
      if (own.some(([label]) => names.has(label))) {
        set({ ...limits, labels: Object.fromEntries(own.map(([label, limit]) => [names.get(label) ?? label, limit])) });
      }
    },
    /** @param {string | null} label @param {1 | -1} by */
    step: (label, by) => setLimit(label, (label === null ? limits.all : limitOf(limits, label)) + by * STEP),
  };
}

/**
 * Stored limits, where they can be read and the server still says what it said then.
 * @param {{first?: unknown, all?: unknown, labels?: Record<string, unknown>} | null} stored
 * @param {number} first
 * @returns {Limits | null}
 */
function known(stored, first) {
  if (stored?.first !== first || typeof stored.all !== "number") return null;
  const labels = Object.entries(stored.labels ?? {}).filter(([, limit]) => typeof limit === "number");
  return { all: stored.all, labels: /** @type {Limits["labels"]} */ (Object.fromEntries(labels)) };
}
