// Music as the page holds it: the server's JSON, with an id and marks on each note. Never changed
// in place: each edit makes new lists and shares the notes that stay.

import { timeOf } from "./time.js";

let last = 0;
const MARKS = ["fresh", "locked", "memorised"];

export const emptyMusic = () => ({
  ticks_per_quarter: 480,
  tempi: [{ tick: 0, qpm: 100 }],
  metres: [{ tick: 0, numerator: 4, denominator: 4 }],
  keys: [],
  tracks: [{ name: "Piano", program: 0, drums: false }],
  notes: [],
  controllers: [],
});

const order = (a, b) => a.onset - b.onset || a.track - b.track || a.pitch - b.pitch;

export function makeNote(note, marks = {}) {
  last += 1;
  return { ...note, ...marks, id: last };
}

/** Notes read back from the browser's storage have ids; new ones must not repeat them. */
export function reserveIds(music) {
  for (const note of music.notes) if (note.id > last) last = note.id;
}

/** From the server's JSON, kept whole where this page knows no more of it. */
export function fromWire(wire, mark = () => ({})) {
  const base = emptyMusic();
  const music = { ...wire };
  for (const key of ["tempi", "metres", "keys", "controllers", "notes"]) music[key] = wire[key] ?? base[key];
  if (!music.tempi.length) music.tempi = [{ tick: 0, qpm: 120 }];
  if (!music.metres.length) music.metres = base.metres;
  music.tracks = wire.tracks?.length ? wire.tracks : base.tracks;
  music.ticks_per_quarter = wire.ticks_per_quarter ?? 480;
  music.notes = music.notes.map((note) => makeNote(note, mark(note))).sort(order);
  return music;
}

const WIRE = ["ticks_per_quarter", "tempi", "metres", "keys", "tracks", "controllers", "bends"];

/** For the server: what it knows, no marks. */
export function toWire(music, keep = () => true) {
  const wire = {};
  for (const key of WIRE) if (music[key] !== undefined) wire[key] = music[key];
  wire.notes = music.notes.filter(keep).map(({ track, onset, duration, pitch, velocity }) => ({ track, onset, duration, pitch, velocity }));
  return wire;
}

export const withNotes = (music, notes) => ({ ...music, notes: notes.slice().sort(order) });

export function endTick(music) {
  let end = 0;
  for (const note of music.notes) end = Math.max(end, note.onset + note.duration);
  return end;
}

export const endSeconds = (music) => timeOf(music).seconds(endTick(music));

export const barCount = (music) => Math.max(1, Math.ceil(timeOf(music).bar(endTick(music)) - 1e-6));

/** The notes whose id is in `ids`, each replaced by `edit(note)`, or gone where that is null. */
export function edited(music, ids, edit) {
  const notes = [];
  for (const note of music.notes) {
    const next = ids.has(note.id) ? edit(note) : note;
    if (next) notes.push(next);
  }
  return withNotes(music, notes);
}

export const added = (music, ...notes) => withNotes(music, [...music.notes, ...notes]);

/** The tick range and tracks that `selection` names, in `music`; null where nothing is selected. */
export function region(music, selection) {
  if (!selection) return null;
  const time = timeOf(music);
  const tracks = selection.tracks?.length ? selection.tracks : music.tracks.map((_, i) => i);
  return { from: time.tickOfBar(selection.first), to: time.tickOfBar(selection.last), tracks };
}

/** The tracks of a selection that may be remade: those with a note in it that is not locked, or none. */
export function openTracks(music, selection) {
  const span = region(music, selection);
  if (!span) return [];
  return span.tracks.filter((track) => {
    const notes = music.notes.filter((n) => n.track === track && n.onset >= span.from && n.onset < span.to);
    return !notes.length || notes.some((n) => !n.locked);
  });
}

export const within = (note, span) =>
  note.onset >= span.from && note.onset < span.to && span.tracks.includes(note.track);

/** A key without marks, by which the notes of a take and its prompt are told apart. */
export const keyOf = (note) => `${note.track}/${note.onset}/${note.duration}/${note.pitch}`;

/**
 * A take as the page shows it: notes that the piece had keep their ids and marks, others are fresh.
 * Locked notes of the piece that the take leaves out come back, and push out what collides.
 */
export function joined(piece, wire) {
  const scale = wire.ticks_per_quarter / piece.ticks_per_quarter;
  const had = new Map();
  for (const note of piece.notes) had.set(keyOf({ ...note, onset: Math.round(note.onset * scale), duration: Math.round(note.duration * scale) }), note);
  const seen = new Set();
  const made = fromWire(wire, (note) => {
    const old = had.get(keyOf(note));
    if (!old) return { fresh: true };
    seen.add(old.id);
    return old.locked ? { locked: true } : {};
  });
  const lost = piece.notes.filter((n) => n.locked && !seen.has(n.id));
  let notes = made.notes;
  if (lost.length) {
    const back = lost.map((n) => ({ ...n, onset: Math.round(n.onset * scale), duration: Math.round(n.duration * scale) }));
    notes = notes.filter((n) => !n.fresh || !back.some((b) => b.track === n.track && b.pitch === n.pitch && b.onset < n.onset + n.duration && n.onset < b.onset + b.duration));
    notes = [...notes, ...back];
  }
  return withNotes(made, notes);
}

/** The music, its notes marked where they begin in bars that the training music has too. `spans`: bars from 0. */
export function withMarks(music, spans) {
  const time = timeOf(music);
  const ticks = spans.map((s) => [time.tickOfBar(s.first), time.tickOfBar(s.last)]);
  return { ...music, notes: music.notes.map((n) => (ticks.some(([a, b]) => n.onset >= a && n.onset < b) ? { ...n, memorised: true } : n)) };
}

const FAMILIES = ["Piano", "Bells", "Organ", "Guitar", "Bass", "Strings", "Ensemble", "Brass", "Reed", "Flute", "Synth lead", "Synth pad", "Synth effect", "World", "Percussion", "Effect"];

/** What a track is called: its own name, or its number and the family of its General MIDI program. */
export const trackName = (track, i) => track?.name || `${i + 1} ${track?.drums ? "Drums" : FAMILIES[(track?.program ?? 0) >> 3] ?? "Track"}`;

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const SHARPS = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const FLATS = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const FIFTHS = { F: -1, C: 0, G: 1, D: 2, A: 3, E: 4, B: 5 };

/** Sharps (or, negative, flats) of a key by name, such as "F# minor". */
function sharpsOf(name) {
  const [, letter, accident, mode] = /^([A-G])([#b]?) (major|minor)$/.exec(name) ?? [];
  if (!letter) return 0;
  return FIFTHS[letter] + (accident === "#" ? 7 : accident === "b" ? -7 : 0) - (mode === "minor" ? 3 : 0);
}

/** "G♯3"; `key` is the name of the key that it stands in, by which black keys are spelt. */
export function pitchName(pitch, key = "") {
  const sharps = sharpsOf(key);
  const names = sharps > 1 ? SHARPS : sharps < -1 ? FLATS : NAMES;
  return `${names[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}

/** The name of the key at a tick, or none. */
export const keyAt = (music, tick) => (music.keys ?? []).filter((k) => k.tick <= tick).at(-1)?.name ?? "";

/** For listeners: "C4, quarter, bar 3 beat 2, loudness 80, Piano, locked". */
export function spoken(music, note) {
  const time = timeOf(music);
  const [bar, beat] = time.place(note.onset, true).split(".");
  const marks = MARKS.filter((m) => note[m]).map((m) => ({ fresh: "new", locked: "locked", memorised: "in the training music" })[m]);
  return [pitchName(note.pitch, keyAt(music, note.onset)), `${lengthName(note.duration / music.ticks_per_quarter)}`, `bar ${bar} beat ${beat}`,
    `velocity ${note.velocity}`, trackName(music.tracks[note.track], note.track), ...marks].join(", ");
}

const LENGTHS = [[4, "whole"], [3, "dotted half"], [2, "half"], [1.75, "double-dotted quarter"], [1.5, "dotted quarter"], [1, "quarter"], [0.75, "dotted eighth"], [2 / 3, "triplet quarter"], [0.5, "eighth"], [0.375, "dotted sixteenth"], [1 / 3, "triplet eighth"], [0.25, "sixteenth"], [1 / 6, "triplet sixteenth"], [0.125, "thirty-second"]];

export function lengthName(quarters) {
  const near = LENGTHS.find(([size]) => Math.abs(size - quarters) < size * 0.06);
  return near ? near[1] : `${Math.round(quarters * 100) / 100} quarters`;
}
