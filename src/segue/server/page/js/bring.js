// Music that comes in: files dropped or chosen, and the examples.

import { notice, say, dismiss, trouble } from "./a11y.js";
import { readFile } from "./api.js";
import { $, h, icon } from "./dom.js";
import { emptyMusic, fromWire } from "./music.js";
import { timeOf } from "./time.js";
import { askTune, tunesOf } from "./tunes.js";

export function bringMusic({ store, player, roll }) {
  const input = $("#file");

  function put(title, wire, { play = false } = {}) {
    player.stop();
    player.rest = 0;
    store.set({ selection: null, picked: new Set(), heard: null });
    store.change("open music", { music: fromWire(wire), title, takes: [], provenance: [] });
    store.set({ track: 0, muted: new Set(), solo: new Set() });
    roll.showAll();
    say(`${title} is open: ${wire.notes.length} notes.`);
    if (!play) return;
    // An upbeat stands at the end of its bar: what is silent before it is not waited for.
    const { music } = store.get();
    player.rest = timeOf(music).seconds(music.notes[0]?.onset ?? 0);
    player.play();
  }

  async function open(file, options) {
    dismiss("open");
    let name = file.name.replace(/\.[^.]+$/, "");
    try {
      if (/\.abc$/i.test(file.name)) {
        const tunes = tunesOf(await file.text());
        if (tunes.length > 1) {
          const tune = await askTune(file.name, tunes);
          if (!tune) return undefined;
          name = tune.title;
          file = new File([tune.text], file.name, { type: "text/plain" });
        }
      }
      if (/\.json$/i.test(file.name)) return put(name, pieceOf(JSON.parse(await file.text()), file.name), options);
      const told = await readFile(file);
      if (!told.music.notes.length) throw new Error(`${file.name} holds no notes: choose a file that does.`);
      put(name, told.music, options);
      if (told.repairs?.length) notice(`${file.name} is open; not all of it was as it should be: ${told.repairs.slice(0, 3).join("; ")}.`, { kind: "warn", name: "open" });
    } catch (error) {
      const sentence = error instanceof SyntaxError ? `${file.name} is not JSON: drop a MIDI, ABC or MusicXML file, or a piece that the studio saved.` : error.message;
      trouble(Object.assign(error, { message: sentence }), { name: "open", action: error.gone ? undefined : { name: "Choose another", act: choose } });
    }
    return undefined;
  }

  function pieceOf(told, name) {
    const music = told.music ?? told;
    if (!isMusic(music)) throw new Error(`${name} holds no music as the studio writes it: drop a MIDI, ABC or MusicXML file instead.`);
    return music;
  }

  function isMusic({ notes, tracks, ticks_per_quarter: tpq }) {
    const fits = (value, low, high) => Number.isInteger(value) && value >= low && value <= high;
    return Array.isArray(notes) && Array.isArray(tracks) && fits(tpq, 1, Infinity) && notes.every((n) => (
      fits(n?.track, 0, tracks.length - 1) && fits(n.onset, 0, Infinity) && fits(n.duration, 1, Infinity) && fits(n.pitch, 0, 127) && fits(n.velocity, 1, 127)));
  }

  async function openAll(files) {
    const list = [...files];
    if (!list.length) return;
    if (list.length > 1) notice(`${list.length} files came; ${list[0].name} is opened. To learn from many pieces go to the view Train.`, { kind: "warn", name: "many", seconds: 10 });
    await open(list[0]);
  }

  const choose = () => input.click();
  input.addEventListener("change", () => { openAll(input.files); input.value = ""; });
  $("#open").addEventListener("click", choose);
  $("#fresh").append(icon("plus"));
  $("#fresh").title = "New piece";
  $("#fresh").addEventListener("click", () => {
    player.stop();
    player.rest = 0;
    store.set({ selection: null, picked: new Set(), heard: null, begun: false, track: 0, muted: new Set(), solo: new Set() });
    if (store.get().music.notes.length) store.change("begin a new piece", { music: emptyMusic(), title: "", takes: [], provenance: [] });
    roll.showAll();
    say("An empty piece. Undo brings the last one back.");
  });

  let inside = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!holdsFiles(event) || $("#compose").hidden) return;
    inside += 1;
    $("#dropping").hidden = false;
  });
  addEventListener("dragleave", () => { inside = Math.max(0, inside - 1); $("#dropping").hidden = inside === 0; });
  addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    inside = 0;
    $("#dropping").hidden = true;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    if (!$("#compose").hidden) openAll(event.dataTransfer.files);
  });

  /** The first thing a visitor sees: one click and there is music. */
  async function welcome() {
    const box = $("#welcome");
    const examples = h("div.examples");
    box.replaceChildren(
      h("div", {}, h("h1", {}, "Bring some music. Segue carries straight on."), h("p.lead", {}, "Start with an example, your own file, or a phrase you play. Nothing leaves this computer.")),
      examples,
      h("div.others", {},
        h("button.quiet", { type: "button", onclick: choose }, icon("open"), "Open MIDI, ABC or MusicXML"),
        h("button.quiet", { type: "button", onclick: () => store.set({ keys: true, begun: true }) }, icon("keys"), "Play a phrase"),
        h("button.quiet", { type: "button", onclick: () => store.set({ begun: true, tool: "draw" }) }, "Draw notes")),
    );
    const list = await fetch("examples/index.json").then((r) => r.json()).catch(() => []);
    examples.append(...list.map((it) => h("button.example", { type: "button", onclick: () => example(it) }, h("span.disc", {}, icon("play")), h("b", {}, it.title), h("small", {}, it.about))));
  }

  async function example(it) {
    player.context; // a click allows sound
    const answer = await fetch(`examples/${it.file}`).catch(() => null);
    if (!answer?.ok) return notice("The example cannot be read: reload the page.", { name: "open" });
    return put(it.title, await answer.json(), { play: true });
  }

  welcome();
  return { open, openAll, choose, put };
}
