"""The blues LSTM: two small LSTMs over a narrow roll, one for chords and one for melody.

Notable: a row is a slice of time, a column a pitch that sounds or not; the melody's cells see the
chords' cells, never the other way, so that the tune follows the harmony; each output sees its
cells and the slice before; pitches are predicted as independent bits. Source: Eck and
Schmidhuber, "Finding temporal structure in music: Blues improvisation with LSTM recurrent
networks", 2002. Their two cells a block share gates; here each cell has its own.

In: (B, T, C) bits, the lowest `chord_columns` of them chords. Features: (B, T, 2 hidden + C).
"""

from __future__ import annotations

import torch
from torch import Tensor

from segue.models.frames import FrameModel, two_way
from segue.models.recurrent import LSTM
from segue.models.windowed import linear

GATE_BIASES = (-0.5, -1.0, -1.5, -2.0)
"""The source's biases of all gates, by quarter of the cells: some open early, some late."""


class BluesLSTM(FrameModel):
    """Two LSTM layers of `hidden` cells, the second over what the first remembers.

    Args:
        hidden: cells of each layer; the source has four blocks of two.
        chord_columns: how many columns, from the lowest, are chords; the others are melody.
        noise: share of the bits it reads that training flips. Independent bits are drawn together
            that never sounded together, and nets that have seen nothing of the kind stay there.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 8,
        chord_columns: int = 12,
        noise: float = 0.0,
    ) -> None:
        if set(sizes) != {2}:
            raise ValueError(
                "blues-lstm reads columns of two symbols: a roll of `sustained` cells."
            )
        super().__init__(sizes, window)
        if not 0 < chord_columns < len(sizes):
            raise ValueError(
                f"chord_columns came as {chord_columns}; 1 to {len(sizes) - 1} is allowed."
            )
        self.hidden, self.split, self.noise = hidden, chord_columns, noise
        melody_columns = len(sizes) - chord_columns
        self.chords = LSTM(chord_columns, hidden)
        self.melody = LSTM(melody_columns + hidden, hidden)
        self.chords_out = linear(hidden + chord_columns, chord_columns)
        self.melody_out = linear(hidden + melody_columns, melody_columns)
        for layer in (self.chords, self.melody):
            _open_by_quarters(layer)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) bits to (B, T, 2 hidden + C), from a zero state."""
        bits = rows.to(self.chords_out.weight.dtype)
        if self.training and self.noise:
            bits = (bits - (torch.rand_like(bits) < self.noise).to(bits.dtype)).abs()
        chords, _ = self.chords(bits[..., : self.split])
        melody, _ = self.melody(torch.cat([bits[..., self.split :], chords], dim=-1))
        return torch.cat([chords, melody, bits], dim=-1)

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """Features to (..., C, 2) logits, those of silence 0; `row` is not looked at."""
        h = self.hidden
        chords, melody, bits = features[..., :h], features[..., h : 2 * h], features[..., 2 * h :]
        below = self.chords_out(torch.cat([chords, bits[..., : self.split]], dim=-1))
        above = self.melody_out(torch.cat([melody, bits[..., self.split :]], dim=-1))
        return two_way(torch.cat([below, above], dim=-1))

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Zero h and c of both layers, (B, hidden) each."""
        return tuple(torch.zeros(batch, self.hidden) for _ in range(4))

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row; state h and c of the chords, then of the melody."""
        bits = row.to(self.chords_out.weight.dtype)
        chords, c0 = self.chords.step(bits[..., : self.split], state[0], state[1])
        into = torch.cat([bits[..., self.split :], chords], dim=-1)
        melody, c1 = self.melody.step(into, state[2], state[3])
        return torch.cat([chords, melody, bits], dim=-1), chords, c0, melody, c1


def _open_by_quarters(layer: LSTM) -> None:
    """Set the biases of the input, forget and output gates as the source does."""
    hidden = layer.hidden_size
    biases = torch.tensor([GATE_BIASES[4 * i // hidden] for i in range(hidden)])
    with torch.no_grad():
        for gate, sign in ((0, 1), (1, -1), (3, 1)):  # gates: input, forget, cell, output
            layer.bias_ih_l0[gate * hidden : (gate + 1) * hidden] = sign * biases
