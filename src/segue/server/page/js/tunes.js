// Books of ABC tunes: what tunes there are, and which of them a person wants.

import { openDialog } from "./a11y.js";
import { $, h } from "./dom.js";

/** The tunes of an ABC file: [{ title, about, text }], each with what stands before the first tune. */
export function tunesOf(text) {
  const [before, ...tunes] = text.replaceAll("\r\n", "\n").split(/^(?=X:)/m);
  // Words that some put before the first tune are no part of it; fields and directives are.
  const head = before.split("\n").filter((line) => /^([A-Za-z]:|%%)/.test(line)).join("\n");
  return tunes.map((tune, i) => {
    const field = (letter) => tune.match(new RegExp(`^${letter}:[ \\t]*(.*\\S)`, "m"))?.[1];
    const about = [field("M"), field("K")].filter(Boolean).join(", ");
    return { title: field("T") ?? `Tune ${i + 1}`, about, text: head ? `${head}\n${tune}` : tune };
  });
}

/** Asks which tune; null where a person leaves without one. */
export function askTune(name, tunes) {
  const dialog = $("#sheet-away");
  return new Promise((done) => {
    const list = h("div.choices.tunes");
    const find = h("input", { type: "search", id: "find-tune", placeholder: "Find by name", "aria-label": "Find a tune by name", oninput: fill });
    let chosen = null;
    function fill() {
      const wanted = find.value.trim().toLowerCase();
      list.replaceChildren(...tunes.filter((t) => t.title.toLowerCase().includes(wanted)).slice(0, 200)
        .map((tune) => h("button.tile", { type: "button", onclick: () => { chosen = tune; dialog.close(); } }, tune.title, h("small", {}, tune.about))));
      if (!list.children.length) list.append(h("p.muted", {}, "No tune is called so: write less of its name."));
    }
    fill();
    dialog.addEventListener("close", () => done(chosen), { once: true });
    openDialog(dialog, "away-head", `Which of the ${tunes.length} tunes of ${name}?`, find, list);
  });
}
