"""Variants of compound rows that say more or less: notes told ahead, hands as one, less said.

Windows are taken apart into events with times and laid out anew. Letters as in `variants`; what is
told ahead counts as read, not as learned, and so comes from the first row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.encodings import portrait
from segue.encodings.compound_variants import END, REST, START, STEP
from segue.encodings.variants import Flags, Ints, Varied

_LEAST_AHEAD, _MOST_AHEAD = 0.5, 3.0
"""How long the part of a window is that is told ahead, in times that it is told ahead by."""


class Events(NamedTuple):
    """The rows of a window that say something: all but rests.

    `rows`, (n, 5); `at`, (n,), the step of each, from before the window's first row; `source`,
    (n,), where each stood.
    """

    rows: Ints
    at: Ints
    source: Ints

    def only(self, kept: Flags) -> Events:
        """Some of them."""
        return Events(self.rows[kept], self.at[kept], self.source[kept])


@dataclass(frozen=True)
class Told:
    """What windows of compound rows, (B, R, 5), become; the sizes are those of the encoding.

    Codes below `first_pitch` are no notes, of which the first are `about` symbols of what is said
    of the piece and then `bars` symbols of bar lines. `tracks` is how many tracks a row may name,
    `pitched` how many of them are not drums, `ahead` how many steps notes are told ahead.
    """

    reach: int
    tracks: int
    pitched: int
    first_pitch: int
    about: int
    bars: int
    ahead: int

    def forget(self, rows: NDArray[Any], dropped: Flags) -> Varied:
        """Without what is said of the kinds `dropped`, (B, kinds), or bar lines, the last kind."""
        edges = [*portrait.FIRST.values(), self.about] if self.about else [0]
        edges.append(self.about + self.bars)

        def change(events: Events, which: Flags) -> Events:
            kind = np.digitize(events.rows[:, 2], edges) - 1
            silent = (events.rows[:, 0] >= STEP) & (events.rows[:, 2] < edges[-1])
            if not self.about:
                which = which[-1:]
            return events.only(~(silent & which[np.minimum(kind, len(which) - 1)]))

        return self._each(rows, change, dropped)

    def one_track(self, rows: NDArray[Any], joined: Flags) -> Varied:
        """All pitched tracks as the first, where `joined`, (B,)."""

        def change(events: Events, which: np.bool_) -> Events:
            if not which:
                return events
            new = events.rows.copy()
            new[:, 1] *= new[:, 1] >= self.pitched
            # Of two notes of a pitch that begin together a keyboard has one.
            order = _order(new, events.at)
            sounding = new[order, 0] >= STEP
            at, track, code = events.at[order], new[order, 1], new[order, 2]
            again = (np.diff(at) == 0) & (np.diff(track) == 0) & (np.diff(code) == 0)
            again &= sounding[1:] & sounding[:-1]
            kept = np.append(True, ~again)
            return Events(new, events.at, events.source).only(np.sort(order[kept]))

        return self._each(rows, change, joined)

    def tell_ahead(self, rows: NDArray[Any], drawn: NDArray[np.float64]) -> Varied:
        """Some notes told ahead: all of a while, all of a track, or here and there.

        `drawn`, (B, 5): chances in [0, 1), or below 0 at first where nothing is told ahead; the
        second says how, the others where.
        """

        def change(events: Events, chance: NDArray[np.float64]) -> Events:
            if chance[0] < 0:
                return events
            note = (events.rows[:, 0] >= STEP) & (events.rows[:, 2] >= self.first_pitch)
            note &= events.at >= self.ahead
            told = note & self._chosen(events, chance)
            new, at, source = (each.copy() for each in events)
            new[told, 1] += self.tracks
            at[told] -= self.ahead
            source[told] = 0
            return Events(new, at, source)

        return self._each(rows, change, drawn)

    def _chosen(self, events: Events, chance: NDArray[np.float64]) -> Flags:
        how, where = chance[1], chance[2:]
        tracks = np.unique(events.rows[events.rows[:, 0] >= STEP, 1])
        tracks = tracks[tracks < self.pitched]
        if how < 0.4 and len(tracks) > 1:
            return np.asarray(events.rows[:, 1] == tracks[int(where[0] * len(tracks))])
        if how < 0.85:
            last = int(events.at.max(initial=0))
            begin = where[0] * last
            long = self.ahead * (_LEAST_AHEAD + where[1] * (_MOST_AHEAD - _LEAST_AHEAD))
            return np.asarray((events.at >= begin) & (events.at < begin + long))
        rng = np.random.default_rng(int(where[2] * 2**32))
        return rng.random(len(events.at)) < where[0]

    # -- taking apart and laying out -----------------------------------------------------------

    def _each(
        self, rows: NDArray[Any], change: Callable[[Events, Any], Events], by: NDArray[Any]
    ) -> Varied:
        new, source = np.empty_like(rows), np.full(rows.shape[:2], -1)
        for b, window in enumerate(rows):
            events = self._apart(window.astype(np.int64))
            changed = change(events, by[b])
            if changed is events:
                new[b], source[b] = window, np.arange(len(window))
                continue
            self._lay(changed, new[b], source[b])
        return Varied(new, source)

    def _apart(self, window: Ints) -> Events:
        onset = window[:, 0]
        at = np.cumsum(np.where(onset == REST, self.reach, np.maximum(onset - STEP, 0)))
        said = np.flatnonzero(onset != REST)
        return Events(window[said], at[said], said)

    def _lay(self, events: Events, new: NDArray[Any], source: Ints) -> None:
        """Events as rows, in place, with rests between; what does not fit is left out."""
        order = _order(events.rows, events.at)
        rows, at, whence = (each[order] for each in events)
        gap = np.diff(at, prepend=0)
        rests = np.maximum(gap - 1, 0) // self.reach
        rests[rows[:, 0] < STEP] = 0
        size = len(new)
        old = np.repeat(np.arange(len(rows)), rests + 1)[:size]
        rest = np.diff(old, append=-1) == 0
        if len(old) < np.sum(rests + 1):
            # The last row of the window may itself be a rest that the next event follows.
            rest[-1] = len(old) < np.cumsum(rests + 1)[old[-1]]
        laid = rows[old]
        moves = np.where(rows[:, 0] >= STEP, STEP + gap - rests * self.reach, rows[:, 0])
        laid[:, 0] = moves[old]
        laid[rest] = (REST, 0, 0, 0, 0)
        new[: len(laid)], source[: len(laid)] = laid, whence[old]
        new[len(laid) :] = laid[-1]


def _order(rows: Ints, at: Ints) -> Ints:
    """START first, then by time, track and code, END last."""
    place = np.where(rows[:, 0] == START, -1, np.where(rows[:, 0] == END, at.max(initial=0), at))
    closes = rows[:, 0] == END
    return np.lexsort((rows[:, 2], rows[:, 1], closes, place))
