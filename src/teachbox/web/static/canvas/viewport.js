/** What of an image is in sight: fitted, zoomed, panned. By wheel, by two fingers, by a held key and the pointer. */

import { fitView, panView, revealRect, zoomView } from "./view.js";

/** @import { Point, Rect, Size, View } from "../types.js" */

const PADDING = 22;
/** The smallest scale, as a part of the one that fits. */
const SMALLEST = 0.5;
/** What a wheel, and what a pinch on a trackpad, has to turn for twice the size. */
const WHEEL_DOUBLE = 260;
const PINCH_DOUBLE = 70;
const LINE_PX = 33;

/**
 * @param {HTMLElement} root
 * @param {() => void} changed
 */
export function createViewport(root, changed) {
  /** @type {Size} */
  let port = { width: 1, height: 1 };
  /** @type {Size} */
  let image = { width: 0, height: 0 };
  /** @type {View} */
  let view = { scale: 1, x: 0, y: 0 };
  let fitted = true;
  let panHeld = false;
  let panned = false;
  /** Pointers that pan or pinch, and where they are. @type {Map<number, Point>} */
  const navigating = new Map();
  /** Fingers on the screen. @type {Map<number, Point>} */
  const fingers = new Map();

  function fit() {
    fitted = true;
    if (image.width) view = fitView(image, port, PADDING);
    changed();
  }

  /** @param {Point} at @param {number} factor */
  function zoom(at, factor) {
    if (!image.width) return;
    fitted = false;
    const smallest = fitView(image, port, PADDING).scale * SMALLEST;
    view = panView(zoomView(view, at, factor, smallest), { x: 0, y: 0 }, image, port);
    changed();
  }

  /** @param {Point} by */
  function pan(by) {
    if (!image.width) return;
    fitted = false;
    view = panView(view, by, image, port);
    changed();
  }

  /** @param {{clientX: number, clientY: number}} event */
  function place(event) {
    const corner = root.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  }

  root.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
      const [x, y] = [event.deltaX * unit, event.deltaY * unit];
      if (event.ctrlKey || event.metaKey) zoom(place(event), 2 ** (-y / PINCH_DOUBLE));
      else if (event.shiftKey || isTrackpad(event)) pan({ x: -(event.shiftKey && !x ? y : x), y: event.shiftKey && !x ? 0 : -y });
      else zoom(place(event), 2 ** (-y / WHEEL_DOUBLE));
    },
    { passive: false },
  );

  return {
    port: () => port,
    view: () => view,
    place,
    fit,
    pan,
    zoom,
    /** Zoom where nothing points: about the middle. @param {number} factor */
    zoomMiddle: (factor) => zoom({ x: port.width / 2, y: port.height / 2 }, factor),
    /** One pixel of the image on one of the screen. */
    actualSize() {
      zoom({ x: port.width / 2, y: port.height / 2 }, 1 / (window.devicePixelRatio || 1) / view.scale);
    },
    /** Bring a rectangle of the image into sight. @param {Rect} rect */
    reveal(rect) {
      const next = revealRect(view, rect, image, port);
      if (next === view) return;
      fitted = false;
      view = next;
      changed();
    },
    /** Another image, or its size: it is fitted. @param {Size} size */
    open(size) {
      image = size;
      fit();
    },
    /** The room has changed. What was fitted is fitted again. */
    measure() {
      const box = root.getBoundingClientRect();
      const before = port;
      port = { width: Math.max(1, box.width), height: Math.max(1, box.height) };
      if (fitted) return fit();
      return pan({ x: (port.width - before.width) / 2, y: (port.height - before.height) / 2 });
    },
    /** While the key for it is held, the pointer pans. @param {boolean} on */
    holdPan(on) {
      panHeld = on;
      if (on) panned = false;
      root.classList.toggle("pan", on);
    },
    /** Whether the pointer has panned since the key was pressed. */
    hasPanned: () => panned,
    isNavigating: () => navigating.size > 0,

    /** A pointer goes down: true where it pans or pinches, and means nothing else. @param {PointerEvent} event */
    down(event) {
      const at = place(event);
      if (event.pointerType === "touch") fingers.set(event.pointerId, at);
      if (fingers.size > 1) for (const [id, finger] of fingers) navigating.set(id, finger);
      else if (event.button === 1 || (event.button === 0 && panHeld)) navigating.set(event.pointerId, at);
      if (!navigating.has(event.pointerId)) return false;
      root.setPointerCapture(event.pointerId);
      root.classList.add("panning");
      return true;
    },

    /** @param {PointerEvent} event */
    move(event) {
      const at = place(event);
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
      const before = navigating.get(event.pointerId);
      if (!before) return false;
      panned = true;
      const other = [...navigating].find(([id]) => id !== event.pointerId)?.[1];
      navigating.set(event.pointerId, at);
      const share = other ? 2 : 1;
      pan({ x: (at.x - before.x) / share, y: (at.y - before.y) / share });
      if (other) {
        const spread = Math.hypot(at.x - other.x, at.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
        zoom({ x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 }, spread);
      }
      return true;
    },

    /** @param {PointerEvent} event */
    up(event) {
      fingers.delete(event.pointerId);
      if (!navigating.has(event.pointerId)) return false;
      // A finger that stays after a pinch does nothing: it must not draw.
      if (!fingers.size) navigating.clear();
      else if (event.pointerType !== "touch") navigating.delete(event.pointerId);
      if (!navigating.size) root.classList.remove("panning");
      return true;
    },
  };
}

/**
 * Two fingers on a trackpad, or a wheel? A wheel's `wheelDelta` is whole notches of 120; a trackpad's is three times what it
 * moves. Where a browser does not tell, pixels are a trackpad's, lines a wheel's.
 * @param {WheelEvent} event
 */
function isTrackpad(event) {
  const notches = /** @type {{wheelDeltaY?: number}} */ (event).wheelDeltaY;
  if (event.deltaX && event.deltaMode === WheelEvent.DOM_DELTA_PIXEL) return true;
  if (notches === undefined) return event.deltaMode === WheelEvent.DOM_DELTA_PIXEL;
  return notches % 120 !== 0;
}
