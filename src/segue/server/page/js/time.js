// Ticks, seconds and bars: the tempo map and the metre map of a piece.

const cache = new WeakMap();

/** The maps of `music`, made once for each piece. */
export function timeOf(music) {
  const key = music.tempi;
  const found = cache.get(key);
  if (found && found.metres === music.metres && found.tpq === music.ticks_per_quarter) return found;
  const made = makeTime(music);
  cache.set(key, made);
  return made;
}

function makeTime({ tempi, metres, ticks_per_quarter: tpq }) {
  const tempo = tempoSegments(tempi, tpq);
  const metre = metreSegments(metres, tpq);
  const pick = (list, key, value) => {
    let i = list.length - 1;
    while (i > 0 && list[i][key] > value) i -= 1;
    return list[i];
  };
  return {
    tpq,
    metres,
    seconds(tick) {
      const at = pick(tempo, "tick", tick);
      return at.seconds + (tick - at.tick) * at.perTick;
    },
    ticks(seconds) {
      const at = pick(tempo, "seconds", seconds);
      return at.tick + (seconds - at.seconds) / at.perTick;
    },
    qpm: (tick) => pick(tempo, "tick", tick).qpm,
    /** Bars as a number with a fraction, 0 for the first. */
    bar(tick) {
      const at = pick(metre, "tick", tick);
      return at.bar + (tick - at.tick) / at.length;
    },
    tickOfBar(bar) {
      const at = pick(metre, "bar", bar);
      return Math.round(at.tick + (bar - at.bar) * at.length);
    },
    metre: (tick) => pick(metre, "tick", tick),
    /** "3.2": bar and beat as musicians count them; `fine`, "3.2½", with what part of the beat. */
    place(tick, fine = false) {
      const at = pick(metre, "tick", tick);
      const bar = Math.floor((tick - at.tick) / at.length + 1e-9);
      const beat = Math.floor((tick - at.tick - bar * at.length) / at.beat + 1e-9);
      const part = fine ? partName((tick - at.tick - bar * at.length) / at.beat - beat) : "";
      return `${at.bar + bar + 1}.${beat + 1}${part}`;
    },
  };
}

const PARTS = [[0, ""], [1 / 8, "⅛"], [1 / 4, "¼"], [1 / 3, "⅓"], [3 / 8, "⅜"], [1 / 2, "½"], [5 / 8, "⅝"], [2 / 3, "⅔"], [3 / 4, "¾"], [7 / 8, "⅞"]];

/** What part of a beat has passed, as a sign; a plus where it is none of the usual ones. */
function partName(part) {
  return PARTS.find(([size]) => Math.abs(size - part) < 0.02)?.[1] ?? "+";
}

function tempoSegments(tempi, tpq) {
  const list = tempi.length && tempi[0].tick <= 0 ? tempi : [{ tick: 0, qpm: 120 }, ...tempi];
  const segments = [];
  for (const { tick, qpm } of list) {
    const last = segments.at(-1);
    const seconds = last ? last.seconds + (tick - last.tick) * last.perTick : 0;
    segments.push({ tick, qpm, seconds, perTick: 60 / qpm / tpq });
  }
  return segments;
}

function metreSegments(metres, tpq) {
  const list = metres.length && metres[0].tick <= 0 ? metres : [{ tick: 0, numerator: 4, denominator: 4 }, ...metres];
  const segments = [];
  for (const { tick, numerator, denominator } of list) {
    const beat = (4 * tpq) / denominator;
    const length = beat * numerator;
    const last = segments.at(-1);
    // A bar that a new metre cuts short counts as one.
    const bar = last ? last.bar + Math.ceil((tick - last.tick) / last.length - 1e-9) : 0;
    segments.push({ tick, bar, beat, length, numerator, denominator });
  }
  return segments;
}
