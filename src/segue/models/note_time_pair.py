"""S0's pair: one GRU net reads and predicts notes, another reads and predicts times.

Neither sees what the other sees. The note net reads a message as two one-hot vectors side by side
(88 keys and 128 velocities, 216 wide) and gives as many logits, two softmaxes; the time net reads
one number and predicts the next by its mean. Each is GRU 256, GRU 128, linear 128, linear, with
dropout after each layer but the last: 556,632 and 363,777 parameters, with torch's two biases.

In: (B, T, 3) symbols of pitch, velocity and time. Features: (B, T, 217), the nets' outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel, summed_loss
from segue.models.densities import Spread, discretised
from segue.models.gru import GRU

UNITS_PER_SECOND = 100
"""Times are counted in hundredths of a second: the square of their spread is then 127 on
MAESTRO, and the seed's loss of 120 to 195 that of a net that predicts their mean."""
_SURE, _SUREST = 10.0, 40.0
"""Nats that a time loses for each unit it is away from the predicted one, and the most it loses."""


class _Net(nn.Module):
    """GRU, GRU, linear, linear; `width` in and out."""

    def __init__(self, width: int, hidden: tuple[int, int, int], dropout: float) -> None:
        super().__init__()
        self.first = GRU(width, hidden[0])
        self.second = GRU(hidden[0], hidden[1])
        self.dense = nn.Linear(hidden[1], hidden[2])
        self.out = nn.Linear(hidden[2], width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, T, width), from a zero state."""
        x, _ = self.first(x)
        x, _ = self.second(self.dropout(x))
        return self._end(x)

    def step(self, x: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, width) and the state of both layers to (B, width) and the new state."""
        first = self.first.step(x, first)
        second = self.second.step(first, second)
        return self._end(second), first, second

    def _end(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.dropout(self.dense(self.dropout(x))))
        return out


class NoteTimePair(SequenceModel):
    """The two nets; `seconds` are the values of the time symbols, given by the encoding.

    Args:
        hidden: units of the two GRUs and of the linear layer of each net.
        dropout: share dropped after each layer but the last.
        nearest: whoever draws gets the time nearest to the predicted one, as the seed does, give
            or take 4 ms; false draws from the density round it by which it is scored.
    """

    values: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        seconds: Sequence[float],
        hidden: tuple[int, int, int] = (256, 128, 128),
        dropout: float = 0.3,
        nearest: bool = True,
    ) -> None:
        super().__init__(sizes, window)
        if len(sizes) != 3 or len(seconds) != sizes[2]:
            raise ValueError(
                f"note-time-pair reads pitch, velocity and time, with a value for each time; the "
                f"encoding has columns of {sizes} and {len(seconds)} values."
            )
        self.hidden, self.nearest = tuple(hidden), nearest
        self.notes = _Net(sizes[0] + sizes[1], self.hidden, dropout)  # type: ignore[arg-type]
        self.times = _Net(1, self.hidden, dropout)  # type: ignore[arg-type]
        values = torch.tensor(seconds, dtype=torch.float32) * UNITS_PER_SECOND
        self.register_buffer("values", values, persistent=False)
        self.spread = Spread()

    def _inputs(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(..., 3) symbols to (..., 216) ones and zeros and (..., 1) times."""
        hot = [
            nn.functional.one_hot(rows[..., k], self.sizes[k]).to(self.values.dtype)
            for k in range(2)
        ]
        return torch.cat(hot, dim=-1), self.values[rows[..., 2]][..., None]

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 3) to (B, T, 217): logits of keys and velocities, and the next time."""
        notes, times = self._inputs(rows)
        return torch.cat([self.notes(notes), self.times(times)], dim=-1)

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., 217) to (..., 88), (..., 128) and (..., 225); no head looks at `row`."""
        keys, velocities, mean = self._outputs(features)
        if not self.nearest:
            return keys, velocities, self._density(mean)
        times = (self.values - mean[..., None]).abs() * -_SURE
        return keys, velocities, times.clamp(min=-_SUREST)

    def scored_heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """The same, the time by the density round its prediction."""
        keys, velocities, mean = self._outputs(features.float())
        return keys, velocities, self._density(mean)

    def _outputs(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., 217) to logits of keys, logits of velocities, and the expected time (...)."""
        end = self.sizes[0] + self.sizes[1]
        return features[..., : self.sizes[0]], features[..., self.sizes[0] : end], features[..., -1]

    def _density(self, mean: Tensor) -> Tensor:
        return discretised(mean, self.values, self.spread())

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of key, velocity and time, the time by the density round its prediction."""
        keys, velocities, mean = self._outputs(self.features(rows).float())
        return summed_loss((keys, velocities, self._density(mean)), targets, mask)

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy of keys and velocities, and the square error of times."""
        features = self.features(rows)[mask]
        asked = targets[mask]
        keys, velocities, mean = self._outputs(features)
        errors = mean - self.values[asked[:, 2]]
        self.spread.track(errors)
        loss = nn.functional.cross_entropy(keys.float(), asked[:, 0], reduction="sum")
        loss = loss + nn.functional.cross_entropy(velocities.float(), asked[:, 1], reduction="sum")
        return loss + errors.float().square().sum()

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Zeros: both layers of the note net, then of the time net."""
        return tuple(torch.zeros(batch, width) for width in self.hidden[:2] * 2)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, 3) one message."""
        notes, times = self._inputs(row)
        note, *of_notes = self.notes.step(notes, state[0], state[1])
        time, *of_times = self.times.step(times, state[2], state[3])
        return (torch.cat([note, time], dim=-1), *of_notes, *of_times)
