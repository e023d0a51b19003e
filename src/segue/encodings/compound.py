"""One row a note: step since the row before, track, pitch, duration, velocity.

Our own representation. Rows are sorted by onset, then track, then pitch, between a START and an
END row; gaps longer than a step can say are filled with REST rows, so that onsets stay exact.
Steps are parts of a beat for scores, or hundredths of a second for performances. The columns
stand in the order a model predicts them: whether and when, who, what, how long, how loud. Where
the first says START, END or REST, or the third says what is no note (of the whole piece, a bar
line, tempo or pedal), what follows is 0.

A note may be told ahead, so many steps before it sounds, in a track of its own kind: what is to
come is then known while the rest is made (anticipation, after Thickstun et al., "Anticipatory
Music Transformer", 2023). No piece is encoded so; training and filling in lay rows so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings import bar_lines, portrait
from segue.encodings.base import Encoded, Rows, checked
from segue.encodings.compound_changes import CompoundChanges
from segue.encodings.compound_symbols import CompoundSymbols
from segue.encodings.compound_variants import END, REST, START, STEP
from segue.encodings.grid import in_order, second_resolution, second_steps, struck_once
from segue.encodings.header import (
    resolution,
    time_header,
    time_tables,
    tracks_header,
    tracks_of,
)
from segue.encodings.pedal import DOWN, changes, on_steps
from segue.encodings.scales import Tempi
from segue.encodings.slots import NOWHERE
from segue.errors import DataError
from segue.score import CONTROL, NOTE, SUSTAIN_PEDAL, TEMPO, Score, Track, heard, tidy
from segue.score.score import Events

Ints = NDArray[np.int64]
Table = tuple[tuple[Any, ...], ...]

MOST_RESTS = 100_000
_DEFAULT_TICKS_PER_BEAT = 480
_DEFAULT_TEMPO = 500_000


@dataclass(frozen=True)
class Compound(CompoundChanges, CompoundSymbols):
    """One row a note, five columns: onset, track, pitch, duration, velocity.

    The options are those of `CompoundSymbols`.
    """

    # -- encode ------------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """START, a row a note in order, END; DataError for a silence of months."""
        ticks_per_beat = self._resolution(score)
        slot_of, tracks = self.slots.of(score)
        header = time_header(score, ticks_per_beat)
        header["tracks"] = tracks_header(tracks)
        events = [self._notes(score, slot_of)]
        if self.pedalled:
            events.append(self._pedal(score, slot_of))
        if self.tempo == "rows":
            events.append(self._tempo(score))
            del header["tempi"]
        if self.bars:
            last = max((int(each[:, 0].max(initial=0)) for each in events), default=0)
            events.append(self.bar_rows(score, 0, last))
            # On steps, so that the bars of what is decoded are those that were written.
            for metre in header["metres"]:
                tick = np.array(metre[0] * score.ticks_per_beat / ticks_per_beat)
                step = self._steps(score, tick)
                metre[0] = int(step) * ticks_per_beat // self.steps_per_beat
        if self.about:
            pressed = self.pedalled and len(events[1]) > 0
            events.append(self.about_rows(self._portrait(score, events[0], pressed)))
        every = np.concatenate(events) if len(events) > 1 else events[0]
        return Encoded(self.laid(every), header)

    def _steps(self, score: Score, ticks: Ints) -> Ints:
        if self.unit == "beats":
            return np.rint(ticks * (self.steps_per_beat / score.ticks_per_beat)).astype(np.int64)
        return second_steps(score, ticks, self.steps_per_second)

    def _resolution(self, score: Score) -> int:
        """Ticks a beat fine enough that decode's ticks fall in the step they came from."""
        if self.unit == "beats":
            return resolution(score.ticks_per_beat, self.steps_per_beat)
        return second_resolution(score, self.steps_per_second)

    def _notes(self, score: Score, slot_of: Ints) -> Ints:
        """Shape (notes, 5): step, track, code, duration, velocity, without overlap of a pitch."""
        notes = score.notes
        if not len(notes):
            return np.zeros((0, 5), np.int64)
        # Column by column: rows of a structured array take ten times as long to pick.
        onset, slot = notes["onset"], slot_of[notes["track"]]
        length = heard(score) if self._sustained else notes["duration"]
        pitch, velocity = notes["pitch"], notes["velocity"]
        if (slot == NOWHERE).any():
            placed = slot != NOWHERE
            onset, length, slot = onset[placed], length[placed], slot[placed]
            pitch, velocity = pitch[placed], velocity[placed]
        step = self._steps(score, onset)
        end = self._steps(score, onset + length)
        voice = (slot * 128 + pitch).astype(np.uint16)
        kept, length, gap = struck_once(voice, step, end)
        voice = voice[kept]
        rows = np.empty((len(kept), 5), np.int64)
        rows[:, 0], rows[:, 1] = step[kept], voice >> 7
        rows[:, 2] = self.first_pitch + (voice & 127)
        rows[:, 3] = np.minimum(self.lengths.nearest(length), self.lengths.at_most(gap))
        rows[:, 4] = self.velocities.symbols(velocity[kept])
        return rows

    def _portrait(self, score: Score, notes: Ints, pedalled: bool) -> dict[str, int]:
        """What is said of a piece, by its notes as rows tell them."""
        pitched = notes[notes[:, 1] < self.slots.pitched]
        steps_per_beat = self._beat_steps
        heard = portrait.Notes(
            pitched[:, 0] / steps_per_beat,
            self.lengths.values[pitched[:, 3]] / steps_per_beat,
            pitched[:, 2] - self.first_pitch,
            self.velocities.values(pitched[:, 4]),
        )
        return portrait.of(heard, pedalled, portrait.style_of(score))

    def portrait_of(self, score: Score) -> dict[str, int]:
        """What there is to say of a piece, by kind; nothing where `about` is off."""
        if not self.about:
            return {}
        slot_of, _ = self.slots.of(score)
        pressed = self.pedalled and len(self._pedal(score, slot_of)) > 0
        return self._portrait(score, self._notes(score, slot_of), pressed)

    def about_rows(self, said: Mapping[str, int]) -> Ints:
        """Shape (kinds said, 5): what is said of a piece, by kind, as events at step 0."""
        symbols = portrait.symbols(said)
        rows = np.zeros((len(symbols), 5), np.int64)
        rows[:, 2] = symbols
        return rows

    def bar_rows(self, score: Score, first: int, last: int) -> Ints:
        """Shape (bars, 5): the bar lines of a Score from step `first` to `last`, as events.

        Columns: step, track, code, 0, 0. DataError for a silence of months.
        """
        self._refuse_silence(last // self.reach)
        table = score.metres
        metres = np.stack([table["onset"], table["numerator"], table["denominator"]], axis=1)
        metres = metres.astype(np.int64)
        metres[:, 0] = self._steps(score, metres[:, 0])
        step, symbol = bar_lines.lines(metres, self.steps_per_beat, last)
        step, symbol = step[step >= first], symbol[step >= first]
        rows = np.zeros((len(step), 5), np.int64)
        rows[:, 0], rows[:, 2] = step, self.first_bar + symbol
        return rows

    def _pedal(self, score: Score, slot_of: Ints) -> Ints:
        home = slot_of * (self.pedal == "rows")
        pitched = np.where((slot_of >= 0) & (slot_of < self.slots.pitched), home, NOWHERE)
        tick, slot, state = changes(score, pitched)
        step, slot, state = on_steps(self._steps(score, tick), slot, state)
        rows = np.zeros((len(step), 5), np.int64)
        rows[:, 0], rows[:, 1], rows[:, 2] = step, slot, self.first_pedal + state
        return rows

    def _tempo(self, score: Score) -> Ints:
        step = np.append(0, self._steps(score, score.tempi["onset"]))
        symbol = Tempi().symbols(np.append(_DEFAULT_TEMPO, score.tempi["microseconds"]))
        last = np.append(step[1:] != step[:-1], True)
        step, symbol = step[last], symbol[last]
        changed = np.append(True, symbol[1:] != symbol[:-1])
        rows = np.zeros((int(changed.sum()), 5), np.int64)
        rows[:, 0], rows[:, 2] = step[changed], self.first_tempo + symbol[changed]
        return rows

    def laid(self, events: Ints) -> Rows:
        """Events, (n, 5) with absolute steps, changed in place, as rows: START, in order, END."""
        key = (events[:, 0] << 14) | (events[:, 1] << 8) | events[:, 2]
        events = events.take(in_order(key), axis=0)
        gap = events[:, 0].copy()
        gap[1:] -= events[:-1, 0]
        long = np.flatnonzero(gap > self.reach)
        rests = -(-gap[long] // self.reach) - 1
        total = int(rests.sum())
        self._refuse_silence(total)
        gap[long] -= rests * self.reach
        events[:, 0] = STEP + gap
        rows = np.zeros((len(events) + total + 2, 5), np.uint16)
        done, place = 0, 1
        for at, count in zip(long.tolist(), rests.tolist(), strict=True):
            rests_at = place + at - done
            rows[place:rests_at] = events[done:at]
            rows[rests_at : rests_at + count, 0] = REST
            done, place = at, rests_at + count
        rows[place:-1] = events[done:]
        rows[0, 0], rows[-1, 0] = START, END
        return rows

    def _refuse_silence(self, rests: int) -> None:
        if rests > MOST_RESTS:
            raise DataError(
                f"the piece has {rests * self.reach} steps of silence, more than "
                f"{MOST_RESTS * self.reach}: cut it into pieces first."
            )

    # -- decode ------------------------------------------------------------------------------

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Rows as a Score, without what follows an END row. ValueError for rows out of range."""
        # Column by column, which all that follows is faster with.
        values = np.ascontiguousarray(checked(rows, self.layout, self.name).T)
        closing = np.flatnonzero(values[0] == END)
        if len(closing):
            values = values[:, : closing[0]]
        step = self._positions(values[0])
        sounding = values[0] >= STEP
        (_, slot, code, length, loudness), step = values[:, sounding], step[sounding]
        header = header or {}
        styles = code[code < portrait.FIRST["key"]] if self.about else []
        texts = tuple(portrait.style_text(portrait.STYLES[s]) for s in styles[:1])
        note = code >= self.first_pitch
        score = self._frame(code, step, header)
        if self.ahead:
            ahead = slot >= self.max_tracks
            step, slot = step + self.ahead * ahead, slot - self.max_tracks * ahead
        tracks = self._tracks(slot[code >= self.first_pedal], header)
        index = np.zeros(self.max_tracks, np.int64)
        index[list(tracks)] = np.arange(len(tracks))
        tables = {}
        if self.pedalled:
            tables["controls"] = self._controls(score, code, step, index[slot], tracks)
        if not note.all():
            step, slot, code = step[note], slot[note], code[note]
            length, loudness = length[note], loudness[note]
        notes = np.zeros(len(code), NOTE)
        notes["onset"] = onset = self._ticks(score, step)
        notes["duration"] = self._ticks(score, step + self.lengths.values[length]) - onset
        notes["pitch"] = code - self.first_pitch
        notes["velocity"] = self._loudness[loudness]
        notes["track"] = index[slot]
        score = score.with_(tracks=tuple(tracks.values()), texts=texts)
        # All that rows can say is in range, but for how late it is.
        return tidy(score.vouched(notes=notes, **tables))

    def _controls(
        self, score: Score, code: Ints, step: Ints, track: Ints, tracks: Mapping[int, Track]
    ) -> Events:
        """What the pedal does in rows with these codes, steps and tracks."""
        pedal = (code >= self.first_pedal) & (code < self.first_pitch)
        controls = np.zeros(int(pedal.sum()), CONTROL)
        controls["onset"] = self._ticks(score, step[pedal])
        controls["number"] = SUSTAIN_PEDAL
        controls["value"] = 127 * (code[pedal] - self.first_pedal == DOWN)
        controls["track"] = track[pedal]
        if self.pedal == "shared":
            others = [i for i, each in enumerate(tracks.values()) if not each.is_drum]
            controls = np.repeat(controls, len(others))
            controls["track"] = np.tile(others, int(pedal.sum()))
        return controls

    @cached_property
    def _loudness(self) -> Ints:
        """The velocity of each symbol."""
        return self.velocities.values(np.arange(self.velocity_bins))

    def _frame(self, code: Ints, step: Ints, header: Mapping[str, Any]) -> Score:
        """A Score without notes: resolution, tempi, metres and keys."""
        steps_per_beat = self.steps_per_beat if self.unit == "beats" else 1
        ticks_per_beat = int(header.get("ticks_per_beat", 0)) or resolution(
            _DEFAULT_TICKS_PER_BEAT, steps_per_beat
        )
        among = self.tempo == "rows"
        tempi, metres, keys = (
            tuple(tuple(row) for row in header.get(name, ()))
            for name in ("tempi", "metres", "keys")
        )
        score = _blank(ticks_per_beat, () if among else tempi, metres, keys)
        if not among:
            return score
        tempo = (code >= self.first_tempo) & (code < self.first_pedal)
        table = np.zeros(int(tempo.sum()), TEMPO)
        table["onset"] = step[tempo] * ticks_per_beat // self.steps_per_beat
        table["microseconds"] = Tempi().microseconds(code[tempo] - self.first_tempo)
        return score.vouched(tempi=table)

    def _ticks(self, score: Score, steps: Ints) -> Ints:
        if self.unit == "beats":
            return steps * score.ticks_per_beat // self.steps_per_beat
        return score.tempo_map.ticks(steps / self.steps_per_second)

    def _tracks(self, slots: Ints, header: Mapping[str, Any]) -> dict[int, Track]:
        """The tracks of the header, and of the slots that rows use without it, by slot."""
        tracks = {s: t for s, t in tracks_of(header).items() if 0 <= s < self.max_tracks}
        for slot in np.flatnonzero(np.bincount(slots)).tolist():
            if slot not in tracks:
                drum = self.drums and slot == self.max_tracks - 1
                program = self.programs[slot] if slot < len(self.programs) and not drum else 0
                tracks[slot] = Track("Drums" if drum else "", program, drum)
        return dict(sorted(tracks.items()))

    def positions(self, rows: Rows) -> Ints:
        """The step at which each row's note starts."""
        return self._positions(checked(rows, self.layout, self.name)[:, 0])

    def _positions(self, onset: Ints) -> Ints:
        """The step of each row, of their first column."""
        move = np.where(onset == REST, self.reach, np.maximum(onset - STEP, 0))
        return np.cumsum(move)


@lru_cache(maxsize=64)
def _blank(ticks_per_beat: int, tempi: Table, metres: Table, keys: Table) -> Score:
    """A Score without notes, as takes of one bundle begin again and again."""
    tables = time_tables({"tempi": tempi, "metres": metres, "keys": keys})
    score = Score(
        ticks_per_beat, tempi=tables["tempi"], metres=tables["metres"], keys=tables["keys"]
    )
    for name in ("tempo_map", "metre_map"):
        # Worked out once, it is there in all copies.
        getattr(score, name)
    return score
