/** What the trainer and the model do, in words. Pure. */

/** @import { Status } from "../types.js" */

/**
 * @typedef {object} Line
 * @property {"off" | "idle" | "busy" | "trouble"} mood
 * @property {string} trainer  What it does; "" where there is no trainer.
 * @property {number | null} share  0 to 1 while it trains.
 * @property {string} model  Which version is served, and how good it is; "" where nothing is known of one.
 * @property {string} detail  More, for who asks.
 */

/**
 * @param {Status | null} status
 * @returns {Line}
 */
export function statusLine(status) {
  const trainer = trainerLine(status);
  const measured = status?.metrics_version ? `mAP measured on version ${status.metrics_version}` : "";
  const detail = [measured, status?.model_server_message ?? ""].filter(Boolean).join("\n");
  return { ...trainer, model: modelLine(status), detail };
}

/**
 * @param {Status | null} status
 * @returns {Omit<Line, "model" | "detail">}
 */
function trainerLine(status) {
  const trainer = status?.trainer ?? {};
  /** @type {Omit<Line, "model" | "detail">} */
  const idle = { mood: "idle", trainer: "", share: null };
  switch (trainer.state) {
    case undefined:
    case "none":
      return { ...idle, mood: "off" };
    case "starting":
      return { ...idle, mood: "busy", trainer: "Trainer is starting" };
    case "waiting":
      return { ...idle, trainer: "Waiting for answers" };
    case "training": {
      const { step, steps } = trainer;
      if (step === null || step === undefined) return { ...idle, mood: "busy", trainer: "Training" };
      const text = steps ? `Training: step ${step} of ${steps}` : `Training: step ${step}`;
      return { mood: "busy", trainer: text, share: steps ? Math.min(1, step / steps) : null };
    }
    case "evaluating":
      return { ...idle, mood: "busy", trainer: "Evaluating" };
    case "publishing":
      return { ...idle, mood: "busy", trainer: trainer.version ? `Publishing version ${trainer.version}` : "Publishing" };
    case "stopped":
      return { ...idle, trainer: "Trainer has stopped" };
    case "failed":
      return { ...idle, mood: "trouble", trainer: `Trainer failed${trainer.message ? `: ${trainer.message}` : ""}` };
    default:
      return { ...idle, trainer: trainer.message || String(trainer.state) };
  }
}

/** @param {Status | null} status */
function modelLine(status) {
  if (!status || status.model_server === "none") return "";
  const version = status.served_version ?? null;
  const quality = meanAveragePrecision(status.metrics ?? {});
  const measured = quality === null ? "" : ` · mAP ${quality.toFixed(2)}`;
  if (status.model_server === "down") return version === null ? "No model served yet" : "Model server is away";
  return version === null ? "No model served yet" : `Serving version ${version}${measured}`;
}

/**
 * The COCO mean, or the one at an overlap of one half where only that was measured.
 * @param {Record<string, unknown>} metrics
 * @returns {number | null}
 */
function meanAveragePrecision(metrics) {
  for (const name of ["DetectionBoxes_Precision/mAP", "mAP", "DetectionBoxes_Precision/mAP@.50IOU"]) {
    const value = metrics[name];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  }
  return null;
}
