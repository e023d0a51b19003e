"""Frames told from echoes, each pitch a coin of its own: the best we have of models of that kind.

Notable: all that is clever is in the trunk (`echo`); the odds of a pitch come from its features
and, past them, straight from the LSTM's thoughts by an output of its own. In: (B, T, C) cells, 0
silent and 1 sounding. Features: (B, T, C, W). Letters as in `frames`.
"""

from __future__ import annotations

from torch import Tensor, nn

from segue.models.echo import Echo, Echoing
from segue.models.frames import two_way

_RARELY = -3.0


class EchoRoll(Echoing):
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

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., C, W) to (..., C, 2)."""
        return two_way(self.out(features)[..., 0])
