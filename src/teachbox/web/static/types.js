/**
 * The shapes that pass between the modules. `Task` and `Span` are the server's; the rest is the page's own.
 *
 * @typedef {{x: number, y: number}} Point
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number, width: number, height: number}} Rect
 * @typedef {readonly [number, number][]} Shape  Corners of a polygon.
 *
 * @typedef {"accept" | "reject" | "ignore"} Answer
 * @typedef {{id: number, name: string, color: string, was?: readonly string[]}} Label  `was`: names that it had before.
 *
 * @typedef {object} Span  One box as it travels, in pixels of the original image.
 * @property {string} label
 * @property {number} [x]
 * @property {number} [y]
 * @property {number} [width]
 * @property {number} [height]
 * @property {Shape} [points]
 * @property {string} [type]
 * @property {number} [score]  Stands on a predicted box only.
 * @property {number} [version]  Of the model that predicted it.
 * @property {string} [source]  The name of that model.
 * @property {boolean} [touched]  Whether a person has changed a predicted box, or agreed to it.
 * @property {Record<string, number>} [class_scores]  Label → how much the box is of that; gone with its label.
 *
 * @typedef {object} Task
 * @property {number} _task_hash
 * @property {number} _input_hash
 * @property {string} image  A URL.
 * @property {number} [width]
 * @property {number} [height]
 * @property {Span[]} [spans]
 * @property {Span[]} [candidates]  Predicted boxes below the server's threshold: none of its spans.
 * @property {Span[]} [replaced]  Predicted boxes that a person changed, agreed to or removed, as they were.
 * @property {{file?: string, [name: string]: unknown}} [meta]
 * @property {boolean} [flagged]
 * @property {string} [label]  What is asked about, of a classification.
 * @property {string} [text]
 * @property {Option[]} [options]  Of a choice.
 * @property {(string | number)[]} [accept]  Ids of the options that were chosen.
 * @property {Version[]} [versions]  Of a review: what was answered.
 * @property {number | null} [agreement]  0 to 1; null where one annotator alone has answered.
 * @property {number} [version]
 * @property {number} [_base_answer]  Id of the answer that it had when it was opened, where it is corrected.
 *
 * @typedef {{id: string | number, text: string, color?: string}} Option
 * @typedef {{spans: Span[], answer: Answer, sessions: string[], names: string[], groups: number[], accept?: (string | number)[]}} Version
 *   An answer of one or several annotators; boxes of one object have the same group in all versions.
 *
 * @typedef {{session_id: string, id: number}} VersionOf  The answer, of another, that was chosen to count.
 * @typedef {Task & {answer: Answer, _answer_key: string, _version_of?: VersionOf}} AnsweredTask
 *
 * @typedef {object} Project
 * @property {string} dataset
 * @property {string} [view_id]
 * @property {Label[]} labels
 * @property {string} session_id
 * @property {number | null} [threshold]  The score from which suggestions are shown at first.
 * @property {Partial<import("./desk/config.js").Config>} [config]
 *
 * @typedef {object} Questions
 * @property {Task[]} tasks
 * @property {import("./desk/drafts.js").Draft[]} [drafts]  What this session had done to them.
 * @property {number | null} [total]
 * @property {number | null} [progress]
 * @property {boolean} [done]
 *
 * @typedef {{id: number, session_id: string, task: AnsweredTask}} Overtaken  An answer that another one was given after,
 *   by someone who had not seen it.
 * @typedef {{progress: number | null, saved: {_task_hash: number, id: number, overtook?: Overtaken}[]}} Given
 *
 * @typedef {object} Trainer
 * @property {string} [state]
 * @property {number | null} [step]
 * @property {number | null} [steps]
 * @property {number | null} [version]
 * @property {string | null} [message]
 *
 * @typedef {object} Status
 * @property {Trainer | null} [trainer]
 * @property {number | null} [served_version]
 * @property {{accept?: number, reject?: number, ignore?: number}} [answers]
 * @property {Record<string, unknown> | null} [metrics]
 * @property {number | null} [metrics_version]
 * @property {"up" | "down" | "none"} [model_server]
 * @property {string | null} [model_server_message]
 * @property {number | null} [total]
 * @property {number | null} [progress]
 *
 * @typedef {object} Box  A box on the page.
 * @property {number} id  Unique within its task.
 * @property {string} label
 * @property {Rect} rect
 * @property {Shape | null} shape  The corners of a polygon, `rect` being their hull; null for a plain box.
 * @property {Span | null} span  What it came from; null for one that was drawn here.
 * @property {boolean} touched  Whether a person drew or changed it, or agreed to it.
 *
 * @typedef {{all: number, labels: Readonly<Record<string, number>>}} Limits  The score from which a suggestion is shown:
 *   of all labels, and of those that have one of their own.
 *
 * @typedef {{at: number, gone: readonly Box[], come: readonly Box[]}} Edit  From `at` on, `come` took the place of `gone`.
 *
 * @typedef {object} Editor  The boxes of one task and what was done to them. Never changed in place.
 * @property {Size} size  Of the image.
 * @property {readonly Box[]} all
 * @property {readonly Box[]} boxes  Of them those that are shown: no suggestion below the limits.
 * @property {Limits | null} limits  Null where all are shown: it is a person's answer.
 * @property {number | null} selected
 * @property {readonly Edit[]} past
 * @property {readonly Edit[]} future  The next to be done again last.
 * @property {number} nextId
 *
 * @typedef {"nw" | "n" | "ne" | "e" | "se" | "s" | "sw" | "w"} Handle
 * @typedef {{kind: "side", side: Handle} | {kind: "corner" | "edge", at: number}} Grip  What of a box is held: its sides,
 *   a polygon's corner, or the middle of the edge after that corner, which becomes a new one.
 *
 * @typedef {{scale: number, x: number, y: number}} View  Screen = image · scale + (x, y), in CSS pixels.
 */
export {};
