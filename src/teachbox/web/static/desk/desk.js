/**
 * What one person has on the desk: the tasks in hand, their boxes, the answers given. Every act of a person on an image is
 * one function here. Knows nothing of the screen.
 */

import { deleteBox, editorSpans, isTouched, limitEditor, pasteBox, relabelBox, select, selectNext, selectedBox } from "../boxes/editor.js";
import { namesOf, renameBoxes, renameTask } from "../boxes/renames.js";
import { replacedSpans } from "../boxes/suggestions.js";
import { mayEdit, viewsOf } from "./asked.js";
import { configOf } from "./config.js";
import { newKey } from "./outbox.js";
import { addTasks, openEntry, putFirst, refreshTask, setEditor, wanted } from "./queue.js";

/** @import { Answer, AnsweredTask, Box, Editor, Limits, Project, Task } from "../types.js" */
/** @import { History } from "./history.js" */
/** @import { Picture } from "../canvas/images.js" */
/** @import { Said } from "./asked.js" */
/** @import { Letter, Outbox } from "./outbox.js" */
/** @import { Entry, Queue } from "./queue.js" */

/**
 * @typedef {object} Surroundings
 * @property {Outbox} outbox
 * @property {History} history
 * @property {(url: string) => Picture} pictureOf
 * @property {() => boolean} isBusy  Whether a pointer is at work on a box right now.
 * @property {(arrived?: boolean) => void} changed  Called after every change; `arrived` where suggestions came to the
 *   task that is shown.
 * @property {(text: string) => void} say  To those who do not see the page.
 * @property {(editor: Editor) => void} sayBoxes
 * @property {() => void} lacking  Called when there is room for more tasks.
 * @property {() => Limits} limits  To the suggestions that are shown.
 * @property {(taskHash: number) => void} skipped  Called when a task is to come again later.
 * @property {(taskHash: number) => void} closed  Called when an earlier answer is put away as it was.
 * @property {(task: Task) => string} words  What is asked beside the boxes; "" for nothing.
 * @property {(taskHash: number) => Entry | null} restore  What was done to a task before the page was opened.
 *
 * @typedef {ReturnType<typeof createDesk>} Desk
 */

/**
 * @param {Project} project
 * @param {Surroundings} around
 */
export function createDesk(project, { outbox, history, pictureOf, isBusy, changed, say, sayBoxes, lacking, skipped, closed, words, restore, limits }) {
  const session = project.session_id;
  const config = configOf(project);
  const editable = mayEdit(viewsOf(project));
  /** @type {Queue} */
  let queue = [];
  let label = 0;
  /** @type {Record<Answer, number>} */
  let counts = { accept: 0, reject: 0, ignore: 0 };
  /** @type {Task | null} A newer prediction that waits until the person lets go of the image. */
  let late = null;
  let refusal = "";
  /** What was copied last. @type {Pick<Box, "label" | "rect" | "shape"> | null} */
  let clipboard = null;
  /** Tasks that were skipped, with what was done to them. @type {Map<number, Entry>} */
  const skips = new Map();

  let names = namesOf(project.labels);
  /** Tasks and boxes in which nothing has an older name. @type {WeakSet<object>} */
  let upToDate = new WeakSet();

  /** The entry that is shown, with the suggestions that are to be. */
  function current() {
    if (queue[0] && names.size) queue = [renamed(queue[0]), ...queue.slice(1)];
    const entry = queue[0];
    if (entry) queue = setEditor(queue, limitEditor(entry.editor, limits()));
    return queue[0] ?? null;
  }

  /** @param {Task} task */
  function describe(task) {
    const count = task.spans?.length ?? 0;
    return [`${task.meta?.file ?? "Image"}, ${count === 1 ? "1 box" : `${count} boxes`}`, words(task)].filter(Boolean).join(". ");
  }

  /** @param {Entry} entry @returns {Entry} */
  function renamed(entry) {
    if (upToDate.has(entry.editor.all) && upToDate.has(entry.task)) return entry;
    const next = { ...entry, editor: renameBoxes(entry.editor, names), task: renameTask(entry.task, names) };
    for (const one of [next.editor.all, next.task]) upToDate.add(one);
    return next;
  }

  /** The labels of the project are others now. */
  function relabelled() {
    names = namesOf(project.labels);
    upToDate = new WeakSet();
    changed();
  }

  const picture = () => (queue[0] ? pictureOf(queue[0].task.image) : null);
  const hasSelection = () => current()?.editor.selected != null;

  /** @param {Editor} editor */
  function edit(editor) {
    const before = current()?.editor;
    if (!editable && before?.all !== editor.all) return say("The boxes of this view are not changed");
    queue = setEditor(queue, editor);
    if (before?.selected !== editor.selected || before?.boxes !== editor.boxes) sayBoxes(editor);
    if (late) takeTask(late);
    changed();
  }

  /** @param {(editor: Editor) => Editor} make */
  function change(make) {
    const entry = current();
    if (entry && !isBusy()) edit(make(entry.editor));
  }

  /** @param {number | null} id */
  function selectBox(id) {
    change((editor) => select(editor, id));
  }

  function deleteSelected() {
    if (hasSelection()) change((editor) => deleteBox(editor, editor.selected ?? -1));
    else say("Select a box first");
  }

  /** Choose the label of the next box, and of the selected one; false where there is none. @param {number} index */
  function chooseLabel(index) {
    const chosen = project.labels[index];
    if (!chosen) return false;
    label = index;
    change((editor) => (editor.selected === null ? editor : relabelBox(editor, editor.selected, chosen.name)));
    changed();
    return true;
  }

  /** Select the box after the selected one, or before it; false at the end. @param {1 | -1} by */
  function selectNextBox(by) {
    const entry = current();
    const next = entry && picture()?.state === "ready" ? selectNext(entry.editor, by) : null;
    if (next && !isBusy()) edit(next);
    return next !== null;
  }

  /** Copy the selected box; false where there is none. */
  function copy() {
    const entry = current();
    const box = entry && selectedBox(entry.editor);
    if (!box) return false;
    clipboard = { label: box.label, rect: box.rect, shape: box.shape };
    say(`Copied: ${box.label}`);
    return true;
  }

  /** Paste what was copied; false where nothing was. */
  function paste() {
    const copied = clipboard;
    if (copied) change((editor) => pasteBox(editor, copied));
    return copied !== null;
  }

  function flag() {
    const entry = current();
    if (!entry || !config.show_flag) return;
    queue = [{ ...entry, flagged: !entry.flagged }, ...queue.slice(1)];
    say(entry.flagged ? "Not flagged any more" : "Flagged");
    changed();
  }

  /** Something beside the boxes. @param {Said} said @param {string} text  The same in words. */
  function takeSaid(said, text) {
    const entry = current();
    if (!entry || isBusy()) return;
    queue = [{ ...entry, said }, ...queue.slice(1)];
    say(text);
    changed();
  }

  /** Put an earlier answer away as it was. */
  function close() {
    for (const { task } of queue.slice(0, 1)) closed(task._task_hash);
    queue = queue.slice(1);
    late = null;
    changed();
    lacking();
    const next = current();
    say(`Closed. ${next ? describe(next.task) : ""}`);
  }

  /** Put the image back, to come again later with what was done to it. */
  function skip() {
    const entry = current();
    if (!entry || isBusy()) return;
    if (entry.task._base_answer !== undefined) return close();
    const hash = entry.task._task_hash;
    if (entry.kept || isTouched(entry.editor)) skips.set(hash, { ...entry, editor: select(entry.editor, null) });
    queue = queue.slice(1);
    late = null;
    changed();
    skipped(hash);
    const next = current();
    say(`Skipped. ${next ? describe(next.task) : ""}`);
  }

  /** An unseen image is neither accepted nor rejected; one that cannot be seen may be rejected. @param {Answer} answer */
  function mayAnswer(answer) {
    const state = picture()?.state;
    if (!config.buttons.includes(answer)) return false;
    return state === "ready" || (state === "broken" && answer !== "accept");
  }

  /** @param {Answer} answer */
  function give(answer) {
    const entry = current();
    if (!entry || isBusy() || !mayAnswer(answer)) return;
    const spans = editorSpans(entry.editor);
    /** @type {AnsweredTask} */
    const answered = { ...entry.task, ...entry.editor.size, ...entry.said, spans, answer, _answer_key: newKey() };
    delete answered.candidates;
    if ("version" in entry.task) answered.replaced = replacedSpans(entry.task, entry.editor);
    if (entry.flagged) answered.flagged = true;
    else delete answered.flagged;
    queue = queue.slice(1);
    late = null;
    refusal = "";
    history.push({ answered, entry });
    counts = { ...counts, [answer]: counts[answer] + 1 };
    outbox.answer(session, answered);
    changed();
    lacking();
    const next = current();
    const words = { accept: "Accepted", reject: "Rejected", ignore: "Ignored" };
    say(`${words[answer]}. ${next ? describe(next.task) : ""}`);
  }

  /** Open an earlier answer, to look at it or to correct it: what is given then is the newer one. @param {AnsweredTask} answered @param {number} id */
  function open(answered, id) {
    if (isBusy()) return;
    queue = putFirst(queue, openEntry({ ...asked(answered), _base_answer: id }, true));
    late = null;
    refusal = "";
    changed();
    say(`Opened. ${describe(answered)}`);
  }

  /** Take the last answer back. */
  function undo() {
    const last = history.last();
    if (isBusy() || !config.buttons.includes("undo")) return;
    if (!last) return say("Nothing to undo");
    const { answered } = last;
    history.forget(answered._answer_key);
    outbox.undo(session, answered);
    counts = { ...counts, [answered.answer]: Math.max(0, counts[answered.answer] - 1) };
    const entry = last.entry ?? openEntry(asked(answered), true);
    queue = putFirst(queue, { ...entry, editor: select(entry.editor, null), kept: true });
    late = null;
    changed();
    say(`Answer taken back. ${describe(answered)}`);
  }

  /** Tasks from the server. Where none was shown, the one that is now is said. @param {readonly Task[]} tasks */
  function take(tasks) {
    const before = current();
    const underWay = outbox.taskHashes();
    const held = new Set(queue.map((entry) => entry.task._task_hash));
    queue = addTasks(queue, tasks.filter((task) => !underWay.includes(task._task_hash)));
    queue = queue.map((entry) => {
      const hash = entry.task._task_hash;
      return held.has(hash) ? entry : (skips.get(hash) ?? restore(hash) ?? entry);
    });
    for (const { task } of queue) skips.delete(task._task_hash);
    const next = current();
    if (!before && next) say(describe(next.task));
  }

  /** Go on with tasks that were begun before the page was opened, the first being shown. @param {readonly number[]} hashes */
  function resume(hashes) {
    const entries = hashes.map(restore).filter((entry) => entry !== null);
    queue = [...entries, ...queue];
  }

  /** A task with newer predictions. @param {Task} task */
  function takeTask(task) {
    const entry = current();
    const shown = entry?.task._task_hash === task._task_hash;
    late = shown ? task : late;
    if (shown && isBusy()) return;
    const before = queue;
    queue = refreshTask(queue, task);
    if (shown && entry?.editor.selected === null) late = null;
    if (queue === before) return;
    changed(shown);
    if (shown) say(`New suggestions. ${describe(task)}`);
  }

  /** The server's own count, which does not know yet what is under way. @param {Partial<Record<Answer, number>>} answers */
  function takeCounts(answers) {
    if (!outbox.waiting()) counts = { ...counts, ...answers };
  }

  /** The server will not have an answer: the image comes back, after the one that is shown. @param {Letter} letter @param {string} reason */
  function takeBack({ answer }, reason) {
    refusal = answer
      ? `The answer to ${describe(answer)} was refused: ${reason}. The image comes again.`
      : `The answer could not be taken back: ${reason}`;
    if (answer) {
      history.forget(answer._answer_key);
      counts = { ...counts, [answer.answer]: Math.max(0, counts[answer.answer] - 1) };
      queue = [...queue.slice(0, 1), openEntry(asked(answer), true), ...queue.slice(1)];
    }
    changed();
  }

  /** A task that does not say how large its image is: the image says it. @param {import("../types.js").Size} size */
  function measure({ width, height }) {
    const entry = current();
    if (entry && !entry.editor.size.width) queue = setEditor(queue, { ...entry.editor, size: { width, height } });
  }

  return {
    current,
    picture,
    hasSelection,
    /** Images in the order in which they will be shown. */
    images: () => queue.map((entry) => entry.task.image),
    /** What may be taken back next. */
    lastGiven: () => history.last(),
    counts: () => counts,
    refusal: () => refusal,
    labelIndex: () => label,
    relabelled,
    labelName: () => project.labels[label]?.name ?? "object",
    /** How many more tasks to ask for. */
    wanted: () => wanted(queue),
    /** Task hashes that the server need not give again. */
    held: () => [...queue.map((entry) => entry.task._task_hash), ...outbox.taskHashes()],
    isEmpty: () => !queue.length,
    entries: () => queue,
    /** What the server refused, in words. @param {string} text */
    refuse(text) {
      refusal = text;
    },
    edit,
    change,
    selectBox,
    deleteSelected,
    selectNextBox,
    chooseLabel,
    copy,
    paste,
    flag,
    takeSaid,
    skip,
    mayAnswer,
    give,
    open,
    undo,
    take,
    resume,
    takeTask,
    takeCounts,
    takeBack,
    measure,
  };
}

/**
 * The task as it is asked again: with the boxes of its answer.
 * @param {AnsweredTask} answered
 * @returns {Task}
 */
function asked({ answer, _answer_key, ...task }) {
  return task;
}
