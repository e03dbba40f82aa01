/** Colours of labels. Pure. */

const FALLBACK = "#8b95a5";

/** @param {string | undefined} color */
export function labelColor(color) {
  return color && /^#[0-9a-f]{6}$/i.test(color) ? color : FALLBACK;
}

/**
 * Black or white, whichever reads better on a colour `#rrggbb` (WCAG contrast).
 * @param {string} color
 */
export function inkOn(color) {
  const light = luminance(color);
  return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#111418" : "#ffffff";
}

/**
 * @param {string} color
 * @param {number} alpha  0 to 1.
 */
export function withAlpha(color, alpha) {
  return color + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

/** @param {string} color */
function luminance(color) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
