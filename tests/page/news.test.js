import assert from "node:assert/strict";
import { test } from "node:test";

import { newsText } from "../../src/teachbox/web/static/later/news.js";

/** @param {string} name @param {number} value @param {number | null} before */
const row = (name, value, before) => ({ name, value, before });
const learned = { images: 34, boxes: 81, loss: 0.744, before: { images: 24, boxes: 61, loss: 0.91 } };

/** @param {any} measured */
const measuredText = (measured) => newsText({ version: 7, learned, measured: { images: 6, images_before: 6, ...measured } });

test("better, with the class that gained most and the one that lost", () => {
  const means = [row("mAP", 0.62, 0.451), row("mAP@.50", 0.81, 0.7)];
  const classes = [row("balloon", 0.7, 0.5), row("kite", 0.5, 0.5), row("bird", 0.3, 0.4)];
  assert.equal(
    measuredText({ before: 6, means, classes }),
    "Version 7 is better than the last one measured: mAP 0.45 → 0.62, mAP@.50 0.70 → 0.81. " +
      "balloon gained most, 0.50 → 0.70. bird lost most, 0.40 → 0.30.",
  );
});

test("worse, and as good", () => {
  const means = [row("mAP", 0.5, 0.62)];
  const text = measuredText({ before: 6, means, classes: [row("kite", 0.49, 0.5), row("bird", 0.3, 0.5)] });
  assert.equal(text, "Version 7 is worse than the last one measured: mAP 0.62 → 0.50. bird lost most, 0.50 → 0.30.");
  // What is not seen in the numbers is not called a gain.
  assert.equal(
    measuredText({ before: 4, means: [row("mAP", 0.623, 0.621)], classes: [row("bird", 0.623, 0.621)] }),
    "Version 7 is as good as the last one measured: mAP 0.62 → 0.62.",
  );
});

test("on other images than before", () => {
  const measured = { before: 6, images: 6, images_before: 4, means: [row("mAP", 0.5, 0.25)], classes: [] };
  assert.equal(measuredText(measured), "Version 7 is better than the last one measured: mAP 0.25 → 0.50, on 6 images instead of 4.");
});

test("measured for the first time", () => {
  const means = [row("mAP", 0.25, null), row("mAP@.50", 0.5, 0.25)];
  assert.equal(
    measuredText({ before: null, means: means.slice(0, 1), classes: [] }),
    "Version 7 serves: mAP 0.25. None before it was measured so.",
  );
  assert.equal(
    measuredText({ before: 6, means, classes: [] }),
    "Version 7 serves: mAP 0.25, mAP@.50 0.25 → 0.50. None before it was measured so.",
  );
});

test("not measured, or not yet: what it learned from", () => {
  assert.equal(
    newsText({ version: 7, learned, measured: null }),
    "Version 7 serves. It learned from 34 images with 81 boxes (+10 and +20); training loss 0.91 → 0.74. " +
      "Whether it is better was not measured.",
  );
  const first = { images: 1, boxes: 1, loss: 2, before: null };
  assert.equal(
    newsText({ version: 2, learned: first, measured: null }, true),
    "Version 2 serves. It learned from 1 image with 1 box, its first; training loss 2.00. It is being evaluated.",
  );
  const fewer = { ...learned, images: 24, boxes: 55 };
  assert.match(newsText({ version: 7, learned: fewer, measured: null }), /\(±0 and −6\)/);
  assert.match(newsText({ version: 7, learned: { ...learned, before: learned }, measured: null }), /\(as many as before\)/);
  assert.equal(newsText({ version: 7, learned: null, measured: null }), "");
});
