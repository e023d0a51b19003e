"""SoundFonts: which one is played, and what is in a file (SoundFont 2.04 specification, SF3).

A font is untrusted input: every index is checked, and what does not fit is one FormatError.
"""

from __future__ import annotations

import importlib.util
import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import FormatError, LimitError

SOUNDFONT_VARIABLE = "SEGUE_SOUNDFONT"
_PACKAGED = "TimGM6mb.sf2"
MAX_ZONES = 20_000
"""Zones in one preset; the largest pianos have some thousands."""
SAMPLE_RATES = (400, 400_000)
DRUM_BANK = 128
ROM_SAMPLE, COMPRESSED_SAMPLE = 0x8000, 0x10

# Generator numbers of the specification's section 8.1.2, those that are used here.
START, END, LOOP_START, LOOP_END, START_COARSE, END_COARSE = 0, 1, 2, 3, 4, 12
MOD_ENV_TO_PITCH, CUTOFF, RESONANCE, MOD_ENV_TO_CUTOFF, PAN = 7, 8, 9, 11, 17
MOD_ENV, VOLUME_ENV = 25, 33  # delay, attack, hold, decay, sustain, release, key to hold, to decay
INSTRUMENT, KEY_RANGE, VELOCITY_RANGE = 41, 43, 44
LOOP_START_COARSE, FIXED_KEY, FIXED_VELOCITY, ATTENUATION = 45, 46, 47, 48
LOOP_END_COARSE, COARSE_TUNE, FINE_TUNE, SAMPLE, LOOP_MODE = 50, 51, 52, 53, 54
SCALE_TUNING, EXCLUSIVE_CLASS, ROOT_KEY = 56, 57, 58
GENERATORS = 61

_DEFAULTS = np.zeros(GENERATORS, np.int32)
_DEFAULTS[CUTOFF] = 13_500
_DEFAULTS[[21, 23, 25, 26, 27, 28, 30, 33, 34, 35, 36, 38]] = -12_000
_DEFAULTS[[FIXED_KEY, FIXED_VELOCITY, ROOT_KEY]] = -1
_DEFAULTS[SCALE_TUNING] = 100
# A preset's value is added to its instrument's, but for those that concern the sample itself.
_ADDED = np.ones(GENERATORS, bool)
_ADDED[[0, 1, 2, 3, 4, 12, 41, 43, 44, 45, 46, 47, 50, 53, 54, 57, 58]] = False

_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("number", "<u2"), ("amount", "<i2")])
_RECORDS = {
    b"phdr": np.dtype(
        [("name", "S20"), ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("_", "V12")]
    ),
    b"pbag": _BAG,
    b"pgen": _GENERATOR,
    b"inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    b"ibag": _BAG,
    b"igen": _GENERATOR,
    b"shdr": np.dtype(
        [
            ("name", "S20"),
            ("start", "<u4"),
            ("end", "<u4"),
            ("loop_start", "<u4"),
            ("loop_end", "<u4"),
            ("rate", "<u4"),
            ("key", "u1"),
            ("cents", "i1"),
            ("link", "<u2"),
            ("kind", "<u2"),
        ]
    ),
}


def default_soundfont() -> Path:
    """The SoundFont played when none is given.

    It is the one that the environment variable SEGUE_SOUNDFONT names, else `TimGM6mb.sf2` out of
    the installed pretty_midi package. Fonts that a system happens to have are never picked up by
    themselves, so that the same Score gives the same sound on every machine. Raises FormatError
    if neither is there.
    """
    named = os.environ.get(SOUNDFONT_VARIABLE)
    if named:
        return Path(named)
    # find_spec looks for the package without importing it (and all that it imports).
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _PACKAGED
        if path.is_file():
            return path
    raise FormatError(
        f"no SoundFont was given and the default, {_PACKAGED} of the pretty_midi package, is not "
        f"installed: run `pip install pretty_midi`, or give one by --soundfont or by setting "
        f"{SOUNDFONT_VARIABLE}."
    )


@dataclass(frozen=True)
class Zone:
    """One sample over a range of keys and velocities, with every generator resolved."""

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: int
    generators: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sample:
    """Recorded sound: `sound` of shape (frames,) at `rate` hertz; `loop` in frames, or none."""

    sound: NDArray[np.int16]
    rate: int
    key: int
    cents: int
    loop: tuple[int, int] | None


class SoundFont:
    """An .sf2 or .sf3 file, mapped into memory; presets and samples are read when asked for.

    Raises FormatError for a file that is missing, not a SoundFont, or damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            what = "is a folder" if self.path.is_dir() else "does not exist"
            raise FormatError(
                f"the SoundFont {self.path} {what}: give the path of an .sf2 or .sf3 file."
            )
        try:
            with self.path.open("rb") as file:
                header = file.read(12)
            if header[:4] != b"RIFF" or header[8:] != b"sfbk":
                raise FormatError(
                    f"{self.path} is not a SoundFont (it starts with {header!r}, not RIFF....sfbk)"
                    ": give an .sf2 or .sf3 file, or none for the default one."
                )
            self._data = np.memmap(self.path, np.uint8, "r")
        except OSError as error:
            raise FormatError(
                f"the SoundFont {self.path} cannot be read: {error.strerror or error}."
            ) from error
        self._chunks = dict(self._walk())
        self._tables = {name: self._table(name, record) for name, record in _RECORDS.items()}
        self._presets: dict[tuple[int, int], tuple[Zone, ...]] = {}
        self._decodings: dict[tuple[int, int], tuple[NDArray[np.int16], int]] = {}

    # -- the file ----------------------------------------------------------------------------

    def _damaged(self, what: str) -> FormatError:
        return FormatError(f"the SoundFont {self.path} is damaged: {what}. Use another copy of it.")

    def _walk(self) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Name and byte range of each chunk inside the three lists of the file."""
        for name, start, end in self._subchunks(12, len(self._data)):
            if name == b"LIST":
                for inner, first, last in self._subchunks(start + 4, end):
                    yield inner, (first, last)

    def _subchunks(self, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        while at + 8 <= end:
            name, size = struct.unpack("<4sI", self._data[at : at + 8].tobytes())
            yield name, at + 8, min(at + 8 + size, end)
            at += 8 + size + size % 2

    def _table(self, name: bytes, record: np.dtype[Any]) -> NDArray[np.void]:
        if name not in self._chunks:
            raise self._damaged(f"it has no {name.decode()} table")
        start, end = self._chunks[name]
        rows = (end - start) // record.itemsize
        return np.frombuffer(self._data[start : start + rows * record.itemsize].tobytes(), record)

    @cached_property
    def _sound(self) -> NDArray[np.uint8]:
        start, end = self._chunks.get(b"smpl", (0, 0))
        return np.asarray(self._data[start:end])

    # -- presets -----------------------------------------------------------------------------

    @cached_property
    def presets(self) -> dict[tuple[int, int], int]:
        """Row of each (bank, program); the last row of the table only marks its end."""
        headers = self._tables[b"phdr"][:-1]
        return {(int(h["bank"]), int(h["preset"])): i for i, h in reversed([*enumerate(headers)])}

    def zones(self, program: int, *, is_drum: bool) -> tuple[Zone, ...]:
        """The zones of a General MIDI program, or of the nearest thing that the font has.

        A drum kit falls back to the standard kit, an instrument to the piano, and either to the
        first preset there is; FormatError for a font without presets.
        """
        bank = DRUM_BANK if is_drum else 0
        for choice in ((bank, program), (bank, 0)):
            if choice in self.presets:
                return self._zones(choice)
        if not self.presets:
            raise self._damaged("it has no presets")
        same_kind = [p for p in self.presets if (p[0] == DRUM_BANK) == is_drum]
        return self._zones(min(same_kind or self.presets))

    def _zones(self, choice: tuple[int, int]) -> tuple[Zone, ...]:
        if choice not in self._presets:
            row = self.presets[choice]
            self._presets[choice] = tuple(self._resolve(row))
        return self._presets[choice]

    def _resolve(self, row: int) -> Iterator[Zone]:
        count = 0
        for preset in self._bags("p", row):
            for zone in self._bags("i", preset[INSTRUMENT][0]):
                count += 1
                if count > MAX_ZONES:
                    raise LimitError(f"{self.path}: a preset has more than {MAX_ZONES} zones.")
                resolved = self._zone(preset, zone)
                if resolved is not None:
                    yield resolved

    def _bags(self, level: str, row: int) -> Iterator[dict[int, tuple[int, int]]]:
        """The generators of each zone of a preset ("p") or instrument ("i"), global ones merged.

        A generator's value comes as its amount and as the same 16 bits read as a pair of bytes.
        """
        owners = self._tables[b"phdr" if level == "p" else b"inst"]
        bags = self._tables[level.encode() + b"bag"]["generator"]
        table = self._tables[level.encode() + b"gen"]
        target = INSTRUMENT if level == "p" else SAMPLE
        if not 0 <= row < len(owners) - 1:
            raise self._damaged(f"it refers to instrument {row} of {len(owners) - 1}")
        first, last = int(owners[row]["bag"]), int(owners[row + 1]["bag"])
        if last >= len(bags):
            raise self._damaged(f"zone {last} is past the {len(bags)} it has")
        shared: dict[int, tuple[int, int]] = {}
        for bag in range(first, last):
            rows = table[int(bags[bag]) : int(bags[bag + 1])]
            found = {int(g["number"]): int(g["amount"]) for g in rows}
            if target in found:
                own = {n: (a, a & 0xFFFF) for n, a in found.items()}
                yield shared | own
            elif bag == first:
                shared = {n: (a, a & 0xFFFF) for n, a in found.items()}

    def _zone(
        self, preset: dict[int, tuple[int, int]], zone: dict[int, tuple[int, int]]
    ) -> Zone | None:
        values = _DEFAULTS.copy()
        for number, (amount, _) in zone.items():
            if number < GENERATORS:
                values[number] = amount
        for number, (amount, _) in preset.items():
            if number < GENERATORS and _ADDED[number]:
                values[number] += amount
        ranges = []
        for number in (KEY_RANGE, VELOCITY_RANGE):
            pairs = [g[number][1] for g in (preset, zone) if number in g]
            ranges.append(
                (max([p & 255 for p in pairs] or [0]), min([p >> 8 for p in pairs] or [127]))
            )
        if any(low > high for low, high in ranges):
            return None
        return Zone(ranges[0], ranges[1], int(values[SAMPLE]) & 0xFFFF, tuple(map(int, values)))

    # -- samples -----------------------------------------------------------------------------

    def sample(self, zone: Zone) -> Sample:
        """The sound of a zone, its offsets applied; silence for a sample that lives in ROM."""
        if zone.sample >= len(self._tables[b"shdr"]):
            raise self._damaged(f"it refers to sample {zone.sample}")
        header = self._tables[b"shdr"][zone.sample]
        g = zone.generators
        start, end = int(header["start"]), int(header["end"])
        loop_start, loop_end = int(header["loop_start"]), int(header["loop_end"])
        rate = int(header["rate"])
        if header["kind"] & ROM_SAMPLE:
            sound = np.zeros(1, np.int16)
        elif header["kind"] & COMPRESSED_SAMPLE:
            # SF3: offsets are bytes of an Ogg Vorbis stream, loops count from its start.
            sound, rate = self._decoded(start, end)
            start = 0
        else:
            if not start < end <= len(self._sound) // 2:
                raise self._damaged(f"sample {zone.sample} lies outside its sound data")
            sound = self._sound[2 * start : 2 * end].view("<i2")
        cut = max(0, g[START] + 32_768 * g[START_COARSE])
        stop = len(sound) + min(0, g[END] + 32_768 * g[END_COARSE])
        sound = sound[cut:stop] if cut < stop else sound[:1]
        first = loop_start - start - cut + g[LOOP_START] + 32_768 * g[LOOP_START_COARSE]
        last = loop_end - start - cut + g[LOOP_END] + 32_768 * g[LOOP_END_COARSE]
        looped = g[LOOP_MODE] in (1, 3) and 0 <= first < last <= len(sound)
        key = int(header["key"]) if header["key"] <= 127 else 60
        if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
            raise self._damaged(f"sample {zone.sample} has a rate of {rate} hertz")
        return Sample(sound, rate, key, int(header["cents"]), (first, last) if looped else None)

    def _decoded(self, start: int, end: int) -> tuple[NDArray[np.int16], int]:
        if (start, end) in self._decodings:
            return self._decodings[start, end]
        import soundfile

        stream = io.BytesIO(self._sound[start:end].tobytes())
        try:
            sound, rate = soundfile.read(stream, dtype="int16", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise self._damaged(f"a compressed sample cannot be decoded ({error})") from error
        if not len(sound):
            raise self._damaged("a compressed sample is empty")
        self._decodings[start, end] = np.ascontiguousarray(sound[:, 0]), int(rate)
        return self._decodings[start, end]
