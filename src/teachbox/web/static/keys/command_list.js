/** What each command is called, in the order in which the key help shows them. Data. */

/** @typedef {{name: string, title: string}} Named */

const DIRECTIONS = /** @type {const} */ (["left", "right", "up", "down"]);

/** @type {readonly {group: string, commands: readonly Named[]}[]} */
export const COMMAND_GROUPS = [
  {
    group: "The image",
    commands: [
      { name: "accept", title: "Accept" },
      { name: "reject", title: "Reject" },
      { name: "ignore", title: "Ignore" },
      { name: "undo", title: "Take the last answer back; delete the selected box" },
      { name: "skip", title: "Skip: it comes again later" },
      { name: "flag", title: "Flag it, to be found again" },
      { name: "save", title: "Save" },
      { name: "history", title: "History: to the list and back" },
      { name: "progress", title: "Progress: how the work goes" },
    ],
  },
  {
    group: "Boxes",
    commands: [
      { name: "next-box", title: "Next box" },
      { name: "previous-box", title: "Previous box" },
      { name: "deselect", title: "Let go; drop what is being drawn" },
      { name: "delete", title: "Delete" },
      { name: "name-label", title: "Choose a label by typing its name" },
      { name: "edit-labels", title: "Labels: add, rename, recolour" },
      { name: "copy", title: "Copy" },
      { name: "paste", title: "Paste, on this image or another" },
      { name: "undo-edit", title: "Undo an edit" },
      { name: "redo-edit", title: "Do it again" },
    ],
  },
  {
    group: "Suggestions",
    commands: [
      { name: "accept-box", title: "Accept the box, go to the next suggestion" },
      { name: "reject-box", title: "Reject it, go to the next" },
      { name: "clear-suggestions", title: "Clear all of them" },
      { name: "snap", title: "Snap the box, or the last drawn, to a prediction" },
      { name: "repeat", title: "The last image’s boxes, once more" },
      { name: "limit-down", title: "More of them: from a lower score" },
      { name: "limit-up", title: "Fewer: from a higher score" },
      { name: "label-limit-down", title: "More of this label" },
      { name: "label-limit-up", title: "Fewer of this label" },
    ],
  },
  {
    group: "Drawing",
    commands: [
      { name: "insert-box", title: "A new box in the middle" },
      { name: "tool-box", title: "Boxes: drag, or click two corners" },
      { name: "tool-extreme", title: "Boxes by four extreme points" },
      { name: "tool-polygon", title: "Polygons" },
      { name: "finish", title: "Close the polygon" },
    ],
  },
  {
    group: "Place and size",
    commands: [
      ...DIRECTIONS.map((way) => ({ name: `move-${way}`, title: `Move the box ${way} by 1` })),
      ...DIRECTIONS.map((way) => ({ name: `move-far-${way}`, title: `Move the box ${way} by 10` })),
      ...DIRECTIONS.map((way) => ({ name: `size-${way}`, title: `Move its ${edgeOf(way)} ${way} by 1` })),
      ...DIRECTIONS.map((way) => ({ name: `size-far-${way}`, title: `Move its ${edgeOf(way)} ${way} by 10` })),
      { name: "handles", title: "To the handles: arrows then move one" },
    ],
  },
  {
    group: "View",
    commands: [
      { name: "zoom-in", title: "Zoom in" },
      { name: "zoom-out", title: "Zoom out" },
      { name: "zoom-fit", title: "Fit the image" },
      { name: "zoom-actual", title: "Pixel for pixel" },
      { name: "pan", title: "Hold and drag: pan" },
      { name: "peek", title: "Hold: hide the boxes" },
      { name: "tags", title: "Labels on boxes" },
      { name: "crosshair", title: "Crosshair" },
      { name: "darker", title: "Darker" },
      { name: "brighter", title: "Brighter" },
      { name: "less-contrast", title: "Less contrast" },
      { name: "more-contrast", title: "More contrast" },
      { name: "plain-image", title: "The image as it is" },
      { name: "instructions", title: "Instructions" },
      { name: "help", title: "These keys" },
    ],
  },
];

/** @param {string} way */
function edgeOf(way) {
  return way === "left" || way === "right" ? "right side" : "lower side";
}

/** @param {string} name */
export function titleOf(name) {
  return COMMAND_GROUPS.flatMap(({ commands }) => commands).find((one) => one.name === name)?.title ?? name;
}
