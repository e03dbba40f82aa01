/**
 * A worker: fetches and decodes images, so that the page never waits for it. Of each it makes smaller copies for the far
 * view. One too large to be drawn whole stays here, and the parts that are looked at are cut out of it.
 */

/** @import { Ask, Decoded, Told } from "./images.js" */

/** An image of more pixels is not handed to the page whole. */
const MOST_PIXELS = 20e6;
/** A copy with sides up to this needs no smaller one. */
const SMALLEST_SIDE = 1200;
const RETRY_MS = 1500;

/** Images too large for the page, by URL. @type {Map<string, ImageBitmap>} */
const large = new Map();
/** What the page wants still. @type {Set<string>} */
const wanted = new Set();

/** @param {Told} told @param {Transferable[]} [given] */
const tell = (told, given = []) => self.postMessage(told, { transfer: given });

self.addEventListener("message", (event) => {
  const ask = /** @type {Ask} */ (event.data);
  if (ask.ask === "load") void load(ask.url);
  else if (ask.ask === "part") void cut(ask);
  else release(ask.url);
});

/** @param {string} url */
function release(url) {
  wanted.delete(url);
  large.get(url)?.close();
  large.delete(url);
}

/** @param {string} url */
async function load(url) {
  wanted.add(url);
  /** @type {Decoded | null} */
  let decoded = null;
  while (!decoded && wanted.has(url)) {
    decoded = await fetchImage(url);
    if (!decoded) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  if (!decoded) return;
  const bitmaps = decoded.state === "ready" ? decoded.copies : [];
  // Who does not want it any more closes it, here as there.
  tell({ told: "image", url, decoded }, bitmaps);
  if (!wanted.has(url)) release(url);
}

/**
 * The decoded image; null where the server did not answer and it is worth another try.
 * @param {string} url
 * @returns {Promise<Decoded | null>}
 */
async function fetchImage(url) {
  let blob;
  try {
    const response = await fetch(url);
    if (response.status >= 500) return null;
    if (!response.ok) return { state: "broken", reason: `the server answered ${response.status}` };
    blob = await response.blob();
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
  try {
    return await copiesOf(url, await createImageBitmap(blob));
  } catch (error) {
    if (error instanceof DOMException) return { state: "broken", reason: "it is no image that this browser can show" };
    throw error;
  }
}

/**
 * The image in full size and in halves of it, the largest first.
 * @param {string} url
 * @param {ImageBitmap} image
 * @returns {Promise<Decoded>}
 */
async function copiesOf(url, image) {
  const { width, height } = image;
  /** @type {ImageBitmap[]} */
  const copies = [];
  let last = image;
  if (width * height <= MOST_PIXELS) copies.push(image);
  else large.set(url, image);
  while (Math.max(last.width, last.height) > SMALLEST_SIDE) {
    const half = { resizeWidth: Math.ceil(last.width / 2), resizeHeight: Math.ceil(last.height / 2) };
    const next = await createImageBitmap(last, { ...half, resizeQuality: "medium" });
    if (last !== image && last.width * last.height > MOST_PIXELS) last.close();
    if (next.width * next.height <= MOST_PIXELS) copies.push(next);
    last = next;
  }
  return { state: "ready", size: { width, height }, copies, whole: !large.has(url) };
}

/** Cut out what is looked at, as large as it is shown. @param {Extract<Ask, {ask: "part"}>} ask */
async function cut({ url, rect, scale }) {
  const image = large.get(url);
  if (!image) return;
  const { x, y, width, height } = rect;
  const size = { resizeWidth: Math.max(1, Math.round(width * scale)), resizeHeight: Math.max(1, Math.round(height * scale)) };
  const bitmap = await createImageBitmap(image, x, y, width, height, scale < 1 ? { ...size, resizeQuality: "medium" } : {});
  tell({ told: "part", url, rect, bitmap }, [bitmap]);
}
