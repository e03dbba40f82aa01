/** All that a key or a button can do, by name. */

import { addBox, joinEdits, redoEdit, reshapeBox, select, selectedBox, undoEdit } from "../boxes/editor.js";
import { clamp, clipRect, moveRect, resizeRect } from "../boxes/geometry.js";
import { correctingCommands } from "./correcting.js";
import { labelIndex } from "./keymap.js";

/** @import { Desk } from "../desk/desk.js" */
/** @import { PersonalLimits } from "../desk/limits.js" */
/** @import { Settings } from "../desk/settings.js" */
/** @import { Stage } from "../canvas/stage.js" */
/** @import { Tool } from "../canvas/drawing.js" */
/** @import { Editor, Point } from "../types.js" */

/**
 * @typedef {object} Command
 * @property {(again: boolean) => unknown} run  False where it means nothing now; `again` where its key is held down.
 * @property {boolean} [repeats]  Whether a key held down does it again and again: none answers one image after another.
 */

const ZOOM = 1.25;
const LIGHT_STEP = 0.1;
/** How far an arrow moves the image where no box is selected, in pixels of the screen. */
const PAN_PX = 60;
/** The side of a box that the keyboard makes, as a part of what is in sight. */
const INSERTED = 0.25;
/** @type {Record<string, Point>} */
const WAYS = { left: { x: -1, y: 0 }, right: { x: 1, y: 0 }, up: { x: 0, y: -1 }, down: { x: 0, y: 1 } };

/**
 * What opens over the page.
 * @typedef {{help: () => void, instructions: () => unknown, nameLabel: () => unknown, editLabels: () => unknown,
 *   history: () => void, progress: () => void}} Dialogs
 */

/**
 * The commands over a desk and a stage.
 * @param {Desk} desk
 * @param {Stage} stage
 * @param {Settings} settings
 * @param {PersonalLimits} limits
 * @param {Dialogs} dialogs
 * @param {() => void} save  Says that all is saved, or not yet.
 * @param {(place: number, again: boolean) => boolean} choose  The label, or the option, at a place.
 */
export function createCommands(desk, stage, settings, limits, dialogs, save, choose) {
  const { viewport, handles } = stage;

  /** Change the selected box; steps of a key held down are one edit. @param {boolean} again @param {(editor: Editor) => Editor} make */
  function step(again, make) {
    desk.change((editor) => {
      const next = make(editor);
      return again && next !== editor ? joinEdits(next) : next;
    });
  }

  /** Move the selected box, or what of it has the focus, or the image. @param {Point} way @param {number} by @param {boolean} again */
  function move(way, by, again) {
    if (!desk.hasSelection()) return viewport.pan({ x: -way.x * PAN_PX, y: -way.y * PAN_PX });
    const grip = handles.focused();
    const far = { x: way.x * by, y: way.y * by };
    if (grip && grip.kind !== "side") return stage.changeCorner(grip, far);
    return step(again, (editor) => {
      const box = selectedBox(editor);
      if (!box) return editor;
      const { rect, id } = box;
      return reshapeBox(editor, id, grip ? resizeRect(rect, grip.side, far, editor.size) : moveRect(rect, far, editor.size));
    });
  }

  /** Move the right and the lower side of the selected box. @param {Point} way @param {number} by @param {boolean} again */
  function resize(way, by, again) {
    if (!desk.hasSelection()) return false;
    return step(again, (editor) => {
      const box = selectedBox(editor);
      return box ? reshapeBox(editor, box.id, resizeRect(box.rect, "se", { x: way.x * by, y: way.y * by }, editor.size)) : editor;
    });
  }

  /** A new box in the middle of what is in sight, selected. */
  function insertBox() {
    desk.change((editor) => {
      const seen = clipRect(stage.inSight(), editor.size);
      const [width, height] = [Math.round(seen.width * INSERTED), Math.round(seen.height * INSERTED)];
      const place = { x: Math.round(seen.x + (seen.width - width) / 2), y: Math.round(seen.y + (seen.height - height) / 2) };
      const added = addBox(editor, { ...place, width, height }, desk.labelName());
      return added === editor ? editor : select(added, editor.nextId);
    });
    stage.focusBody();
  }

  /** @param {1 | -1} by */
  function nextBox(by) {
    if (handles.focused()) return handles.focusNext(by) || handles.focusBody();
    const found = desk.selectNextBox(by);
    if (found) stage.focusBody();
    return found;
  }

  function toHandles() {
    stage.settle();
    return desk.hasSelection() && handles.focusNext(1);
  }

  function remove() {
    const grip = handles.focused();
    if (grip?.kind === "corner") stage.changeCorner(grip, null);
    else desk.deleteSelected();
  }

  /** @param {"brightness" | "contrast"} name @param {number} by */
  function lighten(name, by) {
    settings.set({ [name]: Math.round(clamp(settings.get()[name] + by, 0.2, 3) * 100) / 100 });
  }

  /** @param {Tool} tool */
  function takeTool(tool) {
    if (!settings.tools.includes(tool)) return false;
    stage.cancel();
    settings.set({ tool });
    return true;
  }

  /** @type {Record<string, Command>} */
  const commands = {
    ...correctingCommands(desk, stage, limits),
    accept: { run: () => desk.give("accept") },
    reject: { run: () => desk.give("reject") },
    ignore: { run: () => desk.give("ignore") },
    undo: { run: () => stage.dropPoint() || (desk.hasSelection() ? desk.deleteSelected() : desk.undo()) },
    delete: { run: remove },
    skip: { run: desk.skip },
    flag: { run: desk.flag },
    "next-box": { run: () => nextBox(1), repeats: true },
    "previous-box": { run: () => nextBox(-1), repeats: true },
    "name-label": { run: dialogs.nameLabel },
    "edit-labels": { run: dialogs.editLabels },
    copy: { run: desk.copy },
    paste: { run: desk.paste },
    "insert-box": { run: insertBox },
    handles: { run: toHandles },
    help: { run: dialogs.help },
    instructions: { run: dialogs.instructions },
    history: { run: dialogs.history },
    progress: { run: dialogs.progress },
    "undo-edit": { run: () => stage.dropPoint() || desk.change(undoEdit), repeats: true },
    "redo-edit": { run: () => desk.change(redoEdit), repeats: true },
    deselect: { run: () => stage.cancel() || (handles.focused() ? handles.focusBody() : desk.selectBox(null)) },
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
  for (const [name, way] of Object.entries(WAYS)) {
    commands[`move-${name}`] = { run: (again) => move(way, 1, again), repeats: true };
    commands[`move-far-${name}`] = { run: (again) => move(way, 10, again), repeats: true };
    commands[`size-${name}`] = { run: (again) => resize(way, 1, again), repeats: true };
    commands[`size-far-${name}`] = { run: (again) => resize(way, 10, again), repeats: true };
  }

  return {
    /**
     * Do what a command says; false where it means nothing now.
     * @param {string} name
     * @param {boolean} [again]  Whether its key is held down.
     * @returns {boolean}
     */
    perform(name, again = false) {
      const label = labelIndex(name);
      if (label !== null) return choose(label, again);
      const command = commands[name];
      if (!command) return false;
      return again && !command.repeats ? true : command.run(again) !== false;
    },

    /** What keys mean while they are held. @type {Record<string, import("./keyboard.js").Hold>} */
    holds: {
      pan: { hold: viewport.holdPan, used: viewport.hasPanned },
      peek: { hold: stage.peek },
    },
  };
}
