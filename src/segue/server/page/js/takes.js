// Takes: made as a job, shown while they come in, compared, kept or rejected.

import { notice, say, dismiss, trouble } from "./a11y.js";
import * as api from "./api.js";
import { result } from "./asking.js";
import { $, h, icon, iconButton } from "./dom.js";
import { endTick, fromWire, joined, openTracks, region, toWire, withMarks } from "./music.js";
import { drawThumb } from "./roll-draw.js";
import { follow } from "./sse.js";
import { timeOf } from "./time.js";
import { WAYS, missing, request } from "./ways.js";
import { randomSeed } from "./make.js";

const ALONE = new Set(["generate", "loop", "vary"]); // ways that do not hold the piece
const SOON = 120; // ms between looks at what came in

/** What is behind the takes' cards: `start()`, `resume()`, `keep(id)`, `reject(id)`, `hear(id)`. */
export function makeTakes({ store, player }) {
  let stream = null;
  let arriving = []; // takes that are being fetched
  let coming = new Map(); // take number -> raw notes, while they come
  let tpq = 480;
  let shownAt = 0;

  const takes = () => store.get().takes;
  const update = (id, patch) => store.set({ takes: takes().map((t) => (t.id === id ? { ...t, ...patch } : t)) });
  const idOf = (job, number) => `${job}-${number}`;

  async function start(way) {
    const state = store.get();
    const lacks = missing(way, state);
    if (lacks) return notice(lacks, { kind: "warn", name: "make" });
    if (state.job) return undefined;
    dismiss("make");
    const seed = state.seed;
    const wire = toWire(state.music);
    const body = request(way, state, seed, wire);
    const job = { id: null, key: crypto.randomUUID(), way, model: body.model, seed, count: body.takes, ahead: 0, piece: state.music, span: way === "infill" ? { ...region(state.music, state.selection), tracks: openTracks(state.music, state.selection) } : null, waitedFrom: Date.now() };
    store.set({ job });
    try {
      const made = await api.startJob(way, body, job.key);
      job.id = made.id;
      if (!store.get().job) return api.cancelJob(made.id);
      begin(job);
      store.set({ job: { ...job, ahead: made.ahead ?? 0 } });
      say(`${WAYS[way].name}: ${body.takes} takes are being made.`);
      await listen(job);
      search(job);
    } catch (error) {
      failed(error, way);
    } finally {
      store.set({ job: null });
      if (!store.get().pinned) store.set({ seed: randomSeed() });
    }
    return undefined;
  }

  function failed(error, way) {
    if (error.name === "AbortError") return;
    drop();
    const wait = error.retryAfter;
    const again = { name: wait ? `Try again in ${wait} s` : "Try again", act: () => setTimeout(() => start(way), wait * 1000) };
    // What was understood and refused is refused again until something is changed.
    trouble(error, { name: "make", action: error.passing === false ? undefined : again });
  }

  /** Empty cards for what is coming; takes of before stay, if they were made from the same piece. */
  function begin(job) {
    coming = new Map();
    const { music } = store.get();
    const old = takes().filter((t) => t.status === "done" && t.base === music).slice(-8);
    const last = Math.max(0, ...old.map((t) => t.number));
    const fresh = Array.from({ length: job.count }, (_, i) => ({
      id: idOf(job.id, i), job: job.id, number: last + i + 1, way: job.way, seed: job.seed + i, base: job.piece, ...blank(job),
    }));
    store.set({ takes: [...old, ...fresh] });
    if (store.get().listening) hearLive(fresh[0], job);
  }

  /** A take of which nothing has come. */
  function blank(job) {
    return {
      status: "coming", arrived: 0, known: undefined, findings: [], memorised: [],
      music: ALONE.has(job.way) ? fromWire({ ...toWire(job.piece), notes: [], controllers: [], bends: [] }) : job.piece,
      promptEnd: job.way === "continue" ? endTick(job.piece) : null,
    };
  }

  /** A server that fell begins a job anew: what it told of takes that are not whole is void. */
  function begunAgain(job) {
    coming = new Map();
    const void_ = (t) => t.job === job.id && t.status === "coming" && t.arrived > 0;
    if (!takes().some(void_)) return;
    store.set({ takes: takes().map((t) => (void_(t) ? { ...t, ...blank(job) } : t)) });
    if (takes().some((t) => t.id === store.get().heard && t.status === "coming")) player.renew();
  }

  /** From what sounds now straight on into what is being made. */
  function hearLive(take, job) {
    if (job.way === "continue" && player.playing && !store.get().heard) {
      store.set({ heard: take.id, carriedOn: true });
      return;
    }
    const from = job.way === "continue" ? endTick(job.piece) : job.span?.from ?? 0;
    player.stop();
    store.set({ heard: take.id });
    player.rest = timeOf(take.music).seconds(from);
    player.play();
  }

  async function listen(job) {
    stream = new AbortController();
    arriving = [];
    await follow(api.eventsOf(job.id), (name, data) => on(job, name, data), {
      signal: stream.signal,
      onCut: (cut) => (cut
        ? notice("The server does not answer. Your music and this job are kept: start `segue studio` again, and the page carries on by itself.", { kind: "warn", name: "cut" })
        : (dismiss("cut"), notice("The server is back.", { kind: "good", name: "back", seconds: 4 }))),
    });
    await Promise.all(arriving);
    if (stream.signal.aborted) drop();
  }

  function on(job, name, data) {
    if (name === "queued") store.set({ job: { ...store.get().job, ahead: data.ahead ?? 0 } });
    else if (name === "started") {
      begunAgain(job);
      if (data.attempt > 1) notice("The takes had to be begun again: their notes come anew.", { kind: "warn", name: "again", seconds: 6 });
      store.set({ job: { ...store.get().job, ahead: 0 } });
    } else if (name === "note") noted(job, data);
    else if (name === "take") arriving.push(arrived(job, data));
    else if (name === "finding") found(job, data);
    else if (name === "failed") throw new api.Problem(data.problem?.detail ?? "The job failed: try again, or look at the server's terminal.", { status: data.problem?.status ?? 500 });
    else if (name === "cancelled") drop();
    else if (name === "done") say(`The takes are ready: ${numbersOf(takes().filter((t) => t.job === job.id))} to hear them.`);
  }

  const numbersOf = (list) => (list.length && list.at(-1).number < 10 ? `press ${list.map((t) => t.number).join(", ")}` : "press their buttons");

  function noted(job, { take, ticks_per_quarter: told, notes }) {
    tpq = told ?? tpq;
    coming.set(take, [...(coming.get(take) ?? []), ...notes]);
    const now = performance.now();
    if (now - shownAt > SOON) showComing(job, now);
    else if (!noted.timer) noted.timer = setTimeout(() => { noted.timer = 0; showComing(job, performance.now()); }, SOON);
  }

  function showComing(job, now) {
    shownAt = now;
    store.set({ takes: takes().map((t) => {
      if (t.job !== job.id || t.status !== "coming") return t;
      const raw = coming.get(Number(t.id.split("-").at(-1)));
      if (!raw || raw.length === t.arrived) return t;
      return { ...t, ...partial(job, raw), arrived: raw.length };
    }) });
  }

  /** The piece with the notes that are there so far. */
  function partial(job, raw) {
    const { piece } = job;
    const scale = piece.ticks_per_quarter / tpq;
    const last = Math.max(0, ...piece.tracks.map((_, i) => i), ...raw.map((n) => n.track ?? 0));
    const tracks = last < piece.tracks.length ? piece.tracks : Array.from({ length: last + 1 }, (_, i) => piece.tracks[i] ?? { name: `Track ${i + 1}`, program: 0, drums: false });
    let known = 0;
    const fresh = raw.map((n) => {
      const onset = Math.round(n.onset * scale);
      known = Math.max(known, onset);
      return { track: n.track ?? 0, onset, duration: Math.max(1, Math.round(n.duration * scale)), pitch: n.pitch, velocity: n.velocity ?? 80 };
    });
    const base = toWire(piece);
    let kept = base.notes;
    if (ALONE.has(job.way)) kept = [];
    else if (job.span) kept = kept.filter((n) => !(job.span.tracks.includes(n.track) && n.onset >= job.span.from && n.onset < job.span.to));
    const music = joined(piece, { ...base, tracks, notes: [...kept, ...fresh], ...(ALONE.has(job.way) ? { controllers: [], bends: [] } : {}) });
    return { music, known };
  }

  async function arrived(job, facts) {
    const id = facts.id ?? idOf(job.id, facts.number);
    try {
      const whole = await api.takeAt(id);
      const scale = job.piece.ticks_per_quarter / whole.music.ticks_per_quarter;
      const music = ALONE.has(job.way) ? fresh(whole.music) : joined(job.piece, whole.music);
      const now = takes().find((t) => t.id === id);
      update(id, {
        status: "done", music, known: undefined, receipt: whole.receipt, seed: whole.seed,
        promptEnd: whole.prompt_end, checks: whole.checks, newNotes: whole.new_notes, bars: whole.bars,
        findings: now?.findings ?? [], scale,
      });
      if (!store.get().heard && store.get().listening && facts.number === 0) store.set({ heard: id });
    } catch (error) {
      update(id, { status: "failed", problem: error.message });
      trouble(error, { name: "take" });
    }
  }

  const fresh = (wire) => fromWire(wire, () => ({ fresh: true }));

  /** Asks, once takes are there, what of each the training music has too; quietly, take by take. */
  async function search(job) {
    for (const take of takes().filter((t) => t.job === job.id && t.status === "done")) {
      try {
        const { result: told } = await result("memorisation", { model: job.model, music: toWire(take.music), begin: Math.round(take.promptEnd ?? 0) });
        const [verdict] = told.takes;
        const memorised = verdict.passages.map((p) => ({ first: p.first_bar - 1, last: p.last_bar }));
        if (takes().some((t) => t.id === take.id)) update(take.id, { memorised, copied: verdict.copied, music: withMarks(take.music, memorised) });
      } catch {
        return; // a bundle that carries none of its training music cannot be asked
      }
    }
  }

  function found(job, { take, ...finding }) {
    const id = idOf(job.id, take);
    const now = takes().find((t) => t.id === id);
    if (now) update(id, { findings: [...now.findings, finding] });
  }

  /** Takes that will not come any more. */
  function drop() {
    const left = takes().filter((t) => t.status === "done");
    if (!left.some((t) => t.id === store.get().heard)) {
      player.stop();
      store.set({ heard: null });
    }
    store.set({ takes: left });
  }

  async function cancel() {
    const { job } = store.get();
    stream?.abort();
    store.set({ job: null });
    drop();
    say("Stopped.");
    if (job?.id) await api.cancelJob(job.id).catch(() => {});
  }

  function hear(id, { play = true } = {}) {
    const was = store.get().heard;
    store.set({ heard: id });
    const take = takes().find((t) => t.id === id);
    if (!play) return;
    const { music } = take ?? store.get();
    const time = timeOf(music);
    if (!player.playing) {
      // A take is heard from shortly before its own part.
      const from = take?.promptEnd ? Math.max(0, take.promptEnd - time.metre(take.promptEnd).length) : take?.way === "infill" && region(store.get().music, store.get().selection)?.from || 0;
      if (was !== id || player.rest === 0) player.rest = time.seconds(from);
      player.play();
    }
    say(take ? `Hearing take ${take.number}.` : "Hearing the piece.");
  }

  function keep(id) {
    const take = takes().find((t) => t.id === id);
    if (!take || take.status !== "done") return;
    const { provenance } = store.get();
    const step = { way: take.way, take: take.id, seed: take.seed, when: new Date().toISOString(), receipt: take.receipt };
    const heardThis = store.get().heard === id;
    store.set({ selection: null, picked: new Set() });
    store.change("keep a take", {
      music: { ...take.music, memorised: take.memorised }, takes: [], provenance: ALONE.has(take.way) ? [step] : [...provenance, step],
    });
    store.set({ heard: null, carriedOn: heardThis });
    say(`Take ${take.number} is kept. Undo brings the others back.`);
  }

  function reject(id) {
    const take = takes().find((t) => t.id === id);
    if (!take) return;
    if (store.get().heard === id) {
      player.stop();
      store.set({ heard: null });
    }
    store.change("reject a take", { takes: takes().filter((t) => t.id !== id) });
    say(`Take ${take.number} is rejected.`);
  }

  /** After a reload: goes on listening to a job that was running. */
  async function resume(job) {
    if (!job?.id) return;
    store.set({ job });
    try {
      await listen(job);
    } catch (error) {
      failed(error, job.way);
    } finally {
      store.set({ job: null });
    }
  }

  return { start, cancel, resume, hear, keep, reject };
}

/** "bar 3, bars 5–8 are". */
const spansOf = (spans) => {
  const names = spans.slice(0, 3).map(({ first, last }) => (last - first > 1 ? `bars ${first + 1}–${last}` : `bar ${first + 1}`));
  return `${names.join(", ")}${spans.length > 3 ? " and more" : ""} ${spans.length === 1 && !names[0].startsWith("bars") ? "is" : "are"}`;
};

const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** The cards. */
export function showTakes({ store, takes, player }) {
  const box = $("#takes");
  const row = h("div.takes-row");
  const heading = h("h2");
  const hint = h("span.muted.small");
  // Made once: a button that is made anew while it is pressed would not be pressed.
  const back = h("button.quiet.small", { type: "button", onclick: () => takes.hear(null, { play: player.playing }) }, "Back to the piece");
  const none = h("button.link.small", { type: "button", onclick: () => { store.change("reject all takes", { takes: [] }); store.set({ heard: null }); } }, "Reject all");
  const head = h("div.takes-head", {}, heading, hint, back, none);
  box.append(head, row);
  const cards = new Map();
  let shownCard = null;

  function card(take) {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const play = iconButton("play", "", () => {
      const { heard } = store.get();
      if (heard === take.id && player.playing) player.stop();
      else takes.hear(take.id);
    });
    const keep = h("button.quiet.small.keep", { type: "button", onclick: () => takes.keep(take.id) }, "Keep");
    const reject = iconButton("close", `Reject take ${take.number}`, () => takes.reject(take.id));
    const mark = h("span.tag");
    const told = h("p.told");
    const node = h("article.take", { "aria-label": `Take ${take.number}` }, h("header", {}, h("b", {}, `Take ${take.number}`), mark), canvas, told, h("footer", {}, play, keep, reject));
    canvas.addEventListener("click", () => takes.hear(take.id));
    return { node, canvas, play, keep, reject, mark, told, drawn: null, sounding: null };
  }

  function show() {
    const { takes: list, heard, theme } = store.get();
    const appears = box.hidden && list.length;
    box.hidden = !list.length;
    for (const [id, made] of cards) if (!list.some((t) => t.id === id)) { made.node.remove(); cards.delete(id); }
    for (const take of list) {
      let made = cards.get(take.id);
      if (!made) {
        made = card(take);
        cards.set(take.id, made);
        row.append(made.node);
      }
      paint(made, take, heard === take.id, theme);
    }
    // On a small screen the button that makes takes is far below them.
    if (appears) box.scrollIntoView({ block: "nearest" });
    if (heard && heard !== shownCard) cards.get(heard)?.node.scrollIntoView({ block: "nearest" });
    shownCard = heard;
    const waiting = list.some((t) => t.status === "coming");
    heading.textContent = waiting ? "Takes, being made" : "Takes";
    hint.textContent = heard ? "The roll shows the take you hear." : "Hear them, keep one. Undo brings the others back.";
    back.hidden = !heard;
    none.hidden = waiting;
  }

  function paint(made, take, heard, theme) {
    made.node.classList.toggle("heard", heard);
    const sounding = heard && player.playing;
    made.play.setAttribute("aria-label", `${sounding ? "Pause" : "Hear"} take ${take.number}`);
    made.play.title = sounding ? "Pause" : "Hear it";
    if (made.sounding !== sounding) made.play.replaceChildren(icon((made.sounding = sounding) ? "pause" : "play"));
    const done = take.status === "done";
    made.keep.disabled = !done;
    made.keep.setAttribute("aria-label", `Keep take ${take.number}`);
    const bad = take.findings.length;
    made.mark.className = `tag ${take.copied || bad ? "warn" : ""}`;
    made.mark.textContent = done ? (take.copied ? "copied" : bad ? `${bad} ${bad === 1 ? "finding" : "findings"}` : `seed ${take.seed}`) : take.status === "failed" ? "failed" : "coming";
    made.told.textContent = done
      ? (take.copied ? `${spansOf(take.memorised)} in the training music too` : bad ? take.findings.map((f) => `${f.what}${f.bars ? ` (bars ${f.bars[0]}–${f.bars[1]})` : ""}`).join("; ") : `${counted(take.newNotes, "new note")} · ${Math.round((take.bars ?? 0) * 10) / 10} bars in all`)
      : take.problem ?? (take.arrived ? `${counted(take.arrived, "note")} so far` : WAYS[take.way].whole ?? "the first notes are on their way");
    made.told.title = made.told.textContent;
    const key = `${theme}/${document.documentElement.dataset.theme}`;
    if (made.drawn !== take.music.notes || made.key !== key) {
      made.drawn = take.music.notes;
      made.key = key;
      requestAnimationFrame(() => drawThumb(made.canvas, take.music.notes, frameOf(take)));
    }
  }

  /** What of a take its picture shows: the new part and a little before. */
  function frameOf(take) {
    const notes = take.music.notes.filter((n) => n.fresh);
    if (!notes.length) return { from: 0, to: Math.max(1, endTick(take.music)) };
    const from = Math.min(...notes.map((n) => n.onset));
    const to = Math.max(...notes.map((n) => n.onset + n.duration));
    return { from: Math.max(0, from - (to - from) * 0.12), to: Math.max(from + 1, to) };
  }

  store.on(["takes", "heard", "theme"], show);
  show();
  return { refresh: show };
}
