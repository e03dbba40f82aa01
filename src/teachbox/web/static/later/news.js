/** What another version of the model brings, in words. Pure. */

/**
 * @typedef {{name: string, value: number, before: number | null}} Mean
 * @typedef {{name: string, value: number, before: number}} ClassGain
 * @typedef {{images: number, boxes: number, loss: number}} Facts
 *
 * @typedef {object} News
 * @property {number} version
 * @property {Facts & {before: Facts | null} | null} learned  What the round that made it learned from.
 * @property {{before: number | null, images: number | null, images_before: number | null, means: Mean[], classes: ClassGain[]} | null} measured  What it was measured to be,
 *   beside the version `before`; what gained most first.
 */

/** Less is a matter of which images were drawn, and not said of a class. */
const WORTH_A_WORD = 0.02;

/**
 * How much better the version is; where that was not measured, what it learned from. "" where nothing is known of it.
 * @param {News} news
 * @param {boolean} [evaluating]  Whether it is being measured now.
 */
export function newsText({ version, learned, measured }, evaluating = false) {
  if (measured) return measuredText(version, measured);
  if (!learned) return "";
  const rest = evaluating ? "It is being evaluated." : "Whether it is better was not measured.";
  return `Version ${version} serves. ${learnedText(learned)} ${rest}`;
}

/** @param {number} version @param {NonNullable<News["measured"]>} measured */
function measuredText(version, { before, images, images_before, means, classes }) {
  const values = means.map(({ name, value, before: old }) => (old === null ? `${name} ${said(value)}` : `${name} ${said(old)} → ${said(value)}`)).join(", ");
  const [first] = means;
  if (!first || first.before === null || before === null) return `Version ${version} serves: ${values}. None before it was measured so.`;
  const gain = rounded(first.value) - rounded(first.before);
  const verdict = gain > 0 ? "is better than" : gain < 0 ? "is worse than" : "is as good as";
  // Where more images are held out than last time, it is not quite the same examination.
  const on = images && images_before && images !== images_before ? `, on ${count(images, "image")} instead of ${images_before}` : "";
  return [`Version ${version} ${verdict} the last one measured: ${values}${on}.`, ...classTexts(classes)].join(" ");
}

/** The class that gained most and the one that lost most, where there is more than one. @param {ClassGain[]} classes */
function classTexts(classes) {
  const [most, least] = [classes[0], classes.at(-1)];
  if (!most || !least || most === least) return [];
  const texts = [];
  if (most.value - most.before >= WORTH_A_WORD) texts.push(`${most.name} gained most, ${said(most.before)} → ${said(most.value)}.`);
  if (least.before - least.value >= WORTH_A_WORD) texts.push(`${least.name} lost most, ${said(least.before)} → ${said(least.value)}.`);
  return texts;
}

/** @param {NonNullable<News["learned"]>} learned */
function learnedText({ images, boxes, loss, before }) {
  const from = `It learned from ${count(images, "image")} with ${count(boxes, "box")}`;
  if (!before) return `${from}, its first; training loss ${said(loss)}.`;
  return `${from} (${change(images - before.images, boxes - before.boxes)}); training loss ${said(before.loss)} → ${said(loss)}.`;
}

/** @param {number} images @param {number} boxes */
function change(images, boxes) {
  if (!images && !boxes) return "as many as before";
  /** @param {number} by */
  const signed = (by) => (by > 0 ? `+${by}` : by < 0 ? `−${-by}` : "±0");
  return `${signed(images)} and ${signed(boxes)}`;
}

/** @param {number} number @param {"image" | "box"} what */
function count(number, what) {
  return `${number} ${number === 1 ? what : { image: "images", box: "boxes" }[what]}`;
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 100);
}

/** @param {number} value */
function said(value) {
  return value.toFixed(2);
}
