/** Words that stand above the image, or in its place. */

import { part, setText } from "./dom.js";

/** @param {string} text  "" hides it. */
export function showBanner(text) {
  part("banner").hidden = !text;
  setText("banner", text);
}

/**
 * What stands in the place of an image; null where there is one.
 * @param {{title: string, text: string, busy?: boolean} | null} notice
 */
export function showNotice(notice) {
  part("notice").hidden = !notice;
  part("notice").classList.toggle("busy", notice?.busy ?? false);
  setText("notice-title", notice?.title ?? "");
  setText("notice-text", notice?.text ?? "");
}
