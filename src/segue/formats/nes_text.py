"""NES event text, tx1 and tx2: the line-by-line form of NES-MDB's scores, both ways.

A line is `WT_n` (wait n samples at 44,100 Hz), `V_NOTEON_p`, `V_NOTEOFF`, and in tx2 also
`V_VELOCITY_v` and `V_TIMBRE_t`, with V one of P1, P2, TR, NO. Events at one sample come in that
order of voices; a note that follows another without a gap needs no NOTEOFF between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from segue.errors import FormatError, LimitError, nearest
from segue.formats.table import Reading, suffix_of
from segue.score import CONTROL, METRE, NOTE, TEMPO, Score, events
from segue.score.nes_voices import (
    LEVEL,
    MAX_LEVEL,
    SAMPLE_RATE,
    TICKS_PER_BEAT,
    TIMBRE,
    VOICES,
    Part,
    Voice,
    parts,
    song_end,
)

MAX_BYTES = 32 << 20
MAX_SECONDS = 24 * 3600
MAX_WAIT = 100_000
"""The longest wait that the vocabulary has a word for."""
WAITS = ("exact", "vocabulary")
_STEPS = ((10_000, 1000), (1000, 100), (100, 10))
_LINE = re.compile(r"WT_(\d{1,12})|(P1|P2|TR|NO)_(?:(NOTEOFF)|(NOTEON|VELOCITY|TIMBRE)_(\d{1,4}))")
_MARKS = {"<S>", "END"}
"""Written by some programs at the start and end of a song; they say nothing more."""


def quantise_wait(samples: int) -> int:
    """The nearest wait of the vocabulary: exact to 100, then by tens, hundreds and thousands.

    Halves round up and 100,000 is the longest, which gives 370 different waits.
    """
    wait = min(samples, MAX_WAIT)
    for above, step in _STEPS:
        if wait > above:
            return (wait + step // 2) // step * step
    return wait


def vocabulary(*, levels: bool = False) -> list[str]:
    """Every line that tx1 (630) or, with `levels`, tx2 (685) can hold, waits first."""
    waits = [*range(1, 100), *range(100, 1000, 10), *range(1000, 10_000, 100)]
    words = [f"WT_{n}" for n in (*waits, *range(10_000, MAX_WAIT + 1, 1000))]
    for voice in VOICES:
        words.append(f"{voice.tag}_NOTEOFF")
        words += [f"{voice.tag}_NOTEON_{n}" for n in range(voice.low, voice.high + 1)]
        if levels and voice.has_level:
            words += [f"{voice.tag}_VELOCITY_{n}" for n in range(1, MAX_LEVEL + 1)]
        if levels:
            words += [f"{voice.tag}_TIMBRE_{n}" for n in range(voice.timbres)]
    return words


# -- reading -------------------------------------------------------------------------------------


def read(path: str | Path) -> Reading:
    """Read a tx1 or tx2 file as four tracks named p1, p2, tr and no, a tick to a sample.

    In tx1 every note has level 15 (the triangle 1). In tx2 the level that comes with a note is
    its velocity, 1 to 15; later changes are controller 11, timbres controller 12. A closing wait
    becomes a 1/1 metre at the end, as in NES-MDB's MIDI files.

    Raises FormatError with the line's number for a line that is no event; LimitError past 32 MiB
    or a day of music. A NOTEOFF without its note, or a note without its NOTEOFF at the end, is
    repaired and reported.
    """
    file = Path(path)
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise LimitError(
            f"{file} is {size:,} bytes; Segue reads NES text up to {MAX_BYTES:,}, which is days of "
            "music. Split it into several files."
        )
    try:
        text = file.read_text(encoding="ascii")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{file} is not NES text: byte {error.start} is not plain ASCII."
        ) from error
    return parse(text, str(file))


def parse(text: str, name: str = "the text") -> Reading:
    """As `read`, from a string; `name` is what errors call it."""
    state = _State()
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if word and word not in _MARKS:
            _take(state, word, f"{name}, line {number}")
    state.close()
    if not state.notes:
        raise FormatError(f"{name} holds no notes: give tx1 or tx2 text with NOTEON lines.")
    return Reading(state.score(), tuple(state.repairs))


@dataclass
class _State:
    """Where the reader is: the sample, and per voice the sounding note and its level."""

    at: int = 0
    sounding: list[tuple[int, int, int] | None] = field(default_factory=lambda: [None] * 4)
    level: list[int] = field(default_factory=lambda: [MAX_LEVEL] * 4)
    level_set: list[int] = field(default_factory=lambda: [-1] * 4)
    notes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    controls: list[tuple[int, int, int, int]] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)

    def end(self, voice: int) -> bool:
        """End the voice's note, if one sounds."""
        held = self.sounding[voice]
        if held is None:
            return False
        start, pitch, level = held
        if self.at > start:
            level = level if VOICES[voice].has_level else 1
            self.notes.append((start, self.at - start, voice, pitch, level))
        self.sounding[voice] = None
        return True

    def start(self, voice: int, pitch: int) -> None:
        self.end(voice)
        self.sounding[voice] = (self.at, pitch, self.level[voice])
        self.level_set[voice] = -1

    def set_level(self, voice: int, level: int) -> None:
        """The first level with a note is its velocity; any other is a change."""
        held = self.sounding[voice]
        self.level[voice] = level
        if held is not None and held[0] == self.at and self.level_set[voice] != self.at:
            self.sounding[voice] = (held[0], held[1], level)
            self.level_set[voice] = self.at
        else:
            self.controls.append((self.at, voice, LEVEL, level))

    def close(self) -> None:
        for voice, held in enumerate(self.sounding):
            if held is not None:
                self.at = max(self.at, held[0] + 1)
                self.repairs.append(f"{VOICES[voice].tag} still sounded at the end: ended there")
        for voice in range(len(VOICES)):
            self.end(voice)

    def score(self) -> Score:
        last = max(onset + duration for onset, duration, *_ in self.notes)
        closing = [(self.at, 1, 1)] if self.at >= last else []
        return Score(
            TICKS_PER_BEAT,
            events(NOTE, self.notes),
            tuple(v.track for v in VOICES),
            controls=events(CONTROL, self.controls),
            tempi=events(TEMPO, [(0, 500_000)]),
            metres=events(METRE, [(0, 4, 4), *closing]),
        )


_NUMBERS = {voice.tag: number for number, voice in enumerate(VOICES)}


def _take(state: _State, word: str, where: str) -> None:
    """One event into the state."""
    match = _LINE.fullmatch(word)
    if match is None:
        raise FormatError(
            f"{where}: {word[:40]!r} is not an NES event; allowed: WT_n, and P1_, P2_, TR_ or NO_ "
            "with NOTEON_n, NOTEOFF, VELOCITY_n or TIMBRE_n."
        )
    wait, tag, off, kind, amount = match.groups()
    if wait is not None:
        state.at += int(wait)
        if state.at > MAX_SECONDS * SAMPLE_RATE:
            raise LimitError(f"{where}: the waits add up to more than a day; no song is that long.")
        return
    number = _NUMBERS[tag]
    if off:
        if not state.end(number):
            state.repairs.append(f"{where}: {word} with no note sounding was left out")
        return
    value = int(amount)
    _check_range(kind, VOICES[number], value, where)
    if kind == "NOTEON":
        state.start(number, value)
    elif kind == "TIMBRE":
        state.controls.append((state.at, number, TIMBRE, value))
    elif VOICES[number].has_level:
        state.set_level(number, value)


def _check_range(kind: str, voice: Voice, value: int, where: str) -> None:
    low, high = {
        "NOTEON": (voice.low, voice.high),
        "VELOCITY": (1, MAX_LEVEL),
        "TIMBRE": (0, voice.timbres - 1),
    }[kind]
    if not low <= value <= high:
        allowed = f"{low} to {high} is allowed" if high >= low else "this voice has none"
        raise FormatError(f"{where}: {voice.tag}_{kind} came as {value}; {allowed}.")


# -- writing -------------------------------------------------------------------------------------


def write(score: Score, path: str | Path, *, waits: str = "exact") -> None:
    """Write a Score as tx1, or as tx2 where the suffix says so.

    `waits="exact"` keeps every sample, so that reading gives the same music back.
    `waits="vocabulary"` rounds each wait by itself to the 370 that NES-MDB's models know, as
    their own data is: errors add up along the piece, and a wait past 100,000 samples (2.3 s) is
    cut to that. A Score without tracks named p1, p2, tr and no is arranged for the four voices
    (see `nes_voices.parts`).

    Raises FormatError for a Score without notes or an unknown `waits`.
    """
    levels = suffix_of(path).startswith(".tx2")
    lines = event_lines(score, levels=levels, waits=waits)
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii")


def event_lines(score: Score, *, levels: bool, waits: str = "exact") -> list[str]:
    """The lines of tx1, or of tx2 with `levels`; errors as `write`."""
    if waits not in WAITS:
        raise FormatError(f"waits came as {waits!r}; {nearest(waits, WAITS)}.")
    played = parts(score)
    if not any(len(part.notes) for part in played):
        raise FormatError("the piece has no notes, so there is no NES text to write.")
    found: list[tuple[int, int, int, str]] = []
    for number, part in enumerate(played):
        found += _events(number, part, levels)
    found.sort(key=lambda event: event[:3])
    lines: list[str] = []
    at = 0
    for sample, _, _, word in [*found, (song_end(score, played), 0, 0, "")]:
        if sample > at:
            wait = sample - at
            lines.append(f"WT_{wait if waits == 'exact' else quantise_wait(wait)}")
            at = sample
        if word:
            lines.append(word)
    return lines


def _events(number: int, part: Part, levels: bool) -> list[tuple[int, int, int, str]]:
    """One voice's events as (sample, voice, rank within the sample, line)."""
    voice = VOICES[number]
    found: list[tuple[int, int, int, str]] = []
    last_end = -1
    for start, end, pitch, level in part.notes.tolist():
        if last_end >= 0 and last_end != start:
            found.append((last_end, number, 0, f"{voice.tag}_NOTEOFF"))
        found.append((start, number, 1, f"{voice.tag}_NOTEON_{pitch}"))
        if levels and voice.has_level:
            found.append((start, number, 2, f"{voice.tag}_VELOCITY_{max(level, 1)}"))
        last_end = end
    if last_end >= 0:
        found.append((last_end, number, 0, f"{voice.tag}_NOTEOFF"))
    if levels:
        for sample, controller, value in part.changes.tolist():
            if controller == LEVEL and voice.has_level and 1 <= value <= MAX_LEVEL:
                found.append((sample, number, 3, f"{voice.tag}_VELOCITY_{value}"))
            elif controller == TIMBRE and value < voice.timbres:
                found.append((sample, number, 3, f"{voice.tag}_TIMBRE_{value}"))
    return found
