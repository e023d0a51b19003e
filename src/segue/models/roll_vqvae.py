"""A VQ-VAE over piano rolls with a small prior: music drawn code by code, then unfolded to frames.

Notable: convolutions over time shorten a segment to a few positions of `groups` codes each; the
codebook follows the encoder as a moving average, and codes that are hardly used begin again at
something the encoder says; in the first steps only some positions are coded, so that there is
something to code; an LSTM learns the codes in order, from those of the segment before, in the same
run but with gradients of its own.
Sources: van den Oord, Vinyals and Kavukcuoglu, "Neural discrete representation learning", NeurIPS
2017; the restarts and the prior over codes as in Dhariwal et al., "Jukebox", 2020, here on notes.

In: (B, 2T, C) frames, two segments of T; the second's codes are learned given the first's. Letters:
V symbols of a cell, N positions of a segment (T / hop), G codes of a position, K codes to choose
from, D numbers of a code, W channels, P units of the prior.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.frames import frame_loss
from segue.models.recurrent import LSTM
from segue.models.segments import SegmentModel, drawn


class RollVQVAE(SegmentModel):
    """Codes for rolls, and a prior over the codes.

    `window` is that of training, 2T; what is laid are segments of half of it.

    Args:
        width: W.
        hop: frames of a position, a power of two.
        groups: G.
        codes: K.
        code_width: D.
        prior: P.
        commitment: how much it costs the encoder to be far from its codes.
        decay: of the moving averages that codes are.
        dead: codes used less often than this share of the mean begin anew.
        soft: steps over which positions change from what the encoder said to their codes.
        dropout: between the prior's LSTM and its logits, and before it.
    """

    looks_back = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        width: int = 256,
        hop: int = 4,
        groups: int = 4,
        codes: int = 256,
        code_width: int = 32,
        prior: int = 384,
        commitment: float = 0.25,
        decay: float = 0.99,
        dead: float = 0.03,
        soft: int = 300,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        if len(set(sizes)) != 1:
            raise ValueError(f"roll-vqvae needs columns of one size; these have {set(sizes)}.")
        if hop < 2 or hop & (hop - 1):
            raise ValueError(f"hop came as {hop}; 2, 4, 8 and so on are allowed.")
        if window % (2 * hop):
            raise ValueError(
                f"data.window came as {window}; it holds two segments of whole hops of {hop}."
            )
        self.window = window // 2
        self.columns, self.symbols = len(sizes), sizes[0]
        self.hop, self.groups, self.codes = hop, groups, codes
        self.commitment, self.soft = commitment, soft
        self.steps = self.window // hop * groups
        self.uniforms = self.steps + self.window * self.columns
        halvings = hop.bit_length() - 1
        bits = self.columns * (self.symbols - 1)
        # Shortened by patches that do not overlap: with wider ones it learns several times slower.
        shorter, longer = nn.Conv1d, nn.ConvTranspose1d
        self.encoder = nn.Sequential(
            nn.Conv1d(bits, width, 3, padding=1),
            *_by_turns(shorter, width, halvings),
            nn.Conv1d(width, groups * code_width, 1),
        )
        self.codebook = Codebook(groups, codes, code_width, decay, dead)
        self.decoder = nn.Sequential(
            nn.Conv1d(groups * code_width, width, 3, padding=1),
            Residual(width),
            *_by_turns(longer, width, halvings),
            nn.Conv1d(width, self.columns * self.symbols, 1),
        )
        self.prior = CodePrior(self.steps, groups, codes, prior, dropout)
        self.begin_step(soft)

    def begin_step(self, step: int) -> None:
        """How many positions are coded: at first the decoder learns from what was said itself."""
        self._coded = min((step + 1) / self.soft, 1.0) if self.soft else 1.0

    # -- learning ----------------------------------------------------------------------------

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """What a frame costs once its codes are known, and its share of the codes."""
        return ("reconstruction", "codes")

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats, (2,); their sum is at least what the rows cost: there are other codes for them."""
        said = self.said(rows)
        indices = self.codebook.nearest(said)
        logits = self.unfolded(self.codebook.vectors(indices), len(rows))
        return torch.stack([frame_loss(logits, rows, mask), self._code_nats(indices, mask)])

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Reconstruction, commitment and the nats of the codes; the codebook moves beside it."""
        said = self.said(rows)
        indices = self.codebook.nearest(said)
        vectors = self.codebook.vectors(indices)
        used = self._positions(mask)
        far = ((said - vectors) ** 2).sum(dim=(-2, -1))[used].sum()
        coded = torch.rand(indices.shape[:2], device=rows.device) < self._coded
        heard = torch.where(coded[..., None, None], vectors, said)
        logits = self.unfolded(said + (heard - said).detach(), len(rows))
        if self.training:
            self.codebook.follow(said.detach()[used], indices[used])
        nats = frame_loss(logits, rows, mask) + self._code_nats(indices, mask)
        return nats + self.commitment * far

    def _positions(self, mask: Tensor) -> Tensor:
        """(B, 2T) frames that count to (2B, N) positions that hold one."""
        return mask.reshape(2 * len(mask), -1, self.hop).any(dim=-1)

    def _code_nats(self, indices: Tensor, mask: Tensor) -> Tensor:
        """Nats, a scalar, of (2B, N, G) codes, those of each second segment after the first's."""
        windows = indices.reshape(len(mask), 2, self.steps)
        logits = self.prior(windows)
        counts = self._positions(mask).repeat_interleave(self.groups, dim=-1)
        return nn.functional.cross_entropy(
            logits.reshape(-1, self.codes)[counts.flatten()].float(),
            windows.flatten()[counts.flatten()],
            reduction="sum",
        )

    # -- rows and codes ----------------------------------------------------------------------

    def said(self, rows: Tensor) -> Tensor:
        """(B, S * T, C) frames to (S * B, N, G, D), each segment of T by itself."""
        segments = rows.reshape(-1, self.window, self.columns)
        bits = nn.functional.one_hot(segments, self.symbols)[..., 1:].flatten(2)
        out = self.encoder(bits.to(self.codebook.table.dtype).transpose(1, 2))
        positions: Tensor = out.transpose(1, 2).float()
        return positions.reshape(segments.shape[0], -1, self.groups, self.codebook.table.shape[-1])

    def unfolded(self, vectors: Tensor, windows: int) -> Tensor:
        """(S * B, N, G, D) to the logits of their frames, (B, S * T, C, V)."""
        out = self.decoder(vectors.flatten(2).transpose(1, 2))
        logits: Tensor = out.transpose(1, 2)
        return logits.reshape(windows, -1, self.columns, self.symbols)

    def compose(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        """Codes drawn after those of `before`, as their likeliest frames.

        The first N * G numbers draw codes. The rest draw the cells of segments whose likeliest
        frames hold nothing at all, as those of a decoder that has hardly learned do.
        """
        indices = self.codebook.nearest(self.said(before)).flatten(1)
        silent = (before == 0).flatten(1).all(dim=1)
        codes = self.prior.draw(indices, silent, uniform, heat)
        vectors = self.codebook.vectors(codes.reshape(codes.shape[0], -1, self.groups))
        logits = self.unfolded(vectors, codes.shape[0])
        likeliest = logits.argmax(dim=-1)
        chances = uniform[:, self.steps :].reshape(likeliest.shape)
        quiet = (likeliest == 0).flatten(1).all(dim=1)[:, None, None]
        return torch.where(quiet, drawn(logits, chances, heat), likeliest)


class Codebook(nn.Module):
    """G tables of K vectors, each the moving average of what the encoder said nearest to it."""

    table: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, groups: int, codes: int, width: int, decay: float, dead: float) -> None:
        super().__init__()
        self.decay, self.dead = decay, dead
        self.register_buffer("table", torch.randn(groups, codes, width))
        self.register_buffer("counts", torch.zeros(groups, codes))
        self.register_buffer("sums", torch.zeros(groups, codes, width))

    def nearest(self, said: Tensor) -> Tensor:
        """(..., G, D) to (..., G) codes."""
        kind = said.device.type
        if torch.is_autocast_enabled(kind):  # half precision would mistake neighbours
            with torch.autocast(kind, enabled=False):
                return self.nearest(said)
        inner = torch.einsum("...gd,gkd->...gk", said.detach().float(), self.table)
        return ((self.table**2).sum(dim=-1) - 2 * inner).argmin(dim=-1)

    def vectors(self, indices: Tensor) -> Tensor:
        """(..., G) codes to (..., G, D)."""
        return self.table[torch.arange(len(self.table), device=indices.device), indices]

    @torch.no_grad()
    def follow(self, said: Tensor, indices: Tensor) -> None:
        """Move to what was said, (M, G, D), by codes (M, G); begin dead ones anew at some of it."""
        groups, codes, width = self.table.shape
        place = (indices + torch.arange(groups, device=indices.device) * codes).flatten()
        counts = place.bincount(minlength=groups * codes).to(said.dtype).reshape(groups, codes)
        sums = said.new_zeros(groups * codes, width).index_add_(0, place, said.flatten(0, 1))
        sums = sums.reshape(groups, codes, width)
        if torch.distributed.is_initialized():
            for each in (counts, sums):
                torch.distributed.all_reduce(each)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        usual = self.counts.mean(dim=1, keepdim=True)
        begins = (self.counts <= self.dead * usual)[..., None]
        drawn_at = torch.randint(len(said), self.counts.shape, device=said.device)
        fresh = said.transpose(0, 1).gather(1, drawn_at[..., None].expand_as(self.table))
        self.counts.copy_(torch.where(begins[..., 0], usual.expand_as(self.counts), self.counts))
        self.sums.copy_(torch.where(begins, fresh * usual[..., None], self.sums))
        self.table.copy_(self.sums / self.counts.clamp(min=1e-12)[..., None])

    def perplexity(self) -> Tensor:
        """(G,): how many codes are used, counted by how evenly."""
        shares = self.counts / self.counts.sum(dim=1, keepdim=True).clamp(min=1e-12)
        return torch.special.entr(shares).sum(dim=1).exp()


class CodePrior(nn.Module):
    """An LSTM over the codes of segments, in order of time and then of group."""

    def __init__(self, steps: int, groups: int, codes: int, units: int, dropout: float) -> None:
        super().__init__()
        self.steps, self.groups, self.codes = steps, groups, codes
        # The last row stands for the beginning of music.
        self.embedding = nn.Embedding(groups * codes + 1, units)
        self.place = nn.Embedding(steps, units)
        self.lstm = LSTM(units, units)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Parameter(torch.randn(groups, units, codes) / math.sqrt(units))
        self.bias = nn.Parameter(torch.zeros(groups, codes))

    def forward(self, windows: Tensor) -> Tensor:
        """(B, S, steps) codes of segments to (B, S * steps, K) logits of each after all before."""
        batch, segments, steps = windows.shape
        known = self._embedded(windows.reshape(batch, -1))
        x = torch.cat([self._beginning(batch)[:, None], known[:, :-1]], dim=1)
        x = x + self.place.weight.repeat(segments, 1)
        h, _ = self.lstm(self.dropout(x))
        by_group = self.dropout(h).reshape(batch, -1, self.groups, h.shape[-1])
        logits = torch.einsum("bngp,gpk->bngk", by_group, self.out) + self.bias
        return logits.reshape(batch, segments * steps, self.codes)

    def draw(self, before: Tensor, silent: Tensor, uniform: Tensor, heat: Tensor) -> Tensor:
        """(B, steps) codes after those of `before`, or after nothing where `silent`, (B,)."""
        batch = before.shape[0]
        cell = (
            self.lstm.weight_ih_l0.T,
            self.lstm.weight_hh_l0.T,
            self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0,
        )
        beginning = self._beginning(batch)
        x, known = beginning, self._embedded(before)
        h = c = torch.zeros_like(x)
        for t in range(self.steps):
            h, c = _advance(cell, x + self.place.weight[t], h, c)
            x = known[:, t]
        loud = ~silent[:, None]
        h, c, x = h * loud, c * loud, torch.where(loud, x, beginning)
        made = []
        for t in range(self.steps):
            h, c = _advance(cell, x + self.place.weight[t], h, c)
            group = t % self.groups
            made.append(drawn(h @ self.out[group] + self.bias[group], uniform[:, t], heat))
            x = self.embedding(made[-1] + group * self.codes)
        return torch.stack(made, dim=1)

    def _embedded(self, codes: Tensor) -> Tensor:
        """(B, S) codes, those of a position side by side, to (B, S, P)."""
        group = torch.arange(codes.shape[1], device=codes.device) % self.groups
        out: Tensor = self.embedding(codes + group * self.codes)
        return out

    def _beginning(self, batch: int) -> Tensor:
        return self.embedding.weight[-1].expand(batch, -1)


class Residual(nn.Module):
    """Two convolutions over time, (B, W, T) to the same, added to what came."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(1, width),
            nn.Conv1d(width, 2 * width, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(2 * width, width, 1),
        )
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """x and what the convolutions make of it."""
        out: Tensor = x + self.layers(x)
        return out


def _by_turns(
    kind: type[nn.Conv1d] | type[nn.ConvTranspose1d], width: int, times: int
) -> list[nn.Module]:
    """What halves or doubles the length, and a residual block, so many times."""
    made: list[nn.Module] = []
    for _ in range(times):
        made += [kind(width, width, 2, stride=2), Residual(width)]
    return made


def _advance(
    cell: tuple[Tensor, Tensor, Tensor], x: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor]:
    into, back, bias = cell
    i, f, g, o = (x @ into + h @ back + bias).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
