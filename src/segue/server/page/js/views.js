// The four views; Judge, Listen and Train are read when they are first opened.

import { $, $$ } from "./dom.js";

const LATE = {
  judge: () => import("./judge.js"),
  listen: () => import("./listen.js"),
  train: () => import("./train.js"),
};

export function showViews(parts) {
  const open = new Map();

  async function show() {
    const wanted = location.hash.slice(1).split("/")[0];
    const name = wanted in LATE ? wanted : "compose";
    for (const view of $$("main > .view")) view.hidden = view.id !== name;
    $("#transport").hidden = name !== "compose";
    for (const link of $$(".tabs a")) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (name === "compose") return;
    parts.player.stop();
    if (!open.has(name)) open.set(name, LATE[name]().then((module) => module.showPanel($(`#${name}`), parts)));
    (await open.get(name)).refresh?.();
  }

  addEventListener("hashchange", show);
  show();
}
