/** Images, fetched and decoded ahead of need by a worker. */

/** @import { Rect, Size } from "../types.js" */

/**
 * A part of an image in more detail than its copies have.
 * @typedef {{rect: Rect, bitmap: ImageBitmap}} Part
 *
 * @typedef {object} Ready
 * @property {"ready"} state
 * @property {string} url
 * @property {Size} size
 * @property {readonly ImageBitmap[]} copies  The same image in several sizes, the largest first.
 * @property {boolean} whole  Whether the first is of full size; else parts are to be asked for.
 * @property {Part | null} part  What was last looked at closely.
 *
 * @typedef {{state: "loading"} | Ready | {state: "broken", reason: string}} Picture
 * @typedef {ReturnType<typeof openImages>} Images
 *
 * What the worker is asked, and what it tells.
 * @typedef {{ask: "load" | "release", url: string} | {ask: "part", url: string, rect: Rect, scale: number}} Ask
 * @typedef {{state: "ready", size: Size, copies: ImageBitmap[], whole: boolean} | {state: "broken", reason: string}} Decoded
 * @typedef {{told: "image", url: string, decoded: Decoded} | {told: "part", url: string, rect: Rect, bitmap: ImageBitmap}} Told
 */

/**
 * Pictures by URL. `changed` is called when one is ready or found broken, and when a part of one has come.
 * @param {() => void} changed
 */
export function openImages(changed) {
  const worker = new Worker(new URL("./decoder.js", import.meta.url), { type: "module" });
  /** @type {Map<string, Picture>} */
  const pictures = new Map();
  let expected = "";
  /** The part that is under way, and the one to ask for after it. */
  let cutting = "";
  /** @type {Ask | null} */
  let next = null;

  /** @param {Ask} ask */
  const send = (ask) => worker.postMessage(ask);
  /** @param {string} url */
  const absolute = (url) => new URL(url, document.baseURI).href;

  worker.addEventListener("message", (event) => {
    const told = /** @type {Told} */ (event.data);
    if (told.told === "image") takeImage(told.url, told.decoded);
    else takePart(told);
  });

  /** @param {string} url @param {Decoded} decoded */
  function takeImage(url, decoded) {
    if (!pictures.has(url)) {
      if (decoded.state === "ready") for (const copy of decoded.copies) copy.close();
      return;
    }
    pictures.set(url, decoded.state === "ready" ? { ...decoded, url, part: null } : decoded);
    changed();
  }

  /** @param {Extract<Told, {told: "part"}>} told */
  function takePart({ url, rect, bitmap }) {
    const picture = pictures.get(url);
    cutting = "";
    if (next) ask(next);
    next = null;
    if (picture?.state !== "ready") return bitmap.close();
    picture.part?.bitmap.close();
    picture.part = { rect, bitmap };
    changed();
  }

  /** @param {Ask} part */
  function ask(part) {
    if (cutting) {
      next = part;
      return;
    }
    cutting = part.url;
    send(part);
  }

  /** @param {string} url */
  function load(url) {
    if (pictures.has(url)) return;
    pictures.set(url, { state: "loading" });
    send({ ask: "load", url });
  }

  /** @param {string} url */
  function release(url) {
    const picture = pictures.get(url);
    pictures.delete(url);
    send({ ask: "release", url });
    if (cutting === url) cutting = "";
    if (next?.url === url) next = null;
    if (picture?.state !== "ready") return;
    for (const copy of picture.copies) copy.close();
    picture.part?.bitmap.close();
  }

  return {
    /**
     * Hold these images, and let go of all others.
     * @param {readonly string[]} urls  The next to be shown first.
     */
    hold(urls) {
      const held = urls.map(absolute);
      if (held.length) expected = "";
      for (const url of pictures.keys()) if (!held.includes(url) && url !== expected) release(url);
      held.forEach(load);
    },

    /** Load the image that is probably held first, before any is. @param {string} url */
    expect(url) {
      if (pictures.size) return;
      expected = absolute(url);
      load(expected);
    },

    /**
     * @param {string} url
     * @returns {Picture}
     */
    get: (url) => pictures.get(absolute(url)) ?? { state: "loading" },

    /**
     * Ask for a part of an image that is not whole here. The newest wish counts; it comes when it is there.
     * @param {string} url
     * @param {Rect} rect  Whole pixels of the image.
     * @param {number} scale  Pixels of the part for one of the image, at most 1.
     */
    wish: (url, rect, scale) => ask({ ask: "part", url: absolute(url), rect, scale }),
  };
}
