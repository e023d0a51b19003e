"""A voice's spans in one bar as written symbols: note values, dots, ties and tuplets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from segue.formats.engrave_metre import SHORTEST, VALUES, WHOLE, Metre, Plain, cut
from segue.formats.engrave_voices import Head, Span

_MOST_IN_TUPLET = 15
_MOST_HALVINGS = 4
_PLAIN = frozenset(2 * WHOLE >> power for power in range(9))


@dataclass(frozen=True)
class Tuplet:
    """`actual` notes in the time of `normal`, over [start, end) of the bar, in units."""

    actual: int
    normal: int
    start: int
    end: int


@dataclass(slots=True)
class Symbol:
    """A chord or rest as written: `power` 2 is a quarter; a dot adds half.

    `start` and `length` are the time it takes, in units, from the start of the full bar.
    """

    start: int
    length: int
    power: int
    dots: int
    heads: list[Head] = field(default_factory=list)
    tuplet: Tuplet | None = None


def written(spans: Sequence[Span], metre: Metre, first: int, last: int) -> list[Symbol]:
    """The spans of a voice in one bar as symbols, in order.

    Spans are in units from the start of the full bar and leave no gap between `first` and `last`,
    which differ from 0 and the bar's length in an upbeat and in a bar cut short.
    """
    tuplets = _tuplets(spans, metre, first, last)
    found: list[Symbol] = []
    for span in spans:
        edges = {span.start, span.end}
        for tuplet in tuplets:
            edges.update(e for e in (tuplet.start, tuplet.end) if span.start < e < span.end)
        symbols: list[Symbol] = []
        ordered = sorted(edges)
        for a, b in pairwise(ordered):
            inside = next((t for t in tuplets if t.start <= a and b <= t.end), None)
            symbols += _symbols(a, b, metre, inside, rest=not span.heads)
        for i, symbol in enumerate(symbols):
            symbol.heads = [
                replace(
                    head,
                    tied_from=head.tied_from or i > 0,
                    tied_to=head.tied_to or i < len(symbols) - 1,
                )
                for head in span.heads
            ]
        found += symbols
    return found


def _symbols(
    start: int, end: int, metre: Metre, tuplet: Tuplet | None, *, rest: bool
) -> list[Symbol]:
    """One stretch of sound or silence, in a tuplet or in none, as symbols without heads."""
    if tuplet is None:
        edges = cut(start, end, metre, rest=rest)
        return [Symbol(a, b - a, *_value(b - a)) for a, b in pairwise(edges)]
    # Inside of a tuplet lengths are written as if `actual` notes took their own time.
    over, under = tuplet.actual, tuplet.normal
    inner = [(t - tuplet.start) * over // under for t in (start, end)]
    edges = cut(inner[0], inner[1], Plain(4, 4), rest=False)
    found = []
    for a, b in pairwise(edges):
        begin, past = (tuplet.start + t * under // over for t in (a, b))
        found.append(Symbol(begin, past - begin, *_value(b - a), tuplet=tuplet))
    return found


def _value(units: int) -> tuple[int, int]:
    """(power, dots) of a written length; the longest shorter one for what no symbol writes."""
    if units in VALUES:
        return VALUES[units]
    shorter = [value for value in VALUES if value < units]
    return VALUES[max(shorter)] if shorter else VALUES[min(VALUES)]


def on_page(spans: Sequence[Span], metre: Metre, first: int, last: int) -> list[Span]:
    """Spans with every edge where a symbol can begin: the few that no tuplet holds are moved."""
    tuplets = _tuplets(spans, metre, first, last)

    def moved(edge: int) -> int:
        if edge in (first, last) or edge % SHORTEST == 0:
            return edge
        if any(t.start < edge < t.end for t in tuplets):
            return edge
        return min(max(round(edge / SHORTEST) * SHORTEST, first), last)

    found = [replace(s, start=moved(s.start), end=moved(s.end)) for s in spans]
    return [span for span in found if span.end > span.start]


# -- tuplets ------------------------------------------------------------------------------------


def _tuplets(spans: Sequence[Span], metre: Metre, first: int, last: int) -> list[Tuplet]:
    """Stretches of the bar that only a tuplet can write, in order and not overlapping."""
    edges = sorted({edge for span in spans for edge in (span.start, span.end)})
    found: list[Tuplet] = []
    free = first
    for edge in edges:
        if edge > free and edge % SHORTEST:
            best = min(_candidates(edge, edges, metre, free, last), default=None)
            if best is not None:
                _, start, free, actual, normal = best
                found.append(Tuplet(actual, normal, start, free))
    return found


def _candidates(
    edge: int, edges: Sequence[int], metre: Metre, first: int, last: int
) -> Iterator[tuple[float, int, int, int, int]]:
    """(cost, start, end, actual, normal) of each tuplet round `edge` that holds what is inside."""
    sizes = [level for level in metre.levels if level >= metre.unit // 4]
    places = [(edge // size * size, size) for size in sizes]
    # A triplet over two beats may begin on any beat.
    places += [(edge // metre.unit * metre.unit - back, 2 * metre.unit) for back in (0, metre.unit)]
    for start, size in places:
        end = start + size
        if start < first or end > last or not start < edge < end:
            continue
        inside = [e - start for e in edges if start < e < end]
        ratio = _ratio(size, inside)
        if ratio is not None:
            cut_open = (start not in edges) + (end not in edges)
            actual, normal, halvings = ratio
            cost = 4 * cut_open + actual + 2 * halvings + len(inside) / 8
            yield cost, start, end, actual, normal


def _ratio(size: int, inside: Sequence[int]) -> tuple[int, int, int] | None:
    """The simplest tuplet over `size` units on whose steps `inside` lies.

    (actual, normal, how often its notes are halved for that).
    """
    triple = 3 if size // SHORTEST % 3 == 0 else 1
    if size // triple not in _PLAIN:
        return None
    for actual in range(3, _MOST_IN_TUPLET + 1, 2):
        normal = triple
        while 2 * normal < actual:
            normal *= 2
        if normal >= actual or size % actual or (triple == 3 and actual == 3):
            continue
        for halvings in range(_MOST_HALVINGS + 1):
            step, odd = divmod(size, actual << halvings)
            if odd or size // normal >> halvings < SHORTEST:
                break
            if all(place % step == 0 for place in inside):
                return actual, normal, halvings
    return None
