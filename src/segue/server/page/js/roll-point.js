// The roll under a mouse, a pen and fingers: pick, move, lengthen, draw, select bars, scroll, zoom.

import { $ } from "./dom.js";
import { GUTTER, RULER, pitchAt, tickAt } from "./roll-draw.js";
import { timeOf } from "./time.js";

/** Listens on the field. `sound(pitch, track)` lets a note be heard, `seek(tick)` moves the playhead. */
export function pointAtRoll({ store, roll, edits, shown, sound, seek }) {
  const field = $("#field");
  const touches = new Map();
  let act = null; // what the pointer that is down does: { move(x, y), up() }
  let pinch = null;

  const at = (event) => {
    const box = field.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  field.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    field.setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    if (event.pointerType === "touch") {
      touches.set(event.pointerId, [x, y]);
      if (touches.size === 2) {
        act = null;
        pinch = spread();
        return;
      }
    }
    act = start(x, y, event);
  });

  field.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (touches.has(event.pointerId)) touches.set(event.pointerId, [x, y]);
    if (pinch && touches.size === 2) return pinched();
    if (act) return act.move?.(x, y, event);
    field.style.cursor = cursor(x, y);
  });

  const lift = (event) => {
    touches.delete(event.pointerId);
    if (touches.size < 2) pinch = null;
    act?.up?.(...at(event));
    act = null;
    roll.setMarquee(null);
  };
  field.addEventListener("pointerup", lift);
  field.addEventListener("pointercancel", lift);

  function spread() {
    const [a, b] = [...touches.values()];
    return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, far: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  }

  function pinched() {
    const now = spread();
    roll.scroll(pinch.x - now.x, pinch.y - now.y);
    if (pinch.far > 20 && now.far > 20) roll.zoom(now.far / pinch.far, now.x);
    pinch = now;
  }

  function cursor(x, y) {
    if (y < RULER) return "text";
    const hit = roll.noteAt(x, y);
    if (hit) return hit.edge ? "ew-resize" : "grab";
    return store.get().tool === "draw" ? "crosshair" : "default";
  }

  function start(x, y, event) {
    roll.setFollow(false);
    if (y < RULER) return rule(x);
    if (x < GUTTER) {
      sound(pitchAt(roll.view, y), store.get().track);
      return null;
    }
    const hit = roll.noteAt(x, y);
    if (hit) return grab(hit, x, y, event);
    if (store.get().tool === "draw") return pencil(x, y);
    if (event.pointerType === "touch") return pan(x, y);
    return lasso(x, y, event);
  }

  /** On the ruler: a click moves the playhead, a drag selects bars. */
  function rule(x) {
    const time = timeOf(shown());
    const barAt = (at) => Math.max(0, time.bar(Math.max(0, tickAt(roll.view, at))));
    const from = barAt(x);
    let dragged = false;
    return {
      move(now) {
        dragged ||= Math.abs(now - x) > 4;
        if (!dragged) return;
        const to = barAt(now);
        const [first, last] = [Math.floor(Math.min(from, to)), Math.ceil(Math.max(from, to))];
        store.set({ selection: { ...store.get().selection, first, last: Math.max(last, first + 1) } });
      },
      up() {
        if (!dragged) seek(Math.max(0, edits.snapped(tickAt(roll.view, x))));
      },
    };
  }

  function grab({ note, edge }, x, y, event) {
    const { picked } = store.get();
    if (event.shiftKey || event.ctrlKey || event.metaKey) {
      const next = new Set(picked);
      next.has(note.id) ? next.delete(note.id) : next.add(note.id);
      store.set({ picked: next });
      return null;
    }
    if (!picked.has(note.id)) store.set({ picked: new Set([note.id]) });
    store.set({ track: note.track });
    sound(note.pitch, note.track, note.velocity);
    if (store.get().heard || note.locked) return null;
    const was = edits.picked();
    let moved = false;
    let pitch = note.pitch;
    return {
      move(nx, ny) {
        moved ||= Math.abs(nx - x) > 3 || Math.abs(ny - y) > 3;
        if (!moved) return;
        const ticks = (nx - x) / roll.view.perTick;
        if (edge) {
          edits.stretch(was, edits.snapped(note.onset + note.duration + ticks) - note.onset - note.duration, { joined: act.began });
        } else {
          const semitones = pitchAt(roll.view, ny) - pitchAt(roll.view, y);
          edits.shift(was, edits.snapped(note.onset + ticks) - note.onset, semitones, { joined: act.began });
          if (note.pitch + semitones !== pitch) sound((pitch = note.pitch + semitones), note.track, note.velocity);
        }
        act.began = true;
      },
    };
  }

  function pencil(x, y) {
    const step = edits.grid();
    const onset = Math.floor(tickAt(roll.view, x) / step) * step;
    const made = edits.add({ onset, duration: step, pitch: pitchAt(roll.view, y) });
    if (!made) return null;
    sound(made.pitch, made.track, made.velocity);
    return {
      move(nx) {
        const end = Math.max(onset + step, edits.snapped(tickAt(roll.view, nx)));
        edits.stretch([made], end - onset - made.duration, { joined: act.began });
        act.began = true;
      },
    };
  }

  function pan(x, y) {
    let [px, py] = [x, y];
    let far = 0;
    return {
      move(nx, ny) {
        far += Math.abs(nx - px) + Math.abs(ny - py);
        roll.scroll(px - nx, py - ny);
        [px, py] = [nx, ny];
      },
      up() {
        if (far < 6) store.set({ picked: new Set() });
      },
    };
  }

  function lasso(x, y, event) {
    const kept = event.shiftKey ? store.get().picked : new Set();
    return {
      move(nx, ny) {
        const box = { x: Math.min(x, nx), y: Math.min(y, ny), w: Math.abs(nx - x), h: Math.abs(ny - y) };
        roll.setMarquee(box);
        store.set({ picked: new Set([...kept, ...roll.notesIn(box).map((n) => n.id)]) });
      },
      up(nx, ny) {
        if (Math.abs(nx - x) < 3 && Math.abs(ny - y) < 3) store.set({ picked: kept });
      },
    };
  }

  field.addEventListener("dblclick", (event) => {
    const [x, y] = at(event);
    if (y < RULER) return store.set({ selection: null });
    if (x < GUTTER || store.get().tool === "draw") return;
    const hit = roll.noteAt(x, y);
    if (hit) {
      store.set({ picked: new Set([hit.note.id]) });
      edits.drop();
    } else {
      const step = Math.max(edits.grid(), 1);
      const made = edits.add({ onset: Math.floor(tickAt(roll.view, x) / step) * step, duration: step, pitch: pitchAt(roll.view, y) });
      if (made) sound(made.pitch, made.track);
    }
  });

  field.addEventListener("wheel", (event) => {
    event.preventDefault();
    roll.setFollow(false);
    const [x, y] = at(event);
    const unit = event.deltaMode === 1 ? 24 : 1;
    if (event.ctrlKey || event.metaKey) return roll.zoom(Math.exp(-event.deltaY * unit * 0.0025), x);
    if (event.altKey) return roll.zoomRows(Math.exp(-event.deltaY * unit * 0.0025), y);
    if (event.shiftKey) return roll.scroll((event.deltaY + event.deltaX) * unit, 0);
    roll.scroll(event.deltaX * unit, event.deltaY * unit);
  }, { passive: false });
}
