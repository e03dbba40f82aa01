/** Charts drawn as SVG, each with its numbers as a table for those who would rather read them. */

import { element } from "../panels/dom.js";

/** @typedef {{name: string, color: string, values: (number | null)[]}} Series */

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [520, 150, 34, 20, 8];

/**
 * @param {string} title
 * @param {string} across  What the values stand at.
 * @param {string[]} places
 * @param {Series[]} series
 * @param {number} [most]  The upper end; the even number above all values where it is not given.
 */
export function chartOf(title, across, places, series, most) {
  const figure = element("figure", "chart");
  // Even, so that the line in the middle stands at a whole number too.
  const high = most ?? 2 * Math.ceil(Math.max(1, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))) / 2);
  /** @param {number} at */
  const x = (at) => LEFT + (places.length < 2 ? 0.5 : at / (places.length - 1)) * (WIDTH - LEFT - 8);
  /** @param {number} value */
  const y = (value) => TOP + (1 - value / high) * (HEIGHT - TOP - BOTTOM);
  const grid = [0, high / 2, high].map((value) => `<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${y(value)}" y2="${y(value)}"/>
    <text x="${LEFT - 5}" y="${y(value) + 4}" text-anchor="end">${written(value)}</text>`);
  const lines = series.map(({ color, values }) => {
    const points = values.flatMap((value, at) => (value === null ? [] : [`${x(at)},${y(value)}`]));
    const dots = points.map((point) => `<circle cx="${point.split(",")[0]}" cy="${point.split(",")[1]}" r="2.5" fill="${color}"/>`);
    return `<polyline points="${points.join(" ")}" stroke="${color}"/>${dots.join("")}`;
  });
  const picture = element("div", "");
  picture.innerHTML = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${grid.join("")}${lines.join("")}</svg>`;
  const ends = element("p", "chart-ends");
  ends.append(element("span", "", places[0]), element("span", "", across), element("span", "", places.at(-1)));
  picture.querySelector("svg")?.setAttribute("aria-label", `${title}; its numbers stand in the table below`);
  const legend = element("p", "legend");
  for (const { name, color, values } of series) {
    const one = element("span", "", `${name} ${written(values.findLast((value) => value !== null) ?? null)}`);
    one.style.setProperty("--series", color);
    legend.append(one);
  }
  figure.append(element("figcaption", "", title), legend, picture, ends, tableOf(across, places, series));
  return figure;
}

/** @param {string} across @param {string[]} places @param {Series[]} series */
function tableOf(across, places, series) {
  const details = element("details", "");
  details.append(element("summary", "", "As a table"));
  const table = element("table", "");
  table.append(rowOf("th", [across, ...series.map(({ name }) => name)]));
  places.forEach((place, at) => {
    table.append(rowOf("td", [place, ...series.map(({ values }) => written(values[at] ?? null))]));
  });
  details.append(table);
  return details;
}

/** @param {string} kind @param {string[]} cells */
function rowOf(kind, cells) {
  const row = element("tr", "");
  row.append(...cells.map((cell) => element(kind, "", cell)));
  return row;
}

/** @param {number | null} value */
function written(value) {
  return value === null ? "–" : String(Math.round(value * 100) / 100);
}
