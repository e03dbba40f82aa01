import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addBox,
  deleteBox,
  editorSpans,
  isSuggestion,
  isTouched,
  openEditor,
  redoEdit,
  relabelBox,
  reshapeBox,
  select,
  undoEdit,
} from "../../src/teachbox/web/static/boxes/editor.js";
import { clickedBox, gestureRect, isDrawn, pressCanvas, pressHandle } from "../../src/teachbox/web/static/canvas/gesture.js";
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

test("a moved suggestion loses score and version, keeps the rest, and is a suggestion no more", () => {
  const editor = reshapeBox(openEditor([PREDICTED], SIZE), 1, rect(12.5, 20, 30, 40));
  assert.deepEqual(editorSpans(editor), [
    {
      label: "cat",
      ...rect(12.5, 20, 30, 40),
      points: [[12.5, 20], [12.5, 60], [42.5, 60], [42.5, 20]],
      type: "rect",
      color: "red",
    },
  ]);
  assert.ok(isSuggestion(openEditor([PREDICTED], SIZE).boxes[0]));
  assert.ok(!isSuggestion(editor.boxes[0]));
});

test("a relabelled suggestion keeps its place to the last digit", () => {
  const { score, version, ...kept } = PREDICTED;
  assert.deepEqual(editorSpans(relabelBox(openEditor([PREDICTED], SIZE), 1, "dog")), [{ ...kept, label: "dog" }]);
  assert.equal(score + version, 7.9);
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

test("a press on a box moves it, the selected one first; elsewhere it draws", () => {
  const spans = [{ label: "a", ...rect(0, 0, 100, 80) }, { label: "b", ...rect(10, 10, 20, 20) }];
  const editor = openEditor(spans, SIZE);
  const inner = { x: 15, y: 15 };
  assert.equal(pressCanvas(editor, inner, 0, false).box?.label, "b");
  assert.equal(pressCanvas(select(editor, 1), inner, 0, false).box?.label, "a");
  assert.equal(pressCanvas(editor, inner, 0, true).kind, "draw");
  assert.equal(pressCanvas(editor, { x: 150, y: 50 }, 0, false).kind, "draw");
});

test("clicking on goes through the boxes under the pointer, from the smallest on", () => {
  const spans = [{ label: "a", ...rect(0, 0, 100, 80) }, { label: "b", ...rect(10, 10, 20, 20) }];
  let editor = openEditor(spans, SIZE);
  const clicked = [1, 2, 3].map(() => (editor = select(editor, clickedBox(editor, { x: 15, y: 15 }, 0))).selected);
  assert.deepEqual(clicked, [2, 1, 2]);
  assert.equal(clickedBox(editor, { x: 150, y: 90 }, 0), null);
});

test("a drawn rectangle ends at the image's edge, wherever the pointer goes", () => {
  const editor = openEditor([], SIZE);
  const gesture = pressCanvas(editor, { x: -20, y: 50 }, 0, false);
  assert.deepEqual(gestureRect(gesture, editor, { x: 500, y: 70 }), rect(0, 50, 200, 20));
  assert.ok(!isDrawn(gestureRect(gesture, editor, { x: 500, y: 52 })));
});

test("a handle's gesture resizes by the way of the pointer", () => {
  const editor = openEditor([{ label: "a", ...rect(10, 10, 20, 20) }], SIZE);
  const gesture = pressHandle(editor.boxes[0], "se", { x: 31, y: 29 });
  assert.deepEqual(gestureRect(gesture, editor, { x: 36, y: 39 }), rect(10, 10, 25, 30));
});
