// The one place that holds what the page knows, and the undo and redo of it.

const UNDOABLE = ["music", "takes", "provenance", "title"];
const DEPTH = 200;

/** `get()`, `set(patch)`, `change(label, patch)` (undoable), `on(keys, fn)`, `undo()`, `redo()`. */
export function makeStore(initial) {
  let state = initial;
  let past = [];
  let future = [];
  const listeners = new Set();

  const snapshot = (label) => ({ label, ...Object.fromEntries(UNDOABLE.map((k) => [k, state[k]])) });

  function set(patch) {
    const changed = Object.keys(patch).filter((key) => state[key] !== patch[key]);
    if (!changed.length) return;
    state = { ...state, ...patch };
    for (const { keys, fn } of [...listeners]) {
      if (!keys || keys.some((key) => changed.includes(key))) fn(state, changed);
    }
  }

  function change(label, patch, { joined = false } = {}) {
    // A drag is many small changes and one step back.
    if (!(joined && past.length && past.at(-1).label === label)) past.push(snapshot(label));
    if (past.length > DEPTH) past.shift();
    future = [];
    set({ ...patch, steps: state.steps + 1 });
  }

  function move(from, to) {
    const step = from.pop();
    if (!step) return null;
    const { label, ...was } = step;
    to.push(snapshot(label));
    set({ ...was, steps: state.steps + 1 });
    return label;
  }

  return {
    get: () => state,
    set,
    change,
    on(keys, fn) {
      const entry = { keys: keys && [].concat(keys), fn };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    undo: () => move(past, future),
    redo: () => move(future, past),
    canUndo: () => past.at(-1)?.label,
    canRedo: () => future.at(-1)?.label,
    history: (count) => ({ past: past.slice(-count), future: future.slice(-count) }),
    restore(history) {
      past = history?.past ?? [];
      future = history?.future ?? [];
    },
  };
}
