/** The canvas with its handles: shows one task's image and boxes, and what a pointer is doing to them. */

import { createBoxIndex } from "../boxes/box_index.js";
import { deleteBox, selectedBox, setCorners } from "../boxes/editor.js";
import { fitShape } from "../boxes/polygons.js";
import { acceptBox } from "../boxes/suggestions.js";
import { createCloseup } from "./closeup.js";
import { createCrosshair } from "./crosshair.js";
import { previewDrawing } from "./drawing.js";
import { moveGrip } from "./gesture.js";
import { createGround } from "./ground.js";
import { createHandles } from "./handles.js";
import { paintActive } from "./paint.js";
import { createPointing } from "./pointing.js";
import { createVerdict } from "./verdict.js";
import { toImage, visibleRect } from "./view.js";
import { createViewport } from "./viewport.js";

/** @import { Box, Editor, Grip, Point, Rect } from "../types.js" */
/** @import { Doubts } from "../boxes/doubts.js" */
/** @import { Tool } from "./drawing.js" */
/** @import { Ready } from "./images.js" */
/** @import { Draft } from "./paint.js" */

/**
 * @typedef {object} Showing
 * @property {string} key  Says which task this is.
 * @property {Editor} editor
 * @property {Ready} picture
 *
 * @typedef {object} Look
 * @property {Tool} tool
 * @property {boolean} crosshair
 * @property {boolean} tags
 * @property {number} brightness  1 as it is.
 * @property {number} contrast
 *
 * @typedef {object} Host
 * @property {(label: string) => string} colorOf
 * @property {boolean} editable  Whether boxes are drawn and changed; else they are only selected.
 * @property {() => string} newLabel
 * @property {(context: CanvasRenderingContext2D, scene: import("./paint.js").Scene) => void} beneath  Paints what lies over the
 *   image and under what is at work.
 * @property {(editor: Editor) => void} edit
 * @property {(url: string, rect: Rect, scale: number) => void} wishPart  Asks for a part of an image too large to be whole.
 * @property {() => Look} look
 * @property {(boxes: readonly Box[]) => Doubts} doubts  Which of them are marked.
 * @property {(editor: Editor) => string} describe  The selected box, in words.
 *
 * @typedef {ReturnType<typeof createStage>} Stage
 */

const ARRIVAL_MS = 220;
/** @type {readonly Box[]} */
const NO_BOXES = [];

/**
 * @param {HTMLElement} root  Holds the canvas and, over it, body and handles of the active box.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} body
 * @param {HTMLElement} layer
 * @param {Host} host
 */
export function createStage(root, canvas, body, layer, host) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  const index = createBoxIndex();
  const viewport = createViewport(root, () => repaint());
  const crosshair = createCrosshair(root);
  const ground = createGround();
  const wishPart = createCloseup(host.wishPart);
  const handles = createHandles(body, layer, (event, grip) => pointing.pressHandle(event, grip));
  const verdict = createVerdict(({ id }, accept) => {
    if (showing) host.edit((accept ? acceptBox : deleteBox)(showing.editor, id));
  });
  /** @type {Showing | null} */
  let showing = null;
  let peeking = false;
  /** Whether the body of the active box is to have the focus as soon as it is there. */
  let focusing = false;
  let arrivedAt = -ARRIVAL_MS;
  let frame = 0;

  const pointing = createPointing(root, canvas, {
    ...{ host, viewport, handled: handledBox, changed: repaint },
    shown: () => showing && showing.editor,
    isOwn: (target) => handles.contains(target) || verdict.contains(target),
    boxesUnder(point, reach) {
      if (!showing || peeking) return [];
      index.sync(showing.editor.boxes);
      return index.at(point, reach);
    },
  });
  const { hand } = pointing;

  /** The box that the handles hold: the selected one, or else the one under the pointer. */
  function handledBox() {
    const { active, drawing, hovered } = hand;
    if (!host.editable || !showing || drawing || peeking || (active && active.gesture.kind !== "resize")) return null;
    const { editor } = showing;
    const pointed = host.look().tool === "box" ? editor.boxes.find((box) => box.id === hovered) : null;
    return selectedBox(editor) ?? pointed ?? null;
  }

  /** A box as it looks now: under a gesture, where the pointer has it. @param {Box | null} box @returns {Box | null} */
  function now(box) {
    const { active } = hand;
    if (!box || !active?.result || active.gesture.box?.id !== box.id) return box;
    const { rect, shape } = active.result;
    return { ...box, rect, shape: shape ?? (box.shape && fitShape(box.shape, box.rect, rect)), touched: true };
  }

  /** The box that a gesture has taken from its place. */
  const heldId = () => (hand.active?.result ? (hand.active.gesture.box?.id ?? null) : null);

  /** Boxes in sight, and so many pixels of the screen around it, that lie where they lay. @param {Editor} editor @param {number} margin */
  function boxesInSight(editor, margin) {
    if (peeking) return [];
    index.sync(editor.boxes);
    const { view, port } = { view: viewport.view(), port: viewport.port() };
    const moved = { ...view, x: view.x + margin, y: view.y + margin };
    const boxes = index.within(visibleRect(moved, { width: port.width + 2 * margin, height: port.height + 2 * margin }));
    const held = heldId();
    return held === null ? boxes : boxes.filter((box) => box.id !== held);
  }

  /** Boxes that stand out, as they look now: the selected one last, over all others. @param {Editor} editor */
  function activeBoxes(editor) {
    if (peeking) return [];
    const ids = new Set([hand.hovered, heldId(), editor.selected]);
    ids.delete(null);
    const boxes = ids.size ? editor.boxes.filter((box) => ids.has(box.id)) : [];
    boxes.sort((a, b) => Number(a.id === editor.selected) - Number(b.id === editor.selected));
    return boxes.map((box) => now(box) ?? box);
  }

  function paint() {
    frame = 0;
    const density = window.devicePixelRatio || 1;
    const [port, view] = [viewport.port(), viewport.view()];
    const pixels = { width: Math.round(port.width * density), height: Math.round(port.height * density) };
    if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
    if (!showing) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      canvas.dataset.task = "";
      handles.show(null, null, view);
      verdict.show(null, view, port);
      crosshair.show(null);
      return;
    }
    const { editor, picture } = showing;
    const { tags, brightness, contrast, crosshair: wanted } = host.look();
    const arrival = stillness.matches ? 1 : Math.min(1, (performance.now() - arrivedAt) / ARRIVAL_MS);
    const scene = {
      ...{ port, density, view, picture, arrival, tags },
      doubts: host.doubts(editor.boxes),
      draft: draftNow(editor),
      filter: brightness === 1 && contrast === 1 ? "none" : `brightness(${brightness}) contrast(${contrast})`,
      colorOf: host.colorOf,
    };
    const still = { boxes: peeking ? NO_BOXES : editor.boxes, selected: editor.selected, held: heldId() };
    ground.paint(context, scene, still, (margin) => boxesInSight(editor, margin));
    if (!peeking) host.beneath(context, scene);
    paintActive(context, scene, activeBoxes(editor));
    const selected = peeking ? null : now(selectedBox(editor));
    const handled = now(handledBox());
    handles.show(handled, selected, view);
    verdict.show(handled, view, port);
    if (selected) handles.name(host.describe(editor));
    if (selected && focusing) handles.focusBody();
    focusing = false;
    crosshair.show(host.editable && wanted && !viewport.isNavigating() && !peeking ? hand.pointer : null);
    // What is on the screen and where, for whoever drives the page from outside.
    Object.assign(canvas.dataset, { task: showing.key, scale: view.scale, x: view.x, y: view.y });
    wishPart(picture, view, port, density);
    if (arrival < 1) repaint();
  }

  function repaint() {
    frame ||= requestAnimationFrame(paint);
  }

  /** @param {Editor} editor @returns {Draft | null} */
  function draftNow(editor) {
    const { active, drawing, pointer } = hand;
    const label = host.newLabel();
    if (active?.gesture.kind === "draw" && active.result) {
      return { label, rect: active.result.rect, points: [], closed: true };
    }
    const at = pointer && toImage(viewport.view(), pointer);
    return drawing && { label, ...previewDrawing(drawing, at, editor.size) };
  }

  new ResizeObserver(() => {
    viewport.measure();
    paint();
  }).observe(root);

  return {
    /**
     * @param {Showing | null} next
     * @param {boolean} [arrived]  Whether suggestions came to a task that is already shown.
     */
    show(next, arrived = false) {
      const other = next?.key !== showing?.key;
      if (other) pointing.letGo();
      const refit = next && (other || next.editor.size !== showing?.editor.size);
      const chosen = next?.editor.selected ?? null;
      const reveal = chosen !== null && chosen !== showing?.editor.selected && !hand.active;
      showing = next;
      if (refit) viewport.open(next.editor.size);
      const box = reveal && next ? selectedBox(next.editor) : null;
      if (box && !hand.pointer) viewport.reveal(box.rect);
      if (arrived) arrivedAt = performance.now();
      repaint();
    },
    cancel: pointing.cancel,
    repaint() {
      ground.forget();
      repaint();
    },
    /** Paint at once what waits for the next frame: a key may want the handles of a box selected just now. */
    settle() {
      if (!frame) return;
      cancelAnimationFrame(frame);
      paint();
    },
    focusBody() {
      focusing = true;
      repaint();
    },
    viewport,
    handles,
    isBusy: pointing.isBusy,
    isDrawing: pointing.isDrawing,
    closeDrawing: pointing.closeDrawing,
    dropPoint: pointing.dropPoint,
    /** Hide the boxes while a key is held. @param {boolean} on */
    peek(on) {
      peeking = on;
      repaint();
    },
    /** Move or drop what has the keyboard's focus of a polygon. @param {Grip} grip @param {Point | null} by  Null drops it. */
    changeCorner(grip, by) {
      const box = showing && selectedBox(showing.editor);
      if (!showing || !box?.shape || grip.kind === "side") return;
      if (by) host.edit(setCorners(showing.editor, box.id, moveGrip(box.shape, grip, by, showing.editor.size)));
      else if (grip.kind === "corner") pointing.dropCorner(box, grip.at);
    },
    /** What of the image is in sight. @returns {Rect} */
    inSight: () => visibleRect(viewport.view(), viewport.port()),
  };
}
