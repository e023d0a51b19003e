// The same notes as a table, four bars at a time, for screen readers and exact work.

import { $, h } from "./dom.js";
import { barCount, keyAt, lengthName, pitchName, trackName } from "./music.js";
import { timeOf } from "./time.js";

const BARS = 4;

export function showList({ store, shown, edits }) {
  const box = $("#list");
  let first = 0;

  function rowOf(music, time, note) {
    const { picked, heard } = store.get();
    const [place, name] = [time.place(note.onset, true), pitchName(note.pitch, keyAt(music, note.onset))];
    const number = (value, low, high, label, change) => h("input", {
      type: "number", value, min: low, max: high, "aria-label": label, disabled: !!heard || !!note.locked,
      onchange: (event) => { store.set({ picked: new Set([note.id]) }); change(Math.min(high, Math.max(low, Math.round(Number(event.target.value) || low)))); },
    });
    return h("tr", { "aria-selected": String(picked.has(note.id)), onclick: () => store.set({ picked: new Set([note.id]) }) },
      h("td", {}, place), h("td", {}, name),
      h("td", {}, number(note.pitch, 0, 127, `Pitch of ${name} at ${place}`, (to) => edits.shift([note], 0, to - note.pitch))),
      h("td", {}, lengthName(note.duration / music.ticks_per_quarter)),
      h("td", {}, number(note.velocity, 1, 127, `Velocity of ${name} at ${place}`, (to) => edits.velocity(() => to))),
      h("td", {}, trackName(music.tracks[note.track], note.track)),
      h("td", {}, [note.fresh && "new", note.locked && "locked", note.memorised && "in the training music"].filter(Boolean).join(", ")));
  }

  function show() {
    if (store.get().look !== "list") return;
    const music = shown();
    const time = timeOf(music);
    const bars = barCount(music);
    first = Math.min(first, Math.floor((bars - 1) / BARS) * BARS);
    const [from, to] = [time.tickOfBar(first), time.tickOfBar(first + BARS)];
    const notes = music.notes.filter((n) => n.onset >= from && n.onset < to);
    const step = (by) => { first = Math.max(0, first + by * BARS); show(); };
    box.replaceChildren(
      h("div.row.pager", {}, h("button.quiet.small", { type: "button", disabled: first === 0, onclick: () => step(-1) }, "Bars before"),
        h("b", { role: "status" }, `Bars ${first + 1} to ${Math.min(bars, first + BARS)} of ${bars}`),
        h("button.quiet.small", { type: "button", disabled: first + BARS >= bars, onclick: () => step(1) }, "Bars after")),
      h("table", {}, h("thead", {}, h("tr", {}, ...["Bar and beat", "Note", "Pitch", "Length", "Velocity", "Track", "Marks"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, ...notes.slice(0, 400).map((note) => rowOf(music, time, note)))),
      notes.length ? null : h("p.muted", {}, "No notes begin in these bars."),
    );
  }

  store.on(["music", "heard", "takes", "picked", "look"], show);
  return { show };
}
