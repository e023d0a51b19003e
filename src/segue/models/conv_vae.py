"""The convolutional VAE over whole pictures of music: three halvings down, three doublings up.

A picture is a window of T rows and C columns, each symbol a brightness from 0 to 1. Down: a
convolution without borders, ReLU, the larger of each 2 x 2 cells, batch normalisation; three times,
then two dense layers without activation and the latent's mean and log variance. Up: a dense layer,
then nearest-neighbour doubling and a transposed convolution, three times, the last with a ReLU.
A picture of n rows (or columns), a multiple of 8 and at least 24, comes down to n / 8 - 2.

The loss is what the seed's code has (not its text): the mean squared error times the number of
cells, plus the divergence from N(0, 1) in nats. Held-out pictures are scored in nats: a Gaussian
round the reconstruction, whose spread is that of the errors of training, over the brightnesses
there are. Source: jonathangehmayr/Music-Generation (seed S4), after Kingma and Welling, 2014.

Letters: B pictures, T rows, C columns, Z latents, K channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from segue.models.densities import Spread, discretised, divergence
from segue.models.segments import SegmentModel
from segue.models.windowed import linear

CHANNELS = (64, 64, 32)
_FIRST, _OTHER = 5, 3
"""Kernel of the layer next to the picture, and of the others."""
_LARGEST_LOG_VARIANCE = 20.0
"""Where untrained layers leave the range in which a variance is a number."""

Layer = TypeVar("Layer", nn.Conv2d, nn.ConvTranspose2d)


class ConvVAE(SegmentModel):
    """A VAE of pictures with `latent` numbers each, and `dense` units before them.

    With `uniform_prior` takes draw their latent from [0, 1), rounded to three digits, as the seed
    did, else from N(0, 1). What comes out is stretched from 0 to 1 (the
    seed's min-max), and cells below `floor` are silent. Training computes `part` pictures at a
    time and their convolutions twice, the same step in less memory; 0 takes the batch whole.
    """

    encodes = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        latent: int = 128,
        dense: int = 256,
        uniform_prior: bool = True,
        floor: float = 0.5,
        part: int = 0,
    ) -> None:
        super().__init__(sizes, window)
        if len(set(sizes)) != 1:
            raise ValueError(f"a picture needs columns of one size; these have {set(sizes)}.")
        for what, count in (("rows", window), ("columns", len(sizes))):
            if count < 24 or count % 8:
                raise ValueError(
                    f"a picture of {count} {what} cannot be halved three times: a multiple of 8, "
                    "24 or more, is allowed."
                )
        if not 0 <= floor <= 1:
            raise ValueError(f"floor came as {floor}; 0 to 1 is allowed.")
        self.normals = latent
        self.uniform_prior = uniform_prior
        self.floor = floor
        self.part = part
        inner = (CHANNELS[-1], window // 8 - 2, len(sizes) // 8 - 2)
        self.encoder = Encoder(inner, dense, latent)
        self.decoder = Decoder(inner, latent)
        self.spread = Spread("normal")

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The picture given its latent, and the latent."""
        return ("picture", "divergence")

    # -- learning ----------------------------------------------------------------------------

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C) rows to pictures (B, T, C) from drawn latents, and their mean and log variance.

        The latter two have shape (B, Z).
        """
        mean, log_variance = self.encoder(self.picture(rows), self.part)
        drawn = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(drawn, self.part), mean, log_variance

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Squared errors and divergence, each with weight 1."""
        pictures, mean, log_variance = self(rows)
        errors = (pictures - self.picture(targets))[mask]
        self.spread.track(errors)
        return errors.square().sum() + divergence(mean, log_variance).sum()

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of the cells and of the latents, shape (2,)."""
        pictures, mean, log_variance = self(rows)
        values = torch.linspace(0, 1, self.sizes[0], device=mean.device)
        nats = mean.new_zeros(())
        for picture, target, counts in zip(pictures, targets, mask, strict=True):
            logits = discretised(picture[counts], values, self.spread())
            nats += nn.functional.cross_entropy(
                logits.flatten(0, -2), target[counts].flatten(), reduction="sum"
            )
        return torch.stack([nats, divergence(mean, log_variance).sum()])

    def picture(self, rows: Tensor) -> Tensor:
        """(B, T, C) symbols to brightnesses from 0 to 1, to three digits as the seed's."""
        return (rows * (1000 / (self.sizes[0] - 1))).round() / 1000

    # -- playing -----------------------------------------------------------------------------

    def compose(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        """One picture a take; one that is of one brightness all over is silent."""
        latent = (normal * 1000).round() / 1000 if self.uniform_prior else normal
        picture = self.decoder(latent)
        darkest, brightest = picture.amin((1, 2), True), picture.amax((1, 2), True)
        stretched = (picture - darkest) / (brightest - darkest).clamp(min=1e-6)
        symbols = (stretched * (self.sizes[0] - 1)).round().long()
        return torch.where(stretched >= self.floor, symbols, 0)

    def encode(self, rows: Tensor) -> Tensor:
        """The means of the latents, (B, Z)."""
        mean: Tensor = self.encoder(self.picture(rows))[0]
        return mean


class Encoder(nn.Module):
    """(B, T, C) pictures to the mean and the log variance of their latents, (B, Z) each.

    `inner` is the (K, T', C') shape that is left of a picture.
    """

    def __init__(self, inner: tuple[int, int, int], dense: int, latent: int) -> None:
        super().__init__()
        self.conv_1 = glorot(nn.Conv2d(1, CHANNELS[0], _FIRST))
        self.norm_1 = _norm(CHANNELS[0])
        self.conv_2 = glorot(nn.Conv2d(CHANNELS[0], CHANNELS[1], _OTHER))
        self.norm_2 = _norm(CHANNELS[1])
        self.conv_3 = glorot(nn.Conv2d(CHANNELS[1], CHANNELS[2], _OTHER))
        self.norm_3 = _norm(CHANNELS[2])
        self.dense = linear(inner[0] * inner[1] * inner[2], dense)
        self.z_mean = linear(dense, latent)
        self.z_log_variance = linear(dense, latent)

    def forward(self, pictures: Tensor, part: int = 0) -> tuple[Tensor, Tensor]:
        """`part` pictures at a time, or all (0): normalisation is over the batch in any case."""
        x = pictures[:, None]
        for conv, norm in (
            (self.conv_1, self.norm_1),
            (self.conv_2, self.norm_2),
            (self.conv_3, self.norm_3),
        ):
            x = norm(_in_parts(_halved, conv, x, part))
        x = self.dense(x.flatten(1))
        return self.z_mean(x), self.z_log_variance(x).clamp(max=_LARGEST_LOG_VARIANCE)


class Decoder(nn.Module):
    """(B, Z) latents to (B, T, C) pictures; none of their cells is below 0."""

    def __init__(self, inner: tuple[int, int, int], latent: int) -> None:
        super().__init__()
        self.inner = inner
        self.dense = linear(latent, inner[0] * inner[1] * inner[2])
        self.conv_1 = glorot(nn.ConvTranspose2d(CHANNELS[2], CHANNELS[1], _OTHER))
        self.norm_1 = _norm(CHANNELS[1])
        self.conv_2 = glorot(nn.ConvTranspose2d(CHANNELS[1], CHANNELS[0], _OTHER))
        self.norm_2 = _norm(CHANNELS[0])
        self.conv_3 = glorot(nn.ConvTranspose2d(CHANNELS[0], 1, _FIRST))

    def forward(self, latent: Tensor, part: int = 0) -> Tensor:
        """As the encoder's, the other way."""
        x = self.dense(latent).unflatten(1, self.inner)
        x = self.norm_1(_in_parts(_doubled, self.conv_1, x, part))
        x = self.norm_2(_in_parts(_doubled, self.conv_2, x, part))
        return _in_parts(_doubled, self.conv_3, x, part)[:, 0]


def _halved(conv: nn.Module, x: Tensor) -> Tensor:
    return nn.functional.max_pool2d(conv(x).relu(), 2)


def _doubled(conv: nn.Module, x: Tensor) -> Tensor:
    larger = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    grown: Tensor = conv(larger)
    return grown.relu()


def _in_parts(
    block: Callable[[nn.Module, Tensor], Tensor], conv: nn.Module, x: Tensor, part: int
) -> Tensor:
    """`block` of `part` pictures at a time, computed again when gradients need what is between."""
    if not part:
        return block(conv, x)
    parts = [x[first : first + part] for first in range(0, len(x), part)]
    if not torch.is_grad_enabled():
        return torch.cat([block(conv, each) for each in parts])
    again: list[Tensor] = [checkpoint(block, conv, each, use_reentrant=False) for each in parts]
    return torch.cat(again)


def glorot(layer: Layer) -> Layer:
    """The layer with Keras's initial weights."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with Keras's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
