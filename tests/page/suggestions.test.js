import assert from "node:assert/strict";
import { test } from "node:test";

import { addBox, editorSpans, limitEditor, openEditor, select, undoEdit } from "../../src/teachbox/web/static/boxes/editor.js";
import { doubtText, findDoubts } from "../../src/teachbox/web/static/boxes/doubts.js";
import { overlap } from "../../src/teachbox/web/static/boxes/geometry.js";
import { isSuggestion } from "../../src/teachbox/web/static/boxes/limits.js";
import {
  acceptBox, clearSuggestions, isSame, judgeBox, repeatBoxes, snapBox,
} from "../../src/teachbox/web/static/boxes/suggestions.js";
import { randomFrom } from "./random.js";

const SIZE = { width: 200, height: 100 };
/** @param {number} x @param {number} y @param {number} width @param {number} height */
const rect = (x, y, width, height) => ({ x, y, width, height });
/** @param {string} label @param {number} score @param {number} x */
const span = (label, score, x) => ({ label, ...rect(x, 10, 20, 20), score, version: 3 });
const CAT = span("cat", 0.9, 10);
const OWN = { label: "dog", ...rect(1, 60, 9, 9) };
const DOG = span("dog", 0.5, 60);
const DIM = span("cat", 0.2, 120);
const opened = limitEditor(openEditor([CAT, OWN, DOG, DIM], SIZE), { all: 0.4, labels: {} });
/** @param {import("../../src/teachbox/web/static/types.js").Editor | null} editor */
const state = (editor) => [editor?.selected, ...(editor?.boxes ?? []).map((box) => box.id * (isSuggestion(box) ? 1 : -1))];

test("intersection over union", () => {
  assert.equal(overlap(rect(0, 0, 10, 10), rect(5, 0, 10, 10)), 50 / 150);
  assert.equal(overlap(rect(0, 0, 10, 10), rect(10, 0, 10, 10)), 0);
  assert.equal(overlap(rect(2, 3, 4, 5), rect(2, 3, 4, 5)), 1);
  assert.equal(overlap(rect(2, 3, 0, 0), rect(2, 3, 0, 0)), 0);
  const random = randomFrom(3);
  const some = () => rect(random() * 50, random() * 50, random() * 50, random() * 50);
  for (let round = 0; round < 500; round++) {
    const [a, b] = [some(), some()];
    assert.ok(overlap(a, b) >= 0 && overlap(a, b) <= 1 && overlap(a, b) === overlap(b, a));
  }
});

test("an accepted box is a person's, where it was, and says where it came from; undone it is a suggestion again", () => {
  const accepted = acceptBox(opened, 1);
  assert.deepEqual(editorSpans(accepted), [{ ...CAT, touched: true }, OWN, DOG]);
  assert.deepEqual(editorSpans(undoEdit(accepted)), [CAT, OWN, DOG]);
  assert.equal(acceptBox(opened, 2), opened);
  assert.equal(acceptBox(opened, 4), opened, "what is hidden is not accepted");
});

test("suggestions are judged one after another", () => {
  const first = judgeBox(opened, true);
  assert.deepEqual(state(first), [1, 1, -2, 3], "at first one is chosen");
  const second = judgeBox(/** @type {any} */ (first), true);
  assert.deepEqual(state(second), [3, -1, -2, 3]);
  assert.deepEqual(state(judgeBox(/** @type {any} */ (second), false)), [null, -1, -2]);
  assert.deepEqual(state(judgeBox(select(opened, 3), false)), [1, 1, -2], "after the last comes the first");
  assert.deepEqual(state(judgeBox(select(opened, 2), false)), [3, 1, -2, 3], "a person's box is not rejected");
  assert.equal(judgeBox(openEditor([OWN], SIZE), true), null);
});

test("all that are shown are cleared at once, and come back at once", () => {
  const cleared = clearSuggestions(opened);
  assert.deepEqual(editorSpans(cleared), [OWN]);
  assert.deepEqual(editorSpans(limitEditor(cleared, { all: 0, labels: {} })), [OWN, DIM]);
  assert.deepEqual(undoEdit(cleared).all, opened.all);
  assert.equal(clearSuggestions(cleared), cleared);
});

test("another image's boxes are repeated, cut to this image, those that are there already left out", () => {
  const near = { ...CAT, x: 10.5 };
  const beyond = { label: "cat", ...rect(190, 90, 50, 50) };
  const triangle = { label: "cat", type: "polygon", points: [[30, 30], [50, 30], [30, 50]] };
  const repeated = repeatBoxes(opened, [near, beyond, beyond, { label: "cat", ...rect(300, 0, 9, 9) }, triangle]);
  assert.deepEqual(repeated.boxes.slice(3).map(({ id, label, rect, shape, span, touched }) => [id, label, rect, shape, span, touched]), [
    [5, "cat", rect(190, 90, 10, 10), null, null, true],
    [6, "cat", rect(30, 30, 20, 20), triangle.points, null, true],
  ]);
  assert.equal(repeated.nextId, 7);
  assert.deepEqual(undoEdit(repeated).all, opened.all);
  assert.equal(repeatBoxes(opened, []), opened);
  assert.ok(isSame({ label: "a", rect: rect(0, 0, 10, 10) }, { label: "a", rect: rect(0, 0, 10, 9) }));
  assert.ok(!isSame({ label: "a", rect: rect(0, 0, 10, 10) }, { label: "a", rect: rect(0, 0, 10, 8.9) }));
  assert.ok(!isSame({ label: "a", rect: rect(0, 0, 10, 10) }, { label: "b", rect: rect(0, 0, 10, 10) }));
});

test("a drawn box snaps to the prediction that it overlaps most, shown or hidden, and keeps its label", () => {
  const drawn = addBox(opened, rect(124, 12, 18, 20), "bird");
  const snapped = snapBox(drawn);
  assert.deepEqual(editorSpans(snapped), [CAT, OWN, DOG, { ...DIM, label: "bird", touched: true }]);
  assert.equal(snapped.all.length, 4, "the two are one now");
  assert.deepEqual(undoEdit(snapped).all, drawn.all);
  const beside = addBox(opened, rect(75, 10, 20, 20), "dog");
  assert.equal(snapBox(beside), beside);
  const chosen = select(drawn, 1);
  assert.equal(snapBox(chosen), chosen, "a suggestion itself does not");
  assert.equal(snapBox(openEditor([], SIZE)).boxes.length, 0);
  assert.deepEqual(editorSpans(snapBox(select(drawn, 5))), editorSpans(snapped));
});

test("two boxes of one object and tiny ones are doubted, and nothing else", () => {
  const spans = [
    { label: "cat", ...rect(10, 10, 20, 20) },
    { label: "cat", ...rect(11, 10, 20, 20) },
    { label: "dog", ...rect(10, 10, 20, 20) },
    { label: "dog", ...rect(13, 10, 20, 20) },
    { label: "bird", ...rect(50, 50, 4.9, 20) },
    { label: "bird", ...rect(80, 50, 5, 5) },
  ];
  const found = findDoubts(openEditor(spans, SIZE).boxes);
  assert.deepEqual([...found].map(([box, doubt]) => [box.id, doubt]).toSorted(), [[1, "twice"], [2, "twice"], [5, "tiny"]]);
  assert.equal(doubtText(found), "Twice at one place: cat. Very small: bird.");
  assert.equal(doubtText(findDoubts([])), "");
});

test("what lies twice is found as a look at all pairs finds it", () => {
  const random = randomFrom(8);
  for (let round = 0; round < 100; round++) {
    const spans = Array.from({ length: 40 }, () => {
      const side = 20 + Math.floor(random() * 2);
      return { label: random() < 0.5 ? "a" : "b", ...rect(Math.floor(random() * 6), Math.floor(random() * 6), side, side) };
    });
    const { boxes } = openEditor(spans, SIZE);
    const twice = boxes.filter((box) => boxes.some((other) => other !== box && isSame(box, other)));
    assert.deepEqual(boxes.filter((box) => findDoubts(boxes).has(box)), twice);
  }
});
