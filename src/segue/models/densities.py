"""Numbers as symbols: what a regression says of each value that there is a symbol for.

Nets that learn a number by squared or absolute error give no likelihood of their own. Round their
prediction stands the density that their error belongs to (the normal one to squares, Laplace's to
absolutes) as wide as their errors in training were, cut into the cells of the symbols' values.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Kind = Literal["normal", "laplace"]
_LEAST = -60.0


def discretised(
    mean: Tensor, values: Tensor, spread: Tensor | float, kind: Kind = "normal"
) -> Tensor:
    """(...) predictions and (V,) rising values to (..., V) log-probabilities.

    A value has the density at its place times the width of its cell, which reaches halfway to
    its neighbours; none falls under e^-60 of the peak, so that one outlier is not all of a loss.
    `spread` is the root of the mean square error ("normal") or the mean absolute error
    ("laplace"), in the unit of the values.
    """
    away = (values - mean[..., None]).abs() / spread
    density = -0.5 * away.square() if kind == "normal" else -away
    density = (density - density.amax(dim=-1, keepdim=True)).clamp(min=_LEAST)
    return torch.log_softmax(density + _widths(values).log(), dim=-1)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Nats of normal densities from N(0, 1), of the shape of their means and log variances."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def _widths(values: Tensor) -> Tensor:
    """(V,) rising values to the widths of their cells; the outer ones are as wide as the next."""
    if len(values) == 1:
        return torch.ones_like(values)
    apart = values[1:] - values[:-1]
    return torch.cat([apart[:1], (apart[1:] + apart[:-1]) / 2, apart[-1:]])


class Spread(nn.Module):
    """How far off predictions were in training, in the mean of late; a buffer, not learned."""

    mean: Tensor
    seen: Tensor

    def __init__(self, kind: Kind = "normal", rate: float = 0.01) -> None:
        super().__init__()
        self.kind = kind
        self.rate = rate
        self.register_buffer("mean", torch.ones(()))
        self.register_buffer("seen", torch.zeros(()))

    @torch.no_grad()
    def track(self, errors: Tensor) -> None:
        """Take in (n,) errors of a training step; none are no news."""
        if not self.training or not errors.numel():
            return
        now = errors.float().square().mean() if self.kind == "normal" else errors.abs().mean()
        self.seen += 1
        self.mean += (now - self.mean) * torch.clamp(1 / self.seen, min=self.rate)

    def forward(self) -> Tensor:
        """The spread, a scalar, as `discretised` takes it."""
        floor = self.mean.clamp(min=1e-6)
        return floor.sqrt() if self.kind == "normal" else floor
