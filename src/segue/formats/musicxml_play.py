"""A MusicXML tree, unfolded and put in time: the Score of what is played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import lcm
from xml.etree.ElementTree import Element

from segue.formats import limits
from segue.formats.bars import LEAST_TICKS_PER_BEAT, MOST_TICKS_PER_BEAT, metre_rows
from segue.formats.musicxml_model import Instrument, Measure, Note, Part, number
from segue.formats.musicxml_part import PartReader
from segue.formats.repeats import MOST_BARS, MOST_NOTES, combined, play_order
from segue.score import CONTROL, KEY, METRE, NOTE, SUSTAIN_PEDAL, TEMPO, Score, Text, Track, events

_MOST_KINDS_OF_REPAIR = 40


def played(root: Element, name: str) -> tuple[Score, list[str]]:
    """The Score of a `score-partwise` or `score-timewise` tree, and repairs.

    One track a part, or one for each of a part's instruments; repeats unfolded; a first measure
    that is short of its metre is an upbeat and ends where a whole one would. Raises LimitError
    for a score past playing; `name` is what messages call it.
    """
    ticks = _ticks_per_beat(root)
    found = _parts(root)
    limits.check("parts", len(found), limits.TRACKS, name)
    left_out: Counter[str] = Counter()

    def leave_out(what: str) -> None:
        if what in left_out or len(left_out) < _MOST_KINDS_OF_REPAIR:
            left_out[what] += 1

    parts = [_read_part(element, measures, ticks, leave_out) for element, measures in found]
    repairs = [what if n == 1 else f"{what} ({n} times)" for what, n in left_out.items()]
    table = _Table(parts, ticks)
    limits.check("measures", len(table.order) * len(parts), MOST_BARS, name)
    limits.check("beats", table.beats(), limits.BEATS, name)
    limits.check("notes", table.note_count(), MOST_NOTES, name)
    return _score(root, parts, table, ticks), repairs


def _ticks_per_beat(root: Element) -> int:
    """A resolution that every `divisions` of the score divides, if there is one under the limit."""
    ticks = LEAST_TICKS_PER_BEAT
    for element in root.iter("divisions"):
        value = number(element)
        if value is not None and 1 <= value <= MOST_TICKS_PER_BEAT:
            together = lcm(ticks, round(value))
            ticks = together if together <= MOST_TICKS_PER_BEAT else MOST_TICKS_PER_BEAT
    return ticks


def _parts(root: Element) -> list[tuple[Element | None, list[Element]]]:
    """Each part's `score-part` and `measure` elements, in the order of the part list."""
    listed = {element.get("id", ""): element for element in root.iterfind("part-list/score-part")}
    measures: dict[str, list[Element]] = {}
    if root.tag == "score-timewise":
        for measure in root.iterfind("measure"):
            for part in measure.iterfind("part"):
                measures.setdefault(part.get("id", ""), []).append(part)
    else:
        for part in root.iterfind("part"):
            measures.setdefault(part.get("id", ""), []).extend(part.iterfind("measure"))
    order = [*(i for i in listed if i in measures), *(i for i in measures if i not in listed)]
    return [(listed.get(i), measures[i]) for i in order]


def _read_part(
    listed: Element | None,
    measures: Sequence[Element],
    ticks: int,
    leave_out: Callable[[str], None],
) -> Part:
    part = Part()
    instruments: dict[str, Instrument] = {}
    if listed is not None:
        part.name = " ".join((listed.findtext("part-name") or "").split())[:200]
        for element in listed.iterfind("score-instrument"):
            instruments[element.get("id", "")] = Instrument()
        for element in listed.iterfind("midi-instrument"):
            instruments[element.get("id", "")] = _instrument(element)
    reader = PartReader(part, instruments, ticks, leave_out)
    for measure in measures:
        reader.read(measure)
    return part


def _instrument(element: Element) -> Instrument:
    program = number(element, "midi-program") or 1
    drum = number(element, "midi-unpitched")
    return Instrument(
        program=round(program) - 1 if 1 <= program <= 128 else 0,
        is_drum=number(element, "midi-channel") == 10,
        drum=round(drum) - 1 if drum is not None and 1 <= drum <= 128 else None,
    )


class _Table:
    """The measures of all parts side by side: how long each is, and the order of playing them."""

    def __init__(self, parts: Sequence[Part], ticks: int) -> None:
        self._parts = parts
        count = max((len(part.measures) for part in parts), default=0)
        rows: list[list[Measure]] = [[] for _ in range(count)]
        for part in parts:
            for row, measure in zip(rows, part.measures, strict=False):
                row.append(measure)
        metre = (4, 4)
        self.metres: list[tuple[int, int]] = []
        self.lengths: list[int] = []
        for row in rows:
            metre = next((m.metre for m in row if m.metre), metre)
            full = 4 * ticks * metre[0] // metre[1]
            self.metres.append(metre)
            # A measure in which nothing stands is as long as its metre says.
            self.lengths.append(max(m.length for m in row) or full)
        self.order = play_order([combined(m.signs for m in row) for row in rows])
        self.upbeat = 0
        if count > 1:
            full = 4 * ticks * self.metres[0][0] // self.metres[0][1]
            self.upbeat = max(full - self.lengths[0], 0)
        self._ticks = ticks

    def beats(self) -> float:
        """The length of the whole, repeats unfolded, in quarter notes."""
        return sum(self.lengths[i] for i in self.order) / self._ticks

    def note_count(self) -> int:
        """Notes of the whole, repeats unfolded."""
        counts = [0] * len(self.lengths)
        for part in self._parts:
            for i, measure in enumerate(part.measures):
                counts[i] += len(measure.notes)
        return sum(counts[i] for i in self.order)

    def starts(self) -> list[tuple[int, int]]:
        """(start tick, measure index) in the order of playing."""
        at = self.upbeat
        found = []
        for i in self.order:
            found.append((at, i))
            at += self.lengths[i]
        return found


def _score(root: Element, parts: Sequence[Part], table: _Table, ticks: int) -> Score:
    starts = table.starts()
    notes: list[tuple[int, int, int, int, int]] = []
    controls: list[tuple[int, int, int, int]] = []
    tempi: dict[int, int] = {}
    texts: set[Text] = set()
    tracks: list[Track] = []
    for part in parts:
        numbers: dict[tuple[int, bool], int] = {}
        open_ties: dict[tuple[int, int], list[int]] = {}
        rows: list[list[int]] = []
        for start, i in starts:
            if i >= len(part.measures):
                continue
            measure = part.measures[i]
            # By time, not by voice: a tie's two ends may stand in different voices.
            for note in sorted(measure.notes, key=lambda n: n.onset):
                key = (note.instrument.program, note.instrument.is_drum)
                if key not in numbers:
                    numbers[key] = len(tracks)
                    tracks.append(Track(part.name, *key))
                _add(rows, open_ties, note, start + note.onset, numbers[key])
            for at, rate in measure.tempi:
                # A tempo over an upbeat holds from the very start, not after a silence in another.
                tempi[start + at if start + at > table.upbeat else 0] = round(60e6 / rate)
            texts.update(replace(t, onset=start + t.onset) for t in measure.texts)
            if numbers:
                track = next(iter(numbers.values()))
                controls += [(start + at, track, SUSTAIN_PEDAL, v) for at, v in measure.pedals]
        notes += [tuple(row) for row in rows]  # type: ignore[misc]
    title = _title(root)
    if title and len(tracks) == 1 and not tracks[0].name:
        tracks[0] = replace(tracks[0], name=title)
    elif title:
        texts.add(Text(0, title, "text"))
    bars = [(at, table.lengths[i], *table.metres[i]) for at, i in starts]
    if bars and table.upbeat:
        bars[0] = (0, bars[0][1] + table.upbeat, *bars[0][2:])
    return Score(
        ticks,
        events(NOTE, notes),
        tuple(tracks),
        controls=events(CONTROL, controls),
        tempi=events(TEMPO, sorted(tempi.items())),
        metres=events(METRE, metre_rows(bars, ticks)),
        keys=events(KEY, _keys(parts, starts)),
        texts=tuple(texts),
    )


def _add(
    rows: list[list[int]],
    open_ties: dict[tuple[int, int], list[int]],
    note: Note,
    onset: int,
    track: int,
) -> None:
    """Append a note as a row, or lengthen the one that it is tied to.

    Many scores mark only where a tie begins: what follows at once on the same pitch then ends it.
    """
    place = (track, note.pitch)
    held = open_ties.pop(place, None)
    if held is not None and held[0] + held[1] == onset:
        held[1] += note.duration
        row = held
    else:
        row = [onset, note.duration, track, note.pitch, note.velocity]
        rows.append(row)
    if note.tied:
        open_ties[place] = row


def _keys(parts: Sequence[Part], starts: Sequence[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """Key signatures of the first part that has any, one written as it sounds if there is one."""
    keyed = [p for p in parts if any(m.keys for m in p.measures)]
    part = next((p for p in keyed if not p.transposes), keyed[0] if keyed else None)
    found: dict[int, tuple[int, bool]] = {}
    for start, i in starts:
        if part is not None and i < len(part.measures):
            for at, fifths, minor in part.measures[i].keys:
                if -7 <= fifths <= 7:
                    found[start + at if found else 0] = (fifths, minor)
    rows: list[tuple[int, int, bool]] = []
    for onset, key in sorted(found.items()):
        if not rows or rows[-1][1:] != key:
            rows.append((onset, *key))
    return rows


def _title(root: Element) -> str:
    for path in ("work/work-title", "movement-title"):
        if text := " ".join((root.findtext(path) or "").split()):
            return text[:200]
    return ""
