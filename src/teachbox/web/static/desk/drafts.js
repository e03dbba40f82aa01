/**
 * What was done to tasks that are not answered yet: kept in the browser at every edit, and at the server soon after. From
 * either it comes back as it was, with all that can be undone.
 */

import { isTouched } from "../boxes/editor.js";
import { editsOf, replayEdits } from "../boxes/replay.js";
import { Refused, saveDraft } from "./api.js";
import { openSaid, sameSaid } from "./asked.js";
import { openEntry } from "./queue.js";

/** @import { Task } from "../types.js" */
/** @import { Edits } from "../boxes/replay.js" */
/** @import { Said } from "./asked.js" */
/** @import { Entry } from "./queue.js" */
/** @import { Vault } from "./vault.js" */

/**
 * Work on one task, without the task that it began with.
 * @typedef {Edits & {session: string, hash: number, stamp: number, flagged: boolean, kept: boolean, later: boolean, said?: Said}} Work
 *
 * As it travels.
 * @typedef {Work & {task: Task}} Draft
 * @typedef {ReturnType<typeof openDrafts>} Drafts
 */

/** So long after an edit a draft is sent, and no longer after the first that was not. */
const SOON_MS = 700;
const LATEST_MS = 4000;
const RETRY_MS = 3000;

/**
 * The drafts of one session.
 * @param {string} session
 * @param {Vault} vault
 * @param {{work: readonly Work[], bases: readonly Task[]}} stored  What the vault holds, of any session.
 * @param {() => void} changed  Called when another number of drafts is unsent.
 */
export function openDrafts(session, vault, stored, changed) {
  /** @type {Map<number, Draft>} */
  const drafts = new Map();
  /** Task hashes of what the server does not have, and since when. @type {Map<number, number>} */
  const unsent = new Map();
  let sending = false;
  let failing = false;
  let refusal = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const bases = new Map(stored.bases.map((task) => [task._task_hash, task]));
  for (const work of stored.work) {
    const task = bases.get(work.hash);
    if (work.session !== session || !task) continue;
    drafts.set(work.hash, { ...work, task });
    // Whether it was sent before is not known: the server takes it twice.
    unsent.set(work.hash, Date.now());
  }

  /** @param {number} hash */
  const place = (hash) => `${session} ${hash}`;

  /** @param {Draft} draft */
  function store({ task, ...work }) {
    const before = drafts.get(work.hash);
    // The task is as large as its spans are many, and stays the same from edit to edit.
    if (before?.task !== task) vault.put("bases", place(work.hash), task);
    vault.put("drafts", place(work.hash), work);
    drafts.set(work.hash, { ...work, task });
  }

  /** @param {Draft} draft */
  function keep(draft) {
    store(draft);
    if (!unsent.has(draft.hash)) unsent.set(draft.hash, Date.now());
    schedule();
  }

  /** @param {number} hash */
  function done(hash) {
    if (!drafts.delete(hash)) return;
    unsent.delete(hash);
    vault.drop("drafts", place(hash));
    vault.drop("bases", place(hash));
  }

  function schedule() {
    const [since] = unsent.values();
    if (since === undefined || sending || (failing && timer)) return;
    clearTimeout(timer);
    timer = setTimeout(send, Math.max(0, Math.min(SOON_MS, since + LATEST_MS - Date.now())));
  }

  async function send() {
    clearTimeout(timer);
    timer = undefined;
    if (sending) return;
    sending = true;
    const before = unsent.size;
    for (const hash of [...unsent.keys()]) {
      const draft = drafts.get(hash);
      if (!draft) continue;
      try {
        await saveDraft(session, draft);
        failing = false;
        refusal = "";
      } catch (error) {
        if (error instanceof Refused) refusal = error.message;
        else failing = true;
        if (failing) break;
      }
      // What came meanwhile is sent next.
      if (drafts.get(hash) === draft || !drafts.has(hash)) unsent.delete(hash);
      else unsent.set(hash, Date.now());
    }
    sending = false;
    if (failing) timer = setTimeout(send, RETRY_MS);
    else schedule();
    if (failing || before !== unsent.size) changed();
  }

  /** @param {Draft} draft @returns {Entry | null} */
  function entryOf({ task, flagged, kept, said, ...edits }) {
    const entry = openEntry(task, kept);
    const editor = replayEdits(entry.editor, edits);
    return editor && { ...entry, editor, flagged, said: said ?? entry.said };
  }

  return {
    /** Take notice of what is on the desk now. @param {readonly Entry[]} entries */
    keep(entries) {
      for (const { task, editor, kept, flagged, said } of entries) {
        const before = drafts.get(task._task_hash);
        const asCame = !isTouched(editor) && flagged === (task.flagged ?? false) && sameSaid(said, openSaid(task));
        if (!before && !kept && asCame) continue;
        const same = before?.past === editor.past && before.future === editor.future && before.flagged === flagged
          && (before.said === undefined || sameSaid(before.said, said));
        if (same && !before.later) continue;
        const work = { session, hash: task._task_hash, stamp: Date.now(), flagged, kept, later: false, said };
        keep({ ...editsOf(editor), ...work, task: before?.task ?? task });
      }
    },

    /** The work on a task is put off: it is not the first to come back. @param {number} hash */
    later(hash) {
      const draft = drafts.get(hash);
      if (draft) keep({ ...draft, stamp: Date.now(), later: true });
    },

    done,

    /** Drafts from the server: each counts where there is no newer one here. @param {readonly Draft[]} given */
    adopt(given) {
      for (const draft of given) {
        if (isDraft(draft) && draft.stamp > (drafts.get(draft.hash)?.stamp ?? 0)) store({ ...draft, session });
      }
    },

    /** What was done to a task before; null where nothing was. @param {number} hash @returns {Entry | null} */
    restore(hash) {
      const draft = drafts.get(hash);
      const entry = draft ? entryOf(draft) : null;
      // One that this page cannot read is of no use to any later edit either.
      if (draft && !entry) done(hash);
      return entry;
    },

    /** Task hashes of what was begun and not put off, the last touched first. */
    begun() {
      const begun = [...drafts.values()].filter((draft) => !draft.later);
      return begun.sort((a, b) => b.stamp - a.stamp).map((draft) => draft.hash);
    },

    /** How many drafts the server should have by now and does not. */
    unsent: () => (failing ? unsent.size : 0),

    /** Why the server refused a draft; "" where it did not. */
    refusal: () => refusal,

    /** Send at once what is unsent. */
    flush() {
      if (unsent.size) void send();
    },
  };
}

/** Whether this is a draft as this version of the page writes it. @param {unknown} given */
function isDraft(given) {
  const { hash, stamp, task, past, future } = /** @type {Partial<Draft>} */ (given ?? {});
  return Number.isFinite(hash) && Number.isFinite(stamp) && Boolean(task) && Array.isArray(past) && Array.isArray(future);
}
