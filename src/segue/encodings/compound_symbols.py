"""What a compound row may say: its options, its five columns, their symbols and their grammar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings import bar_lines, portrait
from segue.encodings.base import Block, Closed, Column, Layout, Rows
from segue.encodings.begins import in_a_row
from segue.encodings.compound_grammar import CompoundGrammar
from segue.encodings.compound_variants import END, REST, STEP
from segue.encodings.options import boolean, choice, programs, refuse, whole
from segue.encodings.scales import Lengths, Tempi, Velocities
from segue.encodings.slots import Slots


@dataclass(frozen=True)
class CompoundSymbols(Closed):
    """The options of `Compound`, and what follows from them for its symbols.

    `unit` "beats" with `steps_per_beat`, or "seconds" with `steps_per_second`; `longest_step` is
    how far one row reaches (0: four beats or one second). Up to `max_tracks` tracks, the last of
    them for drums unless `drums` is off. `pedal` "sustain" turns the sustain pedal into note
    lengths, "rows" writes it as rows of its own, "shared" too, as one pedal for all pitched tracks,
    "drop" leaves it out; `tempo` "header" keeps it beside the rows, "rows" writes it among them (in
    64 bins, in beats only). `about` begins with rows of what the whole piece is like
    (`encodings.portrait`), `bars` writes bar lines (in beats only), `ahead` lets notes be told so
    many steps before they sound (0: no). `programs` are those of the pitched tracks when there is
    no header.
    """

    unit: str = "beats"
    steps_per_beat: int = 12
    steps_per_second: int = 100
    longest_step: int = 0
    max_tracks: int = 16
    drums: bool = True
    velocity_bins: int = 32
    pedal: str = "sustain"
    tempo: str = "header"
    about: bool = False
    bars: bool = False
    ahead: int = 0
    programs: tuple[int, ...] = ()

    name = "compound"
    timed = True

    def __post_init__(self) -> None:
        choice(self, "unit", ("beats", "seconds"))
        choice(self, "pedal", ("sustain", "rows", "shared", "drop"))
        choice(self, "tempo", ("header", "rows") if self.unit == "beats" else ("header",))
        whole(self, "steps_per_beat", 1, 96)
        whole(self, "steps_per_second", 1, 200)
        whole(self, "longest_step", 0, 1000)
        whole(self, "max_tracks", 1, 64)
        whole(self, "velocity_bins", 1, 128)
        whole(self, "ahead", 0, 1000)
        for option in ("drums", "about", *("bars",) * (self.unit == "beats")):
            boolean(self, option)
        if self.bars and self.unit != "beats":
            refuse(self, "bars", "false with steps of seconds")
        programs(self, "programs")

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        part = (
            f"1/{self.steps_per_beat} of a beat"
            if self.unit == "beats"
            else f"1/{self.steps_per_second} of a second"
        )
        lengths, error = self.lengths, 100 * self.lengths.relative_error
        kept = [
            f"onset to {part}",
            f"length to {part} up to {lengths.exact} steps, within {error:.1f} % up to "
            f"{lengths.longest} steps",
            "pitch",
            f"velocity in {self.velocity_bins} bins",
            f"tracks with notes, up to {self.max_tracks}, with name and program (header)",
            "tempo in 64 bins" if self.tempo == "rows" else "tempo (header)",
            "metre and key (header)",
        ]
        if self.pedalled:
            kept.append("sustain pedal, down or up")
        if self.about:
            kept.append("style, of those it has names for")
        return tuple(kept)

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = [
            "texts" + ", but for the style" * self.about,
            "pitch bends",
            "controllers other than the sustain pedal",
        ]
        lost += ["tracks without notes", "which of too many tracks a note was in"]
        lost.append("all but the longest of notes of one track, pitch and step")
        if not self.pedalled:
            lost.append("the sustain pedal" + ", but for the length it gives" * self._sustained)
        if not self.drums:
            lost.append("drums")
        return tuple(lost)

    # -- layout ------------------------------------------------------------------------------

    @property
    def step_beats(self) -> float | None:
        """The length of a step in beats, for unit "beats"."""
        return 1 / self.steps_per_beat if self.unit == "beats" else None

    @property
    def step_seconds(self) -> float | None:
        """The length of a step in seconds, for unit "seconds"."""
        return 1 / self.steps_per_second if self.unit == "seconds" else None

    @property
    def _beat_steps(self) -> int:
        """Steps of a beat; where there are none, of half a second."""
        return self.steps_per_beat if self.unit == "beats" else self.steps_per_second // 2

    @property
    def reach(self) -> int:
        """The longest step, and the length of a rest, in steps."""
        auto = 4 * self.steps_per_beat if self.unit == "beats" else self.steps_per_second
        return self.longest_step or auto

    @property
    def _sustained(self) -> bool:
        return self.pedal == "sustain"

    @cached_property
    def lengths(self) -> Lengths:
        """The scale of lengths: to 32 beats, exact to 4; or to 20 seconds, exact to 64 steps."""
        if self.unit == "beats":
            return Lengths(exact=4 * self.steps_per_beat, octaves=3)
        return Lengths(exact=64, octaves=max(1, (20 * self.steps_per_second // 64).bit_length()))

    @property
    def velocities(self) -> Velocities:
        """The scale of loudness."""
        return Velocities(self.velocity_bins)

    @property
    def slots(self) -> Slots:
        """Which tracks a row may name."""
        return Slots(self.max_tracks - self.drums, self.drums)

    @cached_property
    def layout(self) -> Layout:
        """Five columns, in the order they are predicted."""
        about = [(f"about {kind}", size) for kind, size in portrait.KINDS.items()]
        codes = [
            *([Block(*each) for each in about] if self.about else []),
            *([Block("bar", bar_lines.SIZE)] if self.bars else []),
            *([Block("tempo", Tempi().bins)] if self.tempo == "rows" else []),
            *([Block("pedal", 2)] if self.pedalled else []),
            Block("pitch", 128),
        ]
        slots = [Block("slot", self.max_tracks)]
        if self.ahead:
            slots.append(Block("slot ahead", self.max_tracks))
        return Layout(
            (
                Column(
                    "onset",
                    (
                        Block("start", 1),
                        Block("end", 1),
                        Block("rest", 1),
                        Block("step", self.reach + 1),
                    ),
                ),
                Column("track", tuple(slots)),
                Column("pitch", tuple(codes)),
                Column("duration", (Block("length", self.lengths.size),)),
                Column("velocity", (Block("bin", self.velocity_bins),)),
            )
        )

    @property
    def pedalled(self) -> bool:
        """Whether there are rows of the pedal."""
        return self.pedal in ("rows", "shared")

    @cached_property
    def first_pitch(self) -> int:
        """The code of pitch 0; all before it are no notes."""
        return self.layout.columns[2].offset("pitch")

    @cached_property
    def first_pedal(self) -> int:
        """The code of the pedal's release, if there are such rows."""
        return self.first_pitch - 2 * self.pedalled

    @cached_property
    def first_tempo(self) -> int:
        """The code of the slowest tempo, if there are such rows."""
        return self.first_pedal - Tempi().bins * (self.tempo == "rows")

    @property
    def first_bar(self) -> int:
        """The code of a bar line of the first metre, if there are such rows."""
        return portrait.SIZE * self.about

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        if column != self.layout.index("pitch"):
            return None
        return in_a_row(self.layout.sizes[column], self.first_pitch, range(128))

    @property
    def drum_slot(self) -> int | None:
        """The track whose pitches are drums, and belong to no key."""
        return self.max_tracks - 1 if self.drums else None

    @property
    def clock(self) -> dict[str, Any]:
        """How rows tell the time, for a model that counts it, as JSON values.

        `moves` are the steps that each symbol of the first column moves on by, `bars` the first
        code of a bar line and the one past the last, `ahead` the first track of notes that are told
        ahead and by how many steps, `first_step` the first symbol of the first column that is a
        step, `steps_per_beat` what its name says (of seconds: a half).
        """
        moves = np.maximum(np.arange(self.reach + 1 + STEP) - STEP, 0)
        moves[REST] = self.reach
        bars = self.first_bar, self.first_bar + bar_lines.SIZE * self.bars
        return {
            "moves": moves.tolist(),
            "bars": list(bars),
            "ahead": [self.max_tracks, self.ahead],
            "first_step": STEP,
            "steps_per_beat": self._beat_steps,
        }

    def opening(self) -> Rows:
        """The START row."""
        return np.zeros((1, 5), np.uint16)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether a row is END."""
        return np.asarray(rows[:, 0] == END)

    def grammar(self) -> CompoundGrammar:
        """START first, rows in order, and 0 in the columns that say nothing."""
        return CompoundGrammar(
            sizes=self.layout.sizes,
            pitched_slots=self.slots.pitched,
            tempi=self.first_pedal - self.first_tempo,
            pedals=self.first_pitch - self.first_pedal,
            tracks=self.max_tracks,
            pedal_slots=1 if self.pedal == "shared" else self.slots.pitched,
            about=tuple(portrait.KINDS.values()) if self.about else (),
            bars=bar_lines.SIZE * self.bars,
        )

    def state(self) -> dict[str, Any]:
        """The options."""
        options = {k: getattr(self, k) for k in self.__dataclass_fields__}
        return {"name": self.name, "options": {**options, "programs": list(self.programs)}}
