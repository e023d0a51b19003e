"""The biaxial LSTM: along time, the same for every pitch; then along pitch, from low to high.

Notable: the layers along time are shared by all pitches and see a pitch only with what is round
it, so that music moved up a step is nearly the same music; the layers along pitch hear which of
the pitches below were just chosen, so that a frame is a chord and not 78 separate coins. Of each
pitch two bits are told, whether it sounds and, only if it does, whether it is struck anew.
Source: Johnson, "Generating polyphonic music using tied parallel networks", EvoMUSART 2017.

In: (B, T, C) cells of a roll: 0 silent, 1 struck, 2 held; windows begin with a bar.
Features: (B, T, C, last of time). Letters: N what is read side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.frames import ChainedFrames
from segue.models.recurrent import LSTM
from segue.models.windowed import linear

NEAR = 12
"""How many pitches to either side a pitch hears."""
BAR = 16
"""Frames whose place in a bar is told, in four bits."""
INPUTS = 1 + 12 + 2 * (2 * NEAR + 1) + 12 + 4 + 1
"""Place on the keyboard, pitch class, neighbours, pitch classes that sound, place in the bar, 0."""

_RARELY = -3.0
"""The first bias of what sounds: one pitch in twenty. Even odds would cost 54 nats a frame."""


class Biaxial(ChainedFrames):
    """LSTM layers of the `time` sizes along time, then of the `note` sizes along pitch.

    Args:
        time: units of each layer along time.
        note: units of each layer along pitch.
        dropout: share of units dropped after each layer, the same ones for a whole sequence.
        lowest: the MIDI pitch of the first column, which says where C is.
    """

    pitch_class: Tensor
    place: Tensor
    relative: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        time: tuple[int, ...] = (300, 300),
        note: tuple[int, ...] = (100, 50),
        dropout: float = 0.5,
        lowest: int = 24,
    ) -> None:
        super().__init__(sizes, window)
        if set(sizes) != {3}:
            raise ValueError("biaxial reads columns of three symbols: a roll with `cells` of both.")
        self.dropout = dropout
        self.time = _layers(INPUTS, time)
        self.note = _layers(time[-1] + 2, note)
        self.out = linear(note[-1], 2)
        with torch.no_grad():
            self.out.bias[0] = _RARELY
        classes = (torch.arange(len(sizes)) + lowest) % 12
        places = torch.linspace(0, 1, len(sizes))[:, None]
        self.register_buffer("place", places, persistent=False)
        self.register_buffer("pitch_class", torch.eye(12)[classes], persistent=False)
        # Column j of row c: the pitch class j semitones above that of pitch c.
        relative = (classes[:, None] + torch.arange(12)) % 12
        self.register_buffer("relative", relative, persistent=False)

    # -- along time --------------------------------------------------------------------------

    def inputs(self, rows: Tensor, frame: Tensor) -> Tensor:
        """(..., C) cells and their (...) frames of a bar to (..., C, INPUTS) numbers."""
        state = _bits(rows, self.place.dtype)
        wide = nn.functional.pad(state, (0, 0, NEAR, NEAR))
        near = wide.unfold(-2, 2 * NEAR + 1, 1).transpose(-1, -2).flatten(-2)
        sounding = state[..., 0] @ self.pitch_class
        context = sounding[..., self.relative]
        beat = 2 * (frame[..., None] // torch.tensor([1, 2, 4, 8], device=rows.device) % 2) - 1
        every = (*state.shape[:-1], -1)
        return torch.cat(
            [
                self.place.expand(every),
                self.pitch_class.expand(every),
                near,
                context,
                beat[..., None, :].to(state.dtype).expand(every),
                torch.zeros_like(state[..., :1]),
            ],
            dim=-1,
        )

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells, the first of them the first of a bar, to (B, T, C, H)."""
        batch, length, columns = rows.shape
        frames = (torch.arange(length, device=rows.device) % BAR).expand(batch, length)
        x = self.inputs(rows, frames).transpose(1, 2).flatten(0, 1)
        for layer in self.time:
            x, _ = layer(x)
            x = self._dropped(x)
        return x.reshape(batch, columns, length, -1).transpose(1, 2)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The frame of the bar, (B, 1), and h and c of each layer along time, (B, C, units)."""
        columns, widths = len(self.sizes), _widths(self.time)
        zeros = [torch.zeros(batch, columns, width) for width in widths for _ in range(2)]
        return (torch.zeros(batch, 1, dtype=torch.long), *zeros)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one frame; all pitches move on by one step."""
        frame = state[0]
        x = self.inputs(row, frame[:, 0])
        new = [(frame + 1) % BAR]
        for i, layer in enumerate(self.time):
            assert isinstance(layer, LSTM)
            x, c = layer.step(x, state[1 + 2 * i], state[2 + 2 * i])
            new += [x, c]
        return (x, *new)

    # -- along pitch -------------------------------------------------------------------------

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., C, H) and (..., C) the frame to predict to (..., C, 3) log-probabilities."""
        below = nn.functional.pad(row[..., :-1], (1, 0))
        x = torch.cat([features, _bits(below, features.dtype)], dim=-1)
        leading = x.shape[:-1]
        x = x.flatten(0, -3)
        for layer in self.note:
            x, _ = layer(x)
            x = self._dropped(x)
        return self._log_probabilities(x).reshape(*leading, 3)

    def chain(self, batch: int) -> tuple[Tensor, ...]:
        """Zero h and c of each layer along pitch, (B, units)."""
        widths = _widths(self.note)
        return tuple(torch.zeros(batch, width) for width in widths for _ in range(2))

    def link(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        """(B, H) features of a column and (B, 1) what was chosen below to (B, 3) and the chain."""
        x = torch.cat([features, _bits(below[:, 0], features.dtype)], dim=-1)
        new: list[Tensor] = []
        for i, layer in enumerate(self.note):
            assert isinstance(layer, LSTM)
            x, c = layer.step(x, chain[2 * i], chain[2 * i + 1])
            new += [x, c]
        return (self._log_probabilities(x), *new)

    def _log_probabilities(self, x: Tensor) -> Tensor:
        """(..., units) to (..., 3): of silence, of a note struck, of one held."""
        sounds, struck = self.out(x).float().unbind(-1)
        log = nn.functional.logsigmoid
        return torch.stack(
            [log(-sounds), log(sounds) + log(struck), log(sounds) + log(-struck)], -1
        )

    def _dropped(self, x: Tensor) -> Tensor:
        """(N, steps, units), with the same units of a sequence dropped at each step."""
        if not (self.training and self.dropout):
            return x
        return x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[-1]), self.dropout)


def _layers(inputs: int, hidden: tuple[int, ...]) -> nn.ModuleList:
    pairs = zip((inputs, *hidden[:-1]), hidden, strict=True)
    return nn.ModuleList(LSTM(i, h) for i, h in pairs)


def _widths(layers: nn.ModuleList) -> list[int]:
    return [layer.hidden_size for layer in layers if isinstance(layer, LSTM)]


def _bits(cells: Tensor, dtype: torch.dtype) -> Tensor:
    """(...) cells to (..., 2): whether it sounds, and whether it was struck in this frame."""
    return torch.stack([cells > 0, cells == 1], dim=-1).to(dtype)
