"""The frozen Score: notes, controllers, bends, tempi, metres, keys and tracks, in ticks.

A beat is a quarter note throughout. Every event table is a read-only NumPy structured array in
one canonical order, so that two Scores with the same music compare and hash the same however
they were made: notes by onset, track, pitch and the rest; other events by onset and track, and
in the order they came within a tick, which is what gives MIDI's "the last one wins" its meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.score.time import MetreMap, TempoMap

Events = NDArray[np.void]

NOTE = np.dtype(
    [("onset", "<i8"), ("duration", "<i8"), ("track", "<u2"), ("pitch", "u1"), ("velocity", "u1")]
)
CONTROL = np.dtype([("onset", "<i8"), ("track", "<u2"), ("number", "u1"), ("value", "u1")])
BEND = np.dtype([("onset", "<i8"), ("track", "<u2"), ("value", "<i2")])
TEMPO = np.dtype([("onset", "<i8"), ("microseconds", "<u4")])
"""Tempo as microseconds a beat, the MIDI unit: exact where beats a minute would be rounded."""
METRE = np.dtype([("onset", "<i8"), ("numerator", "u1"), ("denominator", "u1")])
KEY = np.dtype([("onset", "<i8"), ("fifths", "i1"), ("minor", "?")])

SUSTAIN_PEDAL = 64
DEFAULT_MICROSECONDS_PER_BEAT = 500_000

LAST_TICK = (1 << 38) - 1
"""No event starts later: years of music at any tempo, and a sort key with track still fits."""

# Ticks that every common division of the beat divides: hashes compare music, not resolutions.
_HASH_TICKS_PER_BEAT = 20_160


@dataclass(frozen=True)
class Track:
    """One voice or instrument: a name, a General MIDI program (0 to 127), drums or not."""

    name: str = ""
    program: int = 0
    is_drum: bool = False


@dataclass(frozen=True, order=True)
class Text:
    """A text at a tick; `kind` is "text", "lyric", "marker" or "copyright"."""

    onset: int
    text: str
    kind: str = "marker"


def events(dtype: np.dtype[Any], rows: Iterable[tuple[Any, ...]] = ()) -> Events:
    """An event table of `dtype` from tuples in field order; empty without rows."""
    return np.array(list(rows), dtype=dtype)


@dataclass(frozen=True, eq=False)
class Score:
    """Music in ticks, immutable.

    `notes`, `controls`, `bends`, `tempi`, `metres` and `keys` are structured arrays of the dtypes
    above; `tracks[i]` describes events whose `track` is i. Times are ticks, `ticks_per_beat` of
    them to a quarter note. Tables are copied only when they are out of order.

    Raises ValueError for a table of another dtype, a track index without a track, a negative time
    or a value out of its MIDI range.
    """

    ticks_per_beat: int
    notes: Events = field(default_factory=lambda: events(NOTE))
    tracks: tuple[Track, ...] = ()
    controls: Events = field(default_factory=lambda: events(CONTROL))
    bends: Events = field(default_factory=lambda: events(BEND))
    tempi: Events = field(default_factory=lambda: events(TEMPO))
    metres: Events = field(default_factory=lambda: events(METRE))
    keys: Events = field(default_factory=lambda: events(KEY))
    texts: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        self._settle(_FIELDS)

    def _settle(self, given: Collection[str]) -> None:
        """Check the fields that are `given`, against each other too, and put them in order."""
        if "ticks_per_beat" in given and not 1 <= self.ticks_per_beat <= 0xFFFF:
            raise ValueError(
                f"ticks_per_beat came as {self.ticks_per_beat}; 1 to 65535 is allowed."
            )
        values = vars(self)
        tables = [name for name in _TABLES if name in given]
        for name in tables:
            values[name] = _canonical(name, values[name], _TABLES[name])
        if "tracks" in given:
            values["tracks"] = tuple(self.tracks)
        if "texts" in given:
            values["texts"] = tuple(sorted(self.texts))
            if self.texts and self.texts[0].onset < 0:
                raise ValueError(f"texts start at tick {self.texts[0].onset}; 0 is the first.")
        self._check_tracks(_TRACKED if "tracks" in given else given)
        self._check_ranges(tables)

    @classmethod
    def unchecked(cls, ticks_per_beat: int, tracks: tuple[Track, ...], **tables: Events) -> Score:
        """A Score from a reader that vouches for its tables: in range, and in canonical order.

        `tables` are the six by name, none left out and none used elsewhere; texts are added with
        `with_`, which checks everything. Checks take longer than parsing a long file does.
        """
        score = object.__new__(cls)
        for table in tables.values():
            table.flags.writeable = False
        vars(score).update(tables, ticks_per_beat=ticks_per_beat, tracks=tracks, texts=())
        return score

    def _check_tracks(self, tables: Collection[str]) -> None:
        for name in _TRACKED:
            table = getattr(self, name)
            if name not in tables or not len(table):
                continue
            last = int(table["track"].max())
            if last >= len(self.tracks):
                raise ValueError(
                    f"{name} refer to track {last}, but the Score has {len(self.tracks)} tracks."
                )

    def _check_ranges(self, tables: Iterable[str]) -> None:
        for name in tables:
            table = getattr(self, name)
            for column, low, high in _LIMITS[name] if len(table) else ():
                values = table[column]
                # Nothing is lower than 0 in a column without a sign.
                least = values.min() if low or values.dtype.kind == "i" else 0
                if least < low or (high is not None and values.max() > high):
                    raise ValueError(
                        f"{name}[{column!r}] spans {values.min()} to {values.max()}; "
                        f"{low} to {high if high is not None else 'any'} is allowed."
                    )

    # -- sizes and views ---------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.notes)

    def __repr__(self) -> str:
        return (
            f"Score({len(self)} notes, {len(self.tracks)} tracks, "
            f"{self.end_beats:.2f} beats, {self.end_seconds:.2f} s)"
        )

    @cached_property
    def end_ticks(self) -> int:
        """The tick at which the last note stops sounding; 0 without notes."""
        if not len(self.notes):
            return 0
        return int((self.notes["onset"] + self.notes["duration"]).max())

    @cached_property
    def tempo_map(self) -> TempoMap:
        """Ticks to seconds and back."""
        return TempoMap(self.ticks_per_beat, self.tempi["onset"], self.tempi["microseconds"])

    @cached_property
    def metre_map(self) -> MetreMap:
        """Ticks to bars and back."""
        return MetreMap(
            self.ticks_per_beat,
            self.metres["onset"],
            self.metres["numerator"],
            self.metres["denominator"],
        )

    @property
    def end_beats(self) -> float:
        """The end in quarter notes."""
        return self.end_ticks / self.ticks_per_beat

    @cached_property
    def end_seconds(self) -> float:
        """The end in seconds."""
        return float(self.tempo_map.seconds(self.end_ticks))

    @cached_property
    def end_bars(self) -> float:
        """The end in bars, counted from 0 and fractional inside a bar."""
        return float(self.metre_map.bars(self.end_ticks))

    def onset_beats(self) -> NDArray[np.float64]:
        """Shape (notes,): each note's onset in quarter notes."""
        return np.asarray(self.notes["onset"] / self.ticks_per_beat, dtype=np.float64)

    def onset_seconds(self) -> NDArray[np.float64]:
        """Shape (notes,): each note's onset in seconds."""
        return self.tempo_map.seconds(self.notes["onset"])

    def duration_seconds(self) -> NDArray[np.float64]:
        """Shape (notes,): how long each note sounds, in seconds, tempo changes inside included."""
        ends = self.notes["onset"] + self.notes["duration"]
        return self.tempo_map.seconds(ends) - self.onset_seconds()

    def track_notes(self, track: int) -> Events:
        """The notes of one track, in order."""
        return self.notes[self.notes["track"] == track]

    def __reduce__(self) -> tuple[type[Score], tuple[Any, ...]]:
        # Through the constructor, so that a copy from another process is read-only too.
        return Score, tuple(getattr(self, each.name) for each in fields(self))

    def with_(self, **changes: Any) -> Score:
        """A copy with some fields replaced, which are checked as those of a new Score are."""
        score = self._copy(changes)
        score._settle(changes)
        return score

    def vouched(self, **tables: Events) -> Score:
        """A copy with some tables replaced by one who vouches for what is in them.

        Their dtypes and tracks are right, and values in range: such are some rows of the tables
        that were there, or rows with earlier ends. They are used nowhere else; order and ticks
        are seen to. Checks take longer than most edits.
        """
        score = self._copy(tables)
        values = vars(score)
        for name, table in tables.items():
            values[name] = _laid(name, table)
        return score

    def _copy(self, changes: Mapping[str, Any]) -> Score:
        """The same with other values, not looked at; what was worked out stays if it holds."""
        values = vars(self).copy()
        for name in changes:
            if name not in _FIELDS:
                raise TypeError(f"a Score has no {name!r}; {', '.join(_FIELDS)} it has.")
            for follows in _FOLLOWS.get(name, ()):
                values.pop(follows, None)
        values.update(changes)
        score = object.__new__(Score)
        vars(score).update(values)
        return score

    # -- equality and hashes -----------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        return (
            self.ticks_per_beat == other.ticks_per_beat
            and self.tracks == other.tracks
            and self.texts == other.texts
            and all(np.array_equal(getattr(self, n), getattr(other, n)) for n in _TABLES)
        )

    def __hash__(self) -> int:
        return hash(self.content_hash())

    def content_hash(self) -> str:
        """SHA-256 over everything the Score holds, as hex; equal Scores have equal hashes."""
        digest = hashlib.sha256(str(self.ticks_per_beat).encode())
        tracks = [(t.name, int(t.program), bool(t.is_drum)) for t in self.tracks]
        texts = [(int(t.onset), t.text, t.kind) for t in self.texts]
        digest.update(repr((tracks, texts)).encode())
        for name in _TABLES:
            digest.update(name.encode() + getattr(self, name).tobytes())
        return digest.hexdigest()

    def music_hash(self) -> str:
        """SHA-256 over what is played, as hex: pitch, onset and length in beats, loudness, drums.

        Names, controllers, tempo, track order, leading silence and file resolution do not count,
        so that the same music saved twice by two programs is found to be the same.
        """
        notes = self.notes
        drum = np.array([t.is_drum for t in self.tracks] or [False])
        scaled = np.empty((len(notes), 5), dtype="<i8")
        start = int(notes["onset"].min()) if len(notes) else 0
        for column, ticks in enumerate((notes["onset"] - start, notes["duration"])):
            scaled[:, column] = np.rint(ticks * (_HASH_TICKS_PER_BEAT / self.ticks_per_beat))
        scaled[:, 2], scaled[:, 3] = notes["pitch"], notes["velocity"]
        scaled[:, 4] = drum[notes["track"]] if len(notes) else 0
        # By onset and pitch, which are nearly in order and nearly always enough; all the rest
        # decides only between notes that share both.
        key = scaled[:, 0] << 8 | scaled[:, 2]
        if not bool((key[1:] > key[:-1]).all()):
            order = np.argsort(key, kind="stable")
            scaled, key = scaled[order], key[order]
            if bool((key[1:] == key[:-1]).any()):
                scaled = scaled[np.lexsort([scaled[:, column] for column in (4, 3, 1, 2, 0)])]
        return hashlib.sha256(scaled.tobytes()).hexdigest()


_TABLES = {
    "notes": NOTE,
    "controls": CONTROL,
    "bends": BEND,
    "tempi": TEMPO,
    "metres": METRE,
    "keys": KEY,
}


_FIELDS = tuple(each.name for each in fields(Score))
_TRACKED = ("notes", "controls", "bends")
_LIMITS: dict[str, tuple[tuple[str, int, int | None], ...]] = {
    "notes": (("pitch", 0, 127), ("velocity", 1, 127), ("duration", 0, None)),
    "controls": (("value", 0, 127), ("number", 0, 127)),
    "bends": (("value", -8192, 8191),),
    "tempi": (("microseconds", 1, 0xFFFFFF),),
    "metres": (("numerator", 1, 255), ("denominator", 1, 128)),
    "keys": (("fifths", -7, 7),),
}
"""What the columns of each table may hold, from and up to."""
_FOLLOWS = {
    "notes": ("end_ticks", "end_seconds", "end_bars"),
    "tempi": ("tempo_map", "end_seconds"),
    "metres": ("metre_map", "end_bars"),
    "ticks_per_beat": ("tempo_map", "metre_map", "end_seconds", "end_bars"),
}
"""What a Score has worked out that changes with a field."""


def _canonical(name: str, table: Events, dtype: np.dtype[Any]) -> Events:
    """`table` in canonical order and read-only; the same object if it is so already."""
    if getattr(table, "dtype", None) != dtype or table.ndim != 1:
        raise ValueError(f"{name} came as {getattr(table, 'dtype', type(table))}, not {dtype}.")
    return _laid(name, table)


def _laid(name: str, table: Events) -> Events:
    """As `_canonical`, of a table of the right dtype."""
    if len(table):
        onset = table["onset"]
        first, last = int(onset.min()), int(onset.max())
        if first < 0 or last > LAST_TICK:
            raise ValueError(
                f"{name} start at ticks {first} to {last}; 0 to {LAST_TICK} is allowed."
            )
        table = in_order(name, table)
    if table.flags.writeable:
        if table.base is not None or not table.flags.owndata:
            table = table.copy()
        table.flags.writeable = False
    return table


def in_order(name: str, table: Events) -> Events:
    """The table of that name in canonical order; the same object if it is so already."""
    if len(table) < 2:
        return table
    # Onsets stay below 2^38, so (onset, track, pitch) fits one signed 64-bit key.
    key = table["onset"] << 24
    if "track" in (table.dtype.names or ()):
        key |= table["track"].astype(np.int64) << 8
    if name == "notes":
        key |= table["pitch"]
        if bool((key[1:] > key[:-1]).all()):
            return table
        return _notes_in_order(table, key)
    if bool((key[1:] >= key[:-1]).all()):
        return table
    return table[np.argsort(key, kind="stable")]


def _notes_in_order(table: Events, key: NDArray[np.int64]) -> Events:
    """Notes by `key`, then duration and velocity, which only notes that share a key ask about."""
    order = np.argsort(key, kind="stable")
    table, key = table[order], key[order]
    twins = key[1:] == key[:-1]
    if not twins.any():
        return table
    among = np.flatnonzero(np.append(twins, False) | np.append(False, twins))
    few = table[among]
    order = np.lexsort((few["velocity"], few["duration"], key[among]))
    table[among] = few[order]
    return table
