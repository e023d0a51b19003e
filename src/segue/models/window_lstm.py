"""The stacked LSTM of the seeds: a window of symbols in, the one after it out.

With the sizes of `skuldur-2017` the layers and counts are those of the original
(Skuldur/Classical-Piano-Composer, 2017): at V = 352, 5,472,864 parameters. `luiss-1b` and
`luiss-1c` have the same layers in other sizes. `windowed` tells how symbols enter.

In: (B, T, 1) symbols. Features: (B, dense) of the row after the window.
"""

from __future__ import annotations

from torch import Tensor, nn

from segue.models.recurrent import LSTM
from segue.models.windowed import Windowed, linear


class WindowLSTM(Windowed):
    """LSTM layers of the `hidden` sizes with dropout between, a linear layer, dropout, softmax.

    `dropout` is one share for all, or one after each LSTM but the last and one after the linear
    layer.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: tuple[int, ...] = (512, 512, 512),
        dropout: float | tuple[float, ...] = 0.3,
        dense: int = 256,
    ) -> None:
        super().__init__(sizes, window)
        shares = (dropout,) * len(hidden) if isinstance(dropout, int | float) else tuple(dropout)
        if len(shares) != len(hidden):
            raise ValueError(f"dropout has {len(shares)} shares; {len(hidden)} are needed.")
        inputs = (1, *hidden[:-1])
        self.layers = nn.ModuleList(LSTM(i, h) for i, h in zip(inputs, hidden, strict=True))
        self.dropouts = nn.ModuleList(nn.Dropout(share) for share in shares[:-1])
        self.dense = linear(hidden[-1], dense)
        self.dense_dropout = nn.Dropout(shares[-1])
        self.out = linear(dense, sizes[0])

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols to (B, dense)."""
        x = self.scaled(rows)
        for i, layer in enumerate(self.layers):
            x, _ = layer(x)
            if i < len(self.dropouts):
                x = self.dropouts[i](x)
        features: Tensor = self.dense_dropout(self.dense(x[:, -1]))
        return features
