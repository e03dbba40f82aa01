/** A browser's small storages, which may refuse to be asked: then what is set lasts as long as the page. */

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} SmallStorage */

/**
 * @param {() => Storage} find
 * @returns {SmallStorage}
 */
export function storageOr(find) {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  /** @type {Map<string, string>} */
  const items = new Map();
  return {
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}
