// What a person does to notes; each is one step to undo.

import { clamp } from "./dom.js";
import { added, edited, makeNote, region, within } from "./music.js";
import { timeOf } from "./time.js";

/** All edits of the piece. `tell` is called with a sentence where nothing can be done. */
export function makeEdits(store, tell) {
  /** Takes that are listened to are looked at, not edited. */
  function editable() {
    if (!store.get().heard) return true;
    tell("Keep this take first, or go back to the piece: takes are changed once they are kept.");
    return false;
  }

  const grid = () => store.get().snap * store.get().music.ticks_per_quarter;
  const snapped = (tick) => (grid() ? Math.round(tick / grid()) * grid() : Math.round(tick));

  function put(label, music, picked, joined = false) {
    store.change(label, { music }, { joined });
    if (picked) store.set({ picked });
  }

  const free = (notes) => notes.filter((n) => !n.locked);
  const picked = () => store.get().music.notes.filter((n) => store.get().picked.has(n.id));

  return {
    editable, snapped, picked,
    grid: () => grid() || store.get().music.ticks_per_quarter / 8,

    add(note) {
      if (!editable()) return null;
      const { music, track } = store.get();
      const made = makeNote({
        track: Math.min(track, music.tracks.length - 1), velocity: 80, ...note,
        onset: Math.max(0, Math.round(note.onset)), duration: Math.max(1, Math.round(note.duration)), pitch: clamp(note.pitch, 0, 127),
      });
      put("add a note", added(music, made), new Set([made.id]));
      return made;
    },

    /** `from` are the notes as they were when a drag began, so that clamping never adds up. */
    shift(from, ticks, semitones, { joined = false } = {}) {
      if (!editable()) return;
      const notes = new Map(free(from).map((n) => [n.id, n]));
      const least = Math.min(...[...notes.values()].map((n) => n.onset));
      const by = Math.max(Math.round(ticks), -least);
      const { music } = store.get();
      put("move notes", edited(music, new Set(notes.keys()), (n) => {
        const was = notes.get(n.id);
        return { ...n, onset: was.onset + by, pitch: clamp(was.pitch + semitones, 0, 127) };
      }), null, joined);
    },

    stretch(from, ticks, { joined = false } = {}) {
      if (!editable()) return;
      const notes = new Map(free(from).map((n) => [n.id, n]));
      put("change lengths", edited(store.get().music, new Set(notes.keys()), (n) => (
        { ...n, duration: Math.max(1, Math.round(notes.get(n.id).duration + ticks)) }
      )), null, joined);
    },

    velocity(change) {
      if (!editable()) return;
      const ids = new Set(free(picked()).map((n) => n.id));
      put("change velocity", edited(store.get().music, ids, (n) => ({ ...n, velocity: clamp(Math.round(change(n.velocity)), 1, 127) })), null, true);
    },

    drop() {
      if (!editable()) return 0;
      const going = free(picked());
      if (!going.length) {
        if (picked().length) tell("These notes are locked: unlock them with L, then delete them.");
        return 0;
      }
      put("delete notes", edited(store.get().music, new Set(going.map((n) => n.id)), () => null), new Set());
      return going.length;
    },

    double() {
      if (!editable() || !picked().length) return;
      const notes = picked();
      const [from, to] = [Math.min(...notes.map((n) => n.onset)), Math.max(...notes.map((n) => n.onset + n.duration))];
      const step = Math.max(1, snapped(to - from) || to - from);
      const made = notes.map(({ id, ...n }) => makeNote({ ...n, onset: n.onset + step, locked: undefined }));
      put("repeat notes", added(store.get().music, ...made), new Set(made.map((n) => n.id)));
    },

    /** Locks what is picked, or what is in the selected bars; unlocks where all of it is locked. */
    lock() {
      if (!editable()) return null;
      const { music, selection } = store.get();
      const span = region(music, selection);
      const notes = picked().length ? picked() : span ? music.notes.filter((n) => within(n, span)) : [];
      if (!notes.length) {
        tell("Nothing is picked: pick notes, or drag over bar numbers, then lock them.");
        return null;
      }
      const locked = notes.some((n) => !n.locked);
      put(locked ? "lock notes" : "unlock notes", edited(music, new Set(notes.map((n) => n.id)), ({ locked: _, ...n }) => (locked ? { ...n, locked } : n)));
      return { locked, count: notes.length };
    },

    lockTrack(track, locked) {
      if (!editable()) return;
      const { music } = store.get();
      const ids = new Set(music.notes.filter((n) => n.track === track).map((n) => n.id));
      put(locked ? "lock a track" : "unlock a track", edited(music, ids, ({ locked: _, ...n }) => (locked ? { ...n, locked } : n)));
    },

    tempo(qpm) {
      if (!editable()) return;
      const { music } = store.get();
      const factor = qpm / timeOf(music).qpm(0);
      // Other tempi of the piece keep their proportion to the first.
      const tempi = music.tempi.map((t) => ({ ...t, qpm: clamp(Math.round(t.qpm * factor * 100) / 100, 4, 1000) }));
      put("change the tempo", { ...music, tempi }, null, true);
    },

    addTrack(track = { name: "Piano", program: 0, drums: false }) {
      if (!editable()) return;
      const { music } = store.get();
      put("add a track", { ...music, tracks: [...music.tracks, track] });
      store.set({ track: music.tracks.length });
    },
  };
}
