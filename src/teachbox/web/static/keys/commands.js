/** All that a key or a button can do, by name. */

import { redoEdit, undoEdit } from "../boxes/editor.js";
import { clamp } from "../boxes/geometry.js";
import { labelIndex } from "./keymap.js";

/** @import { Desk } from "../desk/desk.js" */
/** @import { Settings } from "../desk/settings.js" */
/** @import { Stage } from "../canvas/stage.js" */
/** @import { Tool } from "../canvas/drawing.js" */

/**
 * @typedef {object} Command
 * @property {() => unknown} run  False where it means nothing now.
 * @property {boolean} [repeats]  Whether a key held down does it again and again: none answers one image after another.
 */

const ZOOM = 1.25;
const LIGHT_STEP = 0.1;

/**
 * The commands over a desk and a stage.
 * @param {Desk} desk
 * @param {Stage} stage
 * @param {Settings} settings
 * @param {() => void} save  Says that all is saved, or not yet.
 */
export function createCommands(desk, stage, settings, save) {
  const { viewport } = stage;

  /** @param {"brightness" | "contrast"} name @param {number} by */
  function lighten(name, by) {
    settings.set({ [name]: Math.round(clamp(settings.get()[name] + by, 0.2, 3) * 100) / 100 });
  }

  /** @param {Tool} tool */
  function takeTool(tool) {
    stage.cancel();
    settings.set({ tool });
  }

  /** @type {Record<string, Command>} */
  const commands = {
    accept: { run: () => desk.give("accept") },
    reject: { run: () => desk.give("reject") },
    ignore: { run: () => desk.give("ignore") },
    undo: { run: () => stage.dropPoint() || (desk.hasSelection() ? desk.deleteSelected() : desk.undo()) },
    delete: { run: desk.deleteSelected },
    "undo-edit": { run: () => stage.dropPoint() || desk.change(undoEdit), repeats: true },
    "redo-edit": { run: () => desk.change(redoEdit), repeats: true },
    deselect: { run: () => stage.cancel() || desk.selectBox(null) },
    finish: { run: () => stage.isDrawing() && stage.closeDrawing() },
    save: { run: save },
    "tool-box": { run: () => takeTool("box") },
    "tool-extreme": { run: () => takeTool("extreme") },
    "tool-polygon": { run: () => takeTool("polygon") },
    "zoom-in": { run: () => viewport.zoomMiddle(ZOOM), repeats: true },
    "zoom-out": { run: () => viewport.zoomMiddle(1 / ZOOM), repeats: true },
    "zoom-fit": { run: viewport.fit },
    "zoom-actual": { run: viewport.actualSize },
    tags: { run: () => settings.set({ tags: !settings.get().tags }) },
    crosshair: { run: () => settings.set({ crosshair: !settings.get().crosshair }) },
    darker: { run: () => lighten("brightness", -LIGHT_STEP), repeats: true },
    brighter: { run: () => lighten("brightness", LIGHT_STEP), repeats: true },
    "less-contrast": { run: () => lighten("contrast", -LIGHT_STEP), repeats: true },
    "more-contrast": { run: () => lighten("contrast", LIGHT_STEP), repeats: true },
    "plain-image": { run: () => settings.set({ brightness: 1, contrast: 1 }) },
  };

  return {
    /** Names of commands that a key does once, each time it is pressed. */
    names: Object.keys(commands),

    /**
     * Do what a command says; false where it means nothing now.
     * @param {string} name
     * @param {boolean} [again]  Whether its key is held down.
     * @returns {boolean}
     */
    perform(name, again = false) {
      const label = labelIndex(name);
      if (label !== null) return desk.hasLabel(label) && (again || desk.chooseLabel(label), true);
      const command = commands[name];
      if (!command) return false;
      return again && !command.repeats ? true : command.run() !== false;
    },

    /** What keys mean while they are held. @type {Record<string, import("./keyboard.js").Hold>} */
    holds: {
      pan: { hold: viewport.holdPan, used: viewport.hasPanned },
      peek: { hold: stage.peek },
    },
  };
}
