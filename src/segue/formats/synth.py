"""A Score played with a SoundFont, in blocks.

Every note becomes one voice a zone: a wave shared with all notes on that key, scaled by velocity,
let go at the note's end. Voices are added to one mono bus a pan position. Blocks only cut the
time line: where they fall does not change a single sample.

Heard: velocity, sustain pedal, channel volume and expression, pan, pitch bend with its range,
exclusive classes (a closed hi-hat stops the open one). Not heard: reverb, chorus, vibrato.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.formats import soundfont as sf
from segue.formats.loudness import Sound
from segue.formats.synth_controls import PAN_STEPS, Controls, Curve
from segue.formats.synth_wave import MAX_RELEASE_SECONDS, SEGMENT, Release, Wave
from segue.score import Score, sustain

BLOCK = 1 << 17
CACHE_BYTES = 96 << 20
MIN_NOTE_SECONDS = 0.02

Floats = NDArray[np.float32]


@dataclass(slots=True)
class _Voice:
    """A sounding zone; times in frames."""

    start: int
    gate: int
    end: int
    gain: float
    pan: int
    wave: Wave
    name: tuple[int, ...]
    release: Release
    curve: Curve | None


class _Segments:
    """The waves' segments, the least recently used dropped past CACHE_BYTES."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[int, ...], Floats] = OrderedDict()

    def of(self, voice: _Voice, index: int) -> Floats:
        key = (*voice.name, index)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = voice.wave.segment(index)
            if len(self._held) * SEGMENT * 4 > CACHE_BYTES:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(key)
        return held


def render(
    score: Score, sample_rate: int, soundfont: str | Path | None = None, *, block: int = BLOCK
) -> Iterator[Sound]:
    """The Score's sound, in blocks of shape (block, 2) and a shorter last one.

    It ends when the last release has died away. Levels are the font's own and may exceed 1.
    Raises FormatError for a wrong SoundFont.
    """
    font = sf.SoundFont(sf.default_soundfont() if soundfont is None else soundfont)
    voices = _Planner(sustain(score), font, sample_rate).voices()
    return _mixed(voices, block)


def _mixed(voices: Iterator[_Voice], block: int) -> Iterator[Sound]:
    segments = _Segments()
    scratch = np.empty(SEGMENT, np.float32)
    upcoming = next(voices, None)
    sounding: list[_Voice] = []
    start = 0
    while upcoming is not None or sounding:
        stop = start + block
        while upcoming is not None and upcoming.start < stop:
            sounding.append(upcoming)
            upcoming = next(voices, None)
        if upcoming is None:
            stop = min(stop, max(v.end for v in sounding))
        buses: dict[int, Floats] = {}
        for voice in sounding:
            bus = buses.get(voice.pan)
            if bus is None:
                bus = buses[voice.pan] = np.zeros(stop - start, np.float32)
            _add(voice, bus, start, stop, segments, scratch)
        sounding = [v for v in sounding if v.end > stop]
        yield _panned(buses, stop - start)
        start = stop


def _add(
    voice: _Voice, bus: Floats, start: int, stop: int, segments: _Segments, scratch: Floats
) -> None:
    """Add what falls into frames [start, stop) of the piece."""
    at = max(start, voice.start) - voice.start
    last = min(stop, voice.end) - voice.start
    gain = np.float32(voice.gain)
    while at < last:
        index, offset = divmod(at, SEGMENT)
        count = min(last - at, SEGMENT - offset)
        sound = scratch[:count]
        np.multiply(segments.of(voice, index)[offset : offset + count], gain, out=sound)
        if at + count > voice.gate:
            held = max(voice.gate - at, 0)
            voice.release.apply(sound[held:], at + held - voice.gate)
        if voice.curve is not None:
            frames = np.arange(voice.start + at, voice.start + at + count)
            sound *= np.interp(frames, *voice.curve).astype(np.float32)
        place = bus[voice.start + at - start :][:count]
        np.add(place, sound, out=place)
        at += count


def _panned(buses: dict[int, Floats], frames: int) -> Sound:
    """Left and right lie side by side as a complex number does, so that one product pans both."""
    pairs = np.zeros(frames, np.complex64)
    for pan in sorted(buses):
        angle = pan / PAN_STEPS * math.pi / 2
        pairs += buses[pan] * np.complex64(complex(math.cos(angle), math.sin(angle)))
    return pairs.view(np.float32).reshape(frames, 2)


class _Planner:
    """From notes to voices, in order of their start."""

    def __init__(self, score: Score, font: sf.SoundFont, rate: int) -> None:
        self._score, self._font, self._rate = score, font, rate
        self._waves: dict[tuple[int, ...], Wave] = {}
        self._zones: dict[tuple[int, int, int], list[tuple[int, sf.Zone]]] = {}
        self._controls = [Controls(score, t, rate) for t in range(len(score.tracks))]

    def voices(self) -> Iterator[_Voice]:
        """Voices as they start; one may be cut short by another that starts later."""
        notes = self._score.notes
        seconds = self._score.tempo_map.seconds(
            [notes["onset"], notes["onset"] + notes["duration"]]
        )
        starts, ends = np.rint(seconds * self._rate).astype(np.int64)
        gates = ends - starts
        gates = np.maximum(gates, round(MIN_NOTE_SECONDS * self._rate))
        columns = (starts, gates, notes["track"], notes["pitch"], notes["velocity"])
        choking: dict[tuple[int, int], list[_Voice]] = {}
        for start, gate, track, pitch, velocity in zip(*(c.tolist() for c in columns), strict=True):
            struck: set[tuple[int, int]] = set()
            for number, zone in self._zones_of(track, pitch, velocity):
                voice = self._voice(start, gate, track, pitch, velocity, number, zone)
                group = zone.generators[sf.EXCLUSIVE_CLASS]
                if group:
                    struck.add((track, group))
                    choking.setdefault((track, group), []).append(voice)
                yield voice
            for key in struck:
                self._choke(choking[key], start)

    def _choke(self, voices: list[_Voice], start: int) -> None:
        """Stop the earlier voices of an exclusive class; only those of this stroke stay."""
        for voice in voices:
            if voice.start < start < voice.end:
                at = start - voice.start
                voice.release = voice.release.choked(max(at - voice.gate, 0), self._rate)
                voice.gate = min(voice.gate, at)
                voice.end = min(voice.end, voice.start + voice.gate + len(voice.release.fall))
        voices[:] = [v for v in voices if v.start == start]

    def _zones_of(self, track: int, pitch: int, velocity: int) -> list[tuple[int, sf.Zone]]:
        key = (track, pitch, velocity)
        if key not in self._zones:
            described = self._score.tracks[track]
            zones = self._font.zones(described.program, is_drum=described.is_drum)
            self._zones[key] = [
                (number, zone)
                for number, zone in enumerate(zones)
                if zone.keys[0] <= pitch <= zone.keys[1]
                and zone.velocities[0] <= velocity <= zone.velocities[1]
            ]
        return self._zones[key]

    def _voice(
        self,
        start: int,
        gate: int,
        track: int,
        pitch: int,
        velocity: int,
        number: int,
        zone: sf.Zone,
    ) -> _Voice:
        described = self._score.tracks[track]
        name: tuple[int, ...] = (described.is_drum, described.program, number, pitch)
        longest = gate + round(MAX_RELEASE_SECONDS * self._rate)
        controls = self._controls[track]
        bend = controls.bend(start, longest)
        if bend is not None:
            name = (*name, track, start)
        wave = self._waves.get(name)
        if wave is None:
            wave = Wave(self._font, zone, pitch, self._rate, bend)
            if bend is None:
                self._waves[name] = wave
        release = wave.release(gate)
        length = min(wave.frames, gate + len(release.fall))
        level, curve = controls.level(start, length)
        if zone.generators[sf.FIXED_VELOCITY] > 0:
            velocity = min(zone.generators[sf.FIXED_VELOCITY], 127)
        gain = wave.gain * (velocity / 127) ** 2 * level
        pan = controls.pan(start, zone.generators[sf.PAN] / 500)
        return _Voice(start, gate, start + length, gain, pan, wave, name, release, curve)
