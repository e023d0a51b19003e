"use strict";
// One pair at a time. Choices live in localStorage under the listening's name, and leave this page
// only in the file that the listener saves.
(() => {
  const data = JSON.parse(document.getElementById("listening").textContent);
  const place = "segue-listening-" + data.listening;
  const find = (id) => document.getElementById(id);
  const players = { first: find("audio-first"), second: find("audio-second") };
  const kept = load();
  let at = firstOpen();
  let shownAt = Date.now();

  function load() {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      if (found && found.listening === data.listening && Array.isArray(found.choices)) return found;
    } catch (error) { /* A full or forbidden store: choices are kept while the page is open. */ }
    return { listening: data.listening, choices: new Array(data.pairs.length).fill(null) };
  }
  function keep() {
    try { localStorage.setItem(place, JSON.stringify(kept)); } catch (error) { /* as above */ }
  }
  function firstOpen() {
    const open = kept.choices.findIndex((choice) => !choice);
    return open < 0 ? data.pairs.length : open;
  }
  function show() {
    stop();
    const over = at >= data.pairs.length;
    const done = kept.choices.filter(Boolean).length;
    find("pair").hidden = over;
    find("end").hidden = !over;
    find("done").value = done;
    find("count").textContent = over
      ? `${done} of ${data.pairs.length} pairs are decided.`
      : `Pair ${at + 1} of ${data.pairs.length}`;
    find("back").disabled = at === 0;
    if (over) return;
    ["first", "second"].forEach((name, i) => { players[name].src = data.sounds[data.pairs[at][i]]; });
    const choice = kept.choices[at] && kept.choices[at].choice;
    document.querySelectorAll("[data-choice]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
    });
    shownAt = Date.now();
  }
  function stop() {
    for (const name in players) { players[name].pause(); mark(name, false); }
  }
  function mark(name, on) { find("play-" + name).classList.toggle("on", on); }
  function toggle(name) {
    const player = players[name];
    const other = name === "first" ? "second" : "first";
    players[other].pause();
    if (player.paused) player.play(); else player.pause();
  }
  function choose(choice) {
    if (at >= data.pairs.length) return;
    const [first, second] = data.pairs[at];
    const seconds = Math.round((Date.now() - shownAt) / 1000);
    kept.choices[at] = { pair: at, first, second, choice, seconds };
    keep();
    at += 1;
    show();
  }
  function save() {
    const told = { listening: data.listening, choices: kept.choices.filter(Boolean) };
    const file = new Blob([JSON.stringify(told, null, 2)], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `votes-${data.listening}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  for (const name in players) {
    find("play-" + name).addEventListener("click", () => toggle(name));
    players[name].addEventListener("play", () => mark(name, true));
    players[name].addEventListener("pause", () => mark(name, false));
  }
  document.querySelectorAll("[data-choice]").forEach((button) => {
    button.addEventListener("click", () => choose(button.dataset.choice));
  });
  document.querySelectorAll(".save").forEach((button) => button.addEventListener("click", save));
  find("back").addEventListener("click", () => { at = Math.max(0, at - 1); show(); });
  find("again").addEventListener("click", () => { at = 0; show(); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      a: () => toggle("first"), b: () => toggle("second"),
      1: () => choose("first"), 2: () => choose("second"), 0: () => choose("neither"),
      Backspace: () => { at = Math.max(0, at - 1); show(); },
    };
    const act = keys[event.key] || keys[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
  show();
})();
