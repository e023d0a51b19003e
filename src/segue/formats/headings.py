"""What stands over the notes of a page: title, tempo marks, chord symbols, words and lyrics."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from segue.formats.chord_symbols import taken_apart
from segue.formats.engrave import Bar
from segue.formats.engrave_grid import UNITS, in_units
from segue.score import Score

# A change of tempo is printed if it is this large a share and this many bars after the last;
# the others, a player's rubato, are told to machines only.
_PRINTED_CHANGE = 0.05
_PRINTED_BARS = 2


@dataclass(frozen=True)
class Over:
    """One thing over a bar, `at` units after its start.

    `kind` is "tempo" (`rate` quarter notes a minute, printed or not), "chord" or "words".
    """

    at: int
    kind: str
    text: str = ""
    rate: float = 0.0
    printed: bool = True


@dataclass
class Headings:
    """The title, what stands over each bar by its index, and lyrics by their moment in units."""

    title: str = ""
    over: dict[int, list[Over]] = field(default_factory=dict)
    lyrics: dict[int, str] = field(default_factory=dict)


def headings(score: Score, bars: Sequence[Bar]) -> Headings:
    """Everything over the notes of a Score, sorted into the bars of its page.

    Texts of the kind "text" are chord symbols if they read as one; the only other one at the
    start is the title. A Score of one track without such a text is titled by its track.
    """
    found = Headings()
    starts = [bar.start for bar in bars]

    def place(tick: int) -> tuple[int, int]:
        units = max(in_units(tick, score.ticks_per_beat), starts[0])
        bar = bisect_right(starts, units) - 1
        return bar, units - starts[bar]

    titles = [
        t.text
        for t in score.texts
        if t.onset == 0 and t.kind == "text" and taken_apart(t.text) is None
    ]
    if len(titles) == 1:
        found.title = titles[0]
    elif not titles and len(score.tracks) == 1:
        found.title = score.tracks[0].name
    _tempi(score, bars, place, found)
    for text in score.texts:
        bar, at = place(text.onset)
        if text.kind == "lyric":
            found.lyrics[starts[bar] + at] = text.text
        elif text.kind == "text" and taken_apart(text.text) is not None:
            found.over.setdefault(bar, []).append(Over(at, "chord", text.text))
        elif text.kind == "marker":
            found.over.setdefault(bar, []).append(Over(at, "words", text.text))
    for row in found.over.values():
        row.sort(key=lambda over: over.at)
    return found


def _tempi(
    score: Score,
    bars: Sequence[Bar],
    place: Callable[[int], tuple[int, int]],
    found: Headings,
) -> None:
    shown: tuple[int, float] | None = None
    for onset, microseconds in score.tempi:
        bar, at = place(int(onset))
        rate = 60e6 / int(microseconds)
        printed = shown is None or (
            bar - shown[0] >= _PRINTED_BARS and abs(rate / shown[1] - 1) >= _PRINTED_CHANGE
        )
        if printed:
            shown = (bar, rate)
        found.over.setdefault(bar, []).append(Over(at, "tempo", rate=rate, printed=printed))


def beat_of_tempo(bar: Bar) -> tuple[float, bool]:
    """(quarter notes in the beat that a tempo mark counts, whether it is dotted)."""
    if bar.metre.compound:
        return bar.metre.beat / UNITS, True
    return 1.0, False
