/** The canvas with its handles: shows one task's image and boxes, and turns what a pointer does into edits. */

import { createBoxIndex } from "../boxes/box_index.js";
import { addBox, addPolygon, deleteBox, reshapeBox, select, selectedBox, setCorners } from "../boxes/editor.js";
import { clipRect, contains } from "../boxes/geometry.js";
import { MIN_CORNERS, fitShape } from "../boxes/polygons.js";
import { acceptBox } from "../boxes/suggestions.js";
import { leaveFocus } from "../panels/dom.js";
import { createCrosshair } from "./crosshair.js";
import { addPoint, closeDrawing, dropPoint, previewDrawing } from "./drawing.js";
import { clickedBox, gestureResult, isDrawn, moveGrip, pressCanvas, pressGrip } from "./gesture.js";
import { createHandles } from "./handles.js";
import { createGround } from "./ground.js";
import { paintActive } from "./paint.js";
import { toImage, visibleRect } from "./view.js";
import { createVerdict } from "./verdict.js";
import { createViewport } from "./viewport.js";

/** @import { Box, Editor, Grip, Point, Rect, Shape } from "../types.js" */
/** @import { Doubts } from "../boxes/doubts.js" */
/** @import { Drawing, Drawn, Tool } from "./drawing.js" */
/** @import { Gesture } from "./gesture.js" */
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

/** A pointer that moved less than this has clicked; on a handle every pixel counts. */
const CLICK_PX = 3;
const REACH_PX = 5;
/** A click so near to the first corner closes a polygon. */
const CLOSE_PX = 10;
const ARRIVAL_MS = 220;
/** @type {readonly Box[]} */
const NO_BOXES = [];
/** How much more than is in sight is asked for of a large image, on each side. */
const MARGIN = 0.25;

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
  const handles = createHandles(body, layer, pressHandle);
  const verdict = createVerdict(({ id }, accept) => {
    if (showing) host.edit((accept ? acceptBox : deleteBox)(showing.editor, id));
  });
  /** @type {Showing | null} */
  let showing = null;
  /** @type {{gesture: Gesture, start: Point, at: Point, result: {rect: Rect, shape: Shape | null} | null, pointerId: number} | null} */
  let active = null;
  /** @type {Drawing | null} */
  let drawing = null;
  /** Where a mouse is, on the screen. @type {Point | null} */
  let pointer = null;
  /** @type {number | null} */
  let hovered = null;
  let peeking = false;
  /** Whether the body of the active box is to have the focus as soon as it is there. */
  let focusing = false;
  let arrivedAt = -ARRIVAL_MS;
  let frame = 0;
  let wished = "";

  // What is shown

  /** The box that the handles hold: the selected one, or else the one under the pointer. */
  function handledBox() {
    if (!host.editable || !showing || drawing || peeking || active?.gesture.kind === "draw" || active?.gesture.kind === "move") return null;
    const { editor } = showing;
    const pointed = host.look().tool === "box" ? editor.boxes.find((box) => box.id === hovered) : null;
    return selectedBox(editor) ?? pointed ?? null;
  }

  /** A box as it looks now: under a gesture, where the pointer has it. @param {Box | null} box @returns {Box | null} */
  function now(box) {
    if (!box || !active?.result || active.gesture.box?.id !== box.id) return box;
    const { rect, shape } = active.result;
    return { ...box, rect, shape: shape ?? (box.shape && fitShape(box.shape, box.rect, rect)), touched: true };
  }

  /** The box that a gesture has taken from its place. */
  const heldId = () => (active?.result && active.gesture.box ? active.gesture.box.id : null);

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
    const ids = new Set([hovered, heldId(), editor.selected]);
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
    crosshair.show(host.editable && wanted && !viewport.isNavigating() && !peeking ? pointer : null);
    // What is on the screen and where, for whoever drives the page from outside.
    Object.assign(canvas.dataset, { task: showing.key, scale: view.scale, x: view.x, y: view.y });
    wishPart(showing, density);
    if (arrival < 1) repaint();
  }

  function repaint() {
    frame ||= requestAnimationFrame(paint);
  }

  /** @param {Editor} editor @returns {Draft | null} */
  function draftNow(editor) {
    const label = host.newLabel();
    if (active?.gesture.kind === "draw" && active.result) {
      return { label, rect: active.result.rect, points: [], closed: true };
    }
    const at = pointer && toImage(viewport.view(), pointer);
    return drawing && { label, ...previewDrawing(drawing, at, editor.size) };
  }

  /** Of an image that is not whole here, ask for what is looked at closely. @param {Showing} shown @param {number} density */
  function wishPart({ picture }, density) {
    const { size, copies, whole, part, url } = picture;
    const scale = Math.min(1, viewport.view().scale * density);
    const coarse = (copies[0]?.width ?? 0) / size.width;
    if (whole || scale <= coarse) return;
    const seen = clipRect(visibleRect(viewport.view(), viewport.port()), size);
    const enough = part && inside(part.rect, seen) && part.bitmap.width / part.rect.width >= scale * 0.7;
    if (enough || !seen.width || !seen.height) return;
    const wide = {
      x: seen.x - seen.width * MARGIN,
      y: seen.y - seen.height * MARGIN,
      width: seen.width * (1 + 2 * MARGIN),
      height: seen.height * (1 + 2 * MARGIN),
    };
    const rect = wholePixels(clipRect(wide, size));
    const wish = JSON.stringify([url, rect, scale]);
    if (wish === wished) return;
    wished = wish;
    host.wishPart(url, rect, scale);
  }

  // What a pointer does

  /**
   * Boxes that a press would take hold of. Tools that draw by clicks draw over boxes too, the selected one apart.
   * @param {Point} point  Of the screen.
   */
  function boxesAt(point) {
    if (!showing || peeking || drawing) return [];
    const view = viewport.view();
    index.sync(showing.editor.boxes);
    const { selected } = showing.editor;
    const under = index.at(toImage(view, point), REACH_PX / view.scale);
    return host.look().tool === "box" ? under : under.filter((box) => box.id === selected);
  }

  /** @param {PointerEvent} event @param {Grip} grip */
  function pressHandle(event, grip) {
    const box = handledBox();
    if (!box || active || viewport.down(event)) return;
    event.stopPropagation();
    if (event.altKey && grip.kind === "corner") dropCorner(box, grip.at);
    else begin(event, pressGrip(box, grip, toImage(viewport.view(), viewport.place(event))));
  }

  /** @param {Box} box @param {number} at */
  function dropCorner(box, at) {
    if (!showing || !box.shape) return;
    const { editor } = showing;
    const left = box.shape.toSpliced(at, 1);
    host.edit(left.length < MIN_CORNERS ? deleteBox(editor, box.id) : select(setCorners(editor, box.id, left), box.id));
  }

  /** @param {PointerEvent} event @param {Gesture} gesture */
  function begin(event, gesture) {
    root.setPointerCapture(event.pointerId);
    const at = viewport.place(event);
    active = { gesture, start: at, at, result: null, pointerId: event.pointerId };
    repaint();
  }

  function follow() {
    if (!host.editable || !showing || !active) return;
    const { gesture, start, at, result } = active;
    if (gesture.kind === "draw" && host.look().tool !== "box") return;
    const slack = gesture.grip ? 1 : CLICK_PX;
    if (!result && Math.hypot(at.x - start.x, at.y - start.y) < slack) return;
    if (drawing) drawing = null;
    active.result = gestureResult(gesture, showing.editor, toImage(viewport.view(), at));
  }

  /** @param {PointerEvent} event */
  function release(event) {
    if (!showing || active?.pointerId !== event.pointerId) return;
    active.at = viewport.place(event);
    follow();
    const { gesture, result } = active;
    active = null;
    const { editor } = showing;
    if (!result) click(editor, gesture, viewport.place(event), event.shiftKey);
    else if (gesture.kind === "draw") {
      host.edit(isDrawn(result.rect) ? addBox(editor, result.rect, host.newLabel()) : select(editor, null));
    } else if (gesture.box) {
      const { id } = gesture.box;
      host.edit(select(result.shape ? setCorners(editor, id, result.shape) : reshapeBox(editor, id, result.rect), id));
    }
    hover(event);
    repaint();
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
    if (!host.editable || (!drawing && editor.selected !== null && !forceDraw)) return host.edit(select(editor, null));
    const begun = drawing ?? { tool: host.look().tool, points: [] };
    const view = viewport.view();
    return take(addPoint(begun, toImage(view, at), editor.size, CLOSE_PX / view.scale));
  }

  /** @param {{drawing: Drawing | null, drawn: Drawn | null}} step */
  function take(step) {
    drawing = step.drawing;
    const { drawn } = step;
    if (showing && drawn) {
      const { editor } = showing;
      const label = host.newLabel();
      host.edit("rect" in drawn ? addBox(editor, drawn.rect, label) : addPolygon(editor, drawn.shape, label));
    }
    repaint();
  }

  /** @param {PointerEvent} event */
  function hover(event) {
    pointer = event.pointerType === "touch" ? null : viewport.place(event);
    repaint();
    if (!showing || active || handles.contains(event.target) || verdict.contains(event.target)) return;
    const under = pointer ? boxesAt(pointer) : [];
    const box = under.find((one) => one.id === showing?.editor.selected) ?? under[0];
    canvas.style.cursor = !host.editable ? "default" : box && !event.shiftKey ? "move" : "crosshair";
    hovered = box?.id ?? null;
  }

  root.addEventListener("pointerdown", (event) => {
    if (!showing || active) {
      if (active && viewport.down(event)) active = null;
      return;
    }
    if (viewport.down(event)) {
      repaint();
      return;
    }
    if (event.button !== 0) return;
    const at = viewport.place(event);
    begin(event, pressCanvas(boxesAt(at), showing.editor.selected, toImage(viewport.view(), at), event.shiftKey));
  });
  // The pointer takes no focus: a ring around the whole image would be in the way. Keys work all the same.
  root.addEventListener("mousedown", (event) => {
    event.preventDefault();
    leaveFocus();
  });
  root.addEventListener("dblclick", () => drawing && take(closeDrawing(drawing)));
  root.addEventListener("auxclick", (event) => event.preventDefault());
  root.addEventListener("pointermove", (event) => {
    if (viewport.move(event)) return;
    if (active?.pointerId !== event.pointerId) return hover(event);
    active.at = viewport.place(event);
    pointer = event.pointerType === "touch" ? null : active.at;
    follow();
    repaint();
  });
  root.addEventListener("pointerup", (event) => {
    if (!viewport.up(event)) release(event);
    repaint();
  });
  root.addEventListener("pointercancel", (event) => {
    viewport.up(event);
    if (active?.pointerId === event.pointerId) cancel();
  });
  root.addEventListener("pointerleave", () => {
    pointer = null;
    if (!active) hovered = null;
    repaint();
  });
  new ResizeObserver(() => {
    viewport.measure();
    paint();
  }).observe(root);

  /** Drop what the pointer is doing, or what is being drawn; true where there was anything. */
  function cancel() {
    const was = active !== null || drawing !== null;
    active = null;
    drawing = null;
    repaint();
    return was;
  }

  return {
    /**
     * @param {Showing | null} next
     * @param {boolean} [arrived]  Whether suggestions came to a task that is already shown.
     */
    show(next, arrived = false) {
      const other = next?.key !== showing?.key;
      if (other) {
        active = null;
        drawing = null;
        hovered = null;
      }
      const refit = next && (other || next.editor.size !== showing?.editor.size);
      const chosen = next?.editor.selected ?? null;
      const reveal = chosen !== null && chosen !== showing?.editor.selected && !active;
      showing = next;
      if (refit) viewport.open(next.editor.size);
      const box = reveal && next ? selectedBox(next.editor) : null;
      if (box && !pointer) viewport.reveal(box.rect);
      if (arrived) arrivedAt = performance.now();
      repaint();
    },
    cancel,
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
    /** Whether something is being drawn, moved or resized that would be lost. A single point is none. */
    isBusy: () => active !== null || (drawing !== null && (drawing.tool !== "box" || drawing.points.length > 1)),
    isDrawing: () => drawing !== null,
    /** End a polygon with the corners that it has. */
    closeDrawing: () => drawing && take(closeDrawing(drawing)),
    /** Take back the last point of what is being drawn; true where anything is. */
    dropPoint() {
      const was = drawing !== null;
      drawing = drawing && dropPoint(drawing);
      repaint();
      return was;
    },
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
      else if (grip.kind === "corner") dropCorner(box, grip.at);
    },
    /** What of the image is in sight. @returns {Rect} */
    inSight: () => visibleRect(viewport.view(), viewport.port()),
  };
}

/** @param {Rect} outer @param {Rect} inner */
function inside(outer, inner) {
  const end = { x: inner.x + inner.width, y: inner.y + inner.height };
  return contains(outer, inner, 1) && contains(outer, end, 1);
}

/** @param {Rect} rect @returns {Rect} */
function wholePixels({ x, y, width, height }) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  return { x: left, y: top, width: Math.floor(x + width) - left, height: Math.floor(y + height) - top };
}
