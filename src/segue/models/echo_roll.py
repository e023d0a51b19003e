"""Frames told from echoes, each pitch a coin of its own: the best we have of models of that kind.

Notable: all that is clever is in the trunk (`echo`); the odds of a pitch come from its features
and, past them, straight from the LSTM's thoughts by an output of its own. In: (B, T, C) cells, 0
silent and 1 sounding. Features: (B, T, C, W). Letters as in `frames`.
"""

from __future__ import annotations

from torch import Tensor, nn

from segue.models.echo import Echo
from segue.models.frames import FrameModel, two_way

_RARELY = -3.0


class EchoRoll(FrameModel):
    """An `Echo` trunk and one output a pitch.

    Args:
        hidden: units of the trunk's LSTM.
        width: features of a pitch.
        heads: echoes a frame.
        memory: frames back an echo can lie; those beyond the window are for playing.
        dropout: share of units and features dropped.
        drop_keys: share of keys dropped from what the LSTM reads.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 200,
        width: int = 48,
        heads: int = 4,
        memory: int = 256,
        dropout: float = 0.3,
        drop_keys: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        if set(sizes) != {2}:
            raise ValueError("echo-roll reads a roll with `cells` of sustained: two symbols a key.")
        self.trunk = Echo(len(sizes), hidden, width, heads, memory, dropout, drop_keys)
        self.out = nn.Linear(width, 1)
        nn.init.constant_(self.out.bias, _RARELY)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells to (B, T, C, W)."""
        return self.read(rows, *self.start(len(rows)))[0]

    def read(self, rows: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, T, C) cells and the state before them to (features, *the state after them)."""
        read: tuple[Tensor, ...] = self.trunk(rows, *state)
        return read

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The trunk's."""
        return self.trunk.start(batch)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one frame and the state to ((B, C, W), *state)."""
        features, *after = self.read(row[:, None], *state)
        return features[:, 0], *after

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., C, W) to (..., C, 2)."""
        return two_way(self.out(features)[..., 0])
