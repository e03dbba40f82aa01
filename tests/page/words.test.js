import assert from "node:assert/strict";
import { test } from "node:test";

import { inkOn, labelColor, withAlpha } from "../../src/teachbox/web/static/panels/colors.js";
import { DEFAULT_KEYS, commandsOf, labelKey } from "../../src/teachbox/web/static/keys/keymap.js";
import { strokeOf } from "../../src/teachbox/web/static/keys/stroke.js";
import { statusLine } from "../../src/teachbox/web/static/panels/status_line.js";

/** @param {string} key @param {string} code @param {string} [held] */
const stroke = (key, code, held = "") => ({
  ...{ key, code },
  ctrlKey: held.includes("c"),
  metaKey: held.includes("m"),
  shiftKey: held.includes("s"),
  altKey: held.includes("a"),
});

/** @param {Parameters<typeof strokeOf>[0]} press */
const commandOf = (press) => commandsOf(strokeOf(press), DEFAULT_KEYS)[0] ?? null;

test("Prodigy's keys", () => {
  assert.equal(commandOf(stroke("a", "KeyA")), "accept");
  assert.equal(commandOf(stroke("x", "KeyX")), "reject");
  assert.equal(commandOf(stroke(" ", "Space")), "ignore");
  assert.equal(commandOf(stroke("Backspace", "Backspace")), "undo");
  assert.equal(commandOf(stroke("s", "KeyS", "c")), "save");
  assert.equal(commandOf(stroke("s", "KeyS", "m")), "save");
});

test("digits choose labels 1 to 10, with shift 11 to 20, whatever they type", () => {
  assert.equal(commandOf(stroke("1", "Digit1")), "label-1");
  assert.equal(commandOf(stroke("0", "Digit0")), "label-10");
  assert.equal(commandOf(stroke("!", "Digit1", "s")), "label-11");
  assert.equal(commandOf(stroke("=", "Digit0", "s")), "label-20");
  assert.equal(commandOf(stroke("4", "Numpad4")), "label-4");
});

test("capitals, other alphabets, and keys that belong to the browser", () => {
  assert.equal(commandOf(stroke("A", "KeyA", "s")), "accept");
  assert.equal(commandOf(stroke("ф", "KeyA")), "accept");
  assert.equal(commandOf(stroke("Z", "KeyZ", "cs")), "redo-edit");
  assert.equal(commandOf(stroke("a", "KeyA", "c")), null);
  assert.equal(commandOf(stroke("1", "Digit1", "m")), null);
  assert.equal(commandOf(stroke("x", "KeyX", "a")), null);
  assert.equal(commandOf(stroke("Tab", "Tab")), null);
});

test("keys as they are written on the label bar", () => {
  assert.deepEqual([0, 9, 10, 19, 20, 29, 30].map(labelKey), ["1", "0", "⇧1", "⇧0", "alt ⇧1", "alt ⇧0", ""]);
});

test("ink is told from the colour below it", () => {
  assert.equal(inkOn("#f0e442"), "#111418");
  assert.equal(inkOn("#0072b2"), "#ffffff");
  assert.equal(withAlpha("#0072b2", 0.2), "#0072b233");
  assert.equal(labelColor("rebeccapurple"), labelColor(undefined));
});

test("what the trainer does, in words", () => {
  /** @param {object} trainer */
  const words = (trainer) => statusLine({ trainer, model_server: "none" }).trainer;
  assert.equal(words({ state: "none" }), "");
  assert.equal(words({ state: "waiting" }), "Waiting for answers");
  assert.equal(words({ state: "training", step: 37, steps: 100 }), "Training: step 37 of 100");
  assert.equal(words({ state: "training", step: 37, steps: null }), "Training: step 37");
  assert.equal(words({ state: "evaluating" }), "Evaluating");
  assert.equal(words({ state: "publishing", version: 4 }), "Publishing version 4");
  assert.equal(words({ state: "failed", message: "disk full" }), "Trainer failed: disk full");
  assert.equal(statusLine({ trainer: { state: "training", step: 25, steps: 100 } }).share, 0.25);
  assert.equal(statusLine(null).mood, "off");
});

test("which version is served, and how good it is", () => {
  /** @param {import("../../src/teachbox/web/static/types.js").Status} status */
  const words = (status) => statusLine(status).model;
  assert.equal(words({ served_version: 3, model_server: "up" }), "Serving version 3");
  const metrics = { "DetectionBoxes_Precision/mAP": 0.6249, "DetectionBoxes_Precision/mAP@.50IOU": 0.9 };
  assert.equal(words({ served_version: 3, model_server: "up", metrics }), "Serving version 3 · mAP 0.62");
  assert.equal(words({ served_version: null, model_server: "down" }), "No model served yet");
  assert.equal(words({ served_version: 3, model_server: "down" }), "Model server is away");
  assert.equal(words({ served_version: null, model_server: "none" }), "");
});
