/**
 * What must outlive the page, in the browser's IndexedDB: letters to the server, drafts, and the tasks that drafts began
 * with. Written at once, without anybody waiting for it. Where the browser keeps nothing, that is known and can be said.
 */

/** @typedef {"letters" | "drafts" | "bases"} Table */
/** @typedef {Awaited<ReturnType<typeof openVault>>} Vault */
/** @typedef {{table: Table, key: string | number, value: unknown}} Deed  To be written; no value removes. */

/** @type {readonly Table[]} */
const TABLES = ["letters", "drafts", "bases"];
/** A browser that opens nothing within this time is not waited for. */
const PATIENCE_MS = 3000;

/**
 * @param {string} name
 * @param {() => IDBFactory | undefined} factory  The browser's; asking for it may already be refused.
 * @param {() => void} changed  Called when the browser begins to refuse, or to keep again.
 */
export async function openVault(name, factory, changed) {
  /** What is not written yet, the newest for each place. @type {Map<string, Deed>} */
  const deeds = new Map();
  /** What of it is under way. @type {Set<Deed>} */
  const sent = new Set();
  let due = false;
  let reason = "";
  /** @type {IDBDatabase | null} */
  let database = null;
  try {
    database = await openDatabase(factory(), name);
    database.onversionchange = () => database?.close();
    database.onclose = () => {
      database = null;
      trouble("what it kept was cleared");
    };
  } catch (error) {
    reason = wordsOf(error);
  }

  /** @param {string} words */
  function trouble(words) {
    if (words === reason) return;
    reason = words;
    changed();
  }

  /** @param {Deed} deed */
  function note(deed) {
    const place = placeOf(deed);
    if (database || deed.value !== undefined) deeds.set(place, deed);
    else deeds.delete(place);
    if (!database || due) return;
    due = true;
    // What is noted in one go is written as one: an answer goes in as its draft goes out.
    queueMicrotask(write);
  }

  /** Does not wait for what is under way: the page may end at any moment. */
  async function write() {
    due = false;
    const batch = [...deeds.values()].filter((deed) => !sent.has(deed));
    for (const deed of batch) sent.add(deed);
    try {
      if (!database) return;
      await commit(database, batch);
      for (const deed of batch) if (deeds.get(placeOf(deed)) === deed) deeds.delete(placeOf(deed));
      trouble("");
    } catch (error) {
      // It stays noted, and is tried again with what is noted next.
      trouble(wordsOf(error));
    } finally {
      for (const deed of batch) sent.delete(deed);
    }
  }

  return {
    /** All records of a table, by their keys' order. @param {Table} table @returns {Promise<any[]>} */
    async all(table) {
      if (!database) return [];
      return new Promise((resolve, reject) => {
        const request = /** @type {IDBDatabase} */ (database).transaction(table).objectStore(table).getAll();
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    },

    /** @param {Table} table @param {string | number} key @param {unknown} value */
    put: (table, key, value) => note({ table, key, value }),

    /** @param {Table} table @param {string | number} key */
    drop: (table, key) => note({ table, key, value: undefined }),

    /** Why the browser keeps nothing; "" where it does. */
    trouble: () => reason,
  };
}

/** @param {IDBFactory | undefined} factory @param {string} name @returns {Promise<IDBDatabase>} */
function openDatabase(factory, name) {
  return new Promise((resolve, reject) => {
    if (!factory) throw new Error("it has no storage for pages");
    setTimeout(() => reject(new Error("its storage does not answer")), PATIENCE_MS);
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => TABLES.forEach((table) => request.result.createObjectStore(table));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBDatabase} database @param {readonly Deed[]} deeds @returns {Promise<void>} */
function commit(database, deeds) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(TABLES, "readwrite");
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    for (const { table, key, value } of deeds) {
      const store = transaction.objectStore(table);
      if (value === undefined) store.delete(key);
      else store.put(value, key);
    }
    // Not only when its requests are answered: then the page may be gone.
    transaction.commit();
  });
}

/** @param {Deed} deed */
function placeOf({ table, key }) {
  return `${table} ${key}`;
}

/** @param {unknown} error */
function wordsOf(error) {
  if (!(error instanceof Error)) return String(error ?? "it does not say why");
  return error.name === "QuotaExceededError" ? "its storage is full" : error.message || error.name;
}
