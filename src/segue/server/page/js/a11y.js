// Words for those who listen, messages for everybody, dialogs, light and dark.

import { $, h, iconButton } from "./dom.js";

/** Said by a screen reader when it has nothing else to say. */
export function say(sentence) {
  const box = $("#said");
  box.textContent = box.textContent === sentence ? `${sentence} ` : sentence;
}

/** A message that stays until it is closed; `kind` is bad, warn or good. One of a `name` at a time. */
export function notice(sentence, { kind = "bad", name = sentence, action, seconds = 0 } = {}) {
  dismiss(name);
  const box = $("#notices");
  const close = () => node.remove();
  const node = h(`div.notice.${kind}`, { "data-name": name }, h("p", {}, sentence),
    action ? h("button.quiet.small", { type: "button", onclick: () => { close(); action.act(); } }, action.name) : null,
    iconButton("close", "Close this message", close));
  box.append(node);
  while (box.children.length > 3) box.firstChild.remove();
  if (kind === "bad") $("#alarm").textContent = sentence;
  else say(sentence);
  if (seconds) setTimeout(close, seconds * 1000);
}

/** What an error says; a server that is gone is told of once, whoever noticed. */
export function trouble(error, { kind = "bad", name, action } = {}) {
  if (error.gone) notice(error.message, { kind: "warn", name: "cut", action });
  else notice(error.message, { kind, name, action });
}

export function dismiss(name) {
  for (const node of $("#notices").children) if (node.dataset.name === name) node.remove();
}

/** Opens a dialog with a heading and what is in it; Escape and a click outside close it. */
export function openDialog(dialog, id, heading, ...body) {
  dialog.replaceChildren(
    h("div.dialog-head", {}, h("h2", { id }, heading), iconButton("close", "Close", () => dialog.close())),
    h("div.dialog-body", {}, ...body),
  );
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  dialog.showModal();
}

const wantsDark = matchMedia("(prefers-color-scheme: dark)");

export function themed(store) {
  const apply = () => {
    const { theme } = store.get();
    document.documentElement.dataset.theme = theme === "auto" ? (wantsDark.matches ? "dark" : "light") : theme;
  };
  wantsDark.addEventListener("change", () => { apply(); store.set({ theme: "auto" }); });
  store.on("theme", apply);
  apply();
  return () => store.set({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark" });
}

export const SHORTCUTS = [
  ["Space", "play and pause"], ["Home", "playhead to the start"], ["← → ↑ ↓", "from note to note"],
  ["Shift + arrows", "pick more notes"], ["Alt + arrows", "move notes: time and pitch"],
  ["Alt + Shift + ← →", "shorter, longer"], ["[ ]", "softer, louder"], ["N", "add a note at the playhead"],
  ["Delete", "delete the picked notes"], ["L", "lock, unlock"], ["Ctrl + A", "pick all notes"], ["Ctrl + D", "repeat the picked notes"],
  ["Escape", "pick nothing, select nothing"], ["B", "select the bar at the playhead; Shift + B one more"],
  ["V", "pointer selects"], ["D", "pointer draws"], ["+ −", "zoom"], ["0", "show all"],
  ["M", "make takes"], ["1 2 3 4", "hear a take"], ["P", "hear the piece again"], ["K", "keep the take that is heard"], ["X", "reject it"],
  ["Ctrl + Z", "undo"], ["Ctrl + Shift + Z", "redo"], ["Ctrl + O", "open music"], ["Ctrl + S", "take away"],
  ["Q", "show or hide the keyboard"], ["?", "this list"],
];

export function showHelp() {
  openDialog($("#sheet-help"), "help-head", "Keys and help",
    h("p.lead", {}, "Bring music or play some, press Continue, and keep the take you like. Drag over bar numbers to select bars; Remake writes them anew and locks everything else. All keys work while the piano roll has the focus, most of them anywhere."),
    h("div.keys-table", {}, ...SHORTCUTS.map(([keys, what]) => h("div", {}, h("span", {}, what), h("kbd", {}, keys)))));
}
