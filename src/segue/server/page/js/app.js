// Puts the page together: the store, the player, the views; and keeps the work in the browser.

import { dismiss, notice, openDialog, say, showHelp, themed, trouble } from "./a11y.js";
import { alive, models, showToken, warmSound } from "./api.js";
import { takeAway } from "./away.js";
import { bringMusic } from "./bring.js";
import { $, $$, bringIcons, clamp, h, icon, later } from "./dom.js";
import { makeEdits } from "./edits.js";
import { makeKeyboard } from "./keyboard.js";
import { listenToKeys } from "./keys.js";
import { showList } from "./list.js";
import { makePanel, randomSeed } from "./make.js";
import { recall, remember } from "./memory.js";
import { emptyMusic, region, reserveIds } from "./music.js";
import { makeRoll, silent } from "./roll.js";
import { pointAtRoll } from "./roll-point.js";
import { showSheet } from "./scores.js";
import { Player } from "./sound.js";
import { makeStore } from "./store.js";
import { makeTakes, showTakes } from "./takes.js";
import { timeOf } from "./time.js";
import { showTracks } from "./tracks.js";
import { makeTransport } from "./transport.js";
import { showViews } from "./views.js";

const KEPT = ["title", "music", "takes", "provenance", "way", "wishes", "seed", "pinned", "model", "listening", "snap", "look", "theme", "selection", "begun", "looping"];
const HISTORY = 30;

const store = makeStore({
  title: "", music: emptyMusic(), takes: [], provenance: [], steps: 0,
  selection: null, picked: new Set(), muted: new Set(), solo: new Set(), track: 0,
  tool: "select", snap: 0.25, look: "roll", theme: "auto", keys: false, begun: false, looping: false,
  way: "continue", wishes: {}, seed: randomSeed(), pinned: false, model: null, models: null,
  job: null, heard: null, listening: true, server: true, sheetZoom: 1,
});

/** What the roll, the sheet and the player show: the take that is heard, or the piece. */
function shown() {
  const { takes, heard, music } = store.get();
  return (heard && takes.find((t) => t.id === heard)?.music) || music;
}

const quieted = new WeakMap();

/** What sounds: the same without tracks that are muted. */
function sounding() {
  const music = shown();
  const out = silent(store.get(), music);
  if (!out.size) return music;
  const key = [...out].join();
  const known = quieted.get(music);
  if (known?.key === key) return known.music;
  const made = { ...music, notes: music.notes.filter((n) => !out.has(n.track)) };
  quieted.set(music, { key, music: made });
  return made;
}

function known() {
  const { takes, heard } = store.get();
  const take = takes.find((t) => t.id === heard);
  if (take?.status !== "coming") return Infinity;
  return timeOf(take.music).seconds(take.known ?? take.promptEnd ?? 0);
}

function loopSpan() {
  const { looping, selection, heard, takes } = store.get();
  // A take that is a loop is heard as one.
  const take = takes.find((t) => t.id === heard && t.way === "loop" && t.status === "done");
  if (!looping && !take) return null;
  const music = shown();
  const time = timeOf(music);
  const span = take ? null : region(music, selection);
  const to = span ? span.to : time.tickOfBar(Math.max(1, Math.ceil(time.bar(Math.max(...music.notes.map((n) => n.onset + n.duration), 1)) - 1e-6)));
  return { from: time.seconds(span?.from ?? 0), to: time.seconds(to) };
}

async function start() {
  bringIcons();
  const kept = await recall("studio").catch(() => null);
  if (kept) {
    const { history, job, ...rest } = kept;
    reserveIds(rest.music);
    for (const take of rest.takes) reserveIds(take.music);
    store.set(rest);
    store.restore(history);
  }
  const toggleTheme = themed(store);

  const player = new Player({
    source: () => ({ music: sounding(), known: known() }),
    loop: loopSpan,
    onState: () => { transport?.state(); roll?.ask("over"); cards?.refresh(); },
    onTrouble: (error) => (error.gone
      ? lost("The server does not answer, so you hear the page's own simple sound. Your music is safe in this browser: start `segue studio` again in a terminal.")
      : notice(error.message, { name: "sound" })),
  });
  const tell = (sentence) => notice(sentence, { kind: "warn", name: "edit", seconds: 8 });
  const edits = makeEdits(store, tell);
  let transport; let cards;
  const roll = makeRoll(store, shown, player);
  const sound = (pitch, track, velocity = 80) => player.key(pitch, velocity, shown().tracks[track]?.drums, 0.35);
  pointAtRoll({ store, roll, edits, shown, sound, seek: (tick) => player.seek(timeOf(shown()).seconds(tick)) });
  const keyboard = makeKeyboard({ store, player, say, editable: edits.editable });
  transport = makeTransport({ store, player, shown, edits, keyboard });
  const takes = makeTakes({ store, player });
  cards = showTakes({ store, takes, player });
  makePanel({ store, make: takes.start, cancel: takes.cancel, barNow: () => timeOf(shown()).bar(player.tick()) });
  showTracks({ store, shown, edits });
  showList({ store, shown, edits });
  showSheet({ store, shown, player });
  const bring = bringMusic({ store, player, roll });
  const away = takeAway({ store, shown });
  const undo = () => told("Undone", store.undo());
  const redo = () => told("Redone", store.redo());
  const make = () => (store.get().job ? takes.cancel() : takes.start(store.get().way));
  listenToKeys({ store, roll, edits, player, keyboard, transport, takes, away, bring, shown, undo, redo, make });
  showViews({ store, bring, player });
  bars({ roll, edits, undo, redo, toggleTheme });

  store.on(["music", "heard", "muted", "solo"], (state, changed) => {
    if (state.heard && !state.takes.some((t) => t.id === state.heard)) store.set({ heard: null });
    // A take that carries on from what sounds now shares it: nothing is to be made anew.
    if (state.carriedOn) store.set({ carriedOn: false });
    else if (!changed.includes("takes") || changed.includes("music")) player.renew();
  });
  store.on(["looping", "selection"], () => { if (player.playing && store.get().looping) player.renew(); });
  keep();
  roll.size();
  roll.showAll();
  watchServer(bring);
  if (kept?.job?.id) takes.resume(kept.job);
  document.documentElement.dataset.ready = "true";
  // For measuring from outside, as bench/studio.py does.
  window.studio = { store, roll, player, shown };
}

function told(what, label) {
  say(label ? `${what}: ${label}.` : `Nothing to be ${what.toLowerCase()}.`);
}

/** Buttons and choices that belong to no part. */
function bars({ roll, edits, undo, redo, toggleTheme }) {
  const wire = (id, name, act) => {
    const button = $(`#${id}`);
    button.prepend(icon(name));
    if (act) button.addEventListener("click", act);
    button.title ||= button.getAttribute("aria-label") ?? "";
  };
  wire("undo", "undo", undo);
  wire("redo", "redo", redo);
  wire("theme", "theme", toggleTheme);
  wire("help", "help", showHelp);
  wire("open", "open");
  wire("away", "away");
  const zoom = (factor) => (store.get().look === "sheet" ? store.set({ sheetZoom: factor ? clamp(store.get().sheetZoom * factor, 0.5, 4) : 1 }) : factor ? roll.zoom(factor) : roll.showAll());
  wire("zoom-in", "plus", () => zoom(1.4));
  wire("zoom-out", "minus", () => zoom(1 / 1.4));
  wire("zoom-fit", "fit", () => zoom(0));
  const title = $("#title");
  title.addEventListener("change", () => store.change("name the piece", { title: title.value.trim() }));
  const snap = $("#snap");
  snap.addEventListener("change", () => store.set({ snap: Number(snap.value) }));
  for (const button of $$("#looks button")) button.addEventListener("click", () => store.set({ look: button.dataset.look }));
  for (const button of $$("#tools button")) button.addEventListener("click", () => store.set({ tool: button.dataset.tool }));

  const show = () => {
    const { title: name, look, tool, snap: grid, music, begun, takes, sheetZoom } = store.get();
    if (document.activeElement !== title) title.value = name;
    document.title = name ? `${name} · Segue studio` : "Segue studio";
    snap.value = String(grid);
    for (const button of $$("#looks button")) button.setAttribute("aria-pressed", String(button.dataset.look === look));
    for (const button of $$("#tools button")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    $("#field").classList.toggle("drawing", tool === "draw");
    const wasHidden = $("#roll").hidden;
    $("#roll").hidden = look === "sheet" || look === "list";
    if (wasHidden && !$("#roll").hidden) roll.size();
    $("#sheet").hidden = look !== "sheet" && look !== "both";
    $("#list").hidden = look !== "list";
    // What works on the roll alone is there with the roll alone.
    const rolled = look === "roll" || look === "both";
    $("#tools").hidden = snap.parentElement.hidden = !rolled;
    $("#zooms").hidden = look === "list";
    $("#sheet").style.setProperty("--sheet-zoom", sheetZoom);
    $("#surface").classList.toggle("both", look === "both");
    $("#welcome").hidden = begun || music.notes.length > 0 || takes.length > 0;
    for (const [id, can] of [["undo", store.canUndo()], ["redo", store.canRedo()]]) {
      $(`#${id}`).disabled = !can;
      $(`#${id}`).title = can ? `${id === "undo" ? "Undo" : "Redo"}: ${can}` : `Nothing to ${id}`;
    }
  };
  store.on(["title", "look", "tool", "snap", "music", "begun", "takes", "steps", "sheetZoom"], show);
  show();
  picked(edits);
}

/** What is picked, and what can be done with it, at the right of the bar. */
function picked(edits) {
  const box = $("#picked");
  const count = document.createElement("span");
  const velocity = Object.assign(document.createElement("input"), { type: "range", min: 1, max: 127 });
  velocity.setAttribute("aria-label", "Velocity of the picked notes");
  velocity.addEventListener("input", () => edits.velocity(() => Number(velocity.value)));
  const button = (name, label, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "icon", title: label });
    made.setAttribute("aria-label", label);
    made.append(icon(name));
    made.addEventListener("click", act);
    return made;
  };
  box.append(count, velocity, button("lock", "Lock or unlock", edits.lock), button("close", "Delete the picked notes", edits.drop));
  store.on(["picked", "music", "selection", "heard"], () => {
    const notes = edits.picked();
    const { selection, heard } = store.get();
    box.hidden = !!heard || (!notes.length && !selection);
    count.textContent = notes.length ? `${notes.length} ${notes.length === 1 ? "note" : "notes"}` : selection ? `bars ${selection.first + 1}–${selection.last}` : "";
    velocity.hidden = !notes.length;
    box.lastChild.hidden = !notes.length;
    if (notes.length && document.activeElement !== velocity) velocity.value = notes[0].velocity;
  });
}

/** Work goes to the browser's storage soon after each change, and at once when the page is left. */
function keep() {
  const write = later(() => {
    const state = store.get();
    const work = Object.fromEntries(KEPT.map((key) => [key, state[key]]));
    work.takes = state.takes.filter((t) => t.status === "done" || state.job?.id);
    work.job = state.job?.id ? state.job : null;
    work.history = store.history(HISTORY);
    remember("studio", work).catch(() => notice("The browser has no room to keep your work: take it away as a file before you close the page.", { kind: "warn", name: "memory" }));
  }, 350);
  store.on([...KEPT, "job"], write);
  addEventListener("pagehide", write.now);
  document.addEventListener("visibilitychange", () => { if (document.hidden) write.now(); });
}

function lost(sentence) {
  store.set({ server: false });
  notice(sentence, { kind: "warn", name: "cut" });
}

/** A server beyond this machine wants its token once. */
function askToken(again) {
  const dialog = $("#sheet-away");
  if (dialog.open) return;
  const input = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
  const wrong = h("p.muted.small", { role: "status" });
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await showToken(input.value.trim());
      dialog.close();
      again();
    } catch (error) { wrong.textContent = error.message; }
  } }, h("div.field", {}, h("label.name", { htmlFor: "token" }, "Token"), input, wrong), h("button.primary", {}, "Go on"));
  openDialog(dialog, "away-head", "This server wants its token", h("p.lead", {}, "It is what `segue serve --token` was started with. The browser keeps it for this server alone."), form);
}

/** Asks now and then whether the server is there, and for its models once it is. */
function watchServer() {
  let wait = 0;
  const look = async () => {
    const there = await alive();
    if (there && (!store.get().models || !store.get().server)) {
      await models().then((list) => { store.set({ models: list }); warmSound(); }).catch((error) => (error.status === 401 ? askToken(look) : trouble(error, { name: "models" })));
      if (!store.get().server) {
        dismiss("cut");
        notice("The server is back.", { kind: "good", name: "back", seconds: 4 });
      }
      store.set({ server: true });
    } else if (!there && store.get().server) {
      lost("The server does not answer. Your music is safe in this browser: start `segue studio` again in a terminal, and the page carries on by itself.");
    }
    clearTimeout(wait);
    wait = setTimeout(look, document.hidden ? 15000 : there ? 5000 : 1500);
  };
  look();
}

start();
