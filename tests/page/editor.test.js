import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addBox,
  addPolygon,
  deleteBox,
  editorSpans,
  isTouched,
  joinEdits,
  openEditor,
  pasteBox,
  redoEdit,
  relabelBox,
  reshapeBox,
  select,
  selectNext,
  setCorners,
  undoEdit,
} from "../../src/teachbox/web/static/boxes/editor.js";
import { cornersOf } from "../../src/teachbox/web/static/boxes/spans.js";
import { createBoxIndex } from "../../src/teachbox/web/static/boxes/box_index.js";
import { isSuggestion } from "../../src/teachbox/web/static/boxes/limits.js";
import { clickedBox, gestureResult, isDrawn, pressCanvas, pressGrip } from "../../src/teachbox/web/static/canvas/gesture.js";
import { randomFrom } from "./random.js";

const SIZE = { width: 200, height: 100 };
const PREDICTED = {
  label: "cat",
  x: 10.25,
  y: 20,
  width: 30,
  height: 40,
  points: [[10.25, 20], [10.25, 60], [40.25, 60], [40.25, 20]],
  type: "rect",
  score: 0.9,
  version: 7,
  color: "red",
};

/** @param {number} x @param {number} y @param {number} width @param {number} height */
const rect = (x, y, width, height) => ({ x, y, width, height });

test("what nobody touched goes back as it came, the very object", () => {
  const spans = [PREDICTED, { label: "dog", points: [[1, 2], [5, 2], [5, 9]] }];
  const sent = editorSpans(select(openEditor(spans, SIZE), 1));
  assert.equal(sent[0], spans[0]);
  assert.equal(sent[1], spans[1]);
  assert.ok(!isTouched(openEditor(spans, SIZE)));
});

test("a moved suggestion keeps where it came from, is touched, and is a suggestion no more", () => {
  const editor = reshapeBox(openEditor([PREDICTED], SIZE), 1, rect(12.5, 20, 30, 40));
  assert.deepEqual(editorSpans(editor), [
    {
      label: "cat",
      ...rect(12.5, 20, 30, 40),
      points: [[12.5, 20], [12.5, 60], [42.5, 60], [42.5, 20]],
      type: "rect",
      score: 0.9,
      version: 7,
      color: "red",
      touched: true,
    },
  ]);
  assert.ok(isSuggestion(openEditor([PREDICTED], SIZE).boxes[0]));
  assert.ok(!isSuggestion(editor.boxes[0]));
});

test("a relabelled suggestion keeps its place to the last digit", () => {
  const dog = { ...PREDICTED, label: "dog", touched: true };
  assert.deepEqual(editorSpans(relabelBox(openEditor([PREDICTED], SIZE), 1, "dog")), [dog]);
  assert.ok(!isSuggestion(openEditor([dog], SIZE).boxes[0]), "nor is it one when it is asked again");
});

test("what is said of all classes stays with a box that is moved, and goes with its label", () => {
  /** @param {number} x */
  const place = (x) => ({ ...rect(x, 20, 30, 40), points: cornersOf(rect(x, 20, 30, 40)) });
  const scored = { ...place(10), label: "cat", type: "rect", class_scores: { cat: 0.75, dog: 0.25 } };
  const opened = openEditor([scored], SIZE);
  const [moved] = editorSpans(reshapeBox(opened, 1, rect(12, 20, 30, 40)));
  assert.deepEqual(moved, { ...scored, ...place(12) });
  const { class_scores: _gone, ...rest } = scored;
  assert.deepEqual(editorSpans(relabelBox(opened, 1, "dog")), [{ ...rest, label: "dog" }]);
  assert.deepEqual(editorSpans(undoEdit(relabelBox(opened, 1, "dog"))), [scored]);
});

test("the points of a polygon go with its hull", () => {
  const polygon = { label: "cat", type: "polygon", points: [[10, 10], [30, 10], [20, 30]] };
  const [span] = editorSpans(reshapeBox(openEditor([polygon], SIZE), 1, rect(20, 10, 40, 20)));
  assert.deepEqual(span.points, [[20, 10], [60, 10], [40, 30]]);
});

test("a new box is clipped to the image and has the four corners", () => {
  const [span] = editorSpans(addBox(openEditor([], SIZE), rect(190, 90, 50.12345678, 50), "cat"));
  assert.deepEqual(span, {
    label: "cat",
    type: "rect",
    ...rect(190, 90, 10, 10),
    points: [[190, 90], [190, 100], [200, 100], [200, 90]],
  });
});

test("a box of less than three pixels is not made", () => {
  const empty = openEditor([], SIZE);
  assert.equal(addBox(empty, rect(5, 5, 2.9, 40), "cat"), empty);
  assert.equal(addBox(empty, rect(198, 5, 40, 40), "cat"), empty);
  assert.equal(addBox(empty, rect(5, 5, 3, 3), "cat").boxes.length, 1);
});

test("a span without a place is left out, and nothing changes where there is nothing to change", () => {
  const editor = openEditor([{ label: "cat" }, { label: "cat", x: NaN, y: 0, width: 1, height: 1 }], SIZE);
  assert.deepEqual(editor.boxes, []);
  assert.equal(deleteBox(editor, 1), editor);
  assert.equal(relabelBox(editor, 1, "dog"), editor);
  assert.equal(undoEdit(editor), editor);
});

test("undo of all edits brings every box back as it came", () => {
  const random = randomFrom(11);
  for (let round = 0; round < 50; round++) {
    const opened = openEditor([PREDICTED, { ...PREDICTED, x: 100 }], SIZE);
    let editor = opened;
    for (let step = 0; step < 30; step++) {
      const id = 1 + Math.floor(random() * 6);
      const place = rect(random() * 150, random() * 50, 10 + random() * 40, 10 + random() * 40);
      const edits = [
        () => addBox(editor, place, "dog"),
        () => reshapeBox(editor, id, place),
        () => relabelBox(editor, id, "dog"),
        () => deleteBox(editor, id),
        () => undoEdit(editor),
        () => redoEdit(editor),
      ];
      editor = edits[Math.floor(random() * edits.length)]();
    }
    const last = editor;
    let steps = 0;
    for (; editor.past.length; steps++) editor = undoEdit(editor);
    assert.deepEqual(editor.boxes, opened.boxes);
    for (; steps; steps--) editor = redoEdit(editor);
    assert.deepEqual(editor.boxes, last.boxes);
  }
});

test("a box keeps its number after others are deleted, and a new one gets a new number", () => {
  const editor = addBox(deleteBox(openEditor([PREDICTED, PREDICTED], SIZE), 2), rect(0, 0, 9, 9), "cat");
  assert.deepEqual(editor.boxes.map((box) => box.id), [1, 3]);
});

/** @param {import("../../src/teachbox/web/static/types.js").Editor} editor @param {number} x @param {number} y */
function under(editor, x, y) {
  const index = createBoxIndex();
  index.sync(editor.boxes);
  return index.at({ x, y }, 0);
}

test("a press on a box moves it, the selected one first; elsewhere it draws", () => {
  const spans = [{ label: "a", ...rect(0, 0, 100, 80) }, { label: "b", ...rect(10, 10, 20, 20) }];
  const editor = openEditor(spans, SIZE);
  const from = { x: 15, y: 15 };
  const inner = under(editor, 15, 15);
  assert.equal(pressCanvas(inner, null, from, false).box?.label, "b");
  assert.equal(pressCanvas(inner, 1, from, false).box?.label, "a");
  assert.equal(pressCanvas(inner, null, from, true).kind, "draw");
  assert.equal(pressCanvas(under(editor, 150, 50), null, { x: 150, y: 50 }, false).kind, "draw");
});

test("clicking on goes through the boxes under the pointer, from the smallest on", () => {
  const spans = [{ label: "a", ...rect(0, 0, 100, 80) }, { label: "b", ...rect(10, 10, 20, 20) }];
  let editor = openEditor(spans, SIZE);
  const clicked = [1, 2, 3].map(() => {
    editor = select(editor, clickedBox(under(editor, 15, 15), editor.selected));
    return editor.selected;
  });
  assert.deepEqual(clicked, [2, 1, 2]);
  assert.equal(clickedBox(under(editor, 150, 90), null), null);
});

test("a drawn rectangle ends at the image's edge, wherever the pointer goes", () => {
  const editor = openEditor([], SIZE);
  const gesture = pressCanvas([], null, { x: -20, y: 50 }, false);
  assert.deepEqual(gestureResult(gesture, editor, { x: 500, y: 70 }).rect, rect(0, 50, 200, 20));
  assert.ok(!isDrawn(gestureResult(gesture, editor, { x: 500, y: 52 }).rect));
});

test("a handle's gesture resizes by the way of the pointer", () => {
  const editor = openEditor([{ label: "a", ...rect(10, 10, 20, 20) }], SIZE);
  const gesture = pressGrip(editor.boxes[0], { kind: "side", side: "se" }, { x: 31, y: 29 });
  assert.deepEqual(gestureResult(gesture, editor, { x: 36, y: 39 }).rect, rect(10, 10, 25, 30));
});

/** @type {[number, number][]} */
const TRIANGLE = [[10, 10], [50, 10], [30, 50]];

test("a polygon is sent with its corners and the hull that trains", () => {
  const editor = addPolygon(openEditor([], SIZE), TRIANGLE, "cat");
  assert.deepEqual(editorSpans(editor), [{ label: "cat", type: "polygon", ...rect(10, 10, 40, 40), points: TRIANGLE }]);
  assert.equal(addPolygon(editor, [[0, 0], [1, 0], [0, 1]], "cat"), editor);
});

test("a polygon's corners follow when it is moved, stretched and when one of them is pulled", () => {
  const drawn = addPolygon(openEditor([], SIZE), TRIANGLE, "cat");
  const stretched = reshapeBox(drawn, 1, rect(0, 0, 80, 20));
  assert.deepEqual(stretched.boxes[0].shape, [[0, 0], [80, 0], [40, 20]]);
  const gesture = pressGrip(drawn.boxes[0], { kind: "corner", at: 2 }, { x: 30, y: 50 });
  const pulled = gestureResult(gesture, drawn, { x: 40, y: 300 });
  assert.deepEqual(pulled.shape, [[10, 10], [50, 10], [40, 100]]);
  assert.deepEqual(setCorners(drawn, 1, pulled.shape).boxes[0].rect, rect(10, 10, 40, 90));
  const split = gestureResult(pressGrip(drawn.boxes[0], { kind: "edge", at: 0 }, { x: 30, y: 10 }), drawn, { x: 30, y: 0 });
  assert.deepEqual(split.shape, [[10, 10], [30, 0], [50, 10], [30, 50]]);
});

test("an untouched polygon goes back as it came, a relabelled one keeps its corners, a pulled one has the new", () => {
  const span = { label: "cat", type: "polygon", points: TRIANGLE, score: 0.5, version: 2 };
  const editor = openEditor([span], SIZE);
  assert.equal(editorSpans(editor)[0], span);
  const from = { score: 0.5, version: 2, touched: true };
  assert.deepEqual(editorSpans(relabelBox(editor, 1, "dog")), [{ label: "dog", type: "polygon", points: TRIANGLE, ...from }]);
  const corners = TRIANGLE.with(2, [30, 40]);
  assert.deepEqual(editorSpans(setCorners(editor, 1, corners)), [
    { label: "cat", type: "polygon", ...rect(10, 10, 40, 30), points: corners, ...from },
  ]);
});

test("thousands of edits to thousands of boxes are kept as what they changed", () => {
  const spans = Array.from({ length: 3000 }, (_, at) => ({ label: "a", ...rect(at % 100, at % 50, 5, 5) }));
  let editor = openEditor(spans, SIZE);
  for (let id = 1; id <= 3000; id++) editor = reshapeBox(editor, id, rect(id % 90, 1, 8, 8));
  assert.ok(editor.past.every(({ gone, come }) => gone.length === 1 && come.length === 1));
  for (let id = 1; id <= 3000; id++) editor = undoEdit(editor);
  assert.deepEqual(editorSpans(editor), spans);
});

test("boxes are gone through in order, and there is an end", () => {
  const editor = openEditor([PREDICTED, PREDICTED, PREDICTED], SIZE);
  assert.equal(selectNext(editor, 1)?.selected, 1);
  assert.equal(selectNext(editor, -1)?.selected, 3);
  assert.equal(selectNext(select(editor, 2), -1)?.selected, 1);
  assert.equal(selectNext(select(editor, 3), 1), null);
  assert.equal(selectNext(openEditor([], SIZE), 1), null);
});

test("a copy lies where its original was on another image, beside it on the same, and is selected", () => {
  const copy = { label: "cat", rect: rect(10.25, 20, 30, 40), shape: null };
  const there = pasteBox(openEditor([], SIZE), copy);
  assert.deepEqual(there.boxes.map((box) => box.rect), [copy.rect]);
  assert.equal(there.selected, 1);
  const here = pasteBox(openEditor([PREDICTED], SIZE), copy);
  assert.deepEqual(here.boxes[1].rect, rect(20.25, 30, 30, 40));
  assert.equal(pasteBox(openEditor([], { width: 35, height: 30 }), copy).boxes[0].rect.x, 5);
});

test("the steps of a key held down are undone as one, those of two boxes are not", () => {
  let editor = reshapeBox(openEditor([PREDICTED, PREDICTED], SIZE), 1, rect(11, 20, 30, 40));
  for (let x = 12; x < 20; x++) editor = joinEdits(reshapeBox(editor, 1, rect(x, 20, 30, 40)));
  assert.equal(editor.past.length, 1);
  editor = joinEdits(reshapeBox(editor, 2, rect(50, 20, 30, 40)));
  assert.equal(editor.past.length, 2);
  assert.deepEqual(undoEdit(undoEdit(editor)).boxes, openEditor([PREDICTED, PREDICTED], SIZE).boxes);
  assert.deepEqual(redoEdit(undoEdit(editor)).boxes, editor.boxes);
});
