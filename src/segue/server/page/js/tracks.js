// The list of tracks beside the roll: colour, name, heard or not, locked or not.

import { $, h, icon } from "./dom.js";
import { trackName } from "./music.js";
import { trackColour } from "./palette.js";

export function showTracks({ store, shown, edits }) {
  const box = $("#tracks");

  const flipped = (set, i) => {
    const next = new Set(set);
    next.has(i) ? next.delete(i) : next.add(i);
    return next;
  };

  function mark(text, label, on, act) {
    return h("button", { type: "button", "aria-pressed": String(on), "aria-label": label, title: label, onclick: act }, text);
  }

  function rowOf(track, i, state, music) {
    const name = trackName(track, i);
    const out = state.muted.has(i) || (state.solo.size && !state.solo.has(i));
    const swatch = h("button.swatch", { type: "button", "aria-label": `Write on ${name}`, title: `Write on ${name}`, onclick: () => store.set({ track: i }) });
    swatch.style.setProperty("background", trackColour(i));
    const notes = state.locks.get(i) ?? { all: 0, locked: 0 };
    const locked = notes.all > 0 && notes.locked === notes.all;
    return h(`div.track${out ? ".out" : ""}${state.track === i ? ".chosen" : ""}`, {}, swatch,
      h("button.called", { type: "button", title: `Pick the notes of ${name}`, onclick: () => store.set({ track: i, picked: new Set(music.notes.filter((n) => n.track === i).map((n) => n.id)) }) }, name),
      h("span.marks", {},
        mark("M", `Mute ${name}`, state.muted.has(i), () => store.set({ muted: flipped(state.muted, i) })),
        mark("S", `Hear ${name} alone`, state.solo.has(i), () => store.set({ solo: flipped(state.solo, i) })),
        mark(icon(locked ? "lock" : "unlock"), `Lock ${name}`, locked, () => edits.lockTrack(i, !locked))));
  }

  function show() {
    const music = shown();
    const state = store.get();
    const locks = new Map();
    for (const n of music.notes) {
      const count = locks.get(n.track) ?? { all: 0, locked: 0 };
      count.all += 1;
      if (n.locked) count.locked += 1;
      locks.set(n.track, count);
    }
    const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
    box.replaceChildren(...music.tracks.map((track, i) => rowOf(track, i, { ...state, locks }, music)),
      h("button.link.small.track-add", { type: "button", onclick: () => edits.addTrack() }, "Add a track"));
    if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
  }

  let seen = null;
  store.on(["music", "heard", "takes", "muted", "solo", "track", "theme"], (state, changed) => {
    // Notes that come in do not change the list of tracks.
    const music = shown();
    const key = music.tracks;
    if (changed.length === 1 && changed[0] === "takes" && key === seen) return;
    seen = key;
    show();
  });
  show();
}
