/** What can be grabbed of a box, as elements: its body, and handles on its sides, or on a polygon's corners and edges. */

import { handlePoints } from "../boxes/geometry.js";
import { edgeMiddles } from "../boxes/polygons.js";
import { toScreen } from "./view.js";

/** @import { Box, Grip, Shape, View } from "../types.js" */

/** @typedef {{grip: Grip, name: string, title: string, look: string, x: number, y: number}} Place */

const ROOM_PX = 30;
/** A body is no smaller, however small the box is on the screen. */
const SMALLEST_BODY_PX = 10;
/** An edge shorter on the screen has no handle of its own: it would lie over those of the corners. */
const SHORTEST_EDGE_PX = 40;

const SIDES = {
  nw: "top left corner", n: "top side", ne: "top right corner", e: "right side",
  se: "bottom right corner", s: "bottom side", sw: "bottom left corner", w: "left side",
};

/**
 * @param {HTMLElement} body
 * @param {HTMLElement} layer  Holds the handles.
 * @param {(event: PointerEvent, grip: Grip) => void} press
 */
export function createHandles(body, layer, press) {
  /** @type {HTMLElement[]} */
  const elements = [];
  /** @type {Place[]} */
  let places = [];

  /** @param {number} at */
  function elementAt(at) {
    const known = elements[at];
    if (known) return known;
    const element = document.createElement("div");
    element.role = "button";
    element.tabIndex = -1;
    element.addEventListener("pointerdown", (event) => {
      const place = places[at];
      if (place && event.button === 0 && !event.shiftKey) press(event, place.grip);
    });
    elements[at] = element;
    layer.append(element);
    return element;
  }

  /** @param {Box | null} box @param {View} view */
  function showBody(box, view) {
    body.hidden = !box;
    if (!box) return;
    const { x, y, width, height } = toScreen(view, box.rect);
    const wider = Math.max(0, (SMALLEST_BODY_PX - width) / 2);
    const higher = Math.max(0, (SMALLEST_BODY_PX - height) / 2);
    body.style.transform = `translate(${x - wider}px, ${y - higher}px)`;
    body.style.width = `${width + 2 * wider}px`;
    body.style.height = `${height + 2 * higher}px`;
  }

  return {
    /**
     * @param {Box | null} box  Whose handles are shown.
     * @param {Box | null} selected  Whose body can have the focus.
     * @param {View} view
     */
    show(box, selected, view) {
      showBody(selected, view);
      places = box ? (box.shape ? shapePlaces(box.shape, view) : sidePlaces(box, view)) : [];
      places.forEach((place, at) => {
        const element = elementAt(at);
        element.hidden = false;
        if (element.dataset.handle !== place.name) {
          element.dataset.handle = place.name;
          element.className = `handle ${place.look}`;
          element.ariaLabel = place.title;
        }
        element.style.transform = `translate(${place.x}px, ${place.y}px)`;
      });
      for (const element of elements.slice(places.length)) element.hidden = true;
    },

    /** Say what the body is. @param {string} text */
    name(text) {
      if (body.ariaLabel !== text) body.ariaLabel = text;
    },

    /** What of the box has the keyboard's focus; null where nothing has. @returns {Grip | null} */
    focused() {
      const at = elements.findIndex((element) => element === document.activeElement);
      return places[at]?.grip ?? null;
    },

    /** Give the focus to the handle after the one that has it, or before it; true where there is one. @param {1 | -1} by */
    focusNext(by) {
      const at = elements.findIndex((element) => element === document.activeElement);
      const next = places.length ? (at < 0 && by < 0 ? places.length - 1 : at + by) : -1;
      const element = places[next] && elements[next];
      element?.focus();
      return Boolean(element);
    },

    focusBody: () => body.focus(),
    contains: (/** @type {EventTarget | null} */ target) => target instanceof Node && layer.contains(target),
    hasFocus: () => document.activeElement === body || layer.contains(document.activeElement),
  };
}

/** @param {Box} box @param {View} view @returns {Place[]} */
function sidePlaces(box, view) {
  return handlePoints(toScreen(view, box.rect), ROOM_PX).map(({ handle, x, y }) => ({
    grip: { kind: "side", side: handle },
    name: handle,
    title: SIDES[handle],
    look: `handle-${handle}`,
    x,
    y,
  }));
}

/** @param {Shape} shape @param {View} view @returns {Place[]} */
function shapePlaces(shape, view) {
  /** @param {readonly [number, number]} point */
  const onScreen = ([x, y]) => ({ x: x * view.scale + view.x, y: y * view.scale + view.y });
  /** @type {Place[]} */
  const places = shape.map((point, at) => ({
    grip: { kind: "corner", at },
    name: `corner-${at}`,
    title: `corner ${at + 1} of ${shape.length}`,
    look: "handle-corner",
    ...onScreen(point),
  }));
  edgeMiddles(shape).forEach((point, at) => {
    const [x, y] = /** @type {[number, number]} */ (shape[at]);
    if (2 * Math.hypot(point[0] - x, point[1] - y) * view.scale < SHORTEST_EDGE_PX) return;
    const title = `new corner after corner ${at + 1}`;
    places.push({ grip: { kind: "edge", at }, name: `edge-${at}`, title, look: "handle-edge", ...onScreen(point) });
  });
  return places;
}

