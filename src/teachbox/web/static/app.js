/** The page: brings queue, stage, outbox and panels together. All that a person can do is here, one function each. */

import { Refused, Unreachable, getProject, getQuestions } from "./api.js";
import { labelColor } from "./colors.js";
import { openConnection } from "./connection.js";
import { deleteBox, editorSpans, isSuggestion, redoEdit, relabelBox, select, selectedBox, undoEdit } from "./editor.js";
import { openHistory } from "./history.js";
import { openImages } from "./images.js";
import { commandOf } from "./keys.js";
import { newKey, openOutbox } from "./outbox.js";
import * as panels from "./panels.js";
import { AHEAD, addTasks, openEntry, putFirst, refreshTask, setEditor, wanted } from "./queue.js";
import { createStage } from "./stage.js";
import { statusLine } from "./status_line.js";

/** @import { Answer, AnsweredTask, Editor, Project, Status, Task } from "./types.js" */
/** @import { Command } from "./keys.js" */
/** @import { Letter, SaveState } from "./outbox.js" */
/** @import { Queue } from "./queue.js" */

const RETRY_MS = 1000;
/** How often to ask again where nothing is left: another person's lease may have run out. */
const ASK_AGAIN_MS = 3000;
/** A break shorter than this is not worth a word. */
const PATIENCE_MS = 700;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {Project} project */
function openPage(project) {
  const colors = new Map(project.labels.map((label) => [label.name, labelColor(label.color)]));
  const session = project.session_id;
  /** @type {Queue} */
  let queue = [];
  let label = 0;
  /** @type {Status | null} */
  let status = null;
  /** @type {Record<Answer, number>} */
  let counts = { accept: 0, reject: 0, ignore: 0 };
  let asking = false;
  let askAgain = 0;
  /** @type {"empty" | "done" | null} Why the server had no task when it was last asked. */
  let dry = null;
  /** @type {Task | null} A newer prediction that waits until the person lets go of the image. */
  let late = null;
  let gone = false;
  let checking = false;
  let refusal = "";

  /** @param {string} name */
  const colorOf = (name) => colors.get(name) ?? labelColor(undefined);
  const labelName = () => project.labels[label]?.name ?? "object";
  const current = () => queue[0] ?? null;
  const picture = () => (queue[0] ? images.get(queue[0].task.image) : null);

  const images = openImages(() => render());
  const history = openHistory(project.dataset, sessionStorage);
  const outbox = openOutbox(project.dataset, localStorage, { changed: showSaved, refused: takeBack });
  const stage = createStage(
    panels.part("stage"),
    /** @type {HTMLCanvasElement} */ (panels.part("canvas")),
    panels.part("handles"),
    { colorOf, newLabel: labelName, edit },
  );
  const labelBar = panels.createLabelBar(project.labels, chooseLabel);
  const boxList = panels.createBoxList(colorOf, selectBox);

  // What a person does

  /** @param {Editor} editor */
  function edit(editor) {
    const before = current()?.editor;
    queue = setEditor(queue, editor);
    if (before?.selected !== editor.selected || before?.boxes !== editor.boxes) sayBoxes(editor);
    if (late) takeTask(late);
    render();
  }

  /** @param {(editor: Editor) => Editor} change */
  function change(change) {
    const entry = current();
    if (entry && !stage.isBusy()) edit(change(entry.editor));
  }

  /** @param {number | null} id */
  function selectBox(id) {
    change((editor) => select(editor, id));
  }

  function deleteSelected() {
    if (current()?.editor.selected == null) panels.announce("Select a box first");
    else change((editor) => deleteBox(editor, editor.selected ?? -1));
  }

  /** @param {number} index */
  function chooseLabel(index) {
    const chosen = project.labels[index];
    if (!chosen) return;
    label = index;
    labelBar.choose(index);
    change((editor) => (editor.selected === null ? editor : relabelBox(editor, editor.selected, chosen.name)));
  }

  /** @param {Answer} answer */
  function give(answer) {
    const entry = current();
    if (!entry || stage.isBusy() || !mayAnswer(answer)) return;
    const spans = editorSpans(entry.editor);
    /** @type {AnsweredTask} */
    const answered = { ...entry.task, ...entry.editor.size, spans, answer, _answer_key: newKey() };
    queue = queue.slice(1);
    late = null;
    refusal = "";
    history.push({ answered, entry });
    counts = { ...counts, [answer]: counts[answer] + 1 };
    outbox.answer(session, answered);
    render();
    void refill();
    const next = current();
    const words = { accept: "Accepted", reject: "Rejected", ignore: "Ignored" };
    panels.announce(`${words[answer]}. ${next ? describe(next.task) : ""}`);
  }

  /** An unseen image is neither accepted nor rejected; one that cannot be seen may be rejected. @param {Answer} answer */
  function mayAnswer(answer) {
    const state = picture()?.state;
    return state === "ready" || (state === "broken" && answer !== "accept");
  }

  function undo() {
    const last = history.last();
    if (stage.isBusy()) return;
    if (!last) return panels.announce("Nothing to undo");
    const { answered } = last;
    history.forget(answered._answer_key);
    outbox.undo(session, answered);
    counts = { ...counts, [answered.answer]: Math.max(0, counts[answered.answer] - 1) };
    const entry = last.entry ?? openEntry(asked(answered));
    queue = putFirst(queue, { ...entry, editor: select(entry.editor, null), kept: true });
    late = null;
    render();
    panels.announce(`Answer taken back. ${describe(answered)}`);
  }

  function save() {
    outbox.flush();
    panels.flashSaved();
    panels.announce(outbox.waiting() ? "Not everything is saved yet" : "Everything is saved");
  }

  /** @param {Command} command */
  function perform(command) {
    switch (command.do) {
      case "answer":
        return give(command.answer);
      case "label":
        return chooseLabel(command.index);
      case "undo":
        return current()?.editor.selected == null ? undo() : deleteSelected();
      case "delete":
        return deleteSelected();
      case "undo-edit":
        return change(undoEdit);
      case "redo-edit":
        return change(redoEdit);
      case "deselect":
        return stage.cancel() ? undefined : selectBox(null);
      case "save":
        return save();
    }
  }

  // What the server does

  async function refill() {
    if (asking || !wanted(queue)) return;
    asking = true;
    const held = [...queue.map((entry) => entry.task._task_hash), ...outbox.taskHashes()];
    try {
      const questions = await getQuestions(session, wanted(queue), held);
      const underWay = outbox.taskHashes();
      const tasks = questions.tasks.filter((task) => !underWay.includes(task._task_hash));
      queue = addTasks(queue, tasks);
      dry = tasks.length ? null : questions.done ? "done" : "empty";
    } catch (error) {
      if (error instanceof Refused) refusal = `The server refused to give images: ${error.message}`;
      else if (!(error instanceof Unreachable)) throw error;
      dry = null;
      await pause(RETRY_MS);
    }
    asking = false;
    render();
    if (!dry) void refill();
    clearTimeout(askAgain);
    if (dry && !queue.length) askAgain = window.setTimeout(refill, ASK_AGAIN_MS);
  }

  /** A task with newer predictions. @param {Task} task */
  function takeTask(task) {
    const entry = current();
    const shown = entry?.task._task_hash === task._task_hash;
    late = shown ? task : late;
    if (shown && stage.isBusy()) return;
    const before = queue;
    queue = refreshTask(queue, task);
    if (shown && entry?.editor.selected === null) late = null;
    if (queue === before) return;
    render(shown);
    if (shown) panels.announce(`New suggestions. ${describe(task)}`);
  }

  /** @param {Status} next */
  function takeStatus(next) {
    status = next;
    if (!outbox.waiting()) counts = { ...counts, ...next.answers };
    render();
  }

  /** The server is gone, or was for a moment: wait until it is back, and see whether it is the same. */
  async function checkServer() {
    if (checking) return;
    checking = true;
    outbox.pause();
    const patience = setTimeout(() => {
      gone = true;
      render();
    }, PATIENCE_MS);
    const { dataset } = await findProject();
    // Another dataset at the same address: answers must not go there. Those unsent wait in the storage.
    if (dataset !== project.dataset) return location.reload();
    clearTimeout(patience);
    gone = checking = false;
    outbox.resume();
    render();
    return refill();
  }

  /** The server will not have an answer: the image comes back, after the one that is shown. @param {Letter} letter @param {string} reason */
  function takeBack({ answer }, reason) {
    refusal = answer
      ? `The answer to ${describe(answer)} was refused: ${reason}. The image comes again.`
      : `The answer could not be taken back: ${reason}`;
    if (answer) {
      history.forget(answer._answer_key);
      counts = { ...counts, [answer.answer]: Math.max(0, counts[answer.answer] - 1) };
      queue = [...queue.slice(0, 1), { ...openEntry(asked(answer)), kept: true }, ...queue.slice(1)];
    }
    render();
  }

  // What is shown

  /** @param {SaveState} state @param {number} waiting */
  function showSaved(state, waiting) {
    panels.showSaved(state, waiting);
    // The server may know only now that this was the last image.
    if (state === "saved" && !queue.length) void refill();
  }

  /** @param {boolean} [arrived]  Whether suggestions came to the task that is shown. */
  function render(arrived = false) {
    const last = history.last();
    const ahead = queue.slice(0, AHEAD + 1).map((entry) => entry.task.image);
    images.hold(last ? [...ahead, last.answered.image] : ahead);
    const seen = picture();
    measure(seen?.state === "ready" ? seen.bitmap : null);
    const entry = current();
    const ready = entry && seen?.state === "ready";
    const key = String(entry?.task._task_hash);
    stage.show(ready ? { key, editor: entry.editor, bitmap: seen.bitmap } : null, arrived);
    boxList.show(ready ? entry.editor : null);
    showFacts();
    panels.showNotice(notice());
    panels.showTrainer(statusLine(status));
    panels.setText("accept-text", ready && !entry.editor.boxes.length ? "Accept: no objects" : "Accept");
    for (const answer of /** @type {Answer[]} */ (["accept", "reject", "ignore"])) {
      panels.setDisabled(answer, !mayAnswer(answer));
      panels.setText(`count-${answer}`, String(counts[answer]));
    }
    panels.setDisabled("undo", !last);
    panels.setDisabled("delete", !ready || entry.editor.selected === null);
    // Of the events alone: an answer to a question may be older than they are.
    const progress = status?.progress ?? null;
    panels.setBar("progress-bar", progress);
    const total = counts.accept + counts.reject + counts.ignore;
    panels.setText("progress-text", progress === null ? `${total} answered` : `${Math.floor(progress * 100)} % answered`);
    const away = "The server does not answer. Answers are kept in this browser and sent as soon as it is back.";
    panels.showBanner(gone ? away : refusal);
  }

  function showFacts() {
    const entry = current();
    const { width, height } = entry?.editor.size ?? { width: 0, height: 0 };
    panels.setText("file", entry?.task.meta?.file ?? "–");
    panels.setText("size", width ? `${width} × ${height}` : "–");
  }

  /** A task that does not say how large its image is: the image says it. @param {ImageBitmap | null} bitmap */
  function measure(bitmap) {
    const entry = current();
    if (!entry || !bitmap || entry.editor.size.width) return;
    queue = setEditor(queue, { ...entry.editor, size: { width: bitmap.width, height: bitmap.height } });
  }

  function notice() {
    const entry = current();
    const seen = picture();
    if (entry && seen?.state === "broken") {
      const file = entry.task.meta?.file ?? "This image";
      return { title: "This image cannot be shown", text: `${file}: ${seen.reason}. Reject or ignore it to go on.` };
    }
    if (entry) return seen?.state === "ready" ? null : { title: "Loading the image", text: "", busy: true };
    if (dry === "done") return { title: "No more images", text: "Every image is answered." };
    if (dry === "empty") {
      return { title: "No more images", text: "The rest is open elsewhere, or still to come. New images appear here." };
    }
    return { title: "Loading the next image", text: "", busy: true };
  }

  /** @param {Editor} editor */
  function sayBoxes(editor) {
    const box = selectedBox(editor);
    const count = editor.boxes.length;
    if (!box) return panels.announce(count === 1 ? "1 box" : `${count} boxes`);
    const place = editor.boxes.indexOf(box) + 1;
    const score = isSuggestion(box) ? `, ${(box.span?.score ?? 0).toFixed(2)}` : "";
    panels.announce(`Box ${place} of ${count}: ${box.label}${score}`);
  }

  // Beginning

  panels.setText("dataset", project.dataset);
  document.title = `${project.dataset} · Teachbox`;
  labelBar.choose(label);
  for (const answer of /** @type {Answer[]} */ (["accept", "reject", "ignore"])) {
    panels.onPress(answer, () => give(answer));
  }
  panels.onPress("undo", undo);
  panels.onPress("delete", deleteSelected);
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (!command || event.isComposing || panels.isForFocused(event)) return;
    event.preventDefault();
    // A key held down does not answer one image after another.
    if (!event.repeat || command.do === "undo-edit" || command.do === "redo-edit") perform(command);
  });
  addEventListener("online", outbox.flush);
  addEventListener("beforeunload", (event) => {
    if (outbox.isAtRisk()) event.preventDefault();
  });
  openConnection(
    `events?session_id=${encodeURIComponent(session)}`,
    {
      status: takeStatus,
      task: takeTask,
      /** @param {{version: number}} served */
      served: ({ version }) => takeStatus({ ...status, served_version: version }),
    },
    checkServer,
  );
  outbox.flush();
  void refill();
  render();
}

/**
 * The task as it is asked again: with the boxes of its answer.
 * @param {AnsweredTask} answered
 * @returns {Task}
 */
function asked({ answer, _answer_key, ...task }) {
  return task;
}

/** @param {Task} task */
function describe(task) {
  const count = task.spans?.length ?? 0;
  return `${task.meta?.file ?? "Image"}, ${count === 1 ? "1 box" : `${count} boxes`}`;
}

/** The project, as soon as the server answers. */
async function findProject() {
  for (;;) {
    try {
      return await getProject(location.search);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await pause(RETRY_MS);
    }
  }
}

try {
  panels.showNotice({ title: "Loading", text: "", busy: true });
  openPage(await findProject());
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  panels.showNotice({ title: "The server refused the page", text: error.message });
}
