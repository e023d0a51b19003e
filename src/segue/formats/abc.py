"""ABC notation: tunes as text, in and out.

A file may hold many tunes: `read` gives the first and says so, `read_tunes` gives them all.
Keeps pitch, onset, length, dynamics marks, voices, programs, metre, key and tempo; chord symbols
stay as texts. Loses lyrics, ornaments other than grace notes, and layout.
Source: the ABC standard 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segue.errors import FormatError
from segue.formats.abc_body import Body
from segue.formats.abc_play import played
from segue.formats.abc_tune import Source, Tune, decoded, sources
from segue.formats.abc_write import to_text
from segue.formats.limits import check
from segue.formats.table import Reading
from segue.score import Score

LARGEST_FILE = 16 << 20
"""Bytes; the whole Nottingham collection has a fortieth of this."""


@dataclass(frozen=True)
class TuneReading(Reading):
    """A tune of a collection: a Reading with the tune's number (`X:`) and title (`T:`)."""

    number: str = ""
    title: str = ""


def read(path: str | Path, *, tune: str | None = None, chords: bool = False) -> Reading:
    """Read one tune of an ABC file: the one with number `tune` (its `X:`), or the first.

    `chords` plays chord symbols such as "Am" on a track of their own. Raises FormatError where
    the file holds no music or no such tune, LimitError for one past what can be played.
    """
    found, notes = _load(path)
    if tune is None:
        chosen = found[0].tune()
        if len(found) > 1:
            notes.append(f"holds {len(found)} tunes: only the first, {chosen.label}, was read")
    else:
        match = [source for source in found if source.number == str(tune)]
        if not match:
            numbers = [source.number or "?" for source in found]
            raise FormatError(
                f"{path} has no tune X:{tune}; it has {len(found)}, "
                f"from X:{numbers[0]} to X:{numbers[-1]}."
            )
        chosen = match[0].tune()
    reading = _read(chosen, chords=chords)
    if not len(reading.score):
        raise FormatError(
            f"{path}: {chosen.label} holds no notes; give a file in ABC notation with a header "
            "(X:, T:, M:, L:, K:) and music under it."
        )
    return Reading(reading.score, (*notes, *reading.repairs))


def read_tunes(path: str | Path, *, chords: bool = False) -> Iterator[TuneReading]:
    """Every tune of an ABC file in order, also those without notes; errors as `read`."""
    found, notes = _load(path)
    for source in found:
        tune = source.tune()
        reading = _read(tune, chords=chords)
        repairs = (*notes, *reading.repairs)
        yield TuneReading(reading.score, repairs, tune.value("X"), tune.value("T"))


def parse(text: str, *, chords: bool = False) -> Reading:
    """The first tune of a text; see `read`."""
    return _read(sources(text)[0].tune(), chords=chords)


def write(score: Score, path: str | Path) -> None:
    """Write a Score as one ABC tune, a voice a track; repeats are written out.

    Loses controllers, lyrics, small changes of tempo, and loudness but for a mark where a whole
    bar has another than before. Raises FormatError for a Score without notes.
    """
    Path(path).write_text(to_text(score), encoding="utf-8")


def _load(path: str | Path) -> tuple[list[Source], list[str]]:
    file = Path(path)
    size = file.stat().st_size
    check("bytes", size, LARGEST_FILE, str(path))
    data = file.read_bytes()
    if b"\0" in data and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise FormatError(f"{file} is not text: give a file in ABC notation.")
    text, notes = decoded(data)
    return sources(text), notes


def _read(tune: Tune, *, chords: bool) -> Reading:
    body = Body(tune)
    body.read()
    score = played(tune, body, chords=chords)
    return Reading(score, tuple(tune.repairs))
