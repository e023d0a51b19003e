"""Frames told from echoes, pitch after pitch: each is told which of those below it sound.

Notable: a chord is not a set of coins. From the lowest pitch up, each learns which of those below
sound, at what distance, which pitch classes they are and how many, by weights that all pitches
share; so the whole of a frame is scored at once, and played one pitch after another. The trunk is
`echo`. Sources: NADE (Larochelle and Murray, AISTATS 2011) after a recurrent net (Boulanger-
Lewandowski et al., ICML 2012), tied along pitch (Johnson, EvoMUSART 2017). In: (B, T, C) cells, 0
silent and 1 sounding. Features: (B, T, C, W). Letters as in `frames`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.echo import CLASSES, Echo, Echoing
from segue.models.frames import ChainedFrames, two_way

BELOW = 40
"""Pitches below that a pitch is told one by one."""
MOST = 12
"""Notes below are counted up to so many."""
_RARELY = -3.0


class EchoChain(Echoing, ChainedFrames):
    """An `Echo` trunk, then `width` features a pitch of what sounds below it.

    Args:
        hidden: units of the trunk's LSTM.
        width: features of a pitch.
        heads: echoes a frame.
        memory: frames back an echo can lie.
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
            raise ValueError(
                "echo-chain reads a roll with `cells` of sustained: two symbols a key."
            )
        self.width = width
        self.trunk = Echo(len(sizes), hidden, width, heads, memory, dropout, drop_keys)
        self.above = nn.Linear(width, 2 * width)
        self.below = nn.Linear(BELOW + CLASSES, 2 * width, bias=False)
        self.count = nn.Linear(MOST, 2 * width, bias=False)
        self.mix = nn.Linear(2 * width, width)
        self.dropout = dropout
        self.out = nn.Linear(width, 1)
        nn.init.constant_(self.out.bias, _RARELY)

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., C, W) and (..., C) the frame to predict to (..., C, 2)."""
        told = row.to(features.dtype) @ self._kernel().to(features.dtype)
        told = told.view(*row.shape, -1)
        return self._told(features, told, row.cumsum(-1) - row)

    def _kernel(self) -> Tensor:
        """(C, C * 2W): what each pitch, if it sounds, tells each of those above it."""
        near, classes = self.below.weight[:, :BELOW], self.below.weight[:, BELOW:]
        places = torch.arange(len(self.sizes), device=near.device)
        up = places - places[:, None]
        # `link` tells of pitches below from the farthest to the nearest, by class upwards.
        by_one = near.T[(BELOW - up).clamp(0, BELOW - 1)] * (up <= BELOW)[..., None]
        by_class = classes.T[-up % CLASSES]
        return ((by_one + by_class) * (up > 0)[..., None]).flatten(1)

    def chain(self, batch: int) -> tuple[Tensor, ...]:
        """The pitches below one by one and by class, and their number."""
        zeros = [torch.zeros(batch, size) for size in (BELOW, CLASSES)]
        return *zeros, torch.zeros(batch, 1, dtype=torch.long), torch.zeros(batch, 1)

    def link(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        """(B, W) features of a pitch and (B, 1) what was chosen below to (B, 2) and the chain."""
        near, seen, count, begun = chain
        new = below.to(features.dtype)
        near = torch.cat([near[:, 1:], new], dim=1)
        # One step up the keyboard: what was a pitch's own class is now eleven above.
        own = torch.cat([seen[:, :1] + new, seen[:, 1:]], dim=1)
        moved = torch.cat([own[:, 1:], own[:, :1]], dim=1)
        seen = torch.where(begun > 0, moved, seen)
        count = count + below
        told = self.below(torch.cat([near, seen], dim=-1))
        return self._told(features, told, count[:, 0]), near, seen, count, torch.ones_like(begun)

    def _told(self, features: Tensor, told: Tensor, count: Tensor) -> Tensor:
        """Features, (..., 2W) of what sounds below and the (...) number of it to (..., 2)."""
        steps = count[..., None] > torch.arange(MOST, device=count.device)
        x = self.above(features) + told + self.count(steps.to(features.dtype))
        x = self.mix(self._thinned(nn.functional.gelu(x)))
        return two_way(self.out(features + nn.functional.gelu(x))[..., 0])

    def _thinned(self, x: Tensor) -> Tensor:
        """(..., C, 2W), with the same features of all pitches of a frame dropped."""
        if not (self.training and self.dropout):
            return x
        mask = x.new_ones(*x.shape[:-2], 1, x.shape[-1])
        return x * nn.functional.dropout(mask, self.dropout)
