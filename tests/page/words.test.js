import assert from "node:assert/strict";
import { test } from "node:test";

import { inkOn, labelColor, withAlpha } from "../../src/teachbox/web/static/panels/colors.js";
import { COMMAND_GROUPS } from "../../src/teachbox/web/static/keys/command_list.js";
import { DEFAULT_KEYS, commandsOf, conflictOf, labelKey, rebind } from "../../src/teachbox/web/static/keys/keymap.js";
import { openPersonal } from "../../src/teachbox/web/static/keys/personal.js";
import { matchingLabels } from "../../src/teachbox/web/static/panels/label_palette.js";
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
  assert.equal(commandOf(stroke("Tab", "Tab")), "next-box");
  assert.equal(commandOf(stroke("?", "Slash", "s")), "help");
  assert.equal(commandOf(stroke("ArrowLeft", "ArrowLeft", "as")), "size-far-left");
});

test("keys as they are written on the label bar", () => {
  assert.deepEqual([0, 9, 10, 19, 20, 29, 30].map(labelKey), ["1", "0", "⇧1", "⇧0", "alt ⇧1", "alt ⇧0", ""]);
});

test("a digit chooses a label first and then does what else it means", () => {
  assert.deepEqual(commandsOf("0", DEFAULT_KEYS), ["label-10", "zoom-fit"]);
  assert.deepEqual(commandsOf("space", DEFAULT_KEYS), ["ignore", "pan"]);
});

test("every command has a name in the key help, and keys", () => {
  const named = COMMAND_GROUPS.flatMap(({ commands }) => commands.map(({ name }) => name));
  assert.deepEqual([...named].sort(), Object.keys(DEFAULT_KEYS).sort());
  assert.ok(Object.values(DEFAULT_KEYS).every((strokes) => strokes.length > 0));
});

test("no key means two things, but a held one may mean another when it is pressed", () => {
  for (const [command, strokes] of Object.entries(DEFAULT_KEYS)) {
    for (const stroke of strokes) {
      const conflict = conflictOf(DEFAULT_KEYS, command, stroke);
      if (stroke !== "0") assert.equal(conflict, null, `${stroke} of ${command}`);
    }
  }
});

test("a key is changed, added, taken away, and taken from another command", () => {
  const swapped = rebind(DEFAULT_KEYS, "accept", "a", "x");
  assert.deepEqual([swapped.accept, swapped.reject], [["x"], []]);
  assert.equal(conflictOf(DEFAULT_KEYS, "accept", "x"), "reject");
  assert.equal(conflictOf(DEFAULT_KEYS, "accept", "3"), "label-3");
  assert.deepEqual(rebind(DEFAULT_KEYS, "undo-edit", "z", "u")["undo-edit"], ["u", "mod+z"]);
  assert.deepEqual(rebind(DEFAULT_KEYS, "undo-edit", null, "u")["undo-edit"], ["z", "mod+z", "u"]);
  assert.deepEqual(rebind(DEFAULT_KEYS, "undo-edit", "z", null)["undo-edit"], ["mod+z"]);
});

test("keys are kept for each person, and those of commands that are gone are not", () => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const storage = {
    getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => void kept.set(name, value),
    removeItem: (/** @type {string} */ name) => void kept.delete(name),
  };
  const ada = openPersonal("ada", storage, () => {});
  ada.set(rebind(ada.keys(), "accept", "a", "q"));
  assert.deepEqual(JSON.parse(kept.get("teachbox/keys/ada") ?? ""), { accept: ["q"] });
  kept.set("teachbox/keys/ada", JSON.stringify({ accept: ["q"], "of-old": ["w"], reject: "x" }));
  assert.deepEqual(openPersonal("ada", storage, () => {}).keys(), { ...DEFAULT_KEYS, accept: ["q"] });
  assert.equal(openPersonal("bob", storage, () => {}).keys(), DEFAULT_KEYS);
});

test("labels are found by their beginning, by a word, by a part, by letters in order", () => {
  const labels = ["polar bear", "bear", "teddy bear", "beaver", "barn", "zebra"].map((name) => ({ name }));
  assert.deepEqual(matchingLabels(labels, "bea").map((at) => labels[at].name), ["bear", "beaver", "polar bear", "teddy bear"]);
  assert.deepEqual(matchingLabels(labels, "BR").map((at) => labels[at].name), ["zebra", "polar bear", "bear", "teddy bear", "beaver", "barn"]);
  assert.deepEqual(matchingLabels(labels, "xyz"), []);
  assert.equal(matchingLabels(labels, "").length, 6);
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
