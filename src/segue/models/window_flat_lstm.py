"""Two LSTM layers whose whole output sequence is flattened before the softmax.

Notable: the last layer has a weight for every unit, position and symbol: of the 21,174,624
parameters that LUISS's model 2 has at V = 352, 18,022,752 are there. With `bidirectional` it is
their model 2b, 23,275,872. `windowed` tells how symbols enter.

In: (B, T, 1) symbols. Features: (B, T * hidden) of the row after the window.
"""

from __future__ import annotations

from torch import Tensor, nn

from segue.models.recurrent import LSTM, BiLSTM
from segue.models.windowed import Windowed, linear


class WindowFlatLSTM(Windowed):
    """Two LSTM layers of `hidden` units with dropout between, flattened, softmax.

    With `bidirectional` the first layer reads from both ends, with as many units from each.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 512,
        bidirectional: bool = False,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(sizes, window)
        self.first = (BiLSTM if bidirectional else LSTM)(1, hidden)
        self.dropout = nn.Dropout(dropout)
        self.second = LSTM(hidden * (1 + bidirectional), hidden)
        self.out = linear(window * hidden, sizes[0])

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols, T = window, to (B, T * hidden)."""
        x, _ = self.first(self.scaled(rows))
        x, _ = self.second(self.dropout(x))
        features: Tensor = x.flatten(1)
        return features
