/** What is asked of each image: which views are shown together, and what a task holds of their answers. Pure. */

/** @import { Project, Task } from "../types.js" */

/** What a person has said of an image beside its boxes. @typedef {{accept?: (string | number)[]}} Said */

/**
 * The views that are shown together.
 * @param {Project} project
 * @returns {readonly string[]}
 */
export function viewsOf({ view_id: view = "image_manual", config }) {
  const blocks = (config?.blocks ?? []).map((block) => block.view_id);
  return view === "blocks" ? blocks : [...blocks, view];
}

/** Whether boxes are drawn and changed. @param {readonly string[]} views */
export function mayEdit(views) {
  return views.includes("image_manual") || (views.includes("review") && !views.includes("image"));
}

/** Whether something is asked beside boxes. @param {readonly string[]} views */
export function asksMore(views) {
  return views.some((view) => view !== "image" && view !== "image_manual");
}

/** What is said of a task as it comes. @param {Task} task @returns {Said} */
export function openSaid({ options, accept }) {
  return options ? { accept: accept ?? [] } : {};
}

/** Whether the same is said. @param {Said} a @param {Said} b */
export function sameSaid(a, b) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The options that are chosen after one of them was pressed: one that was chosen is not any more.
 * @param {readonly (string | number)[]} accept
 * @param {string | number} id
 * @param {boolean} single
 */
export function chooseOption(accept, id, single) {
  const others = accept.filter((one) => one !== id);
  return others.length < accept.length ? others : single ? [id] : [...accept, id];
}
