// Judge: what is wrong with the piece, how it measures, how likely models find it, whether it drifts.

import { asker, number, result } from "./asking.js";
import { lineChart } from "./chart.js";
import { h } from "./dom.js";
import { toWire, withMarks } from "./music.js";

export function showPanel(box, { store }) {
  const piece = () => {
    const { music } = store.get();
    if (!music.notes.length) throw new Error("There is no music yet: go to Compose and open a file or take an example.");
    return toWire(music);
  };
  const about = h("p.lead", {});
  const model = h("select", { "aria-label": "Model" });
  const driftModel = h("select", { "aria-label": "Model whose training music is compared" });
  const searched = h("select", { "aria-label": "Model whose training music is searched" });
  box.append(h("div.panel-in", {},
    h("div.panel-head", {}, h("h2", {}, "Judge"), about),
    h("div.cards.pairs", {},
      asker("Findings", "Loops, silence, collapse, wandering, hanging notes: what hardly any real music shows.", "Examine the piece", async () => findings((await result("doctor", { music: piece() })).result)),
      asker("How likely", "How well a model predicts each note of the piece: low is familiar, high is a surprise.", "Ask the model", async () => likelihood((await result("evaluate", { model: model.value, music: piece() })).result), { extra: [model] }),
      asker("Drift", "Whether the piece, and the takes beside it, are still like what a model was trained on.", "Compare", async () => drift((await result("drift", { model: driftModel.value, pieces: [piece(), ...store.get().takes.filter((t) => t.status === "done").map((t) => toWire(t.music))] })).result), { extra: [driftModel] }),
      asker("Memorised", "Passages that the training music of a model has note for note; their bars are marked on the roll.", "Search", async () => memorised(store, (await result("memorisation", { model: searched.value, music: piece() })).result), { extra: [searched] }),
      asker("Measures", "Pitch, rhythm, texture and repetition in numbers.", "Measure the piece", async () => measures((await result("measure", { music: piece() })).result), { wide: true }),
    )));

  function refresh() {
    const { title, music, models: list } = store.get();
    about.textContent = music.notes.length ? `About ${title || "Untitled"}: ${music.notes.length} notes in ${music.tracks.length} ${music.tracks.length === 1 ? "track" : "tracks"}.` : "There is no music yet: go to Compose and open a file or take an example.";
    for (const select of [model, driftModel, searched]) {
      const was = select.value;
      select.replaceChildren(...(list ?? []).map((m) => h("option", { value: m.name }, m.name)));
      select.value = was || store.get().model || "";
    }
  }
  store.on(["models", "title"], refresh);
  return { refresh };
}

function findings({ findings: list }) {
  if (!list.length) return h("p", {}, h("span.tag.good", {}, "nothing found"), " All measures lie where real music has them.");
  return list.map((f) => h("div.finding", {},
    h("div.spread", {}, h("b", {}, words(f.symptom ?? f.name)), f.bars ? h("span.tag.warn", {}, `bars ${f.bars[0]}–${f.bars[1]}`) : null),
    h("p", {}, f.what ?? f.sentence ?? ""),
    f.value !== undefined ? h("p.muted.small", {}, `${number(f.value)} ${f.unit ?? ""}; the limit, which real music keeps to, is ${number(f.limit)}.`) : null));
}

function likelihood({ nats_a_note: note, rows, nats, positions }) {
  const mean = smooth(nats, 8);
  return [h("p", {}, h("span.big", {}, number(note)), " nats a note"), h("p.muted.small", {}, `Over ${rows} rows. The curve is the surprise along the piece, averaged over eight rows.`),
    lineChart([{ name: "", xs: positions?.length === nats.length ? positions : nats.map((_, i) => i), ys: mean }], { x: "step", y: "nats", title: "Surprise" })];
}

const smooth = (values, width) => values.map((_, i) => {
  const part = values.slice(Math.max(0, i - width + 1), i + 1).filter((v) => v !== null);
  return part.length ? part.reduce((a, b) => a + b, 0) / part.length : null;
});

function memorised(store, { takes: [verdict], limit, training_pieces: many }) {
  const spans = verdict.passages.map((p) => ({ first: p.first_bar - 1, last: p.last_bar }));
  store.set({ music: { ...withMarks(store.get().music, spans), memorised: spans } });
  return [h("p", {}, h(`span.tag${verdict.copied ? ".warn" : ".good"}`, {}, verdict.copied ? "copies its training music" : "its own music"), ` ${number(verdict.score * 100)} % of its notes are in passages of ${many} training pieces; up to ${number(limit * 100)} % is usual.`),
    ...verdict.passages.slice(0, 6).map((p) => h("p.muted.small", {}, `Bars ${p.first_bar}–${p.last_bar}: ${p.notes} notes of ${p.piece}`))];
}

function drift(told) {
  const rows = Object.entries(told.measures ?? {}).map(([name, m]) => ({ name, ...m }));
  const alarm = rows.some((r) => r.alarm);
  return [h("p", {}, h(`span.tag${alarm ? ".warn" : ".good"}`, {}, alarm ? "has drifted" : "like the training music"), ` ${told.pieces?.length ?? told.pieces ?? ""} pieces`),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Measure"), h("th.num", {}, "Distance"), h("th.num", {}, "Limit"))),
      h("tbody", {}, ...rows.map((r) => h("tr", {}, h("td", {}, r.title ?? words(r.name)), h("td.num", {}, number(r.distance)), h("td.num", {}, r.alarm ? h("span.tag.warn", {}, number(r.limit)) : number(r.limit)))))),
    ...(told.warnings ?? []).map((w) => h("p.muted.small", {}, w))];
}

function measures({ measures: list }) {
  return h("div.measures", {}, ...list.map((m) => h("div", { title: m.what }, h("span", {}, words(m.name), h("span.muted.small", {}, ` ${m.what}`)), h("b", {}, typeof m.value === "number" ? `${number(m.value)}` : "–", h("span.muted.small", {}, ` ${m.unit}`)))));
}

const words = (name) => String(name ?? "").replaceAll("_", " ").replace(/^n /, "").replace(/^./, (c) => c.toUpperCase());
