/** The quiet line about a version that serves since the page was opened. The focus stays where it is. */

import { getNews, Refused, Unreachable } from "../desk/api.js";
import { leaveToImage, part, setText } from "./dom.js";

/** @import { Status } from "../types.js" */

/** Says what a newer version brings, and again once it is evaluated; dismissed, it is silent until the next. */
export function createNews() {
  /** @type {number | null} The newest that served; the one that the page was opened with is no news. */
  let newest = null;
  /** @type {number | null} The one to speak of. */
  let subject = null;
  let heard = "";

  /** @param {string} text */
  function show(text) {
    part("news").dataset.told = String(text !== "");
    setText("news-text", text);
    part("news-close").hidden = !text;
  }

  /** @param {number} version @param {boolean} evaluating @param {string} key */
  async function ask(version, evaluating, key) {
    try {
      const [{ newsText }, news] = await Promise.all([import("../later/news.js"), getNews(version)]);
      if (heard === key && subject === version) show(newsText(news, evaluating));
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unreachable || error instanceof TypeError)) throw error;
      // The next word of the trainer asks again.
      if (heard === key) heard = "";
    }
  }

  part("news-close").addEventListener("click", (event) => {
    subject = null;
    show("");
    leaveToImage(event);
  });

  return {
    /** How things stand now. @param {Status | null} status */
    hear(status) {
      const version = status?.served_version ?? null;
      if (!status || version === null) return;
      if (newest !== null && version > newest) {
        subject = version;
        show("");
      }
      newest = Math.max(version, newest ?? version);
      const state = status.trainer?.state;
      // What a round came to is written down while it is published.
      if (subject !== version || state === "publishing") return;
      const evaluating = state === "evaluating";
      const key = [version, status.metrics_version === version, state].join();
      if (key === heard) return;
      heard = key;
      void ask(version, evaluating, key);
    },
  };
}
