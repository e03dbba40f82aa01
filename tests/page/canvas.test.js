import assert from "node:assert/strict";
import { test } from "node:test";

import { createBoxIndex } from "../../src/teachbox/web/static/boxes/box_index.js";
import { difference } from "../../src/teachbox/web/static/boxes/difference.js";
import { intersects } from "../../src/teachbox/web/static/boxes/geometry.js";
import { isInside } from "../../src/teachbox/web/static/boxes/polygons.js";
import { addPoint, closeDrawing, dropPoint, previewDrawing } from "../../src/teachbox/web/static/canvas/drawing.js";
import { randomFrom } from "./random.js";

const SIZE = { width: 200, height: 100 };

/** @param {number} x @param {number} y @param {number} width @param {number} height */
const rect = (x, y, width, height) => ({ x, y, width, height });

/** @param {() => number} random */
function randomBox(random) {
  const side = 2 ** (random() * 10);
  return { id: 0, label: "a", rect: rect(random() * 3000, random() * 2000, side, side * random()), shape: null, span: null, touched: true };
}

test("the index finds what a look at all boxes finds, whatever was put in, changed and taken out", () => {
  const random = randomFrom(5);
  const index = createBoxIndex();
  let boxes = Array.from({ length: 300 }, () => randomBox(random));
  for (let round = 0; round < 200; round++) {
    index.sync(boxes);
    const side = 2 ** (random() * 11);
    const place = rect(random() * 3000, random() * 2000, side, side);
    const wanted = boxes.filter((box) => intersects(box.rect, place));
    assert.deepEqual(new Set(index.within(place)), new Set(wanted));
    const at = Math.floor(random() * boxes.length);
    const change = [boxes.toSpliced(at, 1), boxes.with(at, randomBox(random)), [...boxes, randomBox(random)]];
    boxes = change[round % 3];
  }
  index.sync([]);
  assert.deepEqual(index.within(rect(0, 0, 5000, 5000)), []);
});

test("of several boxes under a point the smallest comes first, within the margin", () => {
  const index = createBoxIndex();
  const boxes = [rect(0, 0, 50, 50), rect(10, 10, 5, 5), rect(60, 0, 5, 5)].map((place, id) => ({ ...randomBox(() => 0), id, rect: place }));
  index.sync(boxes);
  assert.deepEqual(index.at({ x: 12, y: 12 }, 0), [boxes[1], boxes[0]]);
  assert.deepEqual(index.at({ x: 58, y: 2 }, 3), [boxes[2]]);
  assert.deepEqual(index.at({ x: 90, y: 90 }, 3), []);
});

test("a polygon is under the pointer by its area, not by its hull", () => {
  const index = createBoxIndex();
  const shape = /** @type {[number, number][]} */ ([[0, 0], [40, 0], [0, 40]]);
  index.sync([{ ...randomBox(() => 0), rect: rect(0, 0, 40, 40), shape }]);
  assert.equal(index.at({ x: 10, y: 10 }, 0).length, 1);
  assert.equal(index.at({ x: 30, y: 30 }, 2).length, 0);
  assert.equal(index.at({ x: 21, y: 21 }, 2).length, 1);
  assert.ok(!isInside(shape, { x: 25, y: 25 }));
});

test("the difference of two lists is what one edit changed", () => {
  assert.deepEqual(difference([1, 2, 3], [1, 4, 3]), { at: 1, gone: 1, come: 1 });
  assert.deepEqual(difference([1, 1], [1, 1, 1]), { at: 2, gone: 0, come: 1 });
  assert.deepEqual(difference([1, 2, 3], [3]), { at: 0, gone: 2, come: 0 });
  assert.deepEqual(difference([], []), { at: 0, gone: 0, come: 0 });
});

/** @param {import("../../src/teachbox/web/static/canvas/drawing.js").Tool} tool @param {number[][]} clicks */
function click(tool, clicks) {
  /** @type {ReturnType<typeof addPoint>} */
  let step = { drawing: { tool, points: [] }, drawn: null };
  for (const [x, y] of clicks) step = addPoint(step.drawing ?? { tool, points: [] }, { x, y }, SIZE, 5);
  return step;
}

test("two clicks make a box, four extreme points make one, beyond the image at its edge", () => {
  assert.deepEqual(click("box", [[50, 60], [10, -20]]).drawn, { rect: rect(10, 0, 40, 60) });
  assert.deepEqual(click("extreme", [[5, 30], [60, 10], [90, 40], [50, 300]]).drawn, { rect: rect(5, 10, 85, 90) });
  assert.equal(click("extreme", [[5, 30], [60, 10], [90, 40]]).drawn, null);
});

test("a click on the first corner closes a polygon of three and more", () => {
  const corners = [[10, 10], [90, 10], [50, 80]];
  assert.deepEqual(click("polygon", [...corners, [13, 11]]).drawn, { shape: corners });
  assert.equal(click("polygon", [[10, 10], [90, 10], [12, 12]]).drawn, null);
  const open = click("polygon", corners).drawing;
  assert.deepEqual(closeDrawing(open).drawn, { shape: corners });
  assert.equal(closeDrawing(dropPoint(open)).drawn, null);
});

test("a drawing's points are taken back one by one", () => {
  const { drawing } = click("extreme", [[5, 30], [60, 10]]);
  assert.deepEqual(dropPoint(drawing)?.points, [{ x: 5, y: 30 }]);
  assert.equal(dropPoint(dropPoint(drawing)), null);
});

test("what is drawn is seen before it is done", () => {
  const { drawing } = click("box", [[50, 60]]);
  assert.deepEqual(previewDrawing(drawing, { x: 300, y: 20 }, SIZE).rect, rect(50, 20, 150, 40));
  assert.equal(previewDrawing(drawing, null, SIZE).rect, null);
  assert.equal(previewDrawing(click("polygon", [[1, 1], [9, 1]]).drawing, { x: 5, y: 9 }, SIZE).closed, true);
});
