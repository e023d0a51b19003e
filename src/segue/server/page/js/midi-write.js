// Music as a Standard MIDI File, written in the page: dragging out must have the bytes at once, and
// what is on the roll can be saved even when no server answers.

const text = new TextEncoder();

/** MIDI's variable-length quantity. */
function length(value) {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

const number = (value, bytes) => Array.from({ length: bytes }, (_, i) => (value >> (8 * (bytes - 1 - i))) & 0xff);

function chunk(name, body) {
  return [...text.encode(name), ...number(body.length, 4), ...body];
}

/** Events as [tick, rank, bytes]; those of one tick go by rank: ends before starts. */
function track(events) {
  events.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const body = [];
  let last = 0;
  for (const [tick, , bytes] of events) {
    for (const byte of length(tick - last)) body.push(byte);
    for (const byte of bytes) body.push(byte);
    last = tick;
  }
  body.push(0, 0xff, 0x2f, 0);
  return chunk("MTrk", body);
}

const meta = (kind, bytes) => [0xff, kind, ...length(bytes.length), ...bytes];

const SHARPS = { "C major": 0, "G major": 1, "D major": 2, "A major": 3, "E major": 4, "B major": 5, "F# major": 6, "F major": -1, "Bb major": -2, "Eb major": -3, "Ab major": -4, "Db major": -5, "A minor": 0, "E minor": 1, "B minor": 2, "F# minor": 3, "C# minor": 4, "D minor": -1, "G minor": -2, "C minor": -3, "F minor": -4, "Bb minor": -5 };

/** The bytes of a MIDI file of format 1. `told` is a text that goes with it, such as the receipt. */
export function midiBytes(music, title = "", told = "") {
  const first = [];
  if (title) first.push([0, 0, meta(3, text.encode(title))]);
  if (told) first.push([0, 0, meta(1, text.encode(told))]);
  for (const t of music.tempi) first.push([t.tick, 1, meta(0x51, number(Math.round(60e6 / t.qpm), 3))]);
  for (const m of music.metres) first.push([m.tick, 1, meta(0x58, [m.numerator, Math.log2(m.denominator), 24, 8])]);
  for (const k of music.keys) if (k.name in SHARPS) first.push([k.tick, 1, meta(0x59, [SHARPS[k.name] & 0xff, k.name.endsWith("minor") ? 1 : 0])]);
  const melodic = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];
  let used = 0;
  const tracks = music.tracks.map(({ name, program, drums }, i) => {
    const channel = drums ? 9 : melodic[used++ % melodic.length];
    const events = [[0, 0, meta(3, text.encode(name || `Track ${i + 1}`))], [0, 1, [0xc0 | channel, program & 0x7f]]];
    for (const n of music.notes) {
      if (n.track !== i) continue;
      events.push([n.onset, 4, [0x90 | channel, n.pitch, n.velocity]], [n.onset + Math.max(1, n.duration), 3, [0x80 | channel, n.pitch, 64]]);
    }
    for (const c of music.controllers) if (c.track === i) events.push([c.tick, 2, [0xb0 | channel, c.number, c.value]]);
    for (const b of music.bends ?? []) if (b.track === i) events.push([b.tick, 2, [0xe0 | channel, (b.value + 8192) & 0x7f, (b.value + 8192) >> 7]]);
    return track(events);
  });
  const head = chunk("MThd", [...number(1, 2), ...number(tracks.length + 1, 2), ...number(music.ticks_per_quarter, 2)]);
  return new Uint8Array([head, track(first), ...tracks].flat());
}
