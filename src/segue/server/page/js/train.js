// Train: begin a training on dropped music, watch its curves, hear what it plays step by step.

import { call, get, readFile } from "./api.js";
import { asker, cancelJob, ended, result } from "./asking.js";
import { lineChart } from "./chart.js";
import { $, h } from "./dom.js";

const MUSIC = /\.(mid|midi|abc|xml|musicxml|mxl|krn|tx1|tx2|txt)$/i;

export async function showPanel(box, { store, bring }) {
  const runs = h("div.cards");
  const about = h("section.card.span", { hidden: true });
  const recipe = h("select", { id: "recipe" });
  const recipeWhy = h("p.muted.small");
  const name = h("input", { type: "text", id: "run-name", maxLength: 60, placeholder: "my-music", pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]*" });
  const minutes = h("input", { type: "number", id: "minutes", min: 1, max: 10080, value: 30 });
  const state = h("div.shell", { "aria-live": "polite" });
  const picker = h("input", { type: "file", multiple: true, hidden: true, webkitdirectory: true, "aria-label": "Folder of music" });
  const zone = h("div.dropzone", {}, h("b", {}, "Drop a folder of music here"), h("span.muted.small", {}, "MIDI, ABC or MusicXML. It stays on this computer."), h("button.quiet", { type: "button", onclick: () => picker.click() }, "Choose a folder"), picker);
  let files = [];
  let watched = null; // the run whose curves are shown
  const beside = new Set(); // runs whose curves are drawn with it
  let timer = 0;

  const go = h("button.primary", { type: "button", disabled: true, onclick: begin }, "Start training");
  box.append(h("div.panel-in", {},
    h("div.panel-head", {}, h("h2", {}, "Train"), h("p.lead", {}, "A model learns from your music alone and can be played in Compose as soon as it is done.")),
    h("section.card", { "aria-label": "A new training" }, zone,
      h("div.cards", {},
        h("div.field", {}, h("label.name", { htmlFor: "recipe" }, "Recipe"), recipe, recipeWhy),
        h("div.field", {}, h("label.name", { htmlFor: "run-name" }, "Name"), name, h("span.why", {}, "How the model is called in Compose.")),
        h("div.field", {}, h("label.name", { htmlFor: "minutes" }, "Minutes"), minutes, h("span.why", {}, "It stops then at the latest, and keeps its best."))),
      h("div.row", {}, go), state),
    about,
    h("div.spread", {}, h("h3", {}, "Runs")), runs));

  picker.addEventListener("change", () => took([...picker.files]));
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    took(await dropped(event.dataTransfer));
  });

  function took(all) {
    files = all.filter((f) => MUSIC.test(f.name));
    state.replaceChildren(h("p", {}, files.length ? `${files.length} files of music${all.length > files.length ? `; ${all.length - files.length} others are left out` : ""}.` : "There is no music in it: drop a folder with MIDI, ABC or MusicXML files."));
    go.disabled = !files.length;
  }

  async function begin() {
    const form = new FormData();
    for (const file of files) form.append("files", file, file.name);
    form.append("recipe", recipe.value);
    if (name.value.trim()) form.append("name", name.value.trim().replace(/[^A-Za-z0-9_-]+/g, "-"));
    form.append("max_minutes", String(Number(minutes.value) || 30));
    go.disabled = true;
    try {
      const job = await (await call("POST", "trainings", { form, headers: { "Idempotency-Key": crypto.randomUUID() } })).json();
      state.replaceChildren(h("div.row", {}, h("span.grow", {}, "The training has begun: its run appears below."), h("button.quiet.small", { type: "button", onclick: () => cancelJob(job.id) }, "Stop it")), h("progress", { "aria-label": "Training" }));
      await Promise.race([ended(job.id), new Promise((done) => setTimeout(done, 2500))]);
      await list();
      const mine = (await get("runs")).runs.find((r) => r.job === job.id);
      if (mine) open(mine.name);
      const done = await ended(job.id);
      state.replaceChildren(h("p", {}, done.status === "cancelled" ? "The training was stopped." : `Done. ${done.result?.run ?? "The model"} can be chosen in Compose now.`));
      store.set({ models: (await get("models")).models });
    } catch (error) {
      state.replaceChildren(h("p.notice.bad", { role: "alert" }, error.message ?? String(error)));
    } finally {
      go.disabled = !files.length;
      list();
    }
  }

  async function list() {
    try {
      const { runs: all } = await get("runs");
      runs.replaceChildren(...all.map((r) => h("article.card", {}, h("div.spread", {}, h("h3", {}, r.name), h(`span.tag${r.has_bundle ? ".good" : ""}`, {}, r.has_bundle ? "can be played" : "no model yet")),
        h("p.muted.small", {}, `${r.recipe ?? "unknown recipe"} · step ${r.step ?? 0}${r.max_steps ? ` of ${r.max_steps}` : ""}`),
        r.max_steps ? h("progress", { value: r.step ?? 0, max: r.max_steps, "aria-label": `Steps of ${r.name}` }) : null,
        h("div.row", {}, h("button.quiet.small", { type: "button", "aria-label": `Look at ${r.name}`, onclick: () => open(r.name) }, "Look at it"),
          h("label.check.small", {}, h("input", { type: "checkbox", checked: beside.has(r.name), "aria-label": `Compare ${r.name}`, onchange: (e) => compare(r.name, e.target.checked) }), "compare")))));
      if (!all.length) runs.replaceChildren(h("p.muted", {}, "No run yet: drop a folder above, or train with `segue train FOLDER`."));
    } catch (error) {
      runs.replaceChildren(h("p.notice.bad", {}, error.message));
    }
  }

  function compare(run, on) {
    if (on) beside.add(run);
    else beside.delete(run);
    if (!watched) watched = run;
    about.hidden = false;
    draw();
  }

  /** The curves of one measure of several runs, each under its run's name. */
  async function side(key) {
    const names = [...beside].filter((run) => run !== watched).slice(0, 3);
    const all = await Promise.all(names.map((run) => get(`runs/${encodeURIComponent(run)}/curves`)));
    return all.map(({ curves }, i) => ({ name: names[i], xs: curves[key]?.steps ?? [], ys: curves[key]?.values ?? [] })).filter((l) => l.xs.length);
  }

  async function open(run) {
    watched = run;
    about.hidden = false;
    await draw();
    about.scrollIntoView({ block: "nearest" });
  }

  async function draw() {
    clearTimeout(timer);
    if (!watched || $("#train").hidden) return;
    const path = encodeURIComponent(watched);
    try {
      const [{ curves }, { samples }] = await Promise.all([get(`runs/${path}/curves`), get(`runs/${path}/samples`)]);
      const keys = Object.keys(curves).filter((key) => /loss|nats/.test(key));
      const main = keys.find((key) => /val|held/.test(key)) ?? keys[0] ?? Object.keys(curves)[0];
      const others = main ? await side(main) : [];
      const shown = others.length ? [main] : keys.slice(0, 4);
      const lines = [...shown.map((key) => ({ name: others.length ? `${watched} (${key})` : key, xs: curves[key].steps, ys: curves[key].values })), ...others];
      about.replaceChildren(h("div.spread", {}, h("h3", {}, watched), h("button.link.small", { type: "button", onclick: draw }, "Look again")),
        lineChart(lines, { x: "step", y: "nats", title: `Loss of ${watched}` }),
        h("h3", {}, "What it plays, step by step"),
        samples.length ? h("div.row.wrap", {}, ...samples.flatMap(({ step, files: all }) => Object.entries(all).filter(([file]) => file.endsWith(".mid")).map(([file, url]) => h("button.quiet.small", { type: "button", "aria-label": `Open ${file} of step ${step} in Compose`, onclick: () => sample(url, `${watched} at step ${step}`) }, `step ${step}`)))) : h("p.muted.small", {}, "No sample yet: one comes with each validation."),
        asker("What is wrong with it", "The doctor plays the model and says what is wrong, why, and what to try.", "Ask the doctor", async () => told((await result(`runs/${path}/doctor`)).result)));
      const { step, max_steps: most } = await get(`runs/${path}`);
      if (step < most) timer = setTimeout(draw, 5000);
    } catch (error) {
      about.replaceChildren(h("p.notice.bad", {}, error.message));
    }
  }

  async function sample(url, title) {
    const answer = await call("GET", url);
    const { music } = await readFile(new File([await answer.blob()], "sample.mid", { type: "audio/midi" }));
    bring.put(title, music, { play: true });
    location.hash = "#compose";
  }

  function told(report) {
    const remarks = (report.training ?? []).map((r) => h("div.finding", {}, h("p", {}, r.said), ...(r.try ?? []).map((it) => h("p.muted.small", {}, it))));
    const pieces = (report.pieces ?? []).flatMap(({ piece, findings }) => findings.map((f) => h("div.finding", {},
      h("div.spread", {}, h("b", {}, f.what), h("span.tag.warn", {}, `${piece}, bars ${f.bars[0]}–${f.bars[1]}`)),
      f.because ? h("p", {}, f.because) : null, ...(f.try ?? []).map((it) => h("p.muted.small", {}, it)))));
    return remarks.length + pieces.length ? [...remarks, ...pieces] : h("p", {}, h("span.tag.good", {}, "nothing found"), " Its training and its takes look well.");
  }

  try {
    const { recipes } = await get("recipes");
    recipe.replaceChildren(...recipes.map((r) => h("option", { value: r.name }, r.name)));
    recipe.value = recipes.some((r) => r.name === "chorale-lstm") ? "chorale-lstm" : recipes[0]?.name;
    const why = () => { recipeWhy.textContent = recipes.find((r) => r.name === recipe.value)?.summary ?? ""; };
    recipe.addEventListener("change", why);
    why();
  } catch (error) {
    state.replaceChildren(h("p.notice.bad", {}, error.message));
  }
  return { refresh: () => { list(); draw(); } };
}

/** The files of what was dropped, folders opened. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) found.push(await new Promise((done, failed) => entry.file(done, failed)));
    else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, failed) => reader.readEntries(done, failed));
        if (!some.length) break;
        for (const each of some) await walk(each);
      }
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}
