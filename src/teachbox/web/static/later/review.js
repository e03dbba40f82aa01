/**
 * What several annotators have said of one image, shown together: boxes of each version in its own colour beneath those that
 * are edited, or beside the image what was chosen. One of them is taken to begin with, by key or click, and corrected.
 */

import { commit, openEditor } from "../boxes/editor.js";
import { cornersOf, isShape, sameRect, spanRect } from "../boxes/spans.js";
import { toScreen } from "../canvas/view.js";
import { labelKey } from "../keys/keymap.js";
import { inkOn } from "../panels/colors.js";
import { element } from "../panels/dom.js";
import { KEYS, createBeside, optionButton } from "./beside.js";
import { createQuestion as createAsked } from "./question.js";

/** @import { Scene } from "../canvas/paint.js" */
/** @import { Config } from "../desk/config.js" */
/** @import { Desk } from "../desk/desk.js" */
/** @import { Editor, Rect, Shape, Span, Task, Version } from "../types.js" */
/** @import { Question } from "./question.js" */

/** Told apart from each other, and from the colours that labels have at first. */
const COLORS = ["#ff4fa3", "#3ddbff", "#ffe14d", "#a78bfa", "#7dff6b", "#ff8a5c"];
/** Frames of versions lie around each other, so that those at one place are all seen. */
const APART_PX = 3;
const TAG_HEIGHT = 16;
const TAG_FONT = '600 11px system-ui, "Segoe UI", Roboto, Arial, sans-serif';

/**
 * @param {readonly string[]} views
 * @param {Config} config
 * @param {Desk} desk
 * @param {number} askedKey  The place of the first key of what is asked; those of the versions come after.
 * @param {(label: string) => string} colorOf
 * @returns {Question}
 */
export function createQuestion(views, config, desk, askedKey, colorOf) {
  const { section, title, list } = createBeside("versions");
  // Where it is boxes nothing else is asked; what is asked stands above the versions.
  const asked = views.includes("image") ? createAsked(views, config, desk, askedKey, colorOf) : null;
  const firstKey = asked ? askedKey + KEYS : askedKey;
  const answers = views.includes("classification");
  list.ariaLabel = answers ? "Versions, give the answer of one" : "Versions, take one to begin with";
  /** @type {Task | null} */
  let shown = null;
  /** @type {HTMLElement[]} */
  let buttons = [];

  /** @param {Version} version @param {number} place */
  function buttonOf(version, place) {
    const words = [element("span", "name", version.names.join(", ")), element("span", "soft", saidText(version, shown, answers))];
    return optionButton(place, firstKey, asked ? "" : colorAt(place), words, take);
  }

  /** @param {number} place */
  function take(place) {
    const version = shown?.versions?.[place];
    if (!version || desk.current()?.task !== shown) return;
    if (answers) return desk.give(version.answer);
    if (!asked) desk.change((editor) => replaceBoxes(editor, version.spans));
    const said = version.accept ? { accept: version.accept } : {};
    return desk.takeSaid(said, `${version.names.join(" and ")}: ${saidText(version, shown, answers)}`);
  }

  return {
    show() {
      asked?.show();
      const entry = desk.current();
      section.hidden = !entry;
      if (!entry) return;
      const versions = entry.task.versions ?? [];
      if (entry.task !== shown) {
        shown = entry.task;
        title.textContent = titleOf(entry.task);
        buttons = versions.map(buttonOf);
        list.replaceChildren(...buttons);
      }
      if (answers) return;
      buttons.forEach((button, place) => {
        const version = versions[place];
        const same = version && (asked ? sameIds(version.accept, entry.said.accept) : isVersion(entry.editor, version.spans));
        button.ariaPressed = String(Boolean(same));
      });
    },

    choose(place) {
      if (asked?.choose(place)) return true;
      const at = place - firstKey;
      if (at < 0 || at >= Math.min(KEYS, buttons.length)) return false;
      take(at);
      return true;
    },

    words(task) {
      const versions = (task.versions ?? []).slice(0, KEYS);
      const named = versions.map((version, place) => `${labelKey(place + firstKey)} ${version.names.join(" and ")}, ${saidText(version, task, answers)}`);
      return [...(asked ? [asked.words(task)] : []), [titleOf(task), ...named].join("; ")].join(" ");
    },

    paint(context, scene) {
      if (shown) paintVersions(context, scene, shown.versions ?? []);
    },
  };
}

/** @param {number} place */
function colorAt(place) {
  return COLORS[place % COLORS.length] ?? "#ff4fa3";
}

/** @param {Task} task */
function titleOf({ versions = [], agreement = null }) {
  const kinds = versions.length === 1 ? "1 version" : `${versions.length} versions`;
  return agreement === null ? kinds : `${kinds}, ${Math.round(agreement * 100)} % agreement`;
}

/** @param {Version} version @param {Task | null} task @param {boolean} answers  Whether the answer is all that was said. */
function saidText({ answer, spans, accept }, task, answers) {
  if (answers) return answer;
  const chosen = (task?.options ?? []).filter(({ id }) => accept?.includes(id)).map(({ text }) => text);
  const boxes = spans.length === 1 ? "1 box" : `${spans.length} boxes`;
  const said = accept ? chosen.join(", ") || "nothing chosen" : boxes;
  return answer === "accept" ? said : `${answer}, ${said}`;
}

/** @param {readonly (string | number)[]} [a] @param {readonly (string | number)[]} [b] */
function sameIds(a = [], b = []) {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/**
 * The boxes of a version in the place of those that are there, in one edit; the same editor where they are its already.
 * @param {Editor} editor
 * @param {readonly Span[]} spans
 * @returns {Editor}
 */
function replaceBoxes(editor, spans) {
  if (isVersion(editor, spans)) return editor;
  const come = openEditor(spans, editor.size, null).all.map((box, place) => ({ ...box, id: editor.nextId + place }));
  return commit({ ...editor, selected: null, nextId: editor.nextId + come.length }, come);
}

/** Whether the boxes are those of a version. @param {Editor} editor @param {readonly Span[]} spans */
function isVersion(editor, spans) {
  const boxes = openEditor(spans, editor.size, null).all;
  return boxes.length === editor.boxes.length && boxes.every(({ label, rect, shape }, place) => {
    const box = editor.boxes[place];
    return box?.label === label && sameRect(box.rect, rect) && String(box.shape) === String(shape);
  });
}

/**
 * Frames of all versions; those of an object that not everybody has are dashed, and one tag for them says who has it.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {readonly Version[]} versions
 */
function paintVersions(context, { density, view }, versions) {
  context.setTransform(density, 0, 0, density, 0, 0);
  context.lineWidth = 2;
  const tags = [];
  for (const parts of objectsOf(versions)) {
    const alone = parts.length < versions.length;
    context.setLineDash(alone ? [7, 4] : []);
    let [left, bottom] = [Infinity, -Infinity];
    for (const { place, rect, shape } of parts) {
      const { x, y, width, height } = toScreen(view, rect);
      const out = APART_PX * (place + 1);
      context.strokeStyle = colorAt(place);
      context.beginPath();
      for (const [left, top] of shape) {
        // The hull grows by `out` on each side, and the shape with it.
        const across = (left - rect.x) / rect.width || 0;
        const down = (top - rect.y) / rect.height || 0;
        context.lineTo(x - out + across * (width + 2 * out), y - out + down * (height + 2 * out));
      }
      context.closePath();
      context.stroke();
      [left, bottom] = [Math.min(left, x - out), Math.max(bottom, y + height + out)];
    }
    const [first] = parts;
    const names = parts.flatMap(({ place }) => versions[place]?.names ?? []);
    if (alone && first) tags.push({ x: left, y: bottom + 2, color: colorAt(first.place), text: `${names.join(", ")}: ${first.label}` });
  }
  context.setLineDash([]);
  context.font = TAG_FONT;
  context.textBaseline = "middle";
  for (const { x, y, color, text } of tags) {
    context.fillStyle = color;
    context.fillRect(x, y, context.measureText(text).width + 10, TAG_HEIGHT);
    context.fillStyle = inkOn(color);
    context.fillText(text, x + 5, y + TAG_HEIGHT / 2 + 0.5);
  }
}

/**
 * The boxes of all versions, those of one object together.
 * @param {readonly Version[]} versions
 */
function objectsOf(versions) {
  /** @type {Map<number, {place: number, rect: Rect, shape: Shape, label: string}[]>} */
  const objects = new Map();
  versions.forEach(({ spans, groups }, place) => {
    spans.forEach((span, at) => {
      const rect = spanRect(span);
      const group = groups[at] ?? -1;
      if (!rect) return;
      const shape = isShape(span) && span.points ? span.points : cornersOf(rect);
      objects.set(group, [...(objects.get(group) ?? []), { place, rect, shape, label: span.label }]);
    });
  });
  return objects.values();
}
