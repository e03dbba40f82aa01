/** All that a key can do, by name. */

import { redoEdit, undoEdit } from "../boxes/editor.js";
import { labelIndex } from "./keymap.js";

/** @import { Desk } from "../desk/desk.js" */
/** @import { Stage } from "../canvas/stage.js" */

/**
 * @typedef {object} Command
 * @property {() => void} run
 * @property {boolean} [repeats]  Whether a key held down does it again and again: none answers one image after another.
 */

/**
 * The commands over a desk and a stage. `save` says that all is saved, or not yet.
 * @param {Desk} desk
 * @param {Stage} stage
 * @param {() => void} save
 */
export function createCommands(desk, stage, save) {
  /** @type {Record<string, Command>} */
  const commands = {
    accept: { run: () => desk.give("accept") },
    reject: { run: () => desk.give("reject") },
    ignore: { run: () => desk.give("ignore") },
    undo: { run: () => (desk.hasSelection() ? desk.deleteSelected() : desk.undo()) },
    delete: { run: desk.deleteSelected },
    "undo-edit": { run: () => desk.change(undoEdit), repeats: true },
    "redo-edit": { run: () => desk.change(redoEdit), repeats: true },
    deselect: { run: () => stage.cancel() || desk.selectBox(null) },
    save: { run: save },
  };

  /**
   * Do what a command says.
   * @param {string} name
   * @param {boolean} [again]  Whether its key is held down.
   */
  return function perform(name, again = false) {
    const label = labelIndex(name);
    if (label !== null) return again || desk.chooseLabel(label);
    const command = commands[name];
    if (command && (!again || command.repeats)) command.run();
  };
}
