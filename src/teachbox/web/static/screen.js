/** Shows what is on the desk: tells stage and panels, after every change. */

import { selectedBox } from "./boxes/editor.js";
import { isSuggestion } from "./boxes/limits.js";
import { mayEdit, viewsOf } from "./desk/asked.js";
import { AHEAD } from "./desk/queue.js";
import { createBoxList } from "./panels/box_list.js";
import { announce, part, setBar, setDisabled, setText } from "./panels/dom.js";
import { showTrainer } from "./panels/header.js";
import { createLabelBar } from "./panels/label_bar.js";
import { createLimitPanel } from "./panels/limits.js";
import { createNews } from "./panels/news.js";
import { showBanner, showNotice } from "./panels/notices.js";
import { showMeta } from "./panels/shown.js";
import { statusLine } from "./panels/status_line.js";

/** @import { Answer, Editor, Project } from "./types.js" */
/** @import { Desk } from "./desk/desk.js" */
/** @import { PersonalLimits } from "./desk/limits.js" */
/** @import { Images } from "./canvas/images.js" */
/** @import { Question } from "./later/question.js" */
/** @import { Stage } from "./canvas/stage.js" */
/** @import { createDoubts } from "./panels/doubts.js" */
/** @import { createSupply } from "./desk/supply.js" */

export const ANSWERS = /** @type {const} */ (["accept", "reject", "ignore"]);

/**
 * `show` shows everything as it now is.
 * @param {Project} project
 * @param {Desk} desk
 * @param {ReturnType<typeof createSupply>} supply
 * @param {Stage} stage
 * @param {Images} images
 * @param {(label: string) => string} colorOf
 * @param {PersonalLimits} limits
 * @param {ReturnType<typeof createDoubts>} doubts
 * @param {Question | null} question  What is asked beside the boxes.
 * @param {() => string} trouble  What is to be known about what is unsent; "" for nothing.
 */
export function createScreen(project, desk, supply, stage, images, colorOf, limits, doubts, question, trouble) {
  const labelBar = createLabelBar(project.labels, desk.chooseLabel);
  const boxList = createBoxList(colorOf, desk.selectBox);
  const limitPanel = createLimitPanel(project.labels, limits, colorOf);
  const news = createNews();
  const editable = mayEdit(viewsOf(project));
  setText("dataset", project.dataset);
  document.title = `${project.dataset} · Teachbox`;

  /** @param {boolean} [arrived]  Whether suggestions came to the task that is shown. */
  function show(arrived = false) {
    const last = desk.lastGiven();
    const ahead = desk.images().slice(0, AHEAD + 1);
    images.hold(last ? [...ahead, last.answered.image] : ahead);
    const seen = desk.picture();
    if (seen?.state === "ready") desk.measure(seen.size);
    const entry = desk.current();
    const ready = entry && seen?.state === "ready";
    stage.show(ready ? { key: String(entry.task._task_hash), editor: entry.editor, picture: seen } : null, arrived);
    boxList.show(ready ? entry.editor : null, doubts.of(ready ? entry.editor.boxes : []));
    doubts.show(ready ? entry.editor.boxes : []);
    limitPanel.show(ready ? entry.editor : null);
    labelBar.choose(desk.labelIndex());
    question?.show();
    showFacts(desk);
    showNotice(notice(desk, supply.dry()));
    showTrainer(statusLine(supply.status()));
    news.hear(supply.status());
    showAnswers(desk, ready ? entry.editor : null, editable);
    showProgress(desk.counts(), supply.status()?.progress ?? null);
    showBanner(trouble() || desk.refusal());
  }

  /** The labels are others now. */
  function renew() {
    for (const panel of [labelBar, boxList, limitPanel]) panel.renew();
    stage.repaint();
  }

  return { show, renew };
}

/** @param {Desk} desk @param {Editor | null} editor  Null where no image is shown. @param {boolean} editable */
function showAnswers(desk, editor, editable) {
  setText("accept-text", editable && editor && !editor.boxes.length ? "Accept: no objects" : "Accept");
  for (const answer of ANSWERS) setDisabled(answer, !desk.mayAnswer(answer));
  setDisabled("undo", !desk.lastGiven());
  setDisabled("skip", !desk.current());
  setDisabled("flag", !desk.current());
  part("flag").ariaPressed = String(desk.current()?.flagged ?? false);
  setDisabled("delete", !editor || editor.selected === null);
}

/**
 * @param {Record<Answer, number>} counts
 * @param {number | null} progress  Of the server's events alone: an answer to a question may be older than they are.
 */
function showProgress(counts, progress) {
  for (const answer of ANSWERS) setText(`count-${answer}`, String(counts[answer]));
  setBar("progress-bar", progress);
  const total = counts.accept + counts.reject + counts.ignore;
  setText("progress-text", progress === null ? `${total} answered` : `${Math.floor(progress * 100)} % answered`);
}

/** @param {Desk} desk */
function showFacts(desk) {
  const entry = desk.current();
  const { width, height } = entry?.editor.size ?? { width: 0, height: 0 };
  setText("file", entry?.task.meta?.file ?? "–");
  setText("size", width ? `${width} × ${height}` : "–");
  showMeta(entry?.task ?? null);
}

/**
 * What stands in the place of an image.
 * @param {Desk} desk
 * @param {"empty" | "done" | null} dry
 */
function notice(desk, dry) {
  const entry = desk.current();
  const seen = desk.picture();
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

/** Say which box is selected, or how many there are. @param {Editor} editor */
export function sayBoxes(editor) {
  const count = editor.boxes.length;
  announce(selectedBox(editor) ? boxText(editor) : count === 1 ? "1 box" : `${count} boxes`);
}

/** The selected box in words. @param {Editor} editor */
export function boxText(editor) {
  const box = selectedBox(editor);
  if (!box) return "";
  const place = editor.boxes.indexOf(box) + 1;
  const score = isSuggestion(box) ? `, ${(box.span?.score ?? 0).toFixed(2)}` : "";
  return `box ${place} of ${editor.boxes.length}, ${box.label}${score}`;
}
