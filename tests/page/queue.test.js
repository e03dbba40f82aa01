import assert from "node:assert/strict";
import { test } from "node:test";

import { addBox, editorSpans, select, undoEdit } from "../../src/teachbox/web/static/boxes/editor.js";
import { addTasks, openEntry, putFirst, refreshTask, setEditor, wanted } from "../../src/teachbox/web/static/desk/queue.js";

/** @param {number} hash @param {number} [version] */
const task = (hash, version = 1) => ({
  _task_hash: hash,
  _input_hash: hash,
  image: `/image/${hash}`,
  width: 100,
  height: 100,
  version,
  spans: [{ label: "cat", x: version, y: 0, width: 10, height: 10, score: 0.5, version }],
});

/** @param {import("../../src/teachbox/web/static/desk/queue.js").Queue} queue */
const hashes = (queue) => queue.map((entry) => entry.task._task_hash);

test("three tasks are held ahead of the one shown", () => {
  assert.equal(wanted([]), 4);
  assert.equal(wanted(addTasks([], [task(1), task(2)])), 2);
  assert.equal(wanted(addTasks([], [1, 2, 3, 4, 5].map((hash) => task(hash)))), 0);
});

test("a task is held once, and a newer prediction of it is taken", () => {
  const queue = addTasks(addTasks([], [task(1), task(2)]), [task(2, 5), task(3)]);
  assert.deepEqual(hashes(queue), [1, 2, 3]);
  assert.equal(queue[1].task.version, 5);
});

test("a newer prediction replaces the boxes of an untouched task", () => {
  const queue = refreshTask(addTasks([], [task(1)]), task(1, 2));
  assert.deepEqual(editorSpans(queue[0].editor), task(1, 2).spans);
});

test("nothing replaces boxes that a person touched, has selected, or gave before", () => {
  const opened = addTasks([], [task(1)]);
  const [{ editor }] = opened;
  const drawn = addBox(editor, { x: 50, y: 50, width: 20, height: 20 }, "cat");
  for (const touched of [drawn, undoEdit(drawn), select(editor, 1)]) {
    const queue = setEditor(opened, touched);
    assert.equal(refreshTask(queue, task(1, 2)), queue);
  }
  const kept = [openEntry(task(1), true)];
  assert.equal(refreshTask(kept, task(1, 2)), kept);
});

test("what is no news changes nothing", () => {
  const queue = addTasks([], [task(1)]);
  assert.equal(refreshTask(queue, task(1)), queue);
  assert.equal(refreshTask(queue, task(9)), queue);
});

test("an answer taken back is shown first, once", () => {
  const queue = putFirst(addTasks([], [task(1), task(2)]), openEntry(task(2), true));
  assert.deepEqual(hashes(queue), [2, 1]);
  assert.ok(queue[0].kept);
});
