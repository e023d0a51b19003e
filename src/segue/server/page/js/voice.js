// The page's own simple sound: for keys that are pressed, and for music when no server answers.

import { timeOf } from "./time.js";

const hertz = (pitch) => 440 * 2 ** ((pitch - 69) / 12);

/** One plain tone on `context` from `at` for `length` seconds; returns how to end it early. */
export function tone(context, out, pitch, velocity, at, length, drums = false) {
  const gain = context.createGain();
  const loud = 0.16 * (velocity / 127) ** 1.4;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loud, at + 0.006);
  gain.gain.exponentialRampToValueAtTime(Math.max(1e-4, loud * 0.35), at + Math.max(0.06, Math.min(length, 1.2)));
  const stop = (when) => {
    gain.gain.setTargetAtTime(0, when, 0.05);
    source.stop(when + 0.4);
  };
  const source = drums ? noise(context) : context.createOscillator();
  if (!drums) {
    source.type = "triangle";
    source.frequency.value = hertz(pitch);
  }
  source.connect(gain).connect(out);
  source.start(at);
  stop(at + (drums ? 0.08 : length));
  return () => stop(context.currentTime);
}

function noise(context) {
  const buffer = context.createBuffer(1, context.sampleRate * 0.3, context.sampleRate);
  const data = buffer.getChannelData(0);
  for (let i = 0; i < data.length; i += 1) data[i] = Math.random() * 2 - 1;
  const source = context.createBufferSource();
  source.buffer = buffer;
  return source;
}

/** A span of music, in seconds, as an AudioBuffer made here. */
export async function renderHere(music, begin, end) {
  const rate = 44100;
  const context = new OfflineAudioContext(1, Math.max(1, Math.ceil((end - begin) * rate)), rate);
  const time = timeOf(music);
  for (const note of music.notes) {
    const on = time.seconds(note.onset) - begin;
    const off = time.seconds(note.onset + note.duration) - begin;
    if (off <= 0 || on >= end - begin) continue;
    tone(context, context.destination, note.pitch, note.velocity, Math.max(0, on), off - Math.max(0, on), music.tracks[note.track]?.drums);
  }
  return context.startRendering();
}
