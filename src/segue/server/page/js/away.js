// Music that goes out: dragged to a DAW or the desktop, or saved as a file with its receipt.

import { notice, openDialog, say, trouble } from "./a11y.js";
import { writeFile } from "./api.js";
import { $, h, icon } from "./dom.js";
import { toWire } from "./music.js";
import { midiBytes } from "./midi-write.js";

const FORMATS = [
  ["mid", "MIDI", "for a DAW or a notation program"], ["wav", "WAV", "sound, as large as it is good"],
  ["mp3", "MP3", "sound, small"], ["musicxml", "MusicXML", "for MuseScore, Sibelius, Dorico"],
  ["pdf", "PDF", "sheet music to print"], ["png", "PNG", "a picture of the piano roll"],
];

const fileName = (title) => (title || "Untitled").replace(/[\\/:*?"<>|\u0000-\u001f]+/g, " ").trim().slice(0, 80) || "Untitled";

export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function takeAway({ store, shown }) {
  let dragged = null; // { music, url, file }

  /** How the piece came about: every take that was kept, with its receipt. */
  function receipt() {
    const { title, provenance, models } = store.get();
    const bundles = new Set(provenance.map((p) => p.receipt?.bundle));
    return {
      title, made_with: "Segue studio", steps: provenance,
      licences: (models ?? []).filter((m) => bundles.has(m.name) || bundles.has(m.recipe)).map((m) => ({ model: m.name, hash: m.hash, training_music: m.licence ?? "not told: see the model's card" })),
    };
  }

  const midi = (music) => midiBytes(music, store.get().title, store.get().provenance.length ? `segue studio ${JSON.stringify(receipt().steps.map((s) => ({ way: s.way, seed: s.seed, bundle: s.receipt?.bundle, bundle_hash: s.receipt?.bundle_hash })))}` : "");

  /** The file to drag, ready before the drag begins. */
  function ready() {
    const music = shown();
    if (dragged?.music === music) return dragged;
    if (dragged) URL.revokeObjectURL(dragged.url);
    const file = new File([midi(music)], `${fileName(store.get().title)}.mid`, { type: "audio/midi" });
    dragged = { music, file, url: URL.createObjectURL(file) };
    return dragged;
  }

  function drag(event) {
    const { file, url } = ready();
    // Chromium saves a file of this address where it is let go; other programs take the item.
    event.dataTransfer.setData("DownloadURL", `audio/midi:${file.name}:${url}`);
    event.dataTransfer.setData("text/uri-list", url);
    try { event.dataTransfer.items.add(file); } catch { /* not every browser takes files here */ }
    event.dataTransfer.effectAllowed = "copy";
  }

  async function download(format, button) {
    const music = shown();
    const name = `${fileName(store.get().title)}.${format}`;
    if (format === "mid") return save(new Blob([midi(music)], { type: "audio/midi" }), name);
    button.disabled = true;
    try {
      save(await writeFile(toWire(music), format), name);
      say(`${name} is saved.`);
    } catch (error) {
      trouble(error, { name: "away" });
      $("#sheet-away").close();
    } finally {
      button.disabled = false;
    }
    return undefined;
  }

  function open() {
    const { provenance, music, heard } = store.get();
    if (!shown().notes.length) return notice("There is nothing to take away yet: open a file, take an example or draw notes.", { kind: "warn", name: "away" });
    const handle = h("div.dragout", { draggable: true, ondragstart: drag, onpointerenter: ready }, icon("drag"),
      h("div", {}, h("b", {}, "Drag this into your DAW or onto the desktop"), h("div.small.muted", {}, "It is the MIDI file. Firefox and Safari do not let pages drag files out: press MIDI there.")));
    openDialog($("#sheet-away"), "away-head", heard ? "Take away this take" : "Take away",
      handle,
      h("div.choices", {}, ...FORMATS.map(([format, name, why]) => {
        const button = h("button.tile", { type: "button", "data-format": format, onclick: () => download(format, button) }, name, h("small", {}, why));
        return button;
      }),
      h("button.tile", { type: "button", "data-format": "receipt", onclick: () => save(new Blob([JSON.stringify(receipt(), null, 2)], { type: "application/json" }), `${fileName(store.get().title)}.receipt.json`) }, "Receipt", h("small", {}, "models, seeds and licences")),
      h("button.tile", { type: "button", "data-format": "piece", onclick: () => save(new Blob([JSON.stringify({ title: store.get().title, music: toWire(shown()) }, null, 1)], { type: "application/json" }), `${fileName(store.get().title)}.json`) }, "Studio piece", h("small", {}, "to open here again"))),
      h("p.small.muted", {}, provenance.length
        ? `${provenance.length} ${provenance.length === 1 ? "take is" : "takes are"} in this piece (${[...new Set(provenance.map((p) => p.receipt?.bundle).filter(Boolean))].join(", ")}). The receipt says how each was made, and on what terms the models' training music came: mind them when you publish.`
        : "All notes here are yours or the file's: no model made any of them."));
    $("#away").dataset.music = music.notes.length;
    return ready();
  }

  $("#away").addEventListener("click", open);
  return { open, ready, receipt };
}
