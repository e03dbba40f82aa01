/**
 * What a mouse, a finger or a pen does on the canvas, from press to release, and which edit comes of it. A pen counts more
 * than fingers: a hand that lies on the screen beside it does nothing.
 */

import { addBox, addPolygon, deleteBox, reshapeBox, select, setCorners } from "../boxes/editor.js";
import { MIN_CORNERS } from "../boxes/polygons.js";
import { leaveFocus } from "../panels/dom.js";
import { addPoint, closeDrawing, dropPoint } from "./drawing.js";
import { clickedBox, gestureResult, isDrawn, pressCanvas, pressGrip } from "./gesture.js";
import { toImage } from "./view.js";

/** @import { Box, Editor, Grip, Point, Rect, Shape } from "../types.js" */
/** @import { Drawing, Drawn } from "./drawing.js" */
/** @import { Gesture } from "./gesture.js" */
/** @import { Host } from "./stage.js" */
/** @import { createViewport } from "./viewport.js" */

/**
 * What is pressed, drawn and pointed at.
 * @typedef {object} Hand
 * @property {{gesture: Gesture, start: Point, at: Point, result: {rect: Rect, shape: Shape | null} | null, pointerId: number, by: string} | null} active
 * @property {Drawing | null} drawing  By clicks.
 * @property {Point | null} pointer  Where a mouse or a pen is, on the screen.
 * @property {number | null} hovered
 *
 * @typedef {object} Ground
 * @property {Host} host
 * @property {ReturnType<typeof createViewport>} viewport
 * @property {() => Editor | null} shown
 * @property {(point: Point, reach: number) => Box[]} boxesUnder  In pixels of the image, the smallest first.
 * @property {() => Box | null} handled  The box that the handles hold.
 * @property {(target: EventTarget | null) => boolean} isOwn  Whether it lies over the canvas and has a life of its own.
 * @property {() => void} changed
 */

/** A pointer that moved less than this has clicked; on a handle every pixel counts. */
const CLICK_PX = 3;
const REACH_PX = 5;
/** A click so near to the first corner closes a polygon. */
const CLOSE_PX = 10;

/**
 * @param {HTMLElement} root  Holds the canvas and what lies over it.
 * @param {HTMLElement} canvas
 * @param {Ground} ground
 */
export function createPointing(root, canvas, { host, viewport, shown, boxesUnder, handled, isOwn, changed }) {
  /** @type {Hand} */
  const hand = { active: null, drawing: null, pointer: null, hovered: null };

  /** Fingers hide what is under them, so that nothing is pointed at. @param {PointerEvent} event */
  const placeOf = (event) => (event.pointerType === "touch" ? null : viewport.place(event));

  /** Whether this is the hand that holds the pen. @param {PointerEvent} event */
  const isPalm = (event) => hand.active?.by === "pen" && event.pointerType === "touch";

  /** Whether another pointer is at work. A pen takes over what a finger has begun. @param {PointerEvent} event */
  function isTaken(event) {
    if (event.pointerType === "pen" && hand.active?.by === "touch") hand.active = null;
    return hand.active !== null;
  }

  /**
   * Boxes that a press would take hold of. Tools that draw by clicks draw over boxes too, the selected one apart.
   * @param {Point} point  Of the screen.
   */
  function boxesAt(point) {
    const editor = shown();
    if (!editor || hand.drawing) return [];
    const view = viewport.view();
    const { selected } = editor;
    const under = boxesUnder(toImage(view, point), REACH_PX / view.scale);
    return host.look().tool === "box" ? under : under.filter((box) => box.id === selected);
  }

  /** @param {PointerEvent} event @param {Grip} grip */
  function pressHandle(event, grip) {
    const box = handled();
    if (!box || isTaken(event) || viewport.down(event)) return;
    event.stopPropagation();
    if (event.altKey && grip.kind === "corner") dropCorner(box, grip.at);
    else begin(event, pressGrip(box, grip, toImage(viewport.view(), viewport.place(event))));
  }

  /** @param {Box} box @param {number} at */
  function dropCorner(box, at) {
    const editor = shown();
    if (!editor || !box.shape) return;
    const left = box.shape.toSpliced(at, 1);
    host.edit(left.length < MIN_CORNERS ? deleteBox(editor, box.id) : select(setCorners(editor, box.id, left), box.id));
  }

  /** @param {PointerEvent} event @param {Gesture} gesture */
  function begin(event, gesture) {
    root.setPointerCapture(event.pointerId);
    const at = viewport.place(event);
    hand.active = { gesture, start: at, at, result: null, pointerId: event.pointerId, by: event.pointerType };
    changed();
  }

  function follow() {
    const { active } = hand;
    const editor = shown();
    if (!host.editable || !editor || !active) return;
    const { gesture, start, at, result } = active;
    if (gesture.kind === "draw" && host.look().tool !== "box") return;
    const slack = gesture.grip ? 1 : CLICK_PX;
    if (!result && Math.hypot(at.x - start.x, at.y - start.y) < slack) return;
    hand.drawing = null;
    active.result = gestureResult(gesture, editor, toImage(viewport.view(), at));
  }

  /** @param {PointerEvent} event */
  function release(event) {
    const { active } = hand;
    const editor = shown();
    if (!editor || active?.pointerId !== event.pointerId) return;
    active.at = viewport.place(event);
    follow();
    const { gesture, result } = active;
    hand.active = null;
    if (!result) click(editor, gesture, viewport.place(event), event.shiftKey);
    else if (gesture.kind === "draw") {
      host.edit(isDrawn(result.rect) ? addBox(editor, result.rect, host.newLabel()) : select(editor, null));
    } else if (gesture.box) {
      const { id } = gesture.box;
      host.edit(select(result.shape ? setCorners(editor, id, result.shape) : reshapeBox(editor, id, result.rect), id));
    }
    hover(event);
    changed();
  }

  /**
   * A press that went nowhere: it selects a box, sets a point of a drawing, or lets go of the selected box.
   * @param {Editor} editor
   * @param {Gesture} gesture
   * @param {Point} at
   * @param {boolean} forceDraw
   */
  function click(editor, gesture, at, forceDraw) {
    if (gesture.grip) return host.edit(select(editor, gesture.box?.id ?? null));
    const under = gesture.kind === "draw" ? [] : boxesAt(at);
    if (under.length) return host.edit(select(editor, clickedBox(under, editor.selected)));
    if (!host.editable || (!hand.drawing && editor.selected !== null && !forceDraw)) return host.edit(select(editor, null));
    const begun = hand.drawing ?? { tool: host.look().tool, points: [] };
    const view = viewport.view();
    return take(addPoint(begun, toImage(view, at), editor.size, CLOSE_PX / view.scale));
  }

  /** @param {{drawing: Drawing | null, drawn: Drawn | null}} step */
  function take(step) {
    hand.drawing = step.drawing;
    const { drawn } = step;
    const editor = shown();
    if (editor && drawn) {
      const label = host.newLabel();
      host.edit("rect" in drawn ? addBox(editor, drawn.rect, label) : addPolygon(editor, drawn.shape, label));
    }
    changed();
  }

  /** @param {PointerEvent} event */
  function hover(event) {
    if (isPalm(event)) return;
    hand.pointer = placeOf(event);
    changed();
    const editor = shown();
    if (!editor || hand.active || isOwn(event.target)) return;
    const under = hand.pointer ? boxesAt(hand.pointer) : [];
    const box = under.find((one) => one.id === editor.selected) ?? under[0];
    canvas.style.cursor = !host.editable ? "default" : box && !event.shiftKey ? "move" : "crosshair";
    hand.hovered = box?.id ?? null;
  }

  root.addEventListener("pointerdown", (event) => {
    const editor = shown();
    if (!editor || isPalm(event)) return;
    if (isTaken(event)) {
      if (viewport.down(event)) hand.active = null;
      return;
    }
    if (viewport.down(event)) return changed();
    if (event.button !== 0) return;
    const at = viewport.place(event);
    begin(event, pressCanvas(boxesAt(at), editor.selected, toImage(viewport.view(), at), event.shiftKey));
  });
  // The pointer takes no focus: a ring around the whole image would be in the way. Keys work all the same.
  root.addEventListener("mousedown", (event) => {
    event.preventDefault();
    leaveFocus();
  });
  root.addEventListener("dblclick", () => hand.drawing && take(closeDrawing(hand.drawing)));
  root.addEventListener("auxclick", (event) => event.preventDefault());
  root.addEventListener("pointermove", (event) => {
    if (viewport.move(event)) return;
    const { active } = hand;
    if (active?.pointerId !== event.pointerId) return hover(event);
    active.at = viewport.place(event);
    hand.pointer = placeOf(event);
    follow();
    changed();
  });
  root.addEventListener("pointerup", (event) => {
    if (!viewport.up(event)) release(event);
    changed();
  });
  root.addEventListener("pointercancel", (event) => {
    viewport.up(event);
    if (hand.active?.pointerId === event.pointerId) cancel();
  });
  root.addEventListener("pointerleave", () => {
    hand.pointer = null;
    if (!hand.active) hand.hovered = null;
    changed();
  });
  /** Drop what the pointer is doing, or what is being drawn; true where there was anything. */
  function cancel() {
    const was = hand.active !== null || hand.drawing !== null;
    hand.active = null;
    hand.drawing = null;
    changed();
    return was;
  }

  return {
    /** @type {Readonly<Hand>} */
    hand,
    pressHandle,
    dropCorner,
    cancel,
    /** Another task is shown: what was begun belonged to the one before. */
    letGo() {
      Object.assign(hand, { active: null, drawing: null, hovered: null });
    },
    /** Whether something is being drawn, moved or resized that would be lost. A single point is none. */
    isBusy: () => hand.active !== null || (hand.drawing !== null && (hand.drawing.tool !== "box" || hand.drawing.points.length > 1)),
    isDrawing: () => hand.drawing !== null,
    /** End a polygon with the corners that it has. */
    closeDrawing: () => hand.drawing && take(closeDrawing(hand.drawing)),
    /** Take back the last point of what is being drawn; true where anything is. */
    dropPoint() {
      const was = hand.drawing !== null;
      hand.drawing = hand.drawing && dropPoint(hand.drawing);
      changed();
      return was;
    },
  };
}
