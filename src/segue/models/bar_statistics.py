"""How bars of a piano roll differ from other bars, by statistics that a listener would notice.

Letters: B bars, T frames of a bar, C pitches. All differences lie in 0 to 1; 0 is no difference.
"""

from __future__ import annotations

import torch
from torch import Tensor

STATISTICS = ("pitches", "onsets", "density", "polyphony", "intervals", "renewal", "likeness")
"""Where onsets are in pitch and in the bar, how many a bar has, how many pitches sound together,
which intervals they make, how much of the bar before stays, and how alike any two bars are."""
_MOST_TOGETHER = 12
_MOST_ONSETS = 64


def differences(before: Tensor, real: Tensor, made: Tensor, symbols: int) -> Tensor:
    """(7,) differences between `made` and `real` bars, (B, T, C) each, that follow `before`.

    `symbols` is 2 (silent, sounding) or 3 (silent, onset, held).
    """
    ones, others = _described(before, real, symbols), _described(before, made, symbols)
    return torch.stack([_apart(one, other) for one, other in zip(ones, others, strict=True)])


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Of two shares, how far they are apart; of two histograms, what of one is not in the other."""
    if not one.dim():
        return (one - other).abs()
    return 0.5 * (_shares(one) - _shares(other)).abs().sum()


def _shares(counts: Tensor) -> Tensor:
    """Counts as shares of their sum; where there is nothing, it is all in one more place."""
    counts = torch.cat([counts, (counts.sum() == 0)[None].to(counts.dtype)])
    return counts / counts.sum()


def _described(before: Tensor, bars: Tensor, symbols: int) -> list[Tensor]:
    sounds, starts = bars > 0, onsets(bars, symbols)
    together = sounds.sum(dim=2).clamp(max=_MOST_TOGETHER).flatten()
    number = starts.sum(dim=(1, 2)).clamp(max=_MOST_ONSETS)
    return [
        starts.sum(dim=(0, 1)).float(),
        starts.sum(dim=(0, 2)).float(),
        number.bincount(minlength=_MOST_ONSETS + 1).float(),
        together.bincount(minlength=_MOST_TOGETHER + 1).float(),
        _intervals(sounds),
        _in_common(before > 0, sounds),
        _in_common(sounds, sounds.roll(1, dims=0)),
    ]


def onsets(bars: Tensor, symbols: int) -> Tensor:
    """(B, T, C) where a note starts: symbol 1, and with two symbols after silence alone."""
    starts = bars == 1
    if symbols == 2:
        starts[:, 1:] &= bars[:, :-1] == 0
    return starts


def _intervals(sounds: Tensor) -> Tensor:
    """(12,): how often pitches so many semitones apart, without octaves, sound together."""
    cells = sounds.flatten(0, 1).float()
    pairs = cells.T @ cells
    apart = torch.arange(pairs.shape[0], device=pairs.device)
    apart = (apart[None] - apart[:, None]).clamp(min=0)
    place, weight = (apart % 12).flatten(), (pairs * (apart > 0)).flatten()
    return pairs.new_zeros(12).index_add_(0, place, weight)


def _in_common(ones: Tensor, others: Tensor) -> Tensor:
    """The share of cells sounding in either of two bars that sound in both."""
    either = (ones | others).sum()
    return (ones & others).sum() / either.clamp(min=1)
