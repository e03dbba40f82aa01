/** What a key can do to the boxes that the model has predicted. */

import { selectedBox } from "../boxes/editor.js";
import { isSuggestion, limitOf } from "../boxes/limits.js";
import { clearSuggestions, judgeBox, repeatBoxes, snapBox } from "../boxes/suggestions.js";
import { announce } from "../panels/dom.js";

/** @import { Stage } from "../canvas/stage.js" */
/** @import { Editor } from "../types.js" */
/** @import { Desk } from "../desk/desk.js" */
/** @import { PersonalLimits } from "../desk/limits.js" */
/** @import { Command } from "./commands.js" */

/**
 * @param {Desk} desk
 * @param {Stage} stage
 * @param {PersonalLimits} limits
 * @returns {Record<string, Command>}
 */
export function correctingCommands(desk, stage, limits) {
  /** The label that a step is for: the selected box's, or the one of the next box. */
  function label() {
    const editor = desk.current()?.editor;
    return (editor && selectedBox(editor)?.label) ?? desk.labelName();
  }

  /** @param {string | null} of @param {1 | -1} by */
  function step(of, by) {
    limits.step(of, by);
    const shown = desk.current()?.editor.boxes.filter(isSuggestion).length ?? 0;
    const limit = of === null ? limits.get().all : limitOf(limits.get(), of);
    announce(`${of ?? "Suggestions"} from ${limit.toFixed(2)}: ${shown} ${shown === 1 ? "suggestion" : "suggestions"}`);
  }

  /** @param {boolean} accept */
  function judge(accept) {
    const editor = desk.current()?.editor;
    const next = editor && judgeBox(editor, accept);
    if (!next) return announce("No suggestion is left");
    desk.change(() => next);
    if (next.selected !== null) stage.focusBody();
  }

  /** Change the boxes; where that changes nothing, say why. @param {(editor: Editor) => Editor} make @param {string} why */
  function change(make, why) {
    const before = desk.current()?.editor;
    desk.change(make);
    if (desk.current()?.editor === before) announce(why);
  }

  return {
    "accept-box": { run: () => judge(true) },
    "reject-box": { run: () => judge(false) },
    "clear-suggestions": { run: () => change(clearSuggestions, "No suggestion is shown") },
    repeat: { run: () => change((editor) => repeatBoxes(editor, desk.lastGiven()?.answered.spans ?? []), "No other box on the last image") },
    snap: { run: () => change(snapBox, "No prediction is near") },
    "limit-up": { run: () => step(null, 1), repeats: true },
    "limit-down": { run: () => step(null, -1), repeats: true },
    "label-limit-up": { run: () => step(label(), 1), repeats: true },
    "label-limit-down": { run: () => step(label(), -1), repeats: true },
  };
}
