/** What a person does to predicted boxes as such. Pure. */

import { isSuggestion } from "./limits.js";

/** @import { Editor, Span, Task } from "../types.js" */

/**
 * Predicted boxes of a task that are not there any more as they were predicted: changed, agreed to, or removed.
 * @param {Pick<Task, "spans" | "candidates" | "replaced">} task
 * @param {Editor} editor
 * @returns {Span[]}
 */
export function replacedSpans({ spans = [], candidates = [], replaced = [] }, editor) {
  const left = new Set(editor.all.filter(isSuggestion).map((box) => JSON.stringify(box.span)));
  const predicted = [...spans, ...candidates].filter((span) => span.score !== undefined && !span.touched);
  return [...replaced, ...predicted.filter((span) => !left.has(JSON.stringify(span)))];
}
