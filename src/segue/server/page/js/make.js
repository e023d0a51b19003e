// The panel that makes music: way, model, controls, and the button.

import { $, h, icon, iconButton } from "./dom.js";
import { barCount, openTracks, trackName } from "./music.js";
import { CONTROLS, WAYS, can, missing, moreOf } from "./ways.js";

export const randomSeed = () => Math.floor(Math.random() * 1_000_000);

/** `make(way)` starts a job, `cancel()` ends the one that runs. */
export function makePanel({ store, make, cancel, barNow }) {
  const box = $("#make");
  const ways = h("div.ways", { role: "radiogroup", "aria-label": "What to make" });
  const models = h("select", { id: "model", onchange: () => store.set({ model: models.value, modelPicked: true }) });
  const body = h("div.make-body");
  const go = h("button.primary", { type: "button", id: "go", "aria-keyshortcuts": "M", "aria-describedby": "go-why", onclick: press });
  const why = h("p.muted.small", { id: "go-why" });
  box.append(
    h("div.make-head", {}, ways, h("label.row", {}, h("span.muted.small", {}, "Model"), h("span.grow", {}, models))),
    body,
    h("div.make-foot", {}, go, why),
  );

  const tiles = Object.entries(WAYS).map(([way, told]) => h("button.way", {
    type: "button", role: "radio", "data-way": way, onclick: () => choose(way),
    onkeydown: (event) => roam(event, way),
  }, icon(told.icon), told.name));
  ways.append(...tiles);

  function choose(way) {
    store.set({ way });
    tiles.find((tile) => tile.dataset.way === way).focus();
  }

  function roam(event, way) {
    const names = Object.keys(WAYS);
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    choose(names[(names.indexOf(way) + by + names.length) % names.length]);
  }

  function press() {
    if (store.get().job) cancel();
    else make(store.get().way);
  }

  const wish = (name, value) => store.set({ wishes: { ...store.get().wishes, [name]: value } });

  function control(name, way) {
    const told = CONTROLS[name];
    const id = `wish-${name}`;
    const now = store.get().wishes[name];
    const usual = (name === "bars" && WAYS[way].bars) || told.value;
    const shown = h("span.value");
    const label = h("span.spread", {}, h("label.name", { htmlFor: id }, told.name), shown);
    const about = h("span.why", { id: `${id}-why` }, told.why);
    const common = { id, "aria-describedby": `${id}-why` };
    let input;
    if (told.kind === "range") {
      const tell = () => {
        const value = store.get().wishes[name];
        shown.textContent = value === undefined && told.free ? told.free : `${value ?? usual}${told.unit ? ` ${told.unit}` : ""}`;
        input.setAttribute("aria-valuetext", shown.textContent);
        reset.hidden = value === undefined;
      };
      const reset = h("button.link.small", { type: "button", onclick: () => { wish(name, undefined); input.value = usual; tell(); } }, told.free ?? `back to ${usual}`);
      input = h("input", { ...common, type: "range", min: told.min, max: told.max, step: told.step, oninput: () => { wish(name, Number(input.value)); tell(); } });
      input.value = now ?? usual;
      tell();
      return h("div.field", {}, label, input, about, reset);
    }
    if (told.kind === "choice") {
      const options = told.options.map((o) => (Array.isArray(o) ? o : [o, o]));
      input = h("select", { ...common, onchange: () => wish(name, input.value || undefined) }, h("option", { value: "" }, told.free), ...options.map(([value, text]) => h("option", { value }, text)));
      input.value = now ?? "";
    } else if (told.kind === "number") {
      input = h("input", { ...common, type: "number", min: told.min, max: told.max, placeholder: told.free ?? "", onchange: () => {
        const value = input.value === "" ? undefined : Math.min(told.max, Math.max(told.min, Math.round(Number(input.value))));
        input.value = value ?? (told.free ? "" : usual);
        wish(name, value);
      } });
      input.value = now ?? (told.free ? "" : usual);
    } else {
      input = h("input", { ...common, type: "text", placeholder: told.example, maxLength: 200, spellcheck: false, autocomplete: "off", onchange: () => wish(name, input.value.trim() || undefined) });
      input.value = now ?? "";
    }
    return h("div.field", {}, label, input, about);
  }

  function seedField() {
    const input = h("input", { id: "seed", type: "number", min: 0, max: 2 ** 31, "aria-describedby": "seed-why", onchange: () => store.set({ seed: Math.max(0, Math.round(Number(input.value) || 0)), pinned: true }) });
    const pin = iconButton("lock", "Keep this seed", () => store.set({ pinned: !store.get().pinned }));
    const show = ({ seed, pinned }) => {
      input.value = seed;
      pin.setAttribute("aria-pressed", String(pinned));
    };
    show(store.get());
    seeds = show;
    return h("div.field", {}, h("label.name", { htmlFor: "seed" }, "Seed"),
      h("span.row", {}, input, iconButton("dice", "Another seed", () => store.set({ seed: randomSeed(), pinned: false })), pin),
      h("span.why", { id: "seed-why" }, "The same seed, music and settings make the same takes again. Take 2 has the next one."));
  }
  let seeds = () => {};

  /** Bars and tracks to remake, for those who do not drag. */
  function selectionField() {
    const { selection, music } = store.get();
    const all = barCount(music);
    const number = (value, label, set) => {
      const input = h("input", { type: "number", min: 1, max: all, value, "aria-label": label, onchange: () => set(Math.min(all, Math.max(1, Math.round(Number(input.value) || 1)))) });
      return input;
    };
    const first = (selection?.first ?? 0) + 1;
    const last = selection?.last ?? Math.min(all, 4);
    const put = (from, to) => store.set({ selection: { ...selection, first: Math.min(from, to) - 1, last: Math.max(from, to) } });
    const chosen = new Set(selection?.tracks ?? []);
    const free = new Set(openTracks(music, { first: first - 1, last, tracks: null }));
    const tracks = music.tracks.map((track, i) => h("label.check", {}, h("input", { type: "checkbox", disabled: !free.has(i), checked: free.has(i) && (!chosen.size || chosen.has(i)), onchange: (event) => {
      const next = new Set(chosen.size ? chosen : music.tracks.map((_, n) => n));
      event.target.checked ? next.add(i) : next.delete(i);
      store.set({ selection: { first: first - 1, last, ...selection, tracks: next.size && next.size < music.tracks.length ? [...next].sort((a, b) => a - b) : null } });
    } }), `${trackName(track, i)}${free.has(i) ? "" : " (locked)"}`));
    return h("fieldset.field.plain", {}, h("legend.name", {}, "Remake"),
      h("span.row", {}, "bars", number(first, "First bar to remake", (v) => put(v, last)), "to", number(last, "Last bar to remake", (v) => put(first, v))),
      music.tracks.length > 1 ? h("div.tracks-chosen", {}, ...tracks) : null);
  }

  /** Remaking begins with bars that are selected: those at the playhead, unless there are others. */
  function preselect() {
    const { way, selection, music } = store.get();
    if (way !== "infill" || selection || !music.notes.length) return;
    const bars = barCount(music);
    const first = Math.min(Math.floor(barNow()), Math.max(0, bars - 1));
    store.set({ selection: { first, last: Math.min(bars, first + 2) } });
  }

  function fill() {
    const { way, models: list, model } = store.get();
    const told = WAYS[way];
    const more = moreOf(way, list?.find((m) => m.name === model));
    const opened = $("details", body)?.open ?? false;
    body.replaceChildren(
      h("p.lead.muted", {}, told.why),
      ...(way === "infill" ? [selectionField()] : []),
      ...told.main.map((name) => control(name, way)),
      h("details", { open: opened }, h("summary", {}, "More to ask for"), h("div.inner", {}, ...more.map((name) => control(name, way)), seedField())),
      h("label.check.small", {}, h("input", { type: "checkbox", checked: store.get().listening, onchange: (e) => store.set({ listening: e.target.checked }) }), "Hear it while it is made"),
    );
  }

  function fillModels() {
    const { models: list, model, way } = store.get();
    models.replaceChildren(...(list ?? []).map((m) => h("option", { value: m.name, disabled: !can(m, way) }, can(m, way) ? m.name : `${m.name} (cannot ${WAYS[way].name.toLowerCase()})`)));
    models.value = model ?? "";
    models.disabled = !list?.length;
    if (!list?.length) models.append(h("option", { value: "" }, list ? "no models yet" : "asking the server …"));
  }

  let ticking = 0;
  const sinceOf = ({ waitedFrom }) => {
    const seconds = Math.floor((Date.now() - waitedFrom) / 1000);
    return seconds < 3 ? "" : `, for ${seconds} s now`;
  };

  function state() {
    const now = store.get();
    for (const tile of tiles) {
      const on = tile.dataset.way === now.way;
      tile.setAttribute("aria-checked", String(on));
      tile.tabIndex = on ? 0 : -1;
      const able = !now.models?.length || now.models.some((m) => can(m, tile.dataset.way));
      tile.classList.toggle("unable", !able);
      tile.title = able ? "" : "No model here can do this yet";
    }
    const lacks = missing(now.way, now);
    go.disabled = !now.job && !!lacks;
    const verb = now.job ? (now.job.ahead > 0 ? `Waiting behind ${now.job.ahead}: stop` : "Stop") : WAYS[now.way].verb;
    // A button whose inside is replaced between press and release would not be pressed.
    if (go.textContent !== verb) go.replaceChildren(...(now.job ? [] : [icon(WAYS[now.way].icon)]), h("span", {}, verb));
    const takes = now.wishes.takes ?? CONTROLS.takes.value;
    clearTimeout(ticking);
    if (now.job) ticking = setTimeout(state, 1000);
    why.textContent = now.job ? `Takes come in under the music while they are made${sinceOf(now.job)}.` : lacks || `${takes} ${takes === 1 ? "take" : "takes"} · seed ${now.seed}`;
    seeds(now);
  }

  /** A model that can do what is asked, unless a person chose one that can. */
  function settle() {
    const { models: list, model, way } = store.get();
    if (!list?.length) return;
    const now = list.find((m) => m.name === model);
    if (now && can(now, way)) return;
    const better = list.find((m) => m.default && can(m, way)) ?? list.find((m) => can(m, way));
    if (better) store.set({ model: better.name });
    else if (!now) store.set({ model: list[0].name });
  }

  store.on("way", preselect);
  store.on(["way", "models"], settle);
  store.on(["way", "models", "model"], fillModels);
  store.on("way", fill);
  store.on(["models", "model"], () => {
    // Only where other controls come: what is being typed into stays.
    const now = store.get();
    const controls = moreOf(now.way, now.models?.find((m) => m.name === now.model)).length;
    if (controls !== offered) fill();
    offered = controls;
  });
  let offered = -1;
  store.on(["selection", "music"], (_, changed) => {
    const { way, music } = store.get();
    const shape = `${music.tracks.length}/${barCount(music)}/${way === "infill" ? openTracks(music, store.get().selection) : ""}`;
    if (way === "infill" && (changed.includes("selection") || shape !== drawn)) {
      // Filled anew only where it is not being typed into.
      if (!body.contains(document.activeElement) || document.activeElement.type === "checkbox") fill();
    }
    drawn = shape;
  });
  let drawn = "";
  store.on(["way", "models", "model", "music", "selection", "job", "seed", "pinned", "wishes"], state);
  fill();
  fillModels();
  state();
}
