// Playing: the server makes sound span by span, and the spans are set end to end on the clock of
// the sound card. Where the playhead is follows from that same clock, so the two cannot part.

import { Problem, call } from "./api.js";
import { endSeconds, toWire } from "./music.js";
import { timeOf } from "./time.js";
import { renderHere, tone } from "./voice.js";

const FIRST = 0.6; // seconds: short, so that sound begins soon; each span is twice the last
const SPAN = 4;
const AHEAD = 5;
const TAIL = 1.5; // what rings after the last note
const REACH = 8; // seconds before a span in which a note may begin that still rings in it
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** `source()` gives { music, known } to play: `known` are the seconds that are final, or Infinity. */
export class Player {
  constructor({ source, loop = () => null, onState = () => {}, onTrouble = () => {} }) {
    Object.assign(this, { source, loop, onState, onTrouble });
    this.playing = false;
    this.rest = 0; // seconds; where the playhead stands while nothing plays
    this.spans = []; // { at, from, to, node }
    this.run = 0;
    this.gains = new WeakMap();
    this.requests = 0;
  }

  get context() {
    if (!this.audio) {
      this.audio = new AudioContext({ latencyHint: "interactive" });
      this.out = this.audio.createGain();
      this.out.gain.value = this.loudness ?? 0.9;
      this.out.connect(this.audio.destination);
    }
    if (this.audio.state === "suspended") this.audio.resume();
    return this.audio;
  }

  volume(value) {
    this.loudness = value;
    if (this.out) this.out.gain.value = value;
  }

  /** Seconds into the music at this moment. */
  seconds() {
    if (!this.playing) return this.rest;
    const now = this.audio.currentTime - (this.audio.outputLatency || this.audio.baseLatency || 0);
    let where = this.rest;
    for (const span of this.spans) {
      if (now < span.at) break;
      where = Math.min(span.from + (now - span.at), span.to);
    }
    return where;
  }

  tick() {
    const { music } = this.source();
    return timeOf(music).ticks(this.seconds());
  }

  seek(seconds) {
    const was = this.playing;
    if (was) this.stop();
    this.rest = Math.max(0, seconds);
    if (was) this.play();
    else this.onState();
  }

  stop() {
    if (!this.playing) return;
    this.rest = this.seconds();
    this.run += 1;
    this.playing = false;
    this.abort?.abort();
    for (const span of this.spans) span.node.stop();
    this.spans = [];
    this.onState();
  }

  /** The music changed: what is not sounding yet is made anew. */
  renew() {
    if (!this.playing) return this.onState();
    this.seek(this.seconds());
  }

  play() {
    this.stop();
    this.abort = new AbortController();
    this.run += 1;
    this.playing = true;
    this.onState();
    const { music, known } = this.source();
    if (known === Infinity && this.rest >= endSeconds(music) - 0.02) this.rest = 0;
    this.pump(this.run, this.context).catch((error) => {
      if (error.name !== "AbortError") this.onTrouble(error);
      this.stop();
    });
  }

  async pump(run, context) {
    let position = this.rest;
    let next = 0;
    let length = FIRST;
    while (run === this.run) {
      if (next - context.currentTime > AHEAD) {
        await pause(120);
        continue;
      }
      const { music, known } = this.source();
      const loop = this.loop();
      const end = loop ? loop.to : endSeconds(music) + TAIL;
      const sure = Math.min(known, end);
      if (loop && position >= end - 0.005) {
        position = loop.from;
        continue;
      }
      if (known === Infinity && position >= end - 0.005) break;
      let to = Math.min(position + length, sure);
      // Music that is still being made: wait for enough of it to be worth a span.
      if (to - position < Math.min(0.4, end - position) && known !== Infinity) {
        await pause(50);
        continue;
      }
      if (end - to < 0.6 && sure >= end) to = end;
      const buffer = await this.spanOf(music, position, to);
      if (run !== this.run) return;
      const at = Math.max(next, context.currentTime + 0.04);
      const node = context.createBufferSource();
      node.buffer = buffer;
      node.connect(this.out);
      node.start(at, 0, to - position);
      this.spans.push({ at, from: position, to, node });
      this.spans = this.spans.slice(-12);
      next = at + (to - position);
      position = to;
      length = Math.min(SPAN, length * 2);
    }
    while (run === this.run && context.currentTime < next + 0.05) await pause(60);
    if (run !== this.run) return;
    this.stop();
    this.rest = 0;
    this.onState();
  }

  /** The sound of a span: the server's, or where it is gone the page's own. */
  async spanOf(music, begin, end) {
    if (!music.notes.length) return this.audio.createBuffer(1, Math.max(1, Math.ceil((end - begin) * 44100)), 44100);
    const time = timeOf(music);
    // Only what can be heard is sent: a long piece is no slower than a short one.
    const wire = toWire(music, (n) => time.seconds(n.onset) < end && time.seconds(n.onset + n.duration) > begin - REACH);
    if (!wire.notes.length) return this.audio.createBuffer(1, Math.ceil((end - begin) * 44100), 44100);
    try {
      const gain = this.gains.get(music.tracks);
      const answer = await call("POST", "render", { body: { music: wire, begin, end, ...(gain ? { gain } : {}) }, signal: this.abort.signal });
      const told = Number(answer.headers.get("Segue-Gain"));
      if (told > 0) this.gains.set(music.tracks, told);
      this.requests += 1;
      return await this.audio.decodeAudioData(await answer.arrayBuffer());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.onTrouble(error);
      return renderHere(music, begin, end);
    }
  }

  /** A key that is pressed: sounds at once, by the page. Returns how to let go of it. */
  key(pitch, velocity = 90, drums = false, length = 4) {
    const context = this.context;
    return tone(context, this.out, pitch, velocity, context.currentTime, length, drums);
  }
}
