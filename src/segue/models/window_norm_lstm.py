"""Stacked LSTMs with batch normalisation and recurrent dropout: the seeds' second thought.

Notable: recurrent dropout in every LSTM but the last, batch normalisation before and after a ReLU
layer, and, with `bidirectional`, a first layer that reads the window from both ends, which is no
cheating: the target lies behind the window. At V = 352 the counts are those of
Skuldur/Classical-Piano-Composer (2019), 5,475,936, and of LUISS's models 0 and 1, 5,477,984 and
5,475,936 (7,577,184 from both ends). `windowed` tells how symbols enter.

In: (B, T, 1) symbols. Features: (B, dense) of the row after the window.
"""

from __future__ import annotations

from torch import Tensor, nn

from segue.models.recurrent import LSTM, BiLSTM
from segue.models.windowed import Windowed, batch_norm, linear


class WindowNormLSTM(Windowed):
    """LSTM layers of the `hidden` sizes, norm, a ReLU layer, norm, softmax.

    Args:
        hidden: units of each LSTM layer.
        bidirectional: the first layer reads from both ends, with as many units from each.
        recurrent_dropout: share of the state dropped in every LSTM layer but the last.
        dropout: shares dropped after the first norm and after the second.
        dense: units of the ReLU layer.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: tuple[int, ...] = (512, 512, 512),
        bidirectional: bool = False,
        recurrent_dropout: float = 0.3,
        dropout: tuple[float, float] = (0.3, 0.3),
        dense: int = 256,
    ) -> None:
        super().__init__(sizes, window)
        widths = [1, *hidden]
        self.layers = nn.ModuleList()
        for i, units in enumerate(hidden):
            share = recurrent_dropout if i < len(hidden) - 1 else 0.0
            both_ends = bidirectional and i == 0
            layer = BiLSTM if both_ends else LSTM
            self.layers.append(layer(widths[i], units, recurrent_dropout=share))
            widths[i + 1] = units * (1 + both_ends)
        self.norm = batch_norm(widths[-1])
        self.dropout = nn.Dropout(dropout[0])
        self.dense = linear(widths[-1], dense)
        self.dense_norm = batch_norm(dense)
        self.dense_dropout = nn.Dropout(dropout[1])
        self.out = linear(dense, sizes[0])

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols to (B, dense)."""
        x = self.scaled(rows)
        for layer in self.layers:
            x, _ = layer(x)
        x = self.dropout(self.norm(x[:, -1]))
        features: Tensor = self.dense_dropout(self.dense_norm(self.dense(x).relu()))
        return features
