/** What the settings say of the page, whole: keys that the server does not tell stand as they are here. Pure. */

import { mayEdit, viewsOf } from "./asked.js";

/** @import { Answer, Project } from "../types.js" */
/** @import { Tool } from "../canvas/drawing.js" */

/**
 * @typedef {object} Config
 * @property {{labels?: Record<string, string>, cardMaxWidth?: number}} custom_theme
 * @property {boolean} instructions  Whether there are any.
 * @property {boolean} show_stats
 * @property {boolean} hide_meta
 * @property {boolean} show_flag
 * @property {readonly (Answer | "undo")[]} buttons
 * @property {number} darken_image  0 to 1.
 * @property {number} history_length  So many answers can be taken back.
 * @property {readonly ("rect" | "polygon")[]} image_manual_modes
 * @property {boolean} image_manual_show_labels
 * @property {readonly {view_id: string}[]} blocks
 * @property {"single" | "multiple"} choice_style
 * @property {boolean} choice_auto_accept
 */

/** @type {Config} */
const DEFAULTS = {
  custom_theme: {},
  instructions: false,
  show_stats: true,
  hide_meta: false,
  show_flag: true,
  buttons: ["accept", "reject", "ignore", "undo"],
  darken_image: 0,
  history_length: 20,
  image_manual_modes: ["rect", "polygon"],
  image_manual_show_labels: true,
  blocks: [],
  choice_style: "single",
  choice_auto_accept: false,
};

/** @type {readonly (readonly [Tool, "rect" | "polygon"])[]} */
const TOOLS = [["box", "rect"], ["extreme", "rect"], ["polygon", "polygon"]];

/**
 * @param {Project} project
 * @returns {Config}
 */
export function configOf(project) {
  const config = { ...DEFAULTS, ...project.config };
  return mayEdit(viewsOf(project)) ? config : { ...config, image_manual_modes: [] };
}

/**
 * The tools that draw what may be drawn, the one to begin with first.
 * @param {Config} config
 * @returns {Tool[]}
 */
export function toolsOf({ image_manual_modes: modes }) {
  return TOOLS.filter(([, shape]) => modes.includes(shape)).map(([tool]) => tool);
}
