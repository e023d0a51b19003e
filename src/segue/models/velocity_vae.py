"""A VAE of a few bars of a roll with velocities, in sixteenths, whose latents stay in use.

What it does that the pictures of whole pieces do not: a segment is a few bars, so that a cell is a
sixteenth and not a fifth of a bar; what is struck, what goes on sounding and how loud a start is
are told apart, each with its probability; a held cell is asked about only where something sounded
before it, so that the latents are spent on notes and not on their length; and the divergence is
weighed, and warmed up, so that they are spent at all.

Encoder and decoder read and write a few rows (a beat) at a time by the same weights. A latent is
told by a beat of its own and by the segment as a whole, and tells both: what beats say by
themselves is learned first, from many beats, and what they have in common comes on top. There is
no recurrence: everything that is drawn but whether a note goes on depends on the latent alone.
Where the divergence weighs little, music lies where the prior does not: the mean and covariance of
the latents of training music are kept (by a moving average) and random numbers are coloured by
them (Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, fit a density to
the latents likewise). Source of the idea: seed S4.

Letters: B segments, T rows, C columns (pitches), G rows of a group, S = T / G groups, V symbols of
a column (silent, L = V - 2 velocities of a start, held), Z latents, H and D units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from segue.models.densities import discretised, divergence
from segue.models.segments import SegmentModel

_START, _HOLD, _LOUD = 0, 1, 2
"""What the decoder says of a cell: logits of a start and of holding, and a loudness."""
_FIRST_LOGITS = (-4.5, 0.0, 0.0)
"""About how often each is so in any music; the weights need not learn it."""
_LEAST_LOG_VARIANCE, _MOST_LOG_VARIANCE = -10.0, 4.0
_RATE = 0.005
"""How fast the moments of the latents follow training."""
_CUT_RATE = 0.05
"""How far the cut moves where reconstructions have e times as many notes as the music."""
_RIDGE = 1e-3


class Cells(NamedTuple):
    """What a roll says, (B, T, C) each: where notes start or are held, and how loud starts are.

    `may_hold` is where a held cell is possible: something sounded in the row before, and nothing
    starts. Before the first row anything may have sounded.
    """

    starts: Tensor
    held: Tensor
    loudness: Tensor
    may_hold: Tensor


class VelocityVAE(SegmentModel):
    """Segments of T rows in groups of `group` rows, `latent` numbers behind each.

    A group has `hidden` units and their mixture `width`, in `blocks` residual blocks. In training
    the divergence weighs `beta`, from 0 over the first `warmup` steps, and a latent that costs
    less than `free` nats costs that. Takes put notes where they are likeliest: where their logit
    passes a cut at which reconstructions have as many notes as the music, found while training,
    after as much chance as `noise` times the temperature says (1 draws every cell by itself).
    """

    encodes = True
    looks_back = True
    cut: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        latent: int = 128,
        group: int = 4,
        hidden: int = 256,
        width: int = 512,
        blocks: int = 2,
        dropout: float = 0.0,
        beta: float = 0.1,
        free: float = 0.0,
        warmup: int = 1000,
        noise: float = 0.3,
    ) -> None:
        super().__init__(sizes, window)
        if len(set(sizes)) != 1 or sizes[0] < 3:
            raise ValueError(
                'a velocity VAE reads rolls that tell starts from what is held (cells "both"), '
                f"three symbols or more a column; these have {sorted(set(sizes))}."
            )
        if window % group:
            raise ValueError(f"{window} rows are no whole number of groups of {group}.")
        columns, groups = len(sizes), window // group
        if latent % groups:
            raise ValueError(f"{latent} latents cannot be shared among {groups} groups of rows.")
        self.levels = sizes[0] - 2
        self.group = group
        self.normals, self.uniforms = latent, window * columns
        self.beta, self.free, self.warmup = beta, free, warmup
        self.noise = noise
        self.weight = 0.0
        cells = group * columns * 3
        self.read = nn.Sequential(
            nn.Linear(cells, hidden), Residual(hidden, dropout), nn.LayerNorm(hidden)
        )
        self.fold = nn.Sequential(
            nn.Linear(groups * hidden, width),
            *(Residual(width, dropout) for _ in range(blocks)),
            nn.LayerNorm(width),
        )
        self.z_mean = nn.Linear(width, latent)
        self.z_log_variance = nn.Linear(width, latent)
        self.own_mean = nn.Linear(hidden, latent // groups)
        self.unfold = nn.Sequential(
            nn.Linear(latent, width),
            *(Residual(width, dropout) for _ in range(blocks)),
            nn.LayerNorm(width),
            nn.Linear(width, groups * hidden),
        )
        self.own_unfold = nn.Linear(latent // groups, hidden)
        self.write = nn.Sequential(
            Residual(hidden, dropout), nn.LayerNorm(hidden), nn.Linear(hidden, cells)
        )
        self.log_spread = nn.Parameter(torch.tensor(-1.5))
        self.aggregate = Aggregate(latent)
        self.register_buffer("cut", torch.tensor(_FIRST_LOGITS[_START]))
        with torch.no_grad():
            nn.init.constant_(self.z_log_variance.bias, -2.0)
            last = self.write[-1]
            assert isinstance(last, nn.Linear)
            last.bias.copy_(last.bias.new_tensor(_FIRST_LOGITS).repeat(group * columns))

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Where notes start, what is held, how loud starts are, and the latent."""
        return ("onset", "held", "velocity", "divergence")

    def begin_step(self, step: int) -> None:
        """The weight of the divergence at this step."""
        self.weight = self.beta * min(1.0, (step + 1) / max(self.warmup, 1))

    # -- learning ----------------------------------------------------------------------------

    def posterior(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, C) rows to mean and log variance of their latents, (B, Z) each."""
        cells = self.cells(rows)
        seen = torch.stack([cells.starts.float(), cells.held.float(), cells.loudness], dim=-1)
        groups = self.read(torch.unflatten(seen, 1, (-1, self.group)).flatten(2))
        mixed = self.fold(groups.flatten(1))
        log_variance = self.z_log_variance(mixed).float()
        mean = self.z_mean(mixed) + self.own_mean(groups).flatten(1)
        return mean.float(), log_variance.clamp(_LEAST_LOG_VARIANCE, _MOST_LOG_VARIANCE)

    def decoded(self, latent: Tensor) -> Tensor:
        """(B, Z) latents to (B, T, C, 3): logits of a start and of holding, and a loudness."""
        shape = (self.window // self.group, -1)
        own = self.own_unfold(torch.unflatten(latent, 1, shape))
        groups = own + torch.unflatten(self.unfold(latent), 1, shape)
        said: Tensor = self.write(groups)
        return torch.unflatten(said, 2, (self.group, -1, 3)).flatten(1, 2).float()

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What drawn latents of (B, T, C) rows say, as `decoded`, their means and log variances."""
        mean, log_variance = self.posterior(rows)
        drawn = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoded(drawn), mean, log_variance

    def given(self, said: Tensor, rows: Tensor, mask: Tensor) -> Tensor:
        """Nats of starts, of what is held and of velocities, (3,), summed over rows in `mask`."""
        cells, counts = self.cells(rows), mask[..., None]
        asked = (counts.expand_as(cells.starts), cells.may_hold & counts, cells.starts & counts)
        starts, held = (
            functional.binary_cross_entropy_with_logits(
                said[..., which][where], truth[where].float(), reduction="sum"
            )
            for which, truth, where in (
                (_START, cells.starts, asked[0]),
                (_HOLD, cells.held, asked[1]),
            )
        )
        values = torch.linspace(0, 1, self.levels, device=rows.device)
        loudness = torch.sigmoid(said[..., _LOUD][asked[2]])
        levels = discretised(loudness, values, self.log_spread.exp())
        loud = functional.cross_entropy(levels, rows[asked[2]] - 1, reduction="sum")
        return torch.stack([starts, held, loud])

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of the cells, and of the latents as much as the weight of the step says."""
        said, mean, log_variance = self(targets)
        nats = self.given(said, targets, mask)
        if self.training:
            self.aggregate.track(mean, log_variance)
            self._count(said[mask], self.cells(targets).starts[mask])
        spent = divergence(mean, log_variance).mean(0).clamp(min=self.free).sum() * len(rows)
        return nats.sum() + self.weight * spent

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of the cells and of the latents, shape (4,): a bound on what the music costs."""
        said, mean, log_variance = self(targets)
        nats = self.given(said, targets, mask)
        return torch.cat([nats, divergence(mean, log_variance).sum().reshape(1)])

    @torch.no_grad()
    def _count(self, said: Tensor, starts: Tensor) -> None:
        """Move the cut towards where what is said has as many notes as there are."""
        passed = (said[..., _START] > self.cut).sum()
        self.cut += _CUT_RATE * torch.log((passed + 1) / (starts.sum() + 1))

    def cells(self, rows: Tensor) -> Cells:
        """What (B, T, C) symbols say."""
        held = rows > self.levels
        starts = (rows > 0) & ~held
        sounded = functional.pad((rows > 0)[:, :-1], (0, 0, 1, 0), value=True)
        loudness = (rows - 1) / max(self.levels - 1, 1)
        return Cells(starts, held, torch.where(starts, loudness, 0.0), sounded & ~starts)

    # -- playing -----------------------------------------------------------------------------

    def compose(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        """One segment a take; a note of the segment before may go on in the first row."""
        said = self.decoded(self.aggregate.coloured(normal))
        chance = torch.unflatten(torch.logit(uniform.clamp(1e-6, 1 - 1e-6)), 1, (self.window, -1))
        starts = said[..., _START] + self.noise * heat * chance > self.cut
        holds = said[..., _HOLD] > 0
        sounds = before[:, -1] > 0
        held = []
        for t in range(self.window):
            goes_on = sounds & holds[:, t] & ~starts[:, t]
            sounds = goes_on | starts[:, t]
            held.append(goes_on)
        level = torch.sigmoid(said[..., _LOUD]) * (self.levels - 1)
        struck = torch.where(starts, level.round().long() + 1, 0)
        return torch.where(torch.stack(held, dim=1), self.levels + 1, struck)

    def encode(self, rows: Tensor) -> Tensor:
        """The (B, Z) random numbers that stand for the means of the latents."""
        return self.aggregate.bleached(self.posterior(rows)[0])


class Residual(nn.Module):
    """(..., D) to (..., D): a layer of twice the units, added to what came in."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised first, so that what came in goes through."""
        added: Tensor = self.dropout(self.down(functional.gelu(self.up(self.norm(x)))))
        return x + added


class Aggregate(nn.Module):
    """Mean and covariance of all latents of training music, buffers that are not learned.

    `factor` is the lower triangle whose product with its transpose is the covariance, and `back`
    its inverse.
    """

    mean: Tensor
    covariance: Tensor
    factor: Tensor
    back: Tensor
    seen: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(latent))
        for name in ("covariance", "factor", "back"):
            self.register_buffer(name, torch.eye(latent))
        self.register_buffer("seen", torch.zeros(()))

    @torch.no_grad()
    def track(self, mean: Tensor, log_variance: Tensor) -> None:
        """Take in the latents of a step: (B, Z) means and log variances."""
        with torch.autocast(mean.device.type, enabled=False):
            self.seen += 1
            rate = torch.clamp(1 / self.seen, min=_RATE)
            self.mean += rate * (mean.mean(0) - self.mean)
            away = mean - self.mean
            now = away.T @ away / len(mean) + torch.diag(log_variance.exp().mean(0))
            self.covariance += rate * (now - self.covariance)
            whole = torch.eye(len(now), device=now.device)
            self.factor.copy_(torch.linalg.cholesky(self.covariance + _RIDGE * whole))
            self.back.copy_(torch.linalg.solve_triangular(self.factor, whole, upper=False))

    def coloured(self, normal: Tensor) -> Tensor:
        """(B, Z) independent numbers to latents as music has them."""
        return self.mean + normal @ self.factor.T

    def bleached(self, latent: Tensor) -> Tensor:
        """(B, Z) latents to the numbers that `coloured` makes them from."""
        return (latent - self.mean) @ self.back.T
