"""LSTMs over a roll of velocities, for every next frame.

The AAA system (seed S4) foretells a row of velocities, mostly zeros, by a regression that is
content with zeros. What is asked of this one is what changes: each cell stays, ends or is struck
(`chords`), and if it is struck, how loudly, as one of V - 2 bins. Every frame of a window is
learned.

In: (B, T, C) cells: 0 silent, 1 to V - 2 struck, from soft to loud, V - 1 held.
Features: (B, T, C, F) of columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.chords import SILENT, STRUCK, Chords
from segue.models.frames import ChainedFrames
from segue.models.recurrent import LSTM
from segue.models.windowed import linear


class VelocityLSTM(ChainedFrames):
    """`layers` LSTMs, each added to what it reads.

    Args:
        hidden: units of every layer.
        layers: how many.
        units: of the chain along a chord.
        dropout: share dropped after each layer.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 320,
        layers: int = 2,
        units: int = 24,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(sizes, window)
        if sizes[0] < 4:
            raise ValueError(
                "velocity-lstm reads rolls with cells of both and several velocity bins; this "
                f"one has columns of {sizes[0]} symbols."
            )
        self.hidden = hidden
        self.enter = linear(3 * len(sizes), hidden)
        self.lstms = nn.ModuleList(LSTM(hidden, hidden) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.chords = Chords(hidden, len(sizes), bins=sizes[0] - 2, units=units)

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Two scores: what cells do, and how loud those are that are struck."""
        return ("states", "velocities")

    def _entered(self, rows: Tensor) -> Tensor:
        """(..., C) cells to (..., hidden)."""
        states = self.chords.states(rows)
        parts = [states == STRUCK, states > SILENT, self.chords.loudness(rows)]
        told = torch.cat([part.to(self.enter.weight.dtype) for part in parts], dim=-1)
        return torch.relu(self.enter(told))

    def heard(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells to (B, T, hidden)."""
        x = self._entered(rows)
        for lstm, norm in zip(self.lstms, self.norms, strict=True):
            out, _ = lstm(x)
            x = norm(x + self.dropout(out))
        return x

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells to (B, T, C, F)."""
        return self.chords.of_columns(self.heard(rows), rows, self.chords.ages(rows))

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., C, F) and (..., C) the frame to predict to (..., C, V) logits."""
        return self.chords.frame(features, row)

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of a frame's states and of its velocities, shape (2,)."""
        ages = self.chords.ages(rows)
        return self.chords.nats(self.heard(rows)[mask], rows[mask], ages[mask], targets[mask])

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Ages, and h and c of each layer."""
        zeros = [torch.zeros(batch, self.hidden) for _ in self.lstms for _ in range(2)]
        return (self.chords.unheard(batch), *zeros)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one frame and the state to ((B, C, F), *new state)."""
        new = [self.chords.older(state[0], row)]
        x = self._entered(row)
        for k, (lstm, norm) in enumerate(zip(self.lstms, self.norms, strict=True)):
            assert isinstance(lstm, LSTM)
            h, c = lstm.step(x, state[1 + 2 * k], state[2 + 2 * k])
            x = norm(x + h)
            new += [h, c]
        return (self.chords.of_columns(x, row, new[0]), *new)

    def chain(self, batch: int) -> tuple[Tensor, ...]:
        """The chain of `chords`."""
        return self.chords.chain(batch)

    def link(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        """One column of `chords`."""
        return self.chords.link(features, below, *chain)
