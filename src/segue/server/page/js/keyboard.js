// Playing a prompt: keys on the screen, of the computer, or of a MIDI keyboard, recorded to the roll.

import { $, clamp, h, icon, iconButton } from "./dom.js";
import { added, makeNote, pitchName } from "./music.js";
import { timeOf } from "./time.js";

const COMPUTER = "awsedftgyhujkolp;";
const BLACK = new Set([1, 3, 6, 8, 10]);

/** `player` sounds keys; `say` tells listeners; `editable()` whether the piece may be changed. */
export function makeKeyboard({ store, player, say, editable }) {
  const box = $("#keys");
  const down = new Map(); // pitch -> { stop, began, velocity }
  const keys = new Map();
  let octave = 4;
  let recording = null; // { clock, offset (tick), notes }
  let midi = null;

  const record = h("button.quiet.small", { type: "button", "aria-pressed": "false", onclick: () => (recording ? finish() : arm()) }, icon("record"), h("span", {}, "Record"));
  const octaveName = h("span.muted.small", { "aria-live": "polite" });
  const midiState = h("button.link.small", { type: "button", onclick: listen }, "Use a MIDI keyboard");
  const piano = h("div.piano", { role: "group", "aria-label": "Piano keys" });
  box.append(
    h("div.keys-head", {}, record,
      h("span.row", {}, iconButton("minus", "An octave lower", () => turn(-1)), octaveName, iconButton("plus", "An octave higher", () => turn(1))),
      h("span.muted.small", {}, "Computer keys ", h("kbd", {}, "A"), " to ", h("kbd", {}, ";"), " play, ", h("kbd", {}, "Z"), " ", h("kbd", {}, "X"), " change the octave"),
      midiState),
    piano,
  );

  for (let pitch = 36; pitch <= 84; pitch += 1) {
    const key = h(BLACK.has(pitch % 12) ? "button.black" : "button.white", {
      type: "button", tabIndex: -1, "aria-label": pitchName(pitch),
      onpointerdown: (event) => { key.setPointerCapture(event.pointerId); press(pitch, 88); },
      onpointerup: () => release(pitch), onpointercancel: () => release(pitch),
    }, pitch % 12 === 0 ? pitchName(pitch) : "");
    keys.set(pitch, key);
    piano.append(key);
  }
  turn(0);

  function turn(by) {
    octave = clamp(octave + by, 1, 7);
    octaveName.textContent = `from C${octave}`;
  }

  function press(pitch, velocity = 90) {
    if (down.has(pitch)) return;
    const { music, track } = store.get();
    const drums = music.tracks[track]?.drums;
    down.set(pitch, { stop: player.key(pitch, velocity, drums), began: performance.now(), velocity });
    keys.get(pitch)?.classList.add("down");
    if (recording && recording.clock === null) recording.clock = performance.now();
  }

  function release(pitch) {
    const held = down.get(pitch);
    if (!held) return;
    held.stop();
    down.delete(pitch);
    keys.get(pitch)?.classList.remove("down");
    if (recording) take(pitch, held);
  }

  function arm() {
    if (!editable()) return;
    const { music } = store.get();
    const time = timeOf(music);
    // The clock starts with the first key, at the playhead.
    recording = { clock: null, from: time.seconds(player.tick()), count: 0 };
    record.setAttribute("aria-pressed", "true");
    record.classList.add("danger");
    record.lastChild.textContent = "Stop";
    say("Recording starts with the first key.");
  }

  function take(pitch, held) {
    if (!editable()) return;
    const { music, track, snap } = store.get();
    const time = timeOf(music);
    const grid = snap * music.ticks_per_quarter || 1;
    const at = (ms) => Math.round(time.ticks(recording.from + (ms - recording.clock) / 1000) / grid) * grid;
    const onset = Math.max(0, at(held.began));
    const duration = Math.max(grid, at(performance.now()) - onset);
    recording.count += 1;
    store.change("record notes", {
      music: added(music, makeNote({ track: Math.min(track, music.tracks.length - 1), onset, duration, pitch, velocity: held.velocity })),
    }, { joined: recording.count > 1 });
  }

  function finish() {
    say(`${recording.count} notes recorded.`);
    recording = null;
    record.setAttribute("aria-pressed", "false");
    record.classList.remove("danger");
    record.lastChild.textContent = "Record";
  }

  async function listen() {
    if (!navigator.requestMIDIAccess) {
      midiState.textContent = "This browser has no MIDI: use Chrome, Edge or Firefox";
      return;
    }
    try {
      midi = await navigator.requestMIDIAccess();
    } catch {
      midiState.textContent = "MIDI was not allowed: allow it in the browser's address bar and press again";
      return;
    }
    const hook = () => {
      const names = [...midi.inputs.values()].map((input) => {
        input.onmidimessage = ({ data: [status, pitch, velocity] }) => {
          if ((status & 0xf0) === 0x90 && velocity) press(pitch, velocity);
          else if ((status & 0xf0) === 0x80 || (status & 0xf0) === 0x90) release(pitch);
        };
        return input.name;
      });
      midiState.textContent = names.length ? `MIDI: ${names.join(", ")}` : "No MIDI keyboard found: plug one in";
    };
    midi.onstatechange = hook;
    hook();
  }

  const pitchOf = (event) => {
    const step = COMPUTER.indexOf(event.key.toLowerCase());
    return step < 0 ? null : octave * 12 + 12 + step;
  };

  return {
    get open() { return !box.hidden; },
    show(on) {
      box.hidden = !on;
      if (on) {
        piano.scrollLeft = (piano.scrollWidth - piano.clientWidth) / 2;
        box.scrollIntoView({ block: "nearest" });
      }
      else if (recording) finish();
    },
    /** True where the key was music. */
    keydown(event) {
      if (box.hidden || event.ctrlKey || event.metaKey || event.altKey) return false;
      if (event.key === "z" || event.key === "x") return turn(event.key === "z" ? -1 : 1), true;
      const pitch = pitchOf(event);
      if (pitch === null) return false;
      if (!event.repeat) press(pitch);
      return true;
    },
    keyup(event) {
      const pitch = pitchOf(event);
      if (pitch !== null) release(pitch);
    },
  };
}
