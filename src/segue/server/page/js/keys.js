// The keyboard of the whole page, as a table; the roll's own keys move among the notes.

import { say, showHelp } from "./a11y.js";
import { $ } from "./dom.js";
import { region, spoken } from "./music.js";
import { timeOf } from "./time.js";

const TYPING = new Set(["text", "number", "search", "password", "file"]);

function isTyping(node) {
  return node.tagName === "TEXTAREA" || node.tagName === "SELECT" || (node.tagName === "INPUT" && TYPING.has(node.type)) || node.isContentEditable;
}

export function listenToKeys({ store, roll, edits, player, keyboard, transport, takes, away, bring, shown, undo, redo, make }) {
  const field = $("#field");

  const ctrl = {
    z: (e) => (e.shiftKey ? redo() : undo()), y: redo, o: bring.choose, s: away.open,
    a: () => store.set({ picked: new Set(shown().notes.map((n) => n.id)) }), d: edits.double,
  };

  const plain = {
    " ": transport.toggle, Home: () => player.seek(0), n: addNote, l: lock, b: (e) => pickBar(e.shiftKey), v: () => store.set({ tool: "select" }),
    d: () => store.set({ tool: "draw" }), "+": () => roll.zoom(1.3), "=": () => roll.zoom(1.3), "-": () => roll.zoom(1 / 1.3), 0: roll.showAll,
    m: make, p: () => takes.hear(null, { play: player.playing }), k: () => heard() && takes.keep(heard()), x: () => heard() && takes.reject(heard()),
    q: () => store.set({ keys: !store.get().keys }), "?": showHelp, Delete: drop, Backspace: drop,
    "[": () => louder(-8), "]": () => louder(8),
    Escape: () => store.set({ picked: new Set(), selection: null }),
  };
  for (const digit of "123456789") plain[digit] = () => hearNumber(Number(digit));

  const heard = () => store.get().heard;

  function hearNumber(number) {
    const take = store.get().takes.find((t) => t.number === number);
    if (take) takes.hear(take.id);
  }

  function lock() {
    const done = edits.lock();
    if (done) say(`${done.count} notes ${done.locked ? "locked" : "unlocked"}.`);
  }

  function drop() {
    const count = edits.drop();
    if (count) say(`${count} ${count === 1 ? "note" : "notes"} deleted.`);
  }

  function louder(by) {
    edits.velocity((v) => v + by);
    const [note] = edits.picked();
    if (note) say(`velocity ${note.velocity}`);
  }

  function addNote() {
    const last = edits.picked().at(-1);
    const onset = last ? last.onset + last.duration : edits.snapped(player.tick());
    const made = edits.add({ onset, duration: last?.duration ?? shown().ticks_per_quarter, pitch: last?.pitch ?? 60, velocity: last?.velocity ?? 80 });
    if (!made) return;
    player.key(made.pitch, made.velocity, false, 0.4);
    roll.reveal(made);
    say(`Added ${spoken(store.get().music, made)}`);
  }

  function pickBar(more) {
    const { selection } = store.get();
    const bar = Math.max(0, Math.floor(timeOf(shown()).bar(player.tick()) + 1e-6));
    const next = more && selection ? { ...selection, last: selection.last + 1 } : { ...selection, first: bar, last: bar + 1 };
    store.set({ selection: next });
    const { from, to } = region(shown(), next);
    say(`Bars ${next.first + 1} to ${next.last} selected, ${shown().notes.filter((n) => n.onset >= from && n.onset < to).length} notes.`);
  }

  /** Arrows in the roll: among notes; with Alt they change the picked ones. */
  function arrows(event) {
    const dir = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!dir) return false;
    if (event.altKey) change(dir, event.shiftKey);
    else walk(dir, event.shiftKey);
    return true;
  }

  function change([time, pitch], length) {
    const notes = edits.picked();
    if (!notes.length) return say("No note is picked: go to one with the arrow keys.");
    if (length && time) edits.stretch(notes, time * edits.grid());
    else edits.shift(notes, time * edits.grid(), pitch);
    const [note] = edits.picked();
    if (!note) return undefined;
    if (pitch) player.key(note.pitch, note.velocity, false, 0.3);
    return say(notes.length > 1 ? `${notes.length} notes` : spoken(store.get().music, note));
  }

  function walk([time, pitch], more) {
    const { notes } = shown();
    if (!notes.length) return say("No notes yet: press N to add one.");
    const at = notes.findLastIndex((n) => store.get().picked.has(n.id));
    let to = null;
    if (at < 0) to = notes.find((n) => n.onset >= player.tick()) ?? notes.at(-1);
    else if (time) to = notes[at + time];
    else {
      const now = notes[at];
      const near = notes.filter((n) => n !== now && n.onset < now.onset + now.duration && n.onset + n.duration > now.onset && Math.sign(n.pitch - now.pitch) === pitch);
      to = near.sort((a, b) => Math.abs(a.pitch - now.pitch) - Math.abs(b.pitch - now.pitch))[0];
    }
    if (!to) return say(time < 0 ? "The first note." : time ? "The last note." : `Nothing ${pitch > 0 ? "above" : "below"}.`);
    store.set({ picked: more ? new Set([...store.get().picked, to.id]) : new Set([to.id]), track: to.track });
    roll.setFollow(false);
    roll.reveal(to);
    player.key(to.pitch, to.velocity, shown().tracks[to.track]?.drums, 0.35);
    return say(spoken(shown(), to));
  }

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const { target } = event;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (isTyping(target) && !"os".includes(name)) return;
      if (ctrl[name] && !$("#compose").hidden) {
        event.preventDefault();
        ctrl[name](event);
      }
      return;
    }
    if (isTyping(target) || $("#compose").hidden) return;
    if (target === field && arrows(event)) return event.preventDefault();
    if (event.altKey) return;
    // A button that has the focus is pressed by Space and Enter.
    if (name === " " && target.closest("button, a, summary, input")) return;
    if (target.matches("input[type=range], [role=radio]") && (name.startsWith("Arrow") || name === "Home")) return;
    if (keyboard.keydown(event)) return event.preventDefault();
    if (plain[name]) {
      event.preventDefault();
      plain[name](event);
    }
  });
  addEventListener("keyup", (event) => keyboard.keyup(event));
  field.addEventListener("focus", () => {
    const notes = edits.picked();
    if (notes.length === 1) say(spoken(shown(), notes[0]));
  });
}
