"""How well the next frame of a roll is foretold: onsets, absolute errors, nats a frame.

All are teacher-forced: each frame is foretold from the true ones before it. Two predictors are set
beside a model. Copy-last says that nothing changes; it is right about almost every cell and never
about an onset. All-zero says that nothing sounds. As they give no probabilities, in nats their
place is taken by what they know: of a cell's last symbol (`baselines`' bigram, for copy-last) and
of nothing (its unigram, for all-zero), with the best probabilities that go with it.

Letters: T frames, C columns (pitches), V symbols of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Onsets foretold, onsets that came, and how many of them are the same cells."""

    told: int
    came: int
    both: int

    @property
    def precision(self) -> float:
        """Which part of those foretold came; 1 where none was foretold and none came."""
        return self.both / self.told if self.told else float(not self.came)

    @property
    def recall(self) -> float:
        """Which part of those that came was foretold; 1 where none came."""
        return self.both / self.came if self.came else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both; 1 where none was foretold and none came."""
        every = self.told + self.came
        return 2 * self.both / every if every else 1.0

    def __add__(self, other: Found) -> Found:
        """Of two pieces together."""
        return Found(self.told + other.told, self.came + other.came, self.both + other.both)


def onsets_found(told: Bools, came: Bools) -> Found:
    """Count onsets, (T, C) each: frame and pitch must be right, a frame beside is wrong.

    Raises ValueError for arrays of different shapes.
    """
    _same(told, came)
    return Found(int(told.sum()), int(came.sum()), int((told & came).sum()))


def best_threshold(probabilities: NDArray[Any], came: Bools) -> float:
    """The probability from which on to foretell onsets, for the best F1, (T, C) each.

    An onset is rarely likelier than not, even where one is plainly due: at a half next to none is
    foretold. Find it on training pieces. Infinity where nothing came.
    """
    _same(probabilities, came)
    order = np.argsort(-probabilities, axis=None, kind="stable")
    ranked, right = probabilities.ravel()[order], came.ravel()[order]
    if not right.any():
        return float("inf")
    f1 = 2 * right.cumsum() / (np.arange(1, len(right) + 1) + right.sum())
    # Equal probabilities are foretold together: only the last of them is a place to stop.
    f1[:-1][ranked[:-1] == ranked[1:]] = 0
    return float(ranked[f1.argmax()])


def onsets(sounding: Bools, before: Bools) -> Bools:
    """The onsets that a roll without marks tells: what sounds, (T, C), and did not just before.

    `before` holds the true frames before those of `sounding`, whichever foretold them.
    """
    _same(sounding, before)
    return np.asarray(sounding & ~before)


def velocities(struck: NDArray[Any], held: Bools, unknown: float = 0.0) -> Floats:
    """(T, C) velocities of what is struck (0: nothing) and what is held to what sounds how loudly.

    A held cell is as loud as it was struck; `unknown` if that was before the first frame.
    """
    _same(struck, held)
    time = np.arange(len(struck))[:, None]
    last = np.maximum.accumulate(np.where(struck > 0, time, -1), axis=0)
    sounded = np.take_along_axis(struck, np.maximum(last, 0), axis=0)
    return np.where(struck > 0, struck, np.where(held, np.where(last < 0, unknown, sounded), 0.0))


def median(values: NDArray[Any], probabilities: NDArray[Any]) -> Floats:
    """(..., V) values and their probabilities to the (...) that have the least absolute error."""
    order = np.argsort(values, axis=-1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=-1).cumsum(axis=-1)
    place = (ranked < ranked[..., -1:] / 2).sum(axis=-1, keepdims=True)
    chosen = np.take_along_axis(order, np.minimum(place, values.shape[-1] - 1), axis=-1)
    return np.take_along_axis(values, chosen, axis=-1)[..., 0].astype(np.float64)


def absolute_errors(told: NDArray[Any], frames: NDArray[Any]) -> dict[str, float]:
    """Mean absolute errors a cell of a model and of the two predictors, on the same cells.

    `frames`, (T, C), are brightnesses or velocities; `told`, (T - 1, C), foretells all but the
    first of them.
    """
    came = frames[1:].astype(np.float64)
    _same(told, came)
    return {
        "model": float(np.abs(told - came).mean()),
        "copy-last": float(np.abs(frames[:-1] - came).mean()),
        "all-zero": float(np.abs(came).mean()),
    }


def frame_nats(log_probabilities: NDArray[Any], rows: NDArray[np.integer[Any]]) -> float:
    """Mean nats a frame: (T, C, V) natural logs of probabilities, (T, C) symbols that came."""
    if log_probabilities.shape[:-1] != rows.shape:
        raise ValueError(
            f"probabilities of {log_probabilities.shape[:-1]} cells, rows {rows.shape}."
        )
    chosen = np.take_along_axis(log_probabilities, rows[..., None].astype(np.int64), axis=-1)
    return float(-chosen.sum(dtype=np.float64) / len(rows))


def _same(first: NDArray[Any], second: NDArray[Any]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"these are of one shape, not {first.shape} and {second.shape}.")
