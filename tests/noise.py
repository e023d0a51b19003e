"""An engine that knows no music: what holds for what it plays, the guides alone have seen to."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.encodings.base import Encoding
from segue.generation.engine import Floats, IntRows, State


class Noise:
    """An engine whose logits are noise, leant by `lean`; of frames all at once if `independent`."""

    name = "noise"
    window = 0

    def __init__(
        self, encoding: Encoding, seed: int = 0, *, frames: bool = False, independent: bool = False
    ) -> None:
        self.sizes = encoding.layout.sizes
        self.frames, self.independent = frames, independent
        self.rng = np.random.default_rng(seed)

    def lean(self, column: int, logits: Floats) -> Floats:
        """The logits of a column, (B, V), or of a frame, (B, C, V), whose column is -1."""
        return logits

    def start(self, batch: int) -> State:
        return State(batch, None, ())

    def step(self, rows: IntRows, state: State) -> State:
        return state

    def columns(self, state: State) -> Any:
        def ask(column: int, row: IntRows) -> Floats:
            shape = (state.batch, self.sizes[column])
            noise = (2 * self.rng.standard_normal(shape)).astype(np.float32)
            return self.lean(column, noise)

        return ask

    def frame(self, state: State, row: IntRows) -> Floats:
        shape = (state.batch, len(self.sizes), self.sizes[0])
        return self.lean(-1, (2 * self.rng.standard_normal(shape)).astype(np.float32))

    def fork(self, state: State, copies: int) -> State:
        return State(state.batch * copies, None, ())

    def playing(self, state: State, copies: int) -> State:
        return self.fork(state, copies)
