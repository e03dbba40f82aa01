import assert from "node:assert/strict";
import { test } from "node:test";

import {
  HANDLES,
  MIN_SIDE,
  clipRect,
  handlePoints,
  intersects,
  moveRect,
  rectBetween,
  resizeRect,
} from "../../src/teachbox/web/static/boxes/geometry.js";
import { fitView, panView, revealRect, toImage, toScreen, visibleRect, zoomView } from "../../src/teachbox/web/static/canvas/view.js";
import { randomFrom } from "./random.js";

const SIZE = { width: 100, height: 60 };

/** @param {number} x @param {number} y @param {number} width @param {number} height */
const rect = (x, y, width, height) => ({ x, y, width, height });

test("two corners make a rectangle in any order", () => {
  for (const [a, b] of [
    [{ x: 1, y: 2 }, { x: 5, y: 9 }],
    [{ x: 5, y: 2 }, { x: 1, y: 9 }],
  ]) {
    assert.deepEqual(rectBetween(a, b), rect(1, 2, 4, 7));
    assert.deepEqual(rectBetween(b, a), rect(1, 2, 4, 7));
  }
});

test("clipping keeps what lies inside, and leaves no area where nothing does", () => {
  assert.deepEqual(clipRect(rect(-5, -5, 20, 10), SIZE), rect(0, 0, 15, 5));
  assert.deepEqual(clipRect(rect(90, 50, 20, 20), SIZE), rect(90, 50, 10, 10));
  assert.equal(clipRect(rect(200, 0, 10, 10), SIZE).width, 0);
});

test("a moved rectangle keeps its size and stops at the edges", () => {
  assert.deepEqual(moveRect(rect(10, 10, 20, 20), { x: 5, y: -3 }, SIZE), rect(15, 7, 20, 20));
  assert.deepEqual(moveRect(rect(10, 10, 20, 20), { x: 500, y: -500 }, SIZE), rect(80, 0, 20, 20));
});

test("each handle moves its own edges and no other", () => {
  const by = { x: 2, y: 3 };
  const resized = Object.fromEntries(HANDLES.map((name) => [name, resizeRect(rect(10, 10, 20, 20), name, by, SIZE)]));
  assert.deepEqual(resized, {
    nw: rect(12, 13, 18, 17),
    n: rect(10, 13, 20, 17),
    ne: rect(10, 13, 22, 17),
    e: rect(10, 10, 22, 20),
    se: rect(10, 10, 22, 23),
    s: rect(10, 10, 20, 23),
    sw: rect(12, 10, 18, 23),
    w: rect(12, 10, 18, 20),
  });
});

test("a resized rectangle stays inside the image and no side gets shorter than the least", () => {
  const random = randomFrom(7);
  for (let round = 0; round < 2000; round++) {
    const start = rect(random() * 80, random() * 40, MIN_SIDE + random() * 16, MIN_SIDE + random() * 16);
    const handle = HANDLES[Math.floor(random() * HANDLES.length)];
    const by = { x: (random() - 0.5) * 400, y: (random() - 0.5) * 400 };
    const { x, y, width, height } = resizeRect(start, handle, by, SIZE);
    assert.ok(x >= 0 && y >= 0 && x + width <= SIZE.width + 1e-9 && y + height <= SIZE.height + 1e-9);
    assert.ok(width >= MIN_SIDE - 1e-9 && height >= MIN_SIDE - 1e-9);
  }
});

test("rectangles that only touch are in sight of one another", () => {
  assert.ok(intersects(rect(0, 0, 10, 10), rect(10, 10, 5, 5)));
  assert.ok(!intersects(rect(0, 0, 10, 10), rect(11, 0, 5, 5)));
});

test("handles sit on the edges, and outside a rectangle too small to hold them", () => {
  const large = Object.fromEntries(handlePoints(rect(0, 0, 100, 50), 30).map((one) => [one.handle, [one.x, one.y]]));
  assert.deepEqual(large.se, [100, 50]);
  assert.deepEqual(large.n, [50, 0]);
  const small = Object.fromEntries(handlePoints(rect(100, 100, 10, 4), 30).map((one) => [one.handle, [one.x, one.y]]));
  assert.deepEqual(small.nw, [90, 87]);
  assert.deepEqual(small.e, [120, 102]);
});

test("an image is fitted into the middle, and a tiny one not blown up without end", () => {
  assert.deepEqual(fitView({ width: 200, height: 100 }, { width: 440, height: 400 }, 20), { scale: 2, x: 20, y: 100 });
  assert.equal(fitView({ width: 4, height: 4 }, { width: 1000, height: 1000 }, 0).scale, 8);
});

test("from screen to image and back is where it was", () => {
  const random = randomFrom(3);
  for (let round = 0; round < 500; round++) {
    const view = { scale: 0.01 + random() * 20, x: (random() - 0.5) * 1e4, y: (random() - 0.5) * 1e4 };
    const point = { x: random() * 2000, y: random() * 2000 };
    const image = toImage(view, point);
    const back = toScreen(view, { ...image, width: 0, height: 0 });
    assert.ok(Math.abs(back.x - point.x) < 1e-6 && Math.abs(back.y - point.y) < 1e-6);
  }
});

test("the visible part is what the port covers", () => {
  assert.deepEqual(visibleRect({ scale: 2, x: -20, y: 10 }, { width: 100, height: 50 }), rect(10, -5, 50, 25));
});

test("what is under the pointer stays there while the view is zoomed, down to the least and up to the most", () => {
  const random = randomFrom(11);
  for (let round = 0; round < 500; round++) {
    const view = { scale: 0.1 + random() * 5, x: (random() - 0.5) * 1e3, y: (random() - 0.5) * 1e3 };
    const at = { x: random() * 800, y: random() * 600 };
    const zoomed = zoomView(view, at, 2 ** ((random() - 0.5) * 20), 0.1);
    const [before, after] = [toImage(view, at), toImage(zoomed, at)];
    assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < 1e-6);
    assert.ok(zoomed.scale >= 0.1 - 1e-9 && zoomed.scale <= 64);
  }
});

test("an image cannot be panned out of sight", () => {
  const [image, port] = [{ width: 100, height: 50 }, { width: 400, height: 300 }];
  const view = { scale: 2, x: 0, y: 0 };
  assert.deepEqual(panView(view, { x: 10, y: -5 }, image, port), { scale: 2, x: 10, y: -5 });
  assert.deepEqual(panView(view, { x: 1e6, y: -1e6 }, image, port), { scale: 2, x: 352, y: -52 });
});

test("a rectangle in sight moves nothing, one out of sight comes to the middle", () => {
  const [image, port] = [{ width: 1000, height: 1000 }, { width: 100, height: 100 }];
  const view = { scale: 1, x: 0, y: 0 };
  assert.equal(revealRect(view, rect(10, 10, 20, 20), image, port), view);
  assert.deepEqual(revealRect(view, rect(500, 10, 20, 20), image, port), { scale: 1, x: -460, y: 0 });
});
