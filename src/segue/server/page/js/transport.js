// The bar below: play, where we are, tempo, loudness.

import { $, h, icon, iconButton } from "./dom.js";
import { endSeconds } from "./music.js";
import { timeOf } from "./time.js";

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export function makeTransport({ store, player, shown, edits, keyboard }) {
  const go = h("button.go", { type: "button", id: "play", "aria-label": "Play", "aria-keyshortcuts": "Space", onclick: toggle }, icon("play"));
  const place = h("b", {}, "1.1");
  const times = h("span", {}, "0:00");
  const seek = h("input.seek", { type: "range", min: 0, max: 1000, value: 0, "aria-label": "Position", oninput: () => player.seek((seek.value / 1000) * endSeconds(shown())) });
  const tempo = h("input", { type: "number", min: 20, max: 300, step: 1, id: "tempo", onchange: () => { if (tempo.value) edits.tempo(Math.min(300, Math.max(20, Number(tempo.value)))); } });
  const loop = iconButton("loop", "Repeat the selected bars, or all", () => store.set({ looping: !store.get().looping }));
  const keys = iconButton("keys", "Keyboard", () => store.set({ keys: !store.get().keys }), { id: "show-keys" });
  const volume = h("input.volume", { type: "range", min: 0, max: 100, value: 90, "aria-label": "Loudness", oninput: () => player.volume((volume.value / 100) ** 1.5) });
  const hearing = h("span.hearing");
  $("#transport").append(
    iconButton("start", "To the start", () => player.seek(0)), go, loop,
    h("div.where", {}, place, times), seek, hearing,
    h("label.field.slim", {}, h("span", {}, "Tempo"), tempo),
    keys, h("span.row.volume-group", {}, icon("volume"), volume),
  );
  tempo.style.setProperty("width", "70px");

  function toggle() {
    if (player.playing) player.stop();
    else player.play();
  }

  let frame = 0;
  function show() {
    frame = 0;
    const music = shown();
    const time = timeOf(music);
    const [now, all] = [player.seconds(), endSeconds(music)];
    place.textContent = time.place(time.ticks(now) + 1e-6);
    times.textContent = `${clock(now)} / ${clock(all)}`;
    if (document.activeElement !== seek) seek.value = all ? (now / all) * 1000 : 0;
    seek.setAttribute("aria-valuetext", `bar ${place.textContent.replace(".", " beat ")}`);
    if (player.playing) frame = requestAnimationFrame(show);
  }

  function state() {
    const label = player.playing ? "Pause" : "Play";
    if (go.getAttribute("aria-label") !== label) {
      go.setAttribute("aria-label", label);
      go.replaceChildren(icon(player.playing ? "pause" : "play"));
    }
    frame ||= requestAnimationFrame(show);
  }

  store.on(["music", "heard", "takes"], state);
  store.on(["music", "heard"], () => { if (document.activeElement !== tempo) tempo.value = Math.round(timeOf(shown()).qpm(0)); });
  store.on(["looping", "keys"], ({ looping, keys: open }) => {
    loop.setAttribute("aria-pressed", String(looping));
    keys.setAttribute("aria-pressed", String(open));
    keyboard.show(open);
  });
  store.on(["heard", "takes"], ({ heard, takes }) => {
    const take = takes.find((t) => t.id === heard);
    hearing.textContent = take ? `Hearing take ${take.number}` : "";
  });
  tempo.value = Math.round(timeOf(shown()).qpm(0));
  loop.setAttribute("aria-pressed", "false");
  keys.setAttribute("aria-pressed", "false");
  return { toggle, state };
}
