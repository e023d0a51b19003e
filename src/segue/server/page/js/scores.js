// Sheet music, drawn by the server; a large piece is drawn some bars at a time.

import { Problem, writeFile } from "./api.js";
import { $, h, later } from "./dom.js";
import { barCount, endTick, toWire } from "./music.js";
import { timeOf } from "./time.js";

const BARS = 32;

export function showSheet({ store, shown, player }) {
  const box = $("#sheet");
  let drawn = null;
  let from = 0;
  let urls = [];

  /** `bars` bars of the music as a piece of its own. */
  function part(music, first, bars) {
    if (first === 0 && barCount(music) <= bars) return music;
    const time = timeOf(music);
    const [a, b] = [time.tickOfBar(first), time.tickOfBar(first + bars)];
    const moved = (list) => {
      const before = list.filter((e) => e.tick <= a).at(-1);
      return [...(before ? [{ ...before, tick: 0 }] : []), ...list.filter((e) => e.tick > a && e.tick < b).map((e) => ({ ...e, tick: e.tick - a }))];
    };
    return {
      ...music, tempi: moved(music.tempi), metres: moved(music.metres), keys: moved(music.keys), controllers: [], bends: [],
      notes: music.notes.filter((n) => n.onset >= a && n.onset < b).map((n) => ({ ...n, onset: n.onset - a, duration: Math.min(n.duration, b - n.onset) })),
    };
  }

  async function draw() {
    if (!["sheet", "both"].includes(store.get().look)) return;
    const music = shown();
    if (drawn?.notes === music.notes && drawn.from === from) return;
    drawn = { notes: music.notes, from };
    const mine = drawn;
    if (!endTick(music)) {
      box.replaceChildren(h("p", {}, "There is no music yet: its sheet music appears here."));
      return;
    }
    if (!box.querySelector("img")) box.replaceChildren(h("p", {}, "Drawing …"));
    const bars = barCount(music);
    try {
      const blob = await writeFile(toWire(part(music, from, BARS)), "svg");
      if (mine !== drawn) return;
      urls.forEach(URL.revokeObjectURL);
      urls = [URL.createObjectURL(blob)];
      const last = Math.min(bars, from + BARS);
      box.replaceChildren(
        ...(bars > BARS ? [h("p.row", {}, h("button.quiet.small", { type: "button", disabled: from === 0, onclick: () => turn(-1) }, "Before"), h("span", {}, `Bars ${from + 1} to ${last} of ${bars}`), h("button.quiet.small", { type: "button", disabled: last >= bars, onclick: () => turn(1) }, "After"))] : []),
        h("img", { src: urls[0], alt: `Sheet music, bars ${from + 1} to ${last}` }));
    } catch (error) {
      drawn = null;
      box.replaceChildren(h("p", {}, error instanceof Problem ? error.message : "The sheet music cannot be drawn: change the music or reload the page."),
        h("button.quiet.small", { type: "button", onclick: draw }, "Try again"));
    }
  }

  function turn(by) {
    from = Math.max(0, from + by * BARS);
    draw();
  }

  const soon = later(draw, 500);
  store.on(["music", "heard"], () => { from = 0; soon(); });
  store.on("takes", () => { if (store.get().heard && !player.playing) soon(); });
  store.on("look", draw);
  return { draw };
}
