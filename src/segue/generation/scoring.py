"""How likely a bundle finds music: its nats, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation.engine import Engine, IntRows, make_engine
from segue.score import Score

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Likelihood:
    """Nats of each row of a piece but its first (or the first window of a windowed model).

    `positions` are the steps of the rows, shape (rows,), as `nats`.
    """

    nats: Floats
    positions: NDArray[np.int64]
    notes: int

    @property
    def a_row(self) -> float:
        """The mean, in nats a row."""
        return float(self.nats.mean())

    @property
    def a_note(self) -> float:
        """Nats a note, which other encodings can be compared by."""
        return float(self.nats.sum() / max(self.notes, 1))


def likelihood(bundle: Bundle, music: Score, *, engine: str = "auto") -> Likelihood:
    """What a bundle makes of a piece; SegueError for music it cannot hold or one that has no nats.

    Of models that make whole segments there is no likelihood row by row.
    """
    if bundle.plays != "rows":
        raise SegueError(
            f"{bundle.name} makes whole segments and has no likelihood row by row: score with a "
            "bundle of another family."
        )
    rows = bundle.encoding.adapt(bundle.encoding.encode(music).rows).astype(np.int64)
    skip = int(bundle.index.get("context") or 1)
    if len(rows) <= skip:
        raise SegueError(
            f"the music has {len(rows)} rows in the encoding {bundle.encoding.name}; "
            f"{bundle.name} needs {skip + 1}: give a longer piece."
        )
    positions = bundle.encoding.positions(rows.astype(np.uint16))
    nats = row_nats(make_engine(bundle, engine), rows)
    return Likelihood(nats[skip:], positions[skip:], len(music))


def row_nats(engine: Engine, rows: IntRows) -> Floats:
    """Nats of each of (rows, columns) given those before it; of the first 0."""
    nats = np.zeros(len(rows))
    state = engine.start(1)
    for t in range(1, len(rows)):
        state = engine.step(np.ascontiguousarray(rows[t - 1 : t]), state)
        nats[t] = _nats(engine, state, rows[t : t + 1])
    return nats


def _nats(engine: Engine, state: Any, row: IntRows) -> float:
    if engine.independent:
        logits = engine.frame(state, row)[0].astype(np.float64)
        return float(-_log_softmax(logits)[np.arange(row.shape[1]), row[0]].sum())
    ask = engine.columns(state)
    return -sum(
        float(_log_softmax(ask(k, row).astype(np.float64))[0, row[0, k]])
        for k in range(row.shape[1])
    )


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
