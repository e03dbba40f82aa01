/** Images, fetched and decoded ahead of need. */

/**
 * @typedef {{state: "loading"} | {state: "ready", bitmap: ImageBitmap} | {state: "broken", reason: string}} Picture
 * @typedef {ReturnType<typeof openImages>} Images
 */

const RETRY_MS = 1500;

/**
 * Pictures by URL. `changed` is called when one is ready or found broken.
 * @param {(url: string) => void} changed
 */
export function openImages(changed) {
  /** @type {Map<string, Picture>} */
  const pictures = new Map();

  /** @param {string} url */
  async function load(url) {
    /** @type {Picture | null} */
    let picture = null;
    while (!picture && pictures.has(url)) {
      picture = await fetchPicture(url);
      if (!picture) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    if (!picture) return;
    if (!pictures.has(url)) {
      if (picture.state === "ready") picture.bitmap.close();
      return;
    }
    pictures.set(url, picture);
    changed(url);
  }

  return {
    /**
     * Hold these images, and let go of all others.
     * @param {readonly string[]} urls  The next to be shown first.
     */
    hold(urls) {
      for (const [url, picture] of pictures) {
        if (urls.includes(url)) continue;
        pictures.delete(url);
        if (picture.state === "ready") picture.bitmap.close();
      }
      for (const url of urls) {
        if (pictures.has(url)) continue;
        pictures.set(url, { state: "loading" });
        void load(url);
      }
    },

    /**
     * @param {string} url
     * @returns {Picture}
     */
    get: (url) => pictures.get(url) ?? { state: "loading" },
  };
}

/**
 * The decoded image; null where the server did not answer and it is worth another try.
 * @param {string} url
 * @returns {Promise<Picture | null>}
 */
async function fetchPicture(url) {
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
    return { state: "ready", bitmap: await createImageBitmap(blob) };
  } catch (error) {
    if (error instanceof DOMException) return { state: "broken", reason: "it is no image that this browser can show" };
    throw error;
  }
}
