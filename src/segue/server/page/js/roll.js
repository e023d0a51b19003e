// The piano roll: its view (scroll and zoom), when to draw what, and what lies under a point.

import { $, clamp } from "./dom.js";
import { barCount, endTick, region, within } from "./music.js";
import { GUTTER, RULER, drawGrid, drawNotes, drawOver, fit, pitchAt, tickAt, xOf, yOf } from "./roll-draw.js";
import { timeOf } from "./time.js";

const LONG = 48; // bars; a longer piece is not squeezed into view as it grows
const EDGE = 7; // pixels at a note's end that change its length

/** `shown()` gives the music to draw, `player` the playhead. */
export function makeRoll(store, shown, player) {
  const field = $("#field");
  const canvases = { grid: $("#grid"), notes: $("#notes"), over: $("#over") };
  const view = { left: 0, top: 84, perTick: 0.12, row: 12, width: 0, height: 0, ratio: 1 };
  const dirty = { grid: true, notes: true, over: true };
  let frame = 0;
  let marquee = null;
  let shownBars = 0;
  let follow = true;
  let fitted = true; // the whole piece is shown, and stays so as it grows

  function ask(...layers) {
    for (const layer of layers.length ? layers : ["grid", "notes", "over"]) dirty[layer] = true;
    frame ||= requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    if (!view.width || document.hidden) return;
    const music = shown();
    const state = store.get();
    const time = timeOf(music);
    if (player.playing && follow) keepInSight(xOf(view, player.tick()));
    if (dirty.grid) drawGrid(canvases.grid, view, time, barCount(music));
    if (dirty.notes) drawNotes(canvases.notes, view, music.notes, silent(state, music));
    if (dirty.over || player.playing) drawOver(canvases.over, view, scene(music, state, time));
    dirty.grid = dirty.notes = dirty.over = false;
    if (player.playing) frame = requestAnimationFrame(draw);
  }

  function scene(music, state, time) {
    return {
      region: region(music, state.selection),
      picked: state.picked.size ? music.notes.filter((n) => state.picked.has(n.id)) : [],
      memorised: spansOf(state).map((s) => [time.tickOfBar(s.first), time.tickOfBar(s.last)]),
      promptEnd: state.heard ? state.takes.find((t) => t.id === state.heard)?.promptEnd : null,
      marquee,
      playhead: player.tick(),
      playing: player.playing,
    };
  }

  const spansOf = (state) => (state.heard ? state.takes.find((t) => t.id === state.heard)?.memorised : state.music.memorised) ?? [];

  function size() {
    const box = field.getBoundingClientRect();
    Object.assign(view, { width: box.width, height: box.height, ratio: Math.min(2, devicePixelRatio || 1) });
    for (const canvas of Object.values(canvases)) fit(canvas, view.width, view.height, view.ratio);
    if (fitted) showAll();
    hold();
    ask();
  }

  /** Keeps the view where there is something to see. */
  function hold() {
    const end = endTick(shown());
    const wide = (view.width - GUTTER) / view.perTick;
    view.left = clamp(view.left, 0, Math.max(0, end + timeOf(shown()).metre(end).length * 4 - wide * 0.5));
    const rows = (view.height - RULER) / view.row;
    view.top = rows >= 128 ? 127.5 + (rows - 128) / 2 : clamp(view.top, rows - 1, 127.5);
  }

  function scroll(dx, dy) {
    fitted = false;
    view.left += dx / view.perTick;
    view.top -= dy / view.row;
    hold();
    ask();
  }

  function zoom(factor, x = view.width / 2) {
    fitted = false;
    const tick = tickAt(view, x);
    view.perTick = clamp(view.perTick * factor, (0.0004 * 480) / shown().ticks_per_quarter, (4 * 480) / shown().ticks_per_quarter);
    view.left = tick - (x - GUTTER) / view.perTick;
    hold();
    ask();
  }

  function zoomRows(factor, y = view.height / 2) {
    fitted = false;
    const pitch = view.top - (y - RULER) / view.row;
    view.row = clamp(view.row * factor, 2.5, 28);
    view.top = pitch + (y - RULER) / view.row;
    hold();
    ask();
  }

  /** A piece that grows while all of it is shown: still all of it, or where it grows if it is long. */
  function grow(bars) {
    shownBars = bars;
    if (bars <= LONG) return showAll();
    const music = shown();
    const fresh = music.notes.find((n) => n.fresh);
    if (!fresh) return undefined;
    view.perTick = (view.width - GUTTER) / timeOf(music).tickOfBar(LONG / 2);
    view.left = fresh.onset - (view.width * 0.3) / view.perTick;
    return hold();
  }

  /** The whole piece in view, and its pitches in the middle. */
  function showAll() {
    const music = shown();
    fitted = true;
    follow = true;
    const time = timeOf(music);
    const end = Math.max(time.tickOfBar(Math.max(4, barCount(music))), 1);
    view.perTick = clamp((view.width - GUTTER - 12) / end, (0.0004 * 480) / music.ticks_per_quarter, 0.25 * 480 / music.ticks_per_quarter);
    view.left = 0;
    showPitches(music.notes);
    ask();
  }

  function showPitches(notes) {
    let [low, high] = [127, 0];
    for (const note of notes) [low, high] = [Math.min(low, note.pitch), Math.max(high, note.pitch)];
    if (low > high) [low, high] = [48, 79];
    const rows = high - low + 9;
    view.row = clamp((view.height - RULER) / rows, 4, 18);
    view.top = (high + low) / 2 + (view.height - RULER) / view.row / 2 - 0.5;
    hold();
  }

  /** Whether notes lie above or below what is in view. */
  function hidden(notes) {
    const low = view.top - (view.height - RULER) / view.row;
    return notes.some((n) => n.pitch > view.top || n.pitch < low);
  }

  function keepInSight(x) {
    if (!fitted && (x > view.width - 30 || x < GUTTER)) {
      view.left += (x - GUTTER - 20) / view.perTick;
      hold();
      dirty.grid = dirty.notes = dirty.over = true;
    }
  }

  function noteAt(x, y) {
    if (x < GUTTER || y < RULER) return null;
    const [tick, pitch] = [tickAt(view, x), pitchAt(view, y)];
    const slack = 3 / view.perTick;
    let found = null;
    for (const note of shown().notes) {
      if (note.onset > tick + slack) break;
      if (note.pitch === pitch && tick <= note.onset + note.duration + slack) found = note;
    }
    if (!found) return null;
    const end = xOf(view, found.onset + found.duration);
    const wide = found.duration * view.perTick > 3 * EDGE;
    return { note: found, edge: Math.abs(x - end) < (wide ? EDGE : 3) };
  }

  function notesIn({ x, y, w, h }) {
    const [from, to] = [tickAt(view, x), tickAt(view, x + w)];
    const [high, low] = [pitchAt(view, y), pitchAt(view, y + h)];
    return shown().notes.filter((n) => n.onset < to && n.onset + n.duration > from && n.pitch >= low && n.pitch <= high);
  }

  function reveal(note) {
    if (fitted) return;
    const [x, y] = [xOf(view, note.onset), yOf(view, note.pitch)];
    if (x < GUTTER + 20 || x > view.width - 40) view.left = Math.max(0, note.onset - (view.width * 0.3) / view.perTick);
    if (y < RULER || y > view.height - view.row) view.top = note.pitch + (view.height - RULER) / view.row / 2;
    hold();
    ask();
  }

  new ResizeObserver(size).observe(field);
  store.on(["music", "heard", "takes", "theme"], (_, changed) => {
    const bars = barCount(shown());
    // Takes grow by themselves; while a person writes, the view stays where it is.
    if (fitted && (changed.includes("heard") || changed.includes("takes"))) {
      if (bars !== shownBars) grow(bars);
      else if (hidden(shown().notes)) showPitches(shown().notes);
    }
    ask();
  });
  store.on(["picked", "selection"], () => ask("over"));
  store.on(["muted", "solo"], () => ask("notes"));

  return {
    view, ask, scroll, zoom, zoomRows, showAll, noteAt, notesIn, reveal, size,
    setMarquee(box) { marquee = box; ask("over"); },
    setFollow(on) { follow = on; },
    notesSelected: () => {
      const span = region(shown(), store.get().selection);
      return span ? shown().notes.filter((n) => within(n, span)) : [];
    },
  };
}

/** Tracks that are not heard: muted, or not alone where some are. */
export function silent(state, music) {
  const out = new Set();
  music.tracks.forEach((_, i) => {
    if (state.muted.has(i) || (state.solo.size && !state.solo.has(i))) out.add(i);
  });
  return out;
}
