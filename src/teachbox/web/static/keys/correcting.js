/** What a key can do to the boxes that the model has predicted. */

import { selectedBox } from "../boxes/editor.js";
import { isSuggestion, limitOf } from "../boxes/limits.js";
import { announce } from "../panels/dom.js";

/** @import { Desk } from "../desk/desk.js" */
/** @import { PersonalLimits } from "../desk/limits.js" */
/** @import { Command } from "./commands.js" */

/**
 * @param {Desk} desk
 * @param {PersonalLimits} limits
 * @returns {Record<string, Command>}
 */
export function correctingCommands(desk, limits) {
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

  return {
    "limit-up": { run: () => step(null, 1), repeats: true },
    "limit-down": { run: () => step(null, -1), repeats: true },
    "label-limit-up": { run: () => step(label(), 1), repeats: true },
    "label-limit-down": { run: () => step(label(), -1), repeats: true },
  };
}
