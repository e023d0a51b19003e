// Line charts as SVG: curves of a training, surprise along a piece.

import { h, s } from "./dom.js";
import { number } from "./asking.js";

const [WIDTH, HEIGHT] = [560, 220];
const EDGE = { left: 46, right: 12, top: 10, bottom: 30 };
const COLOURS = 4;

/** `lines`: [{ name, xs, ys }]; a value that is null breaks its line. */
export function lineChart(lines, { x = "", y = "", title = "" } = {}) {
  const points = lines.flatMap(({ xs, ys }) => xs.map((at, i) => [at, ys[i]]).filter(([, v]) => v !== null));
  if (!points.length) return h("p.muted", {}, "Nothing has been logged yet.");
  const [x0, x1] = extent(points.map((p) => p[0]));
  const [y0, y1] = extent(points.map((p) => p[1]), 0.06);
  const px = (v) => EDGE.left + ((v - x0) / (x1 - x0)) * (WIDTH - EDGE.left - EDGE.right);
  const py = (v) => HEIGHT - EDGE.bottom - ((v - y0) / (y1 - y0)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const rules = [0, 0.25, 0.5, 0.75, 1].map((share) => y0 + share * (y1 - y0));
  const svg = s("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${lines.map(({ name, ys }) => `${name} ends at ${number(ys.findLast((v) => v !== null))}`).join(", ")}` },
    ...rules.map((v) => s("line", { class: "rule", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: py(v), y2: py(v) })),
    ...rules.map((v) => text(EDGE.left - 6, py(v) + 4, number(v), "end")),
    ...[x0, (x0 + x1) / 2, x1].map((v, i) => text(px(v), HEIGHT - 12, number(Math.round(v)), ["start", "middle", "end"][i])),
    text(EDGE.left + 4, EDGE.top + 10, y, "start"), text(WIDTH - EDGE.right - 60, HEIGHT - 12, x, "end"),
    ...lines.map(({ xs, ys }, i) => s("path", { d: path(xs, ys, px, py), fill: "none", class: `line-${i % COLOURS}`, "stroke-width": 2, "stroke-linejoin": "round" })));
  return h("div.shell", {}, svg, lines.length > 1 || lines[0].name ? h("div.legend", {}, ...lines.map(({ name }, i) => h("span", {}, h(`i.swatch-${i % COLOURS}`), name))) : null);
}

function text(x, y, words, anchor) {
  const node = s("text", { x, y, "text-anchor": anchor });
  node.textContent = words;
  return node;
}

function extent(values, room = 0) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const more = (high - low) * room;
  return [low - more, high + more];
}

function path(xs, ys, px, py) {
  let d = "";
  let pen = "M";
  xs.forEach((x, i) => {
    if (ys[i] === null) pen = "M";
    else {
      d += `${pen}${px(x).toFixed(1)} ${py(ys[i]).toFixed(1)}`;
      pen = "L";
    }
  });
  return d;
}
