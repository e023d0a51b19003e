// Drawing the roll: three canvases, of which only what changed is drawn again.

import { mix, themeColours, trackColour } from "./palette.js";
import { pitchName } from "./music.js";

export const GUTTER = 38;
export const RULER = 26;
const BLACK = new Set([1, 3, 6, 8, 10]);
const LEVELS = 3;

const columns = new WeakMap();

/** Notes as typed arrays, grouped by how they look, once for each list of notes. */
function columnsOf(notes) {
  const found = columns.get(notes);
  if (found) return found;
  const anyFresh = notes.some((note) => note.fresh);
  const groups = new Map();
  notes.forEach((note, i) => {
    const old = anyFresh && !note.fresh;
    const level = Math.min(LEVELS - 1, Math.floor((note.velocity * LEVELS) / 128));
    const look = `${note.track}/${level}/${old ? 1 : 0}/${note.locked ? 1 : 0}`;
    let group = groups.get(look);
    if (!group) groups.set(look, (group = { track: note.track, level, old, locked: !!note.locked, index: [] }));
    group.index.push(i);
  });
  for (const group of groups.values()) {
    const count = group.index.length;
    Object.assign(group, { onset: new Float64Array(count), end: new Float64Array(count), pitch: new Uint8Array(count), longest: 0 });
    group.index.forEach((at, i) => {
      const note = notes[at];
      group.onset[i] = note.onset;
      group.end[i] = note.onset + note.duration;
      group.pitch[i] = note.pitch;
      group.longest = Math.max(group.longest, note.duration);
    });
    delete group.index;
  }
  // What is locked stays in sight where new notes lie on it.
  const made = [...groups.values()].sort((a, b) => a.locked - b.locked);
  columns.set(notes, made);
  return made;
}

/** The first index whose value is at least `value`. */
function lowerBound(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const xOf = (view, tick) => GUTTER + (tick - view.left) * view.perTick;
export const yOf = (view, pitch) => RULER + (view.top - pitch) * view.row;
export const tickAt = (view, x) => view.left + (x - GUTTER) / view.perTick;
export const pitchAt = (view, y) => Math.ceil(view.top - (y - RULER) / view.row - 1e-9);

/** Sizes a canvas to its box; true where that cleared it. */
export function fit(canvas, width, height, ratio) {
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width === w && canvas.height === h) return;
  canvas.width = w;
  canvas.height = h;
}

function begin(canvas, view) {
  const c = canvas.getContext("2d");
  c.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  c.clearRect(0, 0, view.width, view.height);
  return c;
}

/** Rows, bar and beat lines, the ruler and the keys at the left. */
export function drawGrid(canvas, view, time, lastBar) {
  const c = begin(canvas, view);
  const t = themeColours();
  c.fillStyle = t["roll-bg"];
  c.fillRect(0, 0, view.width, view.height);
  const high = Math.min(127, Math.floor(view.top));
  const low = Math.max(0, Math.floor(view.top - (view.height - RULER) / view.row) - 1);
  for (let pitch = low; pitch <= high; pitch += 1) {
    const y = yOf(view, pitch);
    if (BLACK.has(pitch % 12)) {
      c.fillStyle = t["roll-black"];
      c.fillRect(GUTTER, y, view.width, view.row);
    }
    if (pitch % 12 === 0) {
      c.fillStyle = t["roll-octave"];
      c.fillRect(GUTTER, Math.round(y + view.row) - 1, view.width, 1);
    }
  }
  drawLines(c, view, time, t, lastBar);
  drawKeys(c, view, t, low, high);
}

function drawLines(c, view, time, t, lastBar) {
  const [from, to] = [Math.max(0, tickAt(view, GUTTER)), tickAt(view, view.width)];
  c.fillStyle = t.surface;
  c.fillRect(0, 0, view.width, RULER);
  c.textBaseline = "middle";
  let bar = Math.floor(time.bar(from) + 1e-9);
  const first = time.metre(from);
  const barWidth = first.length * view.perTick;
  const every = 2 ** Math.max(0, Math.ceil(Math.log2(46 / barWidth)));
  const lineEvery = 2 ** Math.max(0, Math.ceil(Math.log2(9 / barWidth)));
  for (let guard = 0; guard < 4000; guard += 1, bar += 1) {
    const tick = time.tickOfBar(bar);
    if (tick > to) break;
    const x = Math.round(xOf(view, tick));
    const metre = time.metre(tick);
    if (metre.beat * view.perTick > 11) {
      c.fillStyle = t["roll-beat"];
      for (let beat = 1; beat < metre.numerator; beat += 1) {
        const bx = Math.round(xOf(view, tick + beat * metre.beat));
        if (bx > GUTTER) c.fillRect(bx, RULER, 1, view.height);
      }
    }
    if (x >= GUTTER && bar % lineEvery === 0) {
      c.fillStyle = t["roll-bar"];
      c.fillRect(x, RULER, 1, view.height);
    }
    if (bar % every === 0 && x > GUTTER - 30) {
      c.fillStyle = bar < lastBar ? t.muted : t.faint;
      c.font = "11px ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif";
      c.fillText(String(bar + 1), x + 5, RULER / 2 + 0.5);
    }
  }
  c.fillStyle = t["roll-bar"];
  c.fillRect(0, RULER - 1, view.width, 1);
}

function drawKeys(c, view, t, low, high) {
  c.fillStyle = t.surface;
  c.fillRect(0, RULER, GUTTER, view.height);
  for (let pitch = low; pitch <= high; pitch += 1) {
    const y = yOf(view, pitch);
    if (BLACK.has(pitch % 12)) {
      c.fillStyle = t["roll-bar"];
      c.fillRect(0, y + 0.5, GUTTER * 0.52, Math.max(1, view.row - 1));
    } else if (pitch % 12 === 0) {
      c.fillStyle = t["roll-octave"];
      c.fillRect(0, Math.round(y + view.row) - 1, GUTTER, 1);
      if (view.row >= 5) {
        c.fillStyle = t.muted;
        c.font = "10px ui-sans-serif, system-ui, 'DejaVu Sans', sans-serif";
        c.textBaseline = "middle";
        c.textAlign = "right";
        c.fillText(pitchName(pitch), GUTTER - 6, y + view.row / 2);
        c.textAlign = "left";
      }
    }
  }
  c.clearRect(0, 0, GUTTER, RULER - 1);
  c.fillStyle = t.surface;
  c.fillRect(0, 0, GUTTER, RULER - 1);
  c.fillStyle = t["roll-bar"];
  c.fillRect(GUTTER - 1, 0, 1, view.height);
}

/** All notes in view; `quiet` are tracks that are not heard. */
export function drawNotes(canvas, view, notes, quiet) {
  const c = begin(canvas, view);
  const t = themeColours();
  const from = tickAt(view, GUTTER);
  const to = tickAt(view, view.width);
  const gap = view.row > 6 ? 1 : 0;
  const rowHeight = Math.max(1.5, view.row - gap);
  c.save();
  c.beginPath();
  c.rect(GUTTER, RULER, view.width, view.height);
  c.clip();
  for (const group of columnsOf(notes)) {
    const colour = trackColour(group.track);
    const share = (quiet.has(group.track) ? 0.18 : group.old ? 0.42 : 1) * (0.7 + (0.3 * group.level) / (LEVELS - 1));
    c.fillStyle = mix(colour, t["roll-bg"], group.locked ? share * 0.4 : share);
    const { onset, end, pitch } = group;
    const first = lowerBound(onset, from - group.longest);
    const stop = lowerBound(onset, to);
    const round = view.row >= 7 && stop - first < 2500;
    if (round) c.beginPath();
    for (let i = first; i < stop; i += 1) {
      if (end[i] <= from) continue;
      const x = GUTTER + (onset[i] - view.left) * view.perTick;
      const w = Math.max(2, (end[i] - onset[i]) * view.perTick - gap);
      const y = RULER + (view.top - pitch[i]) * view.row;
      if (y > view.height || y < RULER - view.row) continue;
      if (round) c.roundRect(x, y, w, rowHeight, Math.min(2.5, w / 2));
      else c.fillRect(x, y, w, rowHeight);
    }
    if (round) c.fill();
    if (round && group.locked) {
      c.strokeStyle = mix(colour, t["roll-bg"], 0.85);
      c.lineWidth = 1;
      c.stroke();
    }
  }
  c.restore();
}

/** Selection, picked notes, marks on bars, the notes that come in, the cursor and the playhead. */
export function drawOver(canvas, view, scene) {
  const c = begin(canvas, view);
  const t = themeColours();
  drawMarks(c, view, scene, t);
  if (scene.region) drawRegion(c, view, scene.region, t);
  c.save();
  c.beginPath();
  c.rect(GUTTER, RULER, view.width, view.height);
  c.clip();
  c.strokeStyle = t.ink;
  c.lineWidth = 1.5;
  for (const note of scene.picked) {
    const x = xOf(view, note.onset);
    const w = Math.max(3, note.duration * view.perTick - 1);
    c.strokeRect(x + 0.5, yOf(view, note.pitch) + 0.5, w - 1, Math.max(2, view.row - 2));
  }
  if (scene.marquee) {
    const { x, y, w, h } = scene.marquee;
    c.fillStyle = t.accent;
    c.globalAlpha = 0.12;
    c.fillRect(x, y, w, h);
    c.globalAlpha = 1;
    c.strokeStyle = t.accent;
    c.strokeRect(x, y, w, h);
  }
  c.restore();
  drawPlayhead(c, view, scene, t);
}

function drawMarks(c, view, { memorised, promptEnd }, t) {
  if (promptEnd) {
    const x = xOf(view, promptEnd);
    if (x > GUTTER) {
      c.fillStyle = t.ink;
      c.globalAlpha = 0.035;
      c.fillRect(GUTTER, RULER, x - GUTTER, view.height);
      c.globalAlpha = 1;
    }
  }
  c.fillStyle = t.warn;
  for (const [from, to] of memorised) {
    const x = Math.max(GUTTER, xOf(view, from));
    const w = xOf(view, to) - x;
    if (w <= 0) continue;
    c.fillRect(x, RULER - 5, w, 4);
    c.globalAlpha = 0.08;
    c.fillRect(x, RULER, w, view.height);
    c.globalAlpha = 1;
  }
}

function drawRegion(c, view, { from, to }, t) {
  const x = Math.max(GUTTER, xOf(view, from));
  const end = Math.max(x, xOf(view, to));
  c.fillStyle = t.accent;
  c.globalAlpha = 0.1;
  c.fillRect(x, RULER, end - x, view.height);
  c.globalAlpha = 0.85;
  c.fillRect(x, 0, end - x, 4);
  c.globalAlpha = 0.55;
  c.fillRect(x, RULER, 1, view.height);
  c.fillRect(end - 1, RULER, 1, view.height);
  c.globalAlpha = 1;
}

function drawPlayhead(c, view, { playhead, playing }, t) {
  const x = xOf(view, playhead);
  if (x < GUTTER - 1 || x > view.width) return;
  c.fillStyle = playing ? t.accent : t.muted;
  c.fillRect(Math.round(x) - (playing ? 1 : 0), 0, playing ? 2 : 1, view.height);
  c.beginPath();
  c.moveTo(x - 5, 0);
  c.lineTo(x + 5, 0);
  c.lineTo(x, 8);
  c.fill();
}

/** A small picture of some music, for a take's card. */
export function drawThumb(canvas, notes, { from, to }) {
  const ratio = devicePixelRatio || 1;
  const box = canvas.getBoundingClientRect();
  fit(canvas, box.width, box.height, ratio);
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, box.width, box.height);
  const seen = notes.filter((n) => n.onset < to && n.onset + n.duration > from);
  if (!seen.length) return;
  let [low, high] = [127, 0];
  for (const n of seen) [low, high] = [Math.min(low, n.pitch), Math.max(high, n.pitch)];
  const row = (box.height - 10) / Math.max(12, high - low + 1);
  const middle = (high + low) / 2;
  const t = themeColours();
  for (const n of seen) {
    c.fillStyle = mix(trackColour(n.track), t.sunk, n.fresh ? 1 : 0.35);
    const x = ((n.onset - from) / (to - from)) * box.width;
    const w = Math.max(1.5, (n.duration / (to - from)) * box.width - 0.5);
    c.fillRect(x, box.height / 2 - (n.pitch - middle + 0.5) * row, w, Math.max(1.5, row * 0.9));
  }
}
