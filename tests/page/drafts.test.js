import assert from "node:assert/strict";
import { test } from "node:test";

import { addBox, addPolygon, deleteBox, editorSpans, openEditor, redoEdit, relabelBox, reshapeBox, undoEdit } from "../../src/teachbox/web/static/boxes/editor.js";
import { editsOf, replayEdits } from "../../src/teachbox/web/static/boxes/replay.js";
import { openDrafts } from "../../src/teachbox/web/static/desk/drafts.js";
import { openEntry } from "../../src/teachbox/web/static/desk/queue.js";
import { unsentText } from "../../src/teachbox/web/static/desk/unsent.js";
import { openVault } from "../../src/teachbox/web/static/desk/vault.js";
import { conflictText } from "../../src/teachbox/web/static/panels/overtaken.js";
import { randomFrom } from "./random.js";

const SIZE = { width: 200, height: 100 };
const SPANS = [
  { label: "cat", x: 10, y: 10, width: 20, height: 20, score: 0.9, version: 3 },
  { label: "dog", x: 50, y: 20, width: 30, height: 40, score: 0.5, version: 3 },
];
const task = { _task_hash: 7, _input_hash: 7, image: "/image/7", ...SIZE, spans: SPANS, version: 3 };

/** As it goes over the wire. */
const travelled = (value) => JSON.parse(JSON.stringify(value));

/** Any edit. */
function anyEdit(editor, random) {
  const id = 1 + Math.floor(random() * editor.nextId);
  const rect = { x: random() * 150, y: random() * 60, width: 5 + random() * 40, height: 5 + random() * 40 };
  const acts = [
    () => addBox(editor, rect, "cat"),
    () => addPolygon(editor, [[rect.x, rect.y], [rect.x + 30, rect.y], [rect.x, rect.y + 30]], "dog"),
    () => reshapeBox(editor, id, rect),
    () => relabelBox(editor, id, random() < 0.5 ? "cat" : "bird"),
    () => deleteBox(editor, id),
    () => undoEdit(editor),
    () => redoEdit(editor),
  ];
  return acts[Math.floor(random() * acts.length)]();
}

test("edits that travelled make the same boxes again, with the same undo and redo", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = randomFrom(seed);
    let editor = openEditor(SPANS, SIZE);
    for (let step = 0; step < 25; step += 1) editor = anyEdit(editor, random);
    let again = replayEdits(openEditor(SPANS, SIZE), travelled(editsOf(editor)));
    assert.deepEqual(editorSpans(again), editorSpans(editor));
    for (const step of [undoEdit, undoEdit, redoEdit, redoEdit, redoEdit]) {
      editor = step(editor);
      again = step(again);
      assert.deepEqual(editorSpans(again), editorSpans(editor));
    }
    let [back, backAgain] = [editor, again];
    while (back.past.length) back = undoEdit(back);
    while (backAgain.past.length) backAgain = undoEdit(backAgain);
    assert.deepEqual(editorSpans(backAgain), SPANS);
    assert.equal(backAgain.nextId, back.nextId);
  }
});

test("edits of other boxes are no edits", () => {
  const edits = travelled(editsOf(deleteBox(openEditor(SPANS, SIZE), 2)));
  assert.equal(replayEdits(openEditor(SPANS.slice(0, 1), SIZE), edits), null);
  assert.deepEqual(editorSpans(replayEdits(openEditor([], SIZE), { past: [], future: [], nextId: 1 })), []);
});

/** Drafts over a vault that has no storage: it works as long as the page. */
async function open(stored = { work: [], bases: [] }) {
  const vault = await openVault("test", () => undefined, () => {});
  return openDrafts("me", vault, stored, () => {});
}

test("an untouched task is no draft; a touched one comes back with its edits until it is answered", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const drafts = await open();
  const entry = openEntry(task);
  drafts.keep([entry]);
  assert.deepEqual(drafts.begun(), []);
  const editor = addBox(deleteBox(entry.editor, 1), { x: 100, y: 50, width: 30, height: 20 }, "bird");
  drafts.keep([{ ...entry, editor, flagged: true }]);
  const again = drafts.restore(7);
  assert.ok(again);
  assert.deepEqual(editorSpans(again.editor), editorSpans(editor));
  assert.equal(again.flagged, true);
  assert.deepEqual(drafts.begun(), [7]);
  drafts.later(7);
  assert.deepEqual(drafts.begun(), []);
  assert.ok(drafts.restore(7));
  drafts.done(7);
  assert.equal(drafts.restore(7), null);
});

test("of a draft here and one at the server the newer counts", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const base = { session: "me", hash: 7, flagged: false, kept: false, later: false };
  const none = editsOf(openEditor(SPANS, SIZE));
  const one = editsOf(deleteBox(openEditor(SPANS, SIZE), 1));
  const drafts = await open({ work: [{ ...base, ...none, stamp: 5 }, { ...base, ...one, stamp: 9, session: "bob" }], bases: [task] });
  assert.equal(drafts.restore(7)?.editor.boxes.length, 2);
  drafts.adopt(travelled([{ ...base, ...one, stamp: 4, task }]));
  assert.equal(drafts.restore(7)?.editor.boxes.length, 2);
  drafts.adopt(travelled([{ ...base, ...one, stamp: 6, task }, { unreadable: true }, null]));
  assert.equal(drafts.restore(7)?.editor.boxes.length, 1);
});

test("a browser that keeps nothing says why", async () => {
  const refusing = await openVault("test", () => { throw new DOMException("not in this window", "SecurityError"); }, () => {});
  assert.equal(refusing.trouble(), "not in this window");
  refusing.put("letters", "a", 1);
  assert.deepEqual(await refusing.all("letters"), []);
});

test("what is unsent, in words", () => {
  const well = { gone: false, failing: false, answers: [], drafts: 0, refused: "", noDrafts: "" };
  assert.equal(unsentText(well), "");
  assert.equal(unsentText({ ...well, answers: ["a.jpg"] }), "");
  assert.equal(unsentText({ ...well, gone: true }), "The server does not answer. Nothing is unsent. What you do is kept in this browser and sent as soon as the server is back.");
  assert.equal(
    unsentText({ ...well, failing: true, answers: ["a.jpg", "b.jpg", "c.jpg", "d.jpg"], drafts: 1 }),
    "The server does not answer. Not sent yet: 4 answers (a.jpg, b.jpg, c.jpg, and 1 more) and the work on 1 image. " +
      "What you do is kept in this browser and sent as soon as the server is back.",
  );
  assert.equal(unsentText({ ...well, refused: "its storage is full" }), "This browser keeps nothing (its storage is full): what is not sent ends with the tab.");
  assert.equal(
    unsentText({ ...well, gone: true, answers: ["a.jpg"], refused: "its storage is full" }),
    "The server does not answer. Not sent yet: 1 answer (a.jpg). Keep this tab open: this browser keeps nothing (its storage is full).",
  );
});

test("two answers to one image, in words", () => {
  const mine = { ...task, meta: { file: "a.jpg" }, spans: [], answer: "reject", _answer_key: "m" };
  const theirs = { id: 4, session_id: "flights-bob", task: { ...task, answer: "accept", _answer_key: "t" } };
  assert.equal(
    conflictText({ mine, id: 5, theirs }, "flights"),
    "Bob had answered a.jpg before you: accept, 2 boxes. Yours, reject, no box, is newer and counts. Both are kept.",
  );
  assert.match(conflictText({ mine, id: 5, theirs: { ...theirs, session_id: "flights-default" } }, "flights"), /^Another page had/);
});
