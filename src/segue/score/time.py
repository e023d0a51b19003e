"""Time in three units: ticks (exact), beats (quarter notes) and seconds, and the bars over them.

Seconds are float64 sums over the tempo changes. Neither map allocates anything by the number of
ticks or bars, so a file that claims a billion bars costs nothing here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _last_wins(onsets: ArrayLike, *values: ArrayLike) -> tuple[Ints, ...]:
    """Drop all but the last event at each tick, as a player that reads them in order would."""
    ticks = np.asarray(onsets, dtype=np.int64)
    keep = np.append(ticks[1:] != ticks[:-1], True) if len(ticks) else np.zeros(0, bool)
    return (ticks[keep], *(np.asarray(v, dtype=np.int64)[keep] for v in values))


class TempoMap:
    """Ticks to seconds and back, piecewise linear between tempo changes.

    `onsets` (ticks) and `microseconds` (a beat) have shape (changes,); before the first change
    the MIDI default of 500,000 microseconds a beat (120 a minute) holds.
    """

    def __init__(self, ticks_per_beat: int, onsets: ArrayLike, microseconds: ArrayLike) -> None:
        ticks, tempo = _last_wins(onsets, microseconds)
        if not len(ticks) or ticks[0] > 0:
            ticks = np.concatenate([np.zeros(1, np.int64), ticks])
            tempo = np.concatenate([np.full(1, 500_000), tempo])
        self._ticks = ticks.astype(np.float64)
        self._rate = tempo / (1e6 * ticks_per_beat)  # seconds a tick
        self._seconds = np.concatenate([[0.0], np.cumsum(np.diff(self._ticks) * self._rate[:-1])])

    def seconds(self, ticks: ArrayLike) -> Floats:
        """Seconds at `ticks`, same shape."""
        at = np.asarray(ticks, dtype=np.float64)
        if len(self._ticks) == 1:
            return at * self._rate[0]
        i = np.clip(np.searchsorted(self._ticks, at, side="right") - 1, 0, None)
        return np.asarray(self._seconds[i] + (at - self._ticks[i]) * self._rate[i])

    def ticks(self, seconds: ArrayLike) -> Ints:
        """The nearest tick at `seconds`, same shape."""
        at = np.asarray(seconds, dtype=np.float64)
        i = np.clip(np.searchsorted(self._seconds, at, side="right") - 1, 0, None)
        exact = self._ticks[i] + (at - self._seconds[i]) / self._rate[i]
        return np.rint(exact).astype(np.int64)


class MetreMap:
    """Ticks to bars and back; a change of metre inside a bar starts a new bar there.

    `onsets` (ticks), `numerators` and `denominators` have shape (changes,); 4/4 holds before the
    first change. Bars count from 0 and are fractional inside a bar.
    """

    def __init__(
        self,
        ticks_per_beat: int,
        onsets: ArrayLike,
        numerators: ArrayLike,
        denominators: ArrayLike,
    ) -> None:
        ticks, over, under = _last_wins(onsets, numerators, denominators)
        if not len(ticks) or ticks[0] > 0:
            ticks = np.concatenate([np.zeros(1, np.int64), ticks])
            over = np.concatenate([np.full(1, 4), over])
            under = np.concatenate([np.full(1, 4), under])
        self._ticks = ticks
        self._bar_ticks = over * 4 * ticks_per_beat / under
        spans = np.ceil(np.diff(ticks) / self._bar_ticks[:-1] - 1e-9)
        self._first_bar = np.concatenate([[0.0], np.cumsum(spans)])
        self._until = np.append(ticks[1:], np.inf)

    def bars(self, ticks: ArrayLike) -> Floats:
        """The bar position at `ticks`, same shape: 2.5 is half-way through the third bar."""
        at = np.asarray(ticks, dtype=np.float64)
        i = np.clip(np.searchsorted(self._ticks, at, side="right") - 1, 0, None)
        return np.asarray(self._first_bar[i] + (at - self._ticks[i]) / self._bar_ticks[i])

    def ticks(self, bars: ArrayLike) -> Ints:
        """The nearest tick at bar positions `bars`, same shape.

        In a bar that a change of metre cuts short, positions past the cut fall on the change.
        """
        at = np.asarray(bars, dtype=np.float64)
        i = np.clip(np.searchsorted(self._first_bar, at, side="right") - 1, 0, None)
        exact = self._ticks[i] + (at - self._first_bar[i]) * self._bar_ticks[i]
        return np.rint(np.minimum(exact, self._until[i])).astype(np.int64)

    def bar_ticks(self, tick: int) -> float:
        """The length in ticks of the bar that `tick` lies in."""
        i = max(int(np.searchsorted(self._ticks, tick, side="right")) - 1, 0)
        return float(self._bar_ticks[i])
