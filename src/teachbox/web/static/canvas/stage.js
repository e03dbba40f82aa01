/** The canvas with its handles: shows one task's image and boxes, and turns what a pointer does into edits. */

import { addBox, reshapeBox, select, selectedBox } from "../boxes/editor.js";
import { HANDLES, handlePoints, itemsAt } from "../boxes/geometry.js";
import { clickedBox, gestureRect, isDrawn, pressCanvas, pressHandle } from "./gesture.js";
import { paintScene } from "./paint.js";
import { leaveFocus } from "../panels/dom.js";
import { fitView, toImage, toScreen } from "./view.js";

/** @import { Box, Editor, Point, Rect, Size, View } from "../types.js" */
/** @import { Gesture } from "./gesture.js" */

/**
 * @typedef {object} Showing
 * @property {string} key  Says which task this is.
 * @property {Editor} editor
 * @property {ImageBitmap} bitmap
 *
 * @typedef {object} Host
 * @property {(label: string) => string} colorOf
 * @property {() => string} newLabel
 * @property {(editor: Editor) => void} edit
 *
 * @typedef {ReturnType<typeof createStage>} Stage
 */

const PADDING = 22;
/** A pointer that moved less than this has clicked; on a handle every pixel counts. */
const CLICK_PX = 3;
const REACH_PX = 5;
const HANDLE_ROOM_PX = 30;
const ARRIVAL_MS = 220;

/**
 * @param {HTMLElement} root  Holds the canvas and, over it, the layer of handles.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} layer
 * @param {Host} host
 */
export function createStage(root, canvas, layer, host) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Showing | null} */
  let showing = null;
  /** @type {Size} */
  let port = { width: 1, height: 1 };
  /** @type {View} */
  let view = { scale: 1, x: 0, y: 0 };
  /** @type {{gesture: Gesture, start: Point, rect: Rect | null, pointerId: number} | null} */
  let active = null;
  /** @type {number | null} */
  let hovered = null;
  let arrivedAt = -ARRIVAL_MS;
  let frame = 0;

  const handles = HANDLES.map((name) => {
    const element = document.createElement("div");
    element.className = `handle handle-${name}`;
    element.dataset.handle = name;
    element.hidden = true;
    element.addEventListener("pointerdown", (event) => {
      const box = handledBox();
      if (!box || event.button !== 0 || event.shiftKey) return;
      event.stopPropagation();
      begin(event, pressHandle(box, name, toImage(view, place(event))));
    });
    layer.append(element);
    return element;
  });

  /** The box that the handles hold: the selected one, or else the one under the pointer. */
  function handledBox() {
    if (!showing || active?.gesture.kind === "draw" || active?.gesture.kind === "move") return null;
    const { editor } = showing;
    return selectedBox(editor) ?? editor.boxes.find((box) => box.id === hovered) ?? null;
  }

  /** @param {PointerEvent} event */
  function place(event) {
    const corner = root.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  }

  /** Boxes as they look now: the one under a gesture where the pointer has it. */
  function boxesNow() {
    const editor = /** @type {Showing} */ (showing).editor;
    const box = active?.gesture.box;
    const rect = active?.rect;
    if (!box || !rect) return editor.boxes;
    return editor.boxes.map((one) => (one.id === box.id ? { ...one, rect, touched: true } : one));
  }

  function paint() {
    frame = 0;
    const density = window.devicePixelRatio || 1;
    const pixels = { width: Math.round(port.width * density), height: Math.round(port.height * density) };
    if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
    if (!showing) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      canvas.dataset.task = "";
      placeHandles(null);
      return;
    }
    const { editor, bitmap } = showing;
    const arrival = stillness.matches ? 1 : Math.min(1, (performance.now() - arrivedAt) / ARRIVAL_MS);
    const boxes = boxesNow();
    const draft = active?.gesture.kind === "draw" && active.rect ? { rect: active.rect, label: host.newLabel() } : null;
    paintScene(context, {
      ...{ port, density, view, bitmap, boxes, hovered, draft, arrival },
      size: editor.size,
      selected: editor.selected,
      colorOf: host.colorOf,
    });
    const handled = handledBox();
    placeHandles(boxes.find((box) => box.id === handled?.id) ?? null);
    // What is on the screen and where, for whoever drives the page from outside.
    Object.assign(canvas.dataset, { task: showing.key, scale: view.scale, x: view.x, y: view.y });
    if (arrival < 1) repaint();
  }

  function repaint() {
    frame ||= requestAnimationFrame(paint);
  }

  /** @param {Box | null} box */
  function placeHandles(box) {
    const points = box ? handlePoints(toScreen(view, box.rect), HANDLE_ROOM_PX) : [];
    handles.forEach((element, at) => {
      const point = points[at];
      element.hidden = !point;
      if (point) element.style.transform = `translate(${point.x}px, ${point.y}px)`;
    });
  }

  function fit() {
    const box = root.getBoundingClientRect();
    port = { width: Math.max(1, box.width), height: Math.max(1, box.height) };
    if (showing) view = fitView(showing.editor.size, port, PADDING);
  }

  /**
   * @param {PointerEvent} event
   * @param {Gesture} gesture
   */
  function begin(event, gesture) {
    root.setPointerCapture(event.pointerId);
    active = { gesture, start: place(event), rect: null, pointerId: event.pointerId };
    repaint();
  }

  /** @param {PointerEvent} event */
  function follow(event) {
    if (!showing || !active) return;
    const to = place(event);
    const slack = active.gesture.handle ? 1 : CLICK_PX;
    const far = Math.hypot(to.x - active.start.x, to.y - active.start.y) >= slack;
    if (far || active.rect) active.rect = gestureRect(active.gesture, showing.editor, toImage(view, to));
  }

  /** @param {PointerEvent} event */
  function release(event) {
    if (!showing || active?.pointerId !== event.pointerId) return;
    follow(event);
    const { gesture, rect } = active;
    active = null;
    const editor = showing.editor;
    if (!rect) host.edit(click(editor, gesture, toImage(view, place(event))));
    else if (gesture.box) host.edit(select(reshapeBox(editor, gesture.box.id, rect), gesture.box.id));
    else host.edit(isDrawn(rect) ? addBox(editor, rect, host.newLabel()) : select(editor, null));
    hover(event);
    repaint();
  }

  /**
   * @param {Editor} editor
   * @param {Gesture} gesture
   * @param {Point} point
   */
  function click(editor, gesture, point) {
    if (gesture.handle) return select(editor, gesture.box?.id ?? null);
    return select(editor, clickedBox(editor, point, REACH_PX / view.scale));
  }

  /** @param {PointerEvent} event */
  function hover(event) {
    if (!showing || active || layer.contains(/** @type {Node} */ (event.target))) return;
    const under = itemsAt(showing.editor.boxes, toImage(view, place(event)), REACH_PX / view.scale);
    const box = under.find((one) => one.id === showing?.editor.selected) ?? under[0];
    canvas.style.cursor = box && !event.shiftKey ? "move" : "crosshair";
    const id = event.pointerType === "mouse" ? (box?.id ?? null) : null;
    if (id !== hovered) {
      hovered = id;
      repaint();
    }
  }

  root.addEventListener("pointerdown", (event) => {
    if (!showing || active || event.button !== 0) return;
    const from = toImage(view, place(event));
    begin(event, pressCanvas(showing.editor, from, REACH_PX / view.scale, event.shiftKey));
  });
  // The pointer takes no focus: a ring around the whole image would be in the way. Keys work all the same.
  root.addEventListener("mousedown", (event) => {
    event.preventDefault();
    leaveFocus();
  });
  root.addEventListener("pointermove", (event) => {
    if (active?.pointerId !== event.pointerId) return hover(event);
    follow(event);
    repaint();
  });
  root.addEventListener("pointerup", release);
  root.addEventListener("pointercancel", () => cancel());
  root.addEventListener("pointerleave", () => {
    if (hovered === null || active) return;
    hovered = null;
    repaint();
  });
  new ResizeObserver(() => {
    fit();
    paint();
  }).observe(root);

  /** Drop what the pointer is doing; true where it was doing anything. */
  function cancel() {
    const was = active !== null;
    active = null;
    repaint();
    return was;
  }

  return {
    /**
     * @param {Showing | null} next
     * @param {boolean} [arrived]  Whether suggestions came to a task that is already shown.
     */
    show(next, arrived = false) {
      if (next?.key !== showing?.key) {
        active = null;
        hovered = null;
      }
      const refit = next && (next.key !== showing?.key || next.editor.size !== showing?.editor.size);
      showing = next;
      if (refit) fit();
      if (arrived) arrivedAt = performance.now();
      repaint();
    },
    cancel,
    /** Whether a pointer is drawing, moving or resizing right now. */
    isBusy: () => active !== null,
  };
}
