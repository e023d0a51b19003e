"""How a take ends: at the bar line, by the model's own END, or on the tonic.

A close is the last onset of a take: a chord on the tonic, on the first beat of its last bar (or
where a piece counted in seconds has a bar line last), which rings to the end; half a bar before it
the harmony is the dominant's. The key is the one that is asked for, or else the one that the music
is in by then (Krumhansl and Kessler's profiles, as `evaluation.measures.keys` finds it). With a
chord chart it is the chart that says what the last chord is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.evaluation.measures.keys import global_key, window_chroma
from segue.generation.harmony import Harmony
from segue.score import Score, slice_ticks
from segue.score.tonality import fits

if TYPE_CHECKING:
    from segue.generation.wishes import Wishes

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

ENDINGS = ("stop", "own", "cadence")
OWN_FROM = 0.75
"""Of "own": from this share of the length on a model may end its piece."""
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_FIFTH, _MAJOR_THIRD, _MINOR_THIRD = 7, 4, 3


def key_named(number: int) -> Harmony:
    """The key of a number as `global_key` gives it: 0 to 11 major, 12 to 23 minor, on C and up."""
    root, minor = number % 12, number >= 12
    steps = (0, 2, 3, 5, 7, 8, 10, 11) if minor else (0, 2, 4, 5, 7, 9, 11)
    name = f"{_NAMES[root]} {'minor' if minor else 'major'}"
    return Harmony(name, frozenset((root + step) % 12 for step in steps), root)


def tonic_of(key: Harmony) -> Harmony:
    """The triad on the first degree of a key."""
    root = key.root
    minor = (root + _MINOR_THIRD) % 12 in key.classes and (
        root + _MAJOR_THIRD
    ) % 12 not in key.classes
    third = _MINOR_THIRD if minor else _MAJOR_THIRD
    return _triad(key, root, third, f"{_NAMES[root]}{'m' if minor else ''}")


def dominant_of(key: Harmony) -> Harmony:
    """The triad on the fifth degree, with the leading note where the key has it."""
    root = (key.root + _FIFTH) % 12
    leading = (root + _MAJOR_THIRD) % 12 in key.classes
    third = _MAJOR_THIRD if leading else _MINOR_THIRD
    return _triad(key, root, third, f"{_NAMES[root]}{'' if leading else 'm'}")


def _triad(key: Harmony, root: int, third: int, name: str) -> Harmony:
    tones = {root, (root + third) % 12, (root + _FIFTH) % 12}
    return Harmony(name, frozenset(tones & key.classes or {root}), root)


@dataclass(frozen=True)
class Close:
    """Where a take closes, in ticks: the dominant from `cadence`, the tonic from `at` to `end`."""

    begin: int
    cadence: int
    at: int
    end: int

    @classmethod
    def of(cls, score: Score, begin: int, end: int) -> Close:
        """The last bar line that leaves half a bar, or the middle of what is shorter than that."""
        metre = score.metre_map
        bar = float(np.floor(float(metre.bars(end)) - 0.5 + 1e-6))
        at = int(metre.ticks(bar))
        if at <= begin:
            at = begin + (end - begin) // 2
        cadence = max(int(metre.ticks(float(metre.bars(at)) - 0.5)), begin)
        return cls(begin, cadence, at, end)


def last_chord(wishes: Wishes, score: Score, close: Close, key: Harmony | None) -> Harmony:
    """What a take closes on: the chart's chord there, the tonic asked for, or that of `key`."""
    if wishes.chords:
        bars = float(score.metre_map.bars(close.at)) - float(score.metre_map.bars(close.begin))
        return wishes.chords[int(wishes.chord_of(np.array(bars)))]
    asked = wishes.key or key
    return tonic_of(asked) if asked is not None else key_of(score, close.at)


def key_of(score: Score, until: int) -> Harmony:
    """The tonic triad of the key that music is in up to a tick; C major of none."""
    found = global_key(slice_ticks(score, 0, max(until, 1)))
    return tonic_of(key_named(found or 0))


class Closing:
    """Steers B takes to their close. Steps are the encoding's.

    `known` is the key where it is asked for; otherwise each take's own is found from what it has
    played by the time the cadence begins (and `heard`, shape (12,), the prompt's classes).
    """

    def __init__(
        self,
        encoding: Encoding,
        takes: int,
        *,
        cadence: int,
        at: int,
        known: Harmony | None,
        chart: bool,
        heard: Floats | None = None,
    ) -> None:
        self.cadence, self.at = cadence, at
        self._chart, self._known = chart, known
        self._keys = [known] * takes
        first = np.zeros(12) if heard is None else heard
        self._heard = np.repeat(first[None], takes, axis=0)
        self._classes = _classes(encoding)
        self.begun = np.zeros(takes, np.int64)

    @property
    def keys(self) -> list[Harmony | None]:
        """The key that each take closes in; None for those that never came so far."""
        return self._keys

    def chords(self) -> list[Harmony]:
        """The chords that `number` counts: dominant and tonic of the key, or of all 24."""
        if self._chart:
            return []
        keys = [key_named(n) for n in range(24)] if self._known is None else [self._known]
        return [chord for key in keys for chord in (dominant_of(key), tonic_of(key))]

    def number(self, position: Ints) -> Ints:
        """(B, V) steps to the numbers of the chords that close there; -1 before."""
        if self._chart:
            return np.full(position.shape, -1, np.int64)
        late = position >= self.cadence
        if self._known is None and late.any():
            self._find(np.asarray(late.any(axis=1)))
        first = np.array([self._place(key) for key in self._keys])
        return np.where(late, 2 * first[:, None] + (position >= self.at), -1)

    def _find(self, asked: Bools) -> None:
        for b in np.flatnonzero(asked):
            if self._keys[b] is None:
                self._keys[b] = key_named(int(fits(self._heard[b]).argmax()))

    def _place(self, key: Harmony | None) -> int:
        if self._known is not None or key is None:
            return 0
        return next(n for n in range(24) if key_named(n).name == key.name)

    def accept(self, row: Ints, begun: Ints, position: Ints) -> None:
        """Take one more row of each take, which has come to `position`."""
        columns = np.arange(row.shape[1])
        if self._classes is not None:
            self._heard += self._classes[columns, row].sum(axis=1)
        self.begun = self.begun + np.where(position == self.at, begun, 0)


def _classes(encoding: Encoding) -> Floats | None:
    """Shape (C, V, 12): how often each symbol begins or sounds each pitch class."""
    begins: Any = getattr(encoding, "begins", None)
    if begins is None:
        return None
    sizes = encoding.layout.sizes
    table = np.zeros((len(sizes), max(sizes), 12))
    for k, size in enumerate(sizes):
        found = begins(k)
        if found is not None:
            np.add.at(table[k, :size].T, np.arange(128) % 12, found.T)
    return table


def heard_in(score: Score) -> Floats:
    """Shape (12,): beats that each pitch class sounds in a prompt."""
    return np.asarray(window_chroma(score).sum(axis=0))


# -- on the notes --------------------------------------------------------------------------------


def closed(score: Score, close: Close, chord: Harmony, allowed: Bools) -> Score:
    """The take with its last onset at the close: tones of `chord`, its root lowest, to the end.

    `allowed`, shape (128,), are the pitches that may be. What would begin later is left out; where
    nothing begins at the close, the notes that began last do so then. Prompts are not touched.
    """
    notes = score.notes[score.notes["onset"] <= close.at]
    mine = notes["onset"] >= close.begin
    if not mine.any():
        return score
    drums = np.array([t.is_drum for t in score.tracks] or [False])[notes["track"]]
    tones = np.flatnonzero(mine & ~drums)
    if not len(tones):
        return score.with_(notes=_ringing(notes, close))
    last = tones[notes["onset"][tones] == notes["onset"][tones].max()]
    notes = notes.copy()
    notes["onset"][last] = close.at
    right = allowed & chord.mask
    right = right if right.any() else chord.mask
    _move(notes, last, right)
    _set_bass(notes, last, right, chord.root)
    return score.with_(notes=_ringing(_once(notes, last), close))


def _set_bass(notes: NDArray[np.void], last: Ints, right: Bools, root: int) -> None:
    """Put the root lowest, in place: the lowest note moves to it, down if it can."""
    pitches = np.arange(128)
    roots = right & (pitches % 12 == root)
    if not roots.any():
        return
    order = last[np.argsort(notes["pitch"][last], kind="stable")]
    second = int(notes["pitch"][order[min(1, len(order) - 1)]])
    under = roots & (pitches <= second)
    _move(notes, order[:1], under if under.any() else roots)
    low = int(notes["pitch"][order[0]])
    _move(notes, order[1:][notes["pitch"][order[1:]] < low], right & (pitches >= low))


def _move(notes: NDArray[np.void], which: Ints, right: Bools) -> None:
    """Put notes, in place, at the nearest pitches of `right`."""
    away = np.abs(np.arange(128) - notes["pitch"][which][:, None].astype(np.int64))
    notes["pitch"][which] = np.where(right, away, 999).argmin(axis=1)


def _once(notes: NDArray[np.void], last: Ints) -> NDArray[np.void]:
    """Of the last notes that now share track and pitch only one."""
    _, first = np.unique(notes[last][["track", "pitch"]], return_index=True)
    kept = np.ones(len(notes), bool)
    kept[np.delete(last, first)] = False
    return notes[kept]


def _ringing(notes: NDArray[np.void], close: Close) -> NDArray[np.void]:
    """The notes with those of the close lasting to the end, and others stopping where it begins."""
    notes = notes.copy()
    at = notes["onset"] == close.at
    mine = (notes["onset"] >= close.begin) & ~at
    stop = np.minimum(notes["duration"], close.at - notes["onset"])
    notes["duration"] = np.where(mine, stop, notes["duration"])
    notes["duration"][at] = close.end - close.at
    return notes


def rung(score: Score, begin: int, end: int) -> Score:
    """The take with the notes of its last onset lasting to tick `end`."""
    notes = score.notes.copy()
    mine = notes["onset"] >= begin
    if not mine.any():
        return score
    last = notes["onset"] == notes["onset"][mine].max()
    notes["duration"][last] = end - notes["onset"][last]
    return score.with_(notes=notes)


def proof(score: Score, close: Close, chord: Harmony) -> dict[str, Any]:
    """Whether the last notes are the chord, its root lowest, and last to the very end."""
    notes = score.notes[score.notes["onset"] >= close.begin]
    told = {"asked": "cadence", "by": "cadence", "chord": chord.name}
    if not len(notes):
        return {**told, "kept": False}
    drums = np.array([t.is_drum for t in score.tracks])[notes["track"]]
    last = notes[(notes["onset"] == notes["onset"].max()) & ~drums]
    right = {int(p) % 12 for p in last["pitch"]} <= chord.classes
    root = bool(len(last)) and int(last["pitch"].min()) % 12 == chord.root
    ends = bool((last["onset"] + last["duration"] == close.end).all())
    return {**told, "kept": bool(right and root and ends)}
