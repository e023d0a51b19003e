// The ways to make music and the controls of each, as tables; words for people who read no manual.

import { barCount, openTracks } from "./music.js";

const KEYS = ["C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F"].flatMap((k) => [`${k} major`])
  .concat(["A", "E", "B", "F#", "C#", "G#", "D", "G", "C", "F", "Bb", "Eb"].map((k) => `${k} minor`));

export const CONTROLS = {
  bars: { name: "Bars", kind: "number", min: 1, max: 64, value: 8, why: "How much new music each take gets." },
  amount: { name: "How far", kind: "range", min: 0, max: 1, step: 0.05, value: 0.3, why: "Left: close to your music. Right: only its shadow is left." },
  temperature: { name: "Temperature", kind: "range", min: 0.4, max: 1.6, step: 0.05, value: 1, free: "as the model was set", why: "Lower plays safe and repeats itself, higher takes risks." },
  key: { name: "Key", kind: "choice", options: KEYS, free: "any", why: "New notes belong to this key." },
  chords: { name: "Chords", kind: "text", example: "Am F C G", why: "One a bar, over and over; new notes start on their tones." },
  density: { name: "Density", kind: "range", min: 0.25, max: 8, step: 0.25, value: 2, unit: "notes a beat", free: "as it comes", why: "How many notes begin in each beat, all tracks together." },
  tempo: { name: "Tempo", kind: "number", min: 20, max: 300, value: 100, free: "as it comes", unit: "quarters a minute", why: "How fast the new music is." },
  metre: { name: "Metre", kind: "choice", options: ["4/4", "3/4", "2/4", "6/8", "12/8", "5/4"], free: "as it comes", why: "The time signature of the new music." },
  lowest: { name: "Lowest note", kind: "text", example: "C2", why: "New notes stay at or above it." },
  highest: { name: "Highest note", kind: "text", example: "C6", why: "New notes stay at or below it." },
  polyphony: { name: "Voices at once", kind: "number", min: 1, max: 32, value: 4, free: "any number", why: "How many notes may sound together." },
  ending: { name: "Ending", kind: "choice", options: [["cadence", "on the home chord"], ["own", "where the model ends"]], free: "just stop", why: "How a take comes to its end." },
  style: { name: "Style", kind: "choice", options: ["baroque", "classical", "romantic", "modern", "song", "pop"], free: "as it comes", told: true, why: "What the model leans to. A direction, not a promise." },
  touch: { name: "Touch", kind: "choice", options: [["plain", "plain: one loudness"], ["shaped", "shaped: loud and soft"], ["pedalled", "pedalled: shaped, with pedal"], ["any", "as it comes"]], free: "as the model was set", told: true, why: "How the new music is played." },
  takes: { name: "Takes", kind: "number", min: 1, max: 8, value: 4, why: "How many to make at a time, to compare." },
};

const WISHES = ["key", "chords", "density", "tempo", "metre", "lowest", "highest", "polyphony", "ending", "style", "touch"];

export const WAYS = {
  continue: { name: "Continue", verb: "Continue", icon: "continue", why: "Carries on from where your music stops. Nothing you have is changed.", main: ["bars", "temperature"], more: ["key", "chords", "density", "lowest", "highest", "style", "touch", "polyphony", "ending", "takes"], needs: "notes" },
  infill: { name: "Remake", verb: "Remake these bars", icon: "infill", why: "Writes the selected bars and tracks anew. Everything else is locked.", main: ["temperature"], more: ["key", "chords", "lowest", "highest", "takes"], needs: "selection", whole: "comes in one piece, soon" },
  accompany: { name: "Accompany", verb: "Accompany", icon: "accompany", why: "Adds the parts your music does not have yet.", main: ["temperature"], more: ["key", "chords", "lowest", "highest", "takes"], needs: "notes", whole: "comes in one piece, soon" },
  vary: { name: "Vary", verb: "Vary", icon: "vary", why: "Plays music like yours, a little different each time.", main: ["amount"], more: ["takes"], needs: "notes", whole: "comes in one piece, soon" },
  loop: { name: "Loop", verb: "Make loops", icon: "loop", why: "New bars whose end leads back into their start.", main: ["bars", "temperature"], more: ["key", "chords", "density", "tempo", "metre", "style", "touch", "lowest", "highest", "polyphony", "takes"], bars: 4, whole: "many are tried, the best is kept" },
  generate: { name: "New", verb: "Make new music", icon: "generate", why: "Starts a new piece. Keeping a take replaces what is on the roll; undo brings it back.", main: ["bars", "temperature"], more: ["key", "chords", "density", "tempo", "metre", "lowest", "highest", "style", "touch", "polyphony", "ending", "takes"], bars: 8 },
};

/** The controls of a way that `model`, if it is known, can follow, all but the main ones. */
export const moreOf = (way, model) => WAYS[way].more.filter((name) => !CONTROLS[name].told || model?.told);

/** Whether `model` can be played this way. */
export const can = (model, way) => model.ways.includes(way);

/** Why this way cannot be taken now, as a sentence of what to do; empty where it can. */
export function missing(way, { music, selection, models, model }) {
  if (models && !models.length) return "The server has no model: train one (view Train), or start it as `segue studio RUN`.";
  const chosen = models?.find((m) => m.name === model);
  if (models && !models.some((m) => can(m, way))) return `No model here can do this yet: train one with the recipe ${lack(way)} (view Train), then choose it here.`;
  if (chosen && !can(chosen, way)) return `${chosen.name} cannot do this: choose another model.`;
  const { needs } = WAYS[way];
  if (needs && !music.notes.length) return "There is no music yet: open a file, take an example or play some on the keyboard.";
  if (needs === "selection" && !selection) return "Select bars first: drag over the bar numbers above the roll, or set them here.";
  if (needs === "selection" && selection.first >= barCount(music)) return "The selected bars are past the end of the music: select bars that have notes.";
  if (needs === "selection" && !openTracks(music, selection).length) return "All notes of the selected bars are locked: unlock some with L, or choose other bars.";
  return "";
}

const lack = (way) => ({ vary: "musicvae-2bar" })[way] ?? "compound-transformer";

/** The request that the server gets. `wire` is the music as JSON. */
export function request(way, state, seed, wire) {
  const { wishes, model } = state;
  const asked = [...WAYS[way].main, ...moreOf(way, state.models?.find((m) => m.name === model))];
  const value = (name) => (asked.includes(name) ? wishes[name] : undefined);
  const body = { model, takes: value("takes") ?? CONTROLS.takes.value, seed };
  if (way === "vary") return { ...body, music: wire, amount: value("amount") ?? CONTROLS.amount.value };
  const wished = {};
  for (const name of WISHES) {
    const it = value(name);
    if (it !== undefined && it !== null && it !== "") wished[name] = name === "density" ? `${it}/beat` : it;
  }
  body.wishes = wished;
  if (value("temperature") != null) body.sampling = { temperature: value("temperature") };
  if (asked.includes("bars")) body.bars = value("bars") ?? WAYS[way].bars ?? CONTROLS.bars.value;
  if (WAYS[way].needs) body.music = wire;
  if (way === "infill") {
    const open = openTracks(state.music, state.selection);
    Object.assign(body, { first_bar: state.selection.first, last_bar: Math.min(state.selection.last, Math.max(barCount(state.music), state.selection.first + 1)), tracks: open.length < state.music.tracks.length ? open : [] });
  }
  return body;
}
