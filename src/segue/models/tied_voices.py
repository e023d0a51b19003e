"""Voices that are told one after another, by weights that all pitches share.

Notable: a row is what each voice sings, and each pitch is told the same things by the same weights:
which voice sang it or a neighbour in the last frames and of late, which pitch classes sound as seen
from here, what an LSTM makes of it all; then how far it is from what the voices before in the row
have chosen. So a chorale in D teaches as much about E, and what differs by pitch is one vector.
Sources: Johnson (EvoMUSART 2017) for weights tied along pitch; the order of voices of Huang et al.,
"Music Transformer" (2018).

In: (B, T, V) symbols of V voices: P pitches from the lowest up, then rest, then the start of a
piece. Features: (B, T, P * W + H). Letters as in `base`; W features of a pitch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.recurrent import LSTM

HEARD = 4
"""Frames just heard that each pitch sees."""
SPANS = (3.0, 10.0, 40.0)
"""Frames after which a trace has faded to a third."""
CLASSES = 12
NEAR = 12
"""Pitches to either side that a pitch sees."""
_MAPS = 4
_MARKS = 2
"""Symbols that are no pitch: rest and start."""


class TiedVoices(SequenceModel):
    """An LSTM of `hidden` units over rows, and `width` features a pitch.

    Args:
        hidden: units of the LSTM.
        width: features of a pitch.
        dropout: share of LSTM units (for a window) and of pitch features (for a frame) dropped.
        drop_notes: share of what the LSTM reads that is dropped.
    """

    fades: Tensor
    spread: Tensor
    at_class: Tensor
    apart: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 64,
        width: int = 48,
        dropout: float = 0.3,
        drop_notes: float = 0.3,
    ) -> None:
        super().__init__(sizes, window)
        if len(set(sizes)) != 1 or sizes[0] <= CLASSES + _MARKS:
            raise ValueError(f"tied-voices needs voices of one size over 14; these have {sizes}.")
        self.voices, self.pitches = len(sizes), sizes[0] - _MARKS
        self.hidden, self.width, self.dropout = hidden, width, dropout
        voices, pitches = self.voices, self.pitches
        self.drop_notes = nn.Dropout(drop_notes)
        self.lstm = LSTM(sum(sizes), hidden)
        self.maps = nn.Linear(hidden, _MAPS * pitches)
        channels = (HEARD + len(SPANS)) * voices
        self.near = nn.Conv2d(channels + _MAPS, width, (1, 2 * NEAR + 1), padding=(0, NEAR))
        self.round = nn.Linear(channels * CLASSES, width, bias=False)
        self.whole = nn.Linear(hidden, width)
        self.own = nn.Parameter(0.1 * torch.randn(pitches, width))
        self.mix = nn.Linear(width, width)
        self.above = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.chosen = nn.Parameter(torch.zeros(voices, voices, 2 * pitches - 1, width))
        self.out = nn.ModuleList(nn.Linear(width, 1) for _ in sizes)
        self.marks = nn.ModuleList(nn.Linear(hidden, _MARKS) for _ in sizes)
        classes = torch.arange(pitches) % CLASSES
        places = torch.arange(pitches)
        self.register_buffer("fades", torch.exp(-1 / torch.tensor(SPANS)), persistent=False)
        self.register_buffer("at_class", classes, persistent=False)
        self.register_buffer("spread", torch.eye(CLASSES)[classes], persistent=False)
        # Row y, column c: how far pitch c is from pitch y, counted from the lowest there can be.
        self.register_buffer("apart", places - places[:, None] + pitches - 1, persistent=False)

    # -- reading -----------------------------------------------------------------------------

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, V) rows to (B, T, P * W + H)."""
        return self.read(rows, *self.start(len(rows)))[0]

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The last rows before, all of them starts; traces, (B, S, P * V); h and c."""
        before = torch.full((batch, HEARD - 1, self.voices), self.pitches + 1)
        traces = torch.zeros(batch, len(SPANS), self.pitches * self.voices)
        return before, traces, torch.zeros(batch, self.hidden), torch.zeros(batch, self.hidden)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, V) one row and the state to ((B, P * W + H), *state)."""
        features, *after = self.read(row[:, None], *state)
        return features[:, 0], *after

    def read(self, rows: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, T, V) rows and the state before them to (features, *the state after them)."""
        before, trace, h, c = state
        batch, length, _ = rows.shape
        all_rows = torch.cat([before.to(rows.dtype), rows], dim=1)
        sung = self._sung(all_rows)
        x = sung[:, HEARD - 1 :]
        traces = self._traces(x.flatten(2), trace)
        heard = [sung[:, HEARD - 1 - ago : HEARD - 1 - ago + length] for ago in range(HEARD)]
        late = traces.view(batch, length, len(SPANS), self.pitches, self.voices)
        seen = torch.cat([*heard, *late.unbind(2)], dim=-1)
        symbols = torch.arange(self.sizes[0], device=rows.device)
        told = (rows[..., None] == symbols).to(x.dtype).flatten(2)
        thought, (h, c) = self.lstm(self.drop_notes(told), (h[None], c[None]))
        if self.training and self.dropout:
            kept = thought.new_ones(batch, 1, self.hidden)
            thought = thought * nn.functional.dropout(kept, self.dropout)
        features = torch.cat([self._pitches(seen, thought).flatten(2), thought], dim=-1)
        return features, all_rows[:, length:], traces[:, -1], h[0], c[0]

    def _sung(self, rows: Tensor) -> Tensor:
        """(..., V) symbols to (..., P, V): 1 where a voice sings a pitch."""
        pitches = torch.arange(self.pitches, device=rows.device)[:, None]
        return (rows[..., None, :] == pitches).to(self.own.dtype)

    def _traces(self, x: Tensor, trace: Tensor) -> Tensor:
        """(B, T, N) and (B, S, N) to (B, T, S, N): means that fade, over S spans."""
        steps = torch.arange(x.shape[1], device=x.device)
        behind = steps[:, None] - steps
        fades = self.fades[:, None, None]
        kernel = (1 - fades) * fades ** behind.clamp(min=0) * (behind >= 0)
        carried = self.fades[:, None] ** (steps + 1)
        return torch.einsum("stu,bun->btsn", kernel, x) + torch.einsum(
            "st,bsn->btsn", carried, trace
        )

    def _pitches(self, seen: Tensor, thought: Tensor) -> Tensor:
        """(B, T, P, channels) and (B, T, H) to (B, T, P, W)."""
        maps = self.maps(thought).view(*seen.shape[:3], _MAPS)
        told = torch.cat([seen.to(maps.dtype), maps], dim=-1)
        near = self.near(told.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        classes = torch.einsum("btpn,pc->btcn", seen, self.spread)
        turned = torch.cat([classes, classes[:, :, :-1]], dim=2).unfold(2, CLASSES, 1)
        alike = self.round(turned.flatten(3)) + self.whole(thought)[:, :, None]
        x = near + (alike[:, :, self.at_class] + self.own.to(alike.dtype))
        x = self._thinned(nn.functional.gelu(x))
        return self._thinned(nn.functional.gelu(self.mix(x))) + x

    def _thinned(self, x: Tensor) -> Tensor:
        """(..., P, W), with the same features of all pitches of a frame dropped."""
        if not (self.training and self.dropout):
            return x
        kept = x.new_ones(*x.shape[:-2], 1, x.shape[-1])
        return x * nn.functional.dropout(kept, self.dropout)

    # -- choosing ----------------------------------------------------------------------------

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., P * W + H) features and (..., V) the row to V logits of shape (..., P + 2)."""
        most = self.pitches * self.width
        pitches = features[..., :most].reshape(*features.shape[:-1], self.pitches, self.width)
        thought = features[..., most:]
        sung = self._sung(row).to(features.dtype)
        logits = []
        for voice, (above, out, marks) in enumerate(
            zip(self.above, self.out, self.marks, strict=True)
        ):
            x = above(pitches)
            for other in range(voice):
                kernel = self.chosen[voice, other][self.apart].flatten(1)
                x = x + (sung[..., other] @ kernel.to(sung.dtype)).reshape(x.shape)
            told = out(pitches + self._thinned(nn.functional.gelu(x)))[..., 0]
            logits.append(torch.cat([told, marks(thought)], dim=-1))
        return tuple(logits)
