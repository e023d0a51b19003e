"""A trunk for rolls that hears echoes: where the last frames were heard before, and what came then.

Notable: music repeats itself, exactly. Each frame's last eight are compared, by several heads, with
those of each of `memory` frames before, and the frames that followed are mixed by how alike they
are and how long ago: what comes next if this is a repeat. Then every pitch is told the same things
about its surroundings by the same weights, so that a chord moved up a step is nearly the same
chord: the frames just heard, traces of what sounded over four spans of time, the echoes, the pitch
classes as seen from here, and the thoughts of an LSTM that reads all of it. What differs by pitch
is learned too, but as little: one vector a pitch. Sources: attention to where a context was heard
before (Olsson et al., "In-context learning and induction heads", 2022; Vinyals et al., pointer
networks, 2015), and weights tied along pitch (Johnson, EvoMUSART 2017).

Letters as in `frames`; M frames of memory, E heads of echoes, W features of a pitch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.frames import FrameModel
from segue.models.recurrent import LSTM

RECENT = 8
"""Frames that are compared to find an echo."""
HEARD = 4
"""Frames just heard that each pitch sees."""
SPANS = (2.0, 6.0, 24.0, 96.0)
"""Frames after which a trace has faded to a third."""
CLASSES = 12
NEAR = 14
"""Pitches to either side that a pitch sees."""
_MAPS = 4
_LOOK = 32
_NEVER = -1e4


class Echo(nn.Module):
    """`columns` pitches, of which each gets `width` features after each frame.

    Args:
        hidden: units of the LSTM that reads whole frames.
        heads: echoes a frame.
        memory: how many frames back an echo can lie.
        dropout: share of LSTM units (for a window) and of pitch features (anew) dropped.
        drop_keys: share of keys dropped from what the LSTM reads.
    """

    fades: Tensor
    spread: Tensor
    at_class: Tensor

    def __init__(
        self,
        columns: int,
        hidden: int,
        width: int,
        heads: int,
        memory: int,
        dropout: float,
        drop_keys: float,
    ) -> None:
        super().__init__()
        if memory < RECENT:
            raise ValueError(f"memory came as {memory}; it is at least {RECENT} frames.")
        self.columns, self.heads, self.memory = columns, heads, memory
        self.hidden, self.dropout = hidden, dropout
        self.drop_keys = nn.Dropout(drop_keys)
        self.look = nn.Linear(RECENT * columns, heads * _LOOK, bias=False)
        self.sharp = nn.Parameter(torch.full((heads, 1, 1), 8.0))
        self.sink = nn.Parameter(torch.full((heads, 1, 1), 4.0))
        self.lag = nn.Parameter(torch.zeros(heads, memory))
        self.lstm = LSTM(columns * (1 + heads), hidden)
        self.maps = nn.Linear(hidden, _MAPS * columns)
        channels = HEARD + len(SPANS) + heads
        self.near = nn.Conv2d(channels + _MAPS, width, (1, 2 * NEAR + 1), padding=(0, NEAR))
        self.round = nn.Linear(channels * CLASSES, width, bias=False)
        self.whole = nn.Linear(hidden, width)
        self.own = nn.Parameter(0.1 * torch.randn(columns, width))
        self.mix = nn.Linear(width, width)
        self.register_buffer("fades", torch.exp(-1 / torch.tensor(SPANS)), persistent=False)
        classes = torch.arange(columns) % CLASSES
        self.register_buffer("at_class", classes, persistent=False)
        self.register_buffer("spread", torch.eye(CLASSES)[classes], persistent=False)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """M silent frames and what they look like; how many were heard; traces; h and c."""
        frames = torch.zeros(batch, self.memory, self.columns)
        looks = torch.zeros(batch, self.memory, self.heads * _LOOK)
        traces = torch.zeros(batch, len(SPANS), self.columns)
        zeros = [torch.zeros(batch, self.hidden) for _ in range(2)]
        return frames, looks, torch.zeros(batch, 1), traces, *zeros

    def forward(self, rows: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, T, C) cells and the state before to ((B, T, C, W), *the state after)."""
        before, looked, heard, trace, h, c = state
        x = rows.to(before.dtype)
        frames = torch.cat([before, x], dim=1)
        looks = torch.cat([looked, self._look(frames, x.shape[1])], dim=1)
        echoes = self._echoes(frames, looks, heard)
        traces = self._traces(x, trace)
        read = self.drop_keys(torch.cat([x[..., None], echoes], dim=-1))
        thought, (h, c) = self.lstm(read.flatten(2), (h[None], c[None]))
        features = self._pitches(frames, traces, echoes, self._dropped(thought))
        length = x.shape[1]
        after = (
            frames[:, length:],
            looks[:, length:],
            (heard + length).clamp(max=self.memory),
            traces[:, -1],
            h[0],
            c[0],
        )
        return features, *after

    def _look(self, frames: Tensor, length: int) -> Tensor:
        """(B, M + T, C) to (B, T, E * L): what the last frames look like, of length one a head."""
        last = frames[:, frames.shape[1] - length - RECENT + 1 :]
        stacked = last.unfold(1, RECENT, 1).flatten(2)
        looks = self.look(stacked).float().view(*stacked.shape[:2], self.heads, _LOOK)
        return nn.functional.normalize(looks, dim=-1, eps=1e-3).flatten(2)

    def _echoes(self, frames: Tensor, looks: Tensor, heard: Tensor) -> Tensor:
        """(B, T, C, E) between -1, silent after each echo, and 1, sounding; 0 is no echo."""
        memory, length = self.memory, looks.shape[1] - self.memory
        split = looks.view(*looks.shape[:2], self.heads, _LOOK).transpose(1, 2)
        now, past = split[:, :, memory:], split[:, :, :-1]
        place = torch.arange(memory + length - 1, device=looks.device)
        lag = torch.arange(length, device=looks.device)[:, None] + memory - place
        within = (lag >= 1) & (lag <= memory)
        known = place >= memory - heard
        bias = self.lag[:, (lag - 1).clamp(0, memory - 1)]
        scores = self.sharp * (now @ past.transpose(-1, -2)) + bias
        scores = scores.masked_fill(~(within & known[:, None, None]), _NEVER)
        sink = self.sink.expand(*scores.shape[:-1], 1)
        weights = torch.cat([scores, sink], dim=-1).softmax(-1)[..., :-1]
        followed = 2 * frames[:, 1:] - 1
        return (weights.to(followed.dtype) @ followed[:, None]).permute(0, 2, 3, 1)

    def _traces(self, x: Tensor, trace: Tensor) -> Tensor:
        """(B, T, C) and (B, S, C) to (B, T, S, C): means that fade, over S spans."""
        steps = torch.arange(x.shape[1], device=x.device)
        behind = steps[:, None] - steps
        fades = self.fades[:, None, None]
        kernel = (1 - fades) * fades ** behind.clamp(min=0) * (behind >= 0)
        carried = self.fades[:, None] ** (steps + 1)
        return torch.einsum("stu,buc->btsc", kernel, x) + torch.einsum(
            "st,bsc->btsc", carried, trace
        )

    def _pitches(self, frames: Tensor, traces: Tensor, echoes: Tensor, thought: Tensor) -> Tensor:
        """All that a pitch is told, to (B, T, C, W)."""
        length = thought.shape[1]
        end = frames.shape[1]
        heard = [frames[:, end - length - ago : end - ago] for ago in range(HEARD)]
        seen = torch.cat([torch.stack(heard, dim=-1), traces.transpose(2, 3), echoes], dim=-1)
        maps = self.maps(thought).view(*seen.shape[:3], _MAPS)
        told = torch.cat([seen.to(maps.dtype), maps], dim=-1)
        near = self.near(told.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        classes = torch.einsum("btcn,cp->btpn", seen, self.spread)
        turned = torch.cat([classes, classes[:, :, :-1]], dim=2).unfold(2, CLASSES, 1)
        alike = self.round(turned.flatten(3)) + self.whole(thought)[:, :, None]
        x = near + (alike[:, :, self.at_class] + self.own.to(alike.dtype))
        x = self._thinned(nn.functional.gelu(x))
        return self._thinned(nn.functional.gelu(self.mix(x))) + x

    def _thinned(self, x: Tensor) -> Tensor:
        """(B, T, C, W), with the same features of all pitches of a frame dropped."""
        if not (self.training and self.dropout):
            return x
        return x * nn.functional.dropout(x.new_ones(*x.shape[:2], 1, x.shape[-1]), self.dropout)

    def _dropped(self, x: Tensor) -> Tensor:
        if not (self.training and self.dropout):
            return x
        return x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[-1]), self.dropout)


class Echoing(FrameModel):
    """What models of frames have in common whose `trunk` is an `Echo`."""

    trunk: Echo

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
