/** Boxes of labels that were renamed while a task was in hand. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { addBox, editorSpans, openEditor, undoEdit } from "../../src/teachbox/web/static/boxes/editor.js";
import { namesOf, renameBoxes, renameTask } from "../../src/teachbox/web/static/boxes/renames.js";
import { replacedSpans } from "../../src/teachbox/web/static/boxes/suggestions.js";

const names = namesOf([
  { id: 1, name: "bandit", color: "#000000", was: ["raccoon", "coon"] },
  { id: 2, name: "cat", color: "#000000" },
]);
const size = { width: 100, height: 80 };
const rect = { x: 1, y: 2, width: 30, height: 40 };
/** @param {string} label */
const predicted = (label) => ({ label, ...rect, score: 0.9 });

test("what was predicted and left alone is sent as it was, under the new name, and is no correction", () => {
  const task = { _task_hash: 1, _input_hash: 1, image: "", spans: [predicted("coon"), predicted("cat")] };
  const editor = renameBoxes(openEditor(task.spans, size), names);
  assert.deepEqual(editorSpans(editor), [predicted("bandit"), predicted("cat")]);
  assert.deepEqual(replacedSpans(renameTask(task, names), editor), []);
});

test("scores of all classes stand under the names of today", () => {
  const scored = { label: "cat", ...rect, class_scores: { coon: 0.25, cat: 0.75 } };
  const now = { label: "cat", ...rect, class_scores: { bandit: 0.25, cat: 0.75 } };
  assert.deepEqual(editorSpans(renameBoxes(openEditor([scored], size), names)), [now]);
  assert.deepEqual(renameTask({ _task_hash: 1, _input_hash: 1, image: "", spans: [scored] }, names).spans, [now]);
});

test("what is undone comes back under its old name, and gets the new one again", () => {
  const drawn = addBox(openEditor([predicted("raccoon")], size), { ...rect, x: 50 }, "raccoon");
  const renamed = renameBoxes(drawn, names);
  assert.deepEqual(renamed.all.map((box) => box.label), ["bandit", "bandit"]);
  assert.deepEqual(undoEdit(renamed).all.map((box) => box.label), ["bandit"]);
});

test("where nothing has an older name, all is the very same", () => {
  const task = { _task_hash: 1, _input_hash: 1, image: "", spans: [predicted("cat")] };
  const editor = openEditor(task.spans, size);
  assert.equal(renameBoxes(editor, names), editor);
  assert.equal(renameTask(task, names), task);
  assert.equal(renameBoxes(openEditor([], size), namesOf([])).all.length, 0);
});
