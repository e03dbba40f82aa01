import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addBox, deleteBox, editorSpans, limitEditor, openEditor, redoEdit, relabelBox, reshapeBox, select, selectNext, undoEdit,
} from "../../src/teachbox/web/static/boxes/editor.js";
import { limitOf, shownBoxes } from "../../src/teachbox/web/static/boxes/limits.js";
import { replacedSpans } from "../../src/teachbox/web/static/boxes/suggestions.js";
import { openLimits } from "../../src/teachbox/web/static/desk/limits.js";
import { openEntry, refreshTask } from "../../src/teachbox/web/static/desk/queue.js";
import { randomFrom } from "./random.js";

const SIZE = { width: 200, height: 100 };

/** @param {string} label @param {number} score @param {number} [x] */
const span = (label, score, x = 10) => ({ label, x, y: 10, width: 20, height: 20, score, version: 3, source: "m" });
const CAT = span("cat", 0.9);
const DIM = span("cat", 0.3, 60);
const DOG = span("dog", 0.5, 100);
const OWN = { label: "dog", x: 1, y: 1, width: 9, height: 9 };

/** @param {number} all @param {Record<string, number>} [labels] */
const limits = (all, labels = {}) => ({ all, labels });
/** @param {import("../../src/teachbox/web/static/types.js").Editor} editor */
const ids = (editor) => editor.boxes.map((box) => box.id);
const opened = openEditor([CAT, DIM, DOG, OWN], SIZE);

test("suggestions below the limit are neither shown nor sent; a person's boxes always are", () => {
  assert.deepEqual(ids(limitEditor(opened, limits(0.3))), [1, 2, 3, 4]);
  assert.deepEqual(ids(limitEditor(opened, limits(0.31))), [1, 3, 4]);
  const strict = limitEditor(opened, limits(1));
  assert.deepEqual(editorSpans(strict), [OWN]);
  assert.deepEqual(editorSpans(limitEditor(strict, limits(0))), [CAT, DIM, DOG, OWN]);
  assert.deepEqual(ids(limitEditor(openEditor([], SIZE), limits(0.5))), []);
});

test("a label may have a limit of its own", () => {
  const own = limits(0.4, { cat: 0.2, dog: 0.6 });
  assert.deepEqual([limitOf(own, "cat"), limitOf(own, "bird"), limitOf(own, "toString")], [0.2, 0.4, 0.4]);
  assert.deepEqual(ids(limitEditor(opened, own)), [1, 2, 4]);
});

test("a suggestion that a person took up stays, one that vanishes is let go, and edits reach those that are hidden", () => {
  const moved = reshapeBox(opened, 2, { x: 61, y: 10, width: 20, height: 20 });
  assert.deepEqual(ids(limitEditor(moved, limits(0.95))), [2, 4]);
  assert.deepEqual(ids(limitEditor(relabelBox(opened, 3, "cat"), limits(0.95))), [3, 4]);
  const hidden = limitEditor(select(opened, 2), limits(0.5));
  assert.equal(hidden.selected, null);
  assert.equal(selectNext(select(hidden, 1), 1)?.selected, 3);
  const drawn = addBox(hidden, { x: 0, y: 50, width: 9, height: 9 }, "cat");
  assert.deepEqual(ids(drawn), [1, 3, 4, 5]);
  assert.deepEqual(ids(limitEditor(drawn, limits(0))), [1, 2, 3, 4, 5]);
  assert.deepEqual(ids(undoEdit(limitEditor(deleteBox(drawn, 1), limits(0.2)))), [1, 2, 3, 4, 5]);
});

test("limits change nothing but what is shown: whatever is done, the same edits undone bring everything back", () => {
  const random = randomFrom(5);
  for (let round = 0; round < 60; round++) {
    let editor = opened;
    for (let step = 0; step < 25; step++) {
      const id = 1 + Math.floor(random() * 7);
      const place = { x: random() * 150, y: random() * 60, width: 10, height: 10 };
      editor = [
        () => limitEditor(editor, limits(random(), random() < 0.5 ? { cat: random() } : {})),
        () => addBox(editor, place, "cat"),
        () => reshapeBox(editor, id, place),
        () => deleteBox(editor, id),
        () => undoEdit(editor),
        () => redoEdit(editor),
      ][Math.floor(random() * 6)]();
      assert.deepEqual(editor.boxes, shownBoxes(editor.all, editor.limits));
    }
    while (editor.past.length) editor = undoEdit(editor);
    assert.deepEqual(editor.all, opened.all);
  }
});

test("what was predicted and is not there any more as it was", () => {
  const task = { spans: [CAT, OWN], candidates: [DIM, DOG] };
  const editor = limitEditor(openEditor([CAT, OWN, DIM, DOG], SIZE), limits(0.6));
  assert.deepEqual(replacedSpans(task, editor), [], "what is hidden has not been removed");
  assert.deepEqual(replacedSpans(task, relabelBox(editor, 1, "dog")), [CAT]);
  assert.deepEqual(replacedSpans({ ...task, replaced: [DOG] }, deleteBox(editor, 3)), [DOG, DIM]);
  assert.deepEqual(replacedSpans({}, openEditor([], SIZE)), []);
});

test("candidates come after the spans and are news; boxes of an answer are never hidden", () => {
  const task = { _task_hash: 1, _input_hash: 1, image: "", ...SIZE, spans: [CAT], candidates: [DIM], version: 3 };
  const entry = openEntry(task);
  assert.deepEqual(ids(entry.editor), [1, 2]);
  assert.deepEqual(ids(limitEditor(entry.editor, limits(0.5))), [1]);
  assert.deepEqual(ids(refreshTask([entry], { ...task, candidates: [] })[0].editor), [1]);
  assert.equal(refreshTask([entry], { ...task })[0], entry);
  const { candidates: _, ...answered } = task;
  assert.deepEqual(ids(limitEditor(openEntry({ ...answered, spans: [DIM] }, true).editor, limits(0.9))), [1]);
});

/** @param {Record<string, string>} [items] */
function storage(items = {}) {
  return {
    getItem: (/** @type {string} */ name) => items[name] ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => void (items[name] = value),
    items,
  };
}

test("limits are kept for a person, in steps, until the server's threshold is another", () => {
  const kept = storage();
  let told = 0;
  const ada = openLimits("ada", kept, 0.5, () => told++);
  ada.step(null, -1);
  ada.step("cat", 1);
  ada.set("dog", 1.4);
  ada.set("dog", null);
  assert.deepEqual([ada.get(), told], [limits(0.45, { cat: 0.5 }), 4]);
  assert.deepEqual(openLimits("ada", kept, 0.5, () => {}).get(), limits(0.45, { cat: 0.5 }));
  assert.deepEqual(openLimits("ada", kept, 0.9, () => {}).get(), limits(0.9));
  assert.deepEqual(openLimits("bob", kept, 0.5, () => {}).get(), limits(0.5));
  const other = storage({ "teachbox/limits/": '{"first": 0.5, "all": 0.4, "labels": {"cat": "much"}}' });
  assert.deepEqual(openLimits("", other, 0.5, () => {}).get(), limits(0.4));
});
