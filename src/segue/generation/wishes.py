"""What a user may ask of a take: key, chords, range, instruments, tempo, metre, density and more.

Pitches are kept by masks on the logits where an encoding says which notes a symbol begins
(`Encoding.begins`). What no mask can reach (a family without symbols, a tick rounded past a bar
line, the last note of a step with nowhere to go) is put right on the notes themselves. Either way
the finished take is looked at again, by its notes alone, and the receipt says what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings import portrait
from segue.encodings.base import Encoding
from segue.encodings.piano_roll import PianoRoll
from segue.errors import SegueError, nearest
from segue.generation import closing as ends
from segue.generation.closing import Close
from segue.generation.density import Density
from segue.generation.harmony import Harmony
from segue.score import METRE, TEMPO, Score, events, tidy
from segue.score.instruments import NAMES
from segue.score.score import DEFAULT_MICROSECONDS_PER_BEAT

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ANY = "any"
"""A style or touch that is left to the model."""
_BAR = 1e-6
"""How far before a bar line an onset may lie and still belong to the bar that it opens."""


@dataclass(frozen=True)
class Wishes:
    """All that is asked; what is None, empty or at its widest is not.

    `chords` follow each other, `chord_bars` bars each, from the first new bar on, over and over:
    notes that start under a chord belong to it. `instruments` are programs for the pitched tracks
    in order; there will be no others. `polyphony` is how many pitched notes may sound at once.
    `density` is how many notes begin a beat or a second, drums too, up to the last chord where
    there is one, within a tenth or two notes. `ending` is
    "stop" (where the length is over), "cadence" (on the tonic) or "own" (the model's END in the
    last quarter, or else a cadence). `style` and `touch` are what a bundle that knows such words
    (`encodings.portrait`) is led to; "any" leaves them to the model, and "" to its recipe.
    """

    key: Harmony | None = None
    chords: tuple[Harmony, ...] = ()
    chord_bars: float = 1.0
    lowest: int = 0
    highest: int = 127
    instruments: tuple[int, ...] = ()
    tempo: float | None = None
    metre: tuple[int, int] | None = None
    polyphony: int = 0
    density: Density | None = None
    ending: str = "stop"
    style: str = ""
    touch: str = ""

    def __post_init__(self) -> None:
        if self.ending not in ends.ENDINGS:
            raise SegueError(
                f"the ending came as {self.ending!r}; {nearest(self.ending, ends.ENDINGS)}."
            )
        for kind, name, table in (
            ("style", self.style, portrait.STYLES),
            ("touch", self.touch, portrait.TOUCHES),
        ):
            if name and name not in (ANY, *table):
                raise SegueError(f"the {kind} came as {name!r}; {nearest(name, (ANY, *table))}.")
        ranges = [
            ("lowest", self.lowest, 0, 127),
            ("highest", self.highest, self.lowest, 127),
            ("polyphony", self.polyphony, 0, 128),
            ("tempo", self.tempo, 4, 1000),
            ("chord-bars", self.chord_bars, 1 / 16, 64),
        ]
        for name, value, low, high in ranges:
            if value is not None and not low <= value <= high:
                raise SegueError(f"{name} came as {value:g}; {low:g} to {high:g} is allowed.")
        if self.metre is not None:
            beats, unit = self.metre
            if not 1 <= beats <= 64 or unit not in (1, 2, 4, 8, 16, 32):
                raise SegueError(
                    f"the metre came as {beats}/{unit}; 1 to 64 over 1, 2, 4, 8, 16 or 32 is "
                    "allowed."
                )
        if not self.allowed.any(axis=1).all():
            raise SegueError(
                "the wishes leave no pitch: a chord has no note in the key between "
                f"{self.lowest} and {self.highest}; widen the range or change the chords."
            )

    @property
    def pitched(self) -> bool:
        """Whether anything is asked of pitches."""
        return bool(self.key or self.chords) or self.lowest > 0 or self.highest < 127

    @property
    def within(self) -> Bools:
        """Shape (128,): the pitches of the range and the key, whatever the chord."""
        pitches = np.arange(128)
        mask = (pitches >= self.lowest) & (pitches <= self.highest)
        return mask & self.key.mask if self.key is not None else mask

    @property
    def allowed(self) -> Bools:
        """Shape (chords or 1, 128): the pitches that may start under each chord."""
        if not self.chords:
            return self.within[None]
        return self.within & np.stack([chord.mask for chord in self.chords])

    def chord_of(self, bars: NDArray[np.float64]) -> Ints:
        """Which chord is in force so many bars after the take's own part begins."""
        number = np.floor(bars / self.chord_bars + _BAR).astype(np.int64)
        return number % max(len(self.chords), 1)

    def settings(self) -> dict[str, Any]:
        """What is asked, for the receipt; nothing where nothing is."""
        told = {
            "key": self.key.name if self.key else None,
            "chords": [c.name for c in self.chords],
            "chord_bars": self.chord_bars if self.chords else None,
            "lowest": self.lowest or None,
            "highest": self.highest if self.highest < 127 else None,
            "instruments": list(self.instruments),
            "tempo": self.tempo,
            "metre": list(self.metre or ()),
            "polyphony": self.polyphony or None,
            "density": self.density.name if self.density else None,
            "ending": self.ending if self.ending != "stop" else None,
            "style": self.style,
            "touch": self.touch,
        }
        return {"wishes": kept} if (kept := {k: v for k, v in told.items() if v}) else {}

    # -- before playing ----------------------------------------------------------------------

    def header(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """A header with the tempo, metre and instruments that are asked for."""
        changed = dict(header)
        if self.tempo is not None:
            changed["tempi"] = [[0, round(60e6 / self.tempo)]]
        if self.metre is not None:
            changed["metres"] = [[0, *self.metre]]
        if self.instruments and "tracks" in header:
            pitched = [t for t in header["tracks"] if not t[3]]
            if len(self.instruments) > len(pitched):
                raise SegueError(
                    f"{len(self.instruments)} instruments came; this bundle plays "
                    f"{len(pitched)} pitched parts: name that many at most."
                )
            chosen = zip(pitched, self.instruments, strict=False)
            changed["tracks"] = [[t[0], NAMES[p], p, False] for t, p in chosen]
        elif self.instruments:
            if len(self.instruments) > 1:
                raise SegueError(
                    f"{len(self.instruments)} instruments came; this bundle plays one part: "
                    "name one."
                )
            changed["track"] = [NAMES[self.instruments[0]], self.instruments[0]]
        return changed

    def in_time(self, score: Score, encoding: Encoding) -> Score:
        """The music with the tempo and metre asked for, of encodings whose headers keep none.

        Where steps are seconds every note keeps its second, and where they are beats its beat.
        """
        if self.metre is not None:
            score = score.with_(metres=events(METRE, [(0, *self.metre)]))
        if self.tempo is None:
            return score
        micros = round(60e6 / self.tempo)
        known = set(score.tempi["microseconds"].tolist()) or {DEFAULT_MICROSECONDS_PER_BEAT}
        if known == {micros} and len(score.tempi):
            return score
        if encoding.step_seconds is not None:
            score = _retimed(score, micros)
        return score.with_(tempi=events(TEMPO, [(0, micros)]))

    # -- after playing -----------------------------------------------------------------------

    def fitted(
        self,
        score: Score,
        begin: int = 0,
        end: int | None = None,
        *,
        key: Harmony | None = None,
        own_end: bool = False,
    ) -> tuple[Score, dict[str, Any]]:
        """The take with all wishes met from tick `begin` on, and what the receipt says of them.

        `end` is where it ends, as asked: without it nothing is done or said of endings and density.
        `key` is the key it closes in if none is asked for; `own_end` if the model itself ended it.
        """
        moved = self.moved(score, begin) if self.pitched else score
        ended, told = self._ended(moved, begin, end, key, own_end)
        thinned = self._thinned(ended, begin) if self.polyphony else ended
        if self.instruments:
            thinned = self._orchestrated(thinned) if begin == 0 else thinned
        done = tidy(thinned)
        proof = self.proof(done, begin)
        if told is not None:
            proof["ending"] = told(done)
        if self.density is not None and end is not None:
            until = self._counted_until(done, begin, end, own_end)
            proof["density"] = self.density.proof(done, begin, until)
        if self.pitched:
            proof["moved_notes"] = int(self._wrong(score, begin).sum())
        if self.polyphony:
            proof["shortened_or_dropped_notes"] = _changed(ended.notes, thinned.notes)
        return done, proof

    def _counted_until(self, score: Score, begin: int, end: int, own_end: bool) -> int:
        """Up to where the density counts: not the last chord, which rings."""
        if self.ending == "stop":
            return end
        if self.ending == "own" and own_end:
            return int(score.notes["onset"].max(initial=begin + 1))
        return Close.of(score, begin, end).at

    def _ended(
        self, score: Score, begin: int, end: int | None, key: Harmony | None, own_end: bool
    ) -> tuple[Score, Callable[[Score], dict[str, Any]] | None]:
        """The take with the ending that is asked for, and what tells whether it has it."""
        if self.ending == "stop" or end is None:
            return score, None
        if self.ending == "own" and own_end:
            bar = np.ceil(float(score.metre_map.bars(score.end_ticks)) - 1e-6)
            until = min(int(score.metre_map.ticks(bar)), end)
            told = {"asked": "own", "by": "model", "kept": True}
            return ends.rung(score, begin, until), lambda _: told
        close = Close.of(score, begin, end)
        chord = ends.last_chord(self, score, close, key)
        made = ends.closed(score, close, chord, self.within)
        put = {_place(note) for note in made.notes} - {_place(note) for note in score.notes}
        told = {"asked": self.ending, "put_right_notes": len(put)}
        return made, lambda done: {**ends.proof(done, close, chord), **told}

    def _orchestrated(self, score: Score) -> Score:
        """Encodings that keep no programs: the first pitched tracks play what is asked."""
        pitched = [i for i, t in enumerate(score.tracks) if not t.is_drum]
        tracks = list(score.tracks)
        for place, number in zip(pitched, self.instruments, strict=False):
            tracks[place] = replace(tracks[place], program=number)
        kept = np.isin(score.notes["track"], pitched[: len(self.instruments)])
        return score.with_(notes=score.notes[kept], tracks=tuple(tracks))

    def moved(self, score: Score, begin: int) -> Score:
        """Each note that should not start where it does, at the nearest pitch that may."""
        notes = score.notes.copy()
        wrong = self._wrong(score, begin)
        if not wrong.any():
            return score
        chord = self._chords_at(score, notes["onset"][wrong], begin)
        away = np.abs(np.arange(128) - notes["pitch"][wrong][:, None].astype(np.int64))
        notes["pitch"][wrong] = np.where(self.allowed[chord], away, 999).argmin(axis=1)
        return score.with_(notes=notes)

    def _chords_at(self, score: Score, onsets: Ints, begin: int) -> Ints:
        bars = score.metre_map.bars(onsets) - float(score.metre_map.bars(begin))
        return self.chord_of(bars)

    def _wrong(self, score: Score, begin: int) -> Bools:
        notes = score.notes
        allowed = self.allowed[self._chords_at(score, notes["onset"], begin)]
        fits = np.take_along_axis(allowed, notes["pitch"][:, None].astype(np.int64), axis=1)[:, 0]
        return np.asarray(~fits & (notes["onset"] >= begin) & ~_drums(score))

    def _thinned(self, score: Score, begin: int) -> Score:
        """Voices stolen: a note too many ends the one that has sounded longest.

        Of notes that start together the highest and the lowest stay.
        """
        notes = score.notes.copy()
        mine = np.flatnonzero((notes["onset"] >= begin) & ~_drums(score))
        kept = np.ones(len(notes), bool)
        sounding: list[int] = []
        for onset in np.unique(notes["onset"][mine]).tolist():
            here = mine[notes["onset"][mine] == onset]
            by_pitch = here[np.argsort(notes["pitch"][here], kind="stable")]
            outside_in = np.stack([by_pitch[::-1], by_pitch], axis=1).ravel()
            first_seen = np.sort(np.unique(outside_in, return_index=True)[1])
            ordered = outside_in[first_seen]
            kept[ordered[self.polyphony :]] = False
            new = ordered[: self.polyphony].tolist()
            sounding = [n for n in sounding if notes["onset"][n] + notes["duration"][n] > onset]
            for stolen in sounding[: max(len(sounding) + len(new) - self.polyphony, 0)]:
                notes["duration"][stolen] = onset - notes["onset"][stolen]
            sounding = sounding[max(len(sounding) + len(new) - self.polyphony, 0) :] + new
        return score.with_(notes=notes[kept])

    def proof(self, score: Score, begin: int = 0) -> dict[str, Any]:
        """Each wish, and whether the take's own notes keep it; read from the notes alone."""
        told: dict[str, Any] = {}
        right = not self._wrong(score, begin).any() if self.pitched else True
        if self.key is not None:
            told["key"] = {"asked": self.key.name, "kept": right}
        if self.chords:
            told["chords"] = {"asked": [c.name for c in self.chords], "kept": right}
        if self.lowest > 0 or self.highest < 127:
            told["range"] = {"asked": [self.lowest, self.highest], "kept": right}
        if self.polyphony:
            most = _most_at_once(score, begin)
            told["polyphony"] = {"asked": self.polyphony, "kept": most <= self.polyphony}
        if self.instruments and begin == 0:
            heard = {score.tracks[int(t)].program for t in np.unique(score.notes["track"])}
            told["instruments"] = {
                "asked": [NAMES[p] for p in self.instruments],
                "kept": heard <= set(self.instruments),
            }
        if self.tempo is not None:
            micros = set(score.tempi["microseconds"].tolist())
            told["tempo"] = {"asked": self.tempo, "kept": micros == {round(60e6 / self.tempo)}}
        if self.metre is not None:
            metres = {(int(m["numerator"]), int(m["denominator"])) for m in score.metres}
            told["metre"] = {
                "asked": "/".join(map(str, self.metre)),
                "kept": metres == {self.metre},
            }
        return told


class PitchMasks:
    """The wishes about pitches as masks for `Steps`.

    `chord_at` gives the number of the chord in force at each of an array of steps, (B, V): those
    of the wishes, and after them `closing`, shape (chords, 128): pitches that may start at a close.
    """

    def __init__(
        self,
        wishes: Wishes,
        encoding: Encoding,
        chord_at: Callable[[Ints], Ints],
        closing: Bools | None = None,
    ) -> None:
        self._chord_at = chord_at
        may = wishes.allowed if closing is None else np.concatenate([wishes.allowed, closing])
        self._tables: dict[int, Bools] = {}
        begins = getattr(encoding, "begins", None)
        for k in range(len(encoding.layout.sizes)):
            begun = begins(k) if begins is not None else None
            if begun is not None:
                # Shape (chords, symbols): whether all that a symbol begins may start.
                self._tables[k] = ~(begun[None] & ~may[:, None]).any(axis=2)
        self._holds = bool(getattr(encoding, "holds", False))
        self._held: int | None = None
        if isinstance(encoding, PianoRoll) and encoding.cells == "both":
            self._held = encoding.held
        self._drum_slot: int | None = getattr(encoding, "drum_slot", None)
        names = [column.name for column in encoding.layout.columns]
        self._track = names.index("track") if "track" in names else None

    def allowed(self, column: int, row: Ints, last: Ints, position: Ints) -> Bools | None:
        """(B, V) for symbols at steps `position`, (B, V); None for a column that begins nothing.

        `row` holds the columns before, `last` the (B, C) row before.
        """
        table = self._tables.get(column)
        if table is None:
            return None
        mask = np.take_along_axis(table, self._chord_at(position), axis=0)
        if self._drum_slot is not None and self._track is not None and column > self._track:
            mask |= (row[:, self._track] == self._drum_slot)[:, None]
        if self._held is not None:
            # Held from nowhere is a note that begins, and may be what a start may be.
            mask[:, self._held] &= mask[:, 1] | (last[:, column] > 0)
        if self._holds:
            # The symbol of the frame before goes on with what sounds, and begins nothing.
            mask[np.arange(len(last)), last[:, column]] = True
        return mask


def _drums(score: Score) -> Bools:
    drum = np.array([t.is_drum for t in score.tracks] or [False])
    return np.asarray(drum[score.notes["track"]]) if len(score.notes) else np.zeros(0, bool)


def _most_at_once(score: Score, begin: int) -> int:
    notes = score.notes[(score.notes["onset"] >= begin) & ~_drums(score)]
    if not len(notes):
        return 0
    ends = np.sort(notes["onset"] + notes["duration"])
    starts = np.sort(notes["onset"])
    sounding = np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")
    return int(sounding.max())


def _retimed(score: Score, micros: int) -> Score:
    """Notes and controllers at the ticks that their seconds have at one tempo."""
    per_second = score.ticks_per_beat * 1e6 / micros
    notes, controls = score.notes.copy(), score.controls.copy()
    first = np.rint(score.onset_seconds() * per_second)
    last = np.rint((score.onset_seconds() + score.duration_seconds()) * per_second)
    notes["onset"], notes["duration"] = first, np.maximum(last - first, 1)
    controls["onset"] = np.rint(score.tempo_map.seconds(controls["onset"]) * per_second)
    return score.with_(notes=notes, controls=controls)


def _place(note: np.void) -> tuple[int, int, int]:
    return int(note["onset"]), int(note["track"]), int(note["pitch"])


def _changed(before: NDArray[np.void], after: NDArray[np.void]) -> int:
    """How many of the notes before are not among those after."""
    kept = {note.tobytes() for note in after}
    return sum(note.tobytes() not in kept for note in before)
