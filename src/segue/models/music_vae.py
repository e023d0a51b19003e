"""A recurrent VAE over melodies: two bars from one vector, or sixteen through a conductor.

Notable: the decoder's first state is made from the vector, which every step sees again, beside the
symbol before; with a `conductor` an LSTM over bars stands between, and the decoder begins each bar
anew from what it says, so that the far end of a piece cannot forget the vector; a divergence below
`free_bits` costs nothing, and its weight rises; while training, more and more of the symbols that
the decoder goes on from are its own (scheduled sampling).
Source: Roberts et al., "A hierarchical latent vector model for learning long-term structure in
music", ICML 2018; layers as in Magenta's mel_2bar_big and hierdec-mel_16bar.

In: (B, T, 1) symbols. Letters: Z latent numbers, N bars (1 without a conductor), L steps of a bar,
V symbols, E numbers of the context that the decoder sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from segue.models.recurrent import LSTM, BiLSTM
from segue.models.segments import SegmentModel, drawn
from segue.models.windowed import linear

State = list[tuple[Tensor, Tensor]]
"""h and c of each layer, (B, H)."""


class MusicVAE(SegmentModel):
    """Bidirectional LSTMs to a normal posterior, LSTMs back to symbols.

    Args:
        latent: Z.
        encoder: units in each direction of each encoder layer.
        decoder: units of each decoder layer.
        conductor: units of each layer of the LSTM over bars; none makes the decoder flat.
        bar: L, steps of a bar, with a conductor.
        beta: the most that the divergence weighs while training.
        beta_rate: its weight at step s is beta (1 - beta_rate^s).
        free_bits: what the divergence of a segment may come to for nothing, in bits.
        sampling: k of the inverse sigmoid 1 - k / (k + exp(s / k)): how often, at step s, the
            decoder goes on from its own symbol; 0 never.
    """

    encodes = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        latent: int = 512,
        encoder: Sequence[int] = (2048,),
        decoder: Sequence[int] = (2048, 2048, 2048),
        conductor: Sequence[int] = (),
        bar: int = 16,
        beta: float = 0.5,
        beta_rate: float = 0.99999,
        free_bits: float = 0.0,
        sampling: float = 0.0,
    ) -> None:
        super().__init__(sizes, window)
        if len(sizes) != 1:
            raise ValueError(f"music-vae reads one column; the encoding has {len(sizes)}.")
        if conductor and window % bar:
            raise ValueError(f"data.window came as {window}; whole bars of {bar} are allowed.")
        self.normals, self.uniforms = latent, window
        self.bars = window // bar if conductor else 1
        self.exportable = not conductor  # hundreds of steps unrolled make too large a graph
        self.beta, self.beta_rate, self.sampling = beta, beta_rate, sampling
        self.free_nats = free_bits * math.log(2)
        widths = [sizes[0], *(2 * units for units in encoder)]
        self.encoder = nn.ModuleList(
            BiLSTM(inputs, units) for inputs, units in zip(widths, encoder, strict=False)
        )
        self.mean = linear(widths[-1], latent)
        self.spread = linear(widths[-1], latent)
        self.conductor = Stack(1, conductor, latent) if conductor else None
        context = conductor[-1] if conductor else latent
        self.decoder = Stack(sizes[0] + context, decoder, context)
        self.out = linear(decoder[-1], sizes[0])
        self.begin_step(0)

    def begin_step(self, step: int) -> None:
        """The divergence's weight, and how often the decoder hears itself."""
        self._weight = self.beta * (1 - self.beta_rate**step)
        k = self.sampling
        self._own = 1 - k / (k + math.exp(min(step / k, 700))) if k else 0.0

    # -- learning ----------------------------------------------------------------------------

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """What a row costs once its segment's vector is known, and its share of that vector."""
        return ("reconstruction", "divergence")

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats, (2,); their sum is at least what the rows cost (the evidence lower bound)."""
        mean, spread = self.posterior(rows)
        z = mean + spread * torch.randn_like(mean)
        nats = self._nats(self.teacher_forced(z, rows), rows, mask)
        return torch.stack([nats, divergence(mean, spread).sum()])

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Reconstruction, and the divergence over its free nats at its weight of this step."""
        mean, spread = self.posterior(rows)
        z = mean + spread * torch.randn_like(mean)
        logits = self._hearing_itself(z, rows) if self._own else self.teacher_forced(z, rows)
        paid = (divergence(mean, spread) - self.free_nats).clamp(min=0).sum()
        return self._nats(logits, rows, mask) + self._weight * paid

    def _nats(self, logits: Tensor, rows: Tensor, mask: Tensor) -> Tensor:
        return nn.functional.cross_entropy(
            logits[mask].float(), rows[..., 0][mask], reduction="sum"
        )

    # -- the two halves ----------------------------------------------------------------------

    def posterior(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, 1) rows to the mean and the standard deviation of their vector, (B, Z) each."""
        x = self._one_hot(rows[..., 0])
        for layer in self.encoder:
            x, (there, back) = layer(x)
        last = torch.cat([there[0], back[0]], dim=-1)
        return self.mean(last).float(), nn.functional.softplus(self.spread(last).float()) + 1e-4

    def encode(self, rows: Tensor) -> Tensor:
        """The posterior's mean."""
        return self.posterior(rows)[0]

    def contexts(self, z: Tensor) -> Tensor:
        """(B, Z) to (B, N, E): what the decoder sees in each bar."""
        if self.conductor is None:
            return z[:, None]
        out: Tensor = self.conductor(z.new_zeros(z.shape[0], self.bars, 1), z)
        return out

    def teacher_forced(self, z: Tensor, rows: Tensor) -> Tensor:
        """(B, Z) and (B, T, 1) to (B, T, V) logits, each after the symbols that were there."""
        batch, steps = rows.shape[:2]
        before = nn.functional.pad(self._one_hot(rows[:, :-1, 0]), (0, 0, 1, 0))
        length = steps // self.bars
        contexts = self.contexts(z).reshape(batch * self.bars, -1)
        seen = contexts[:, None].expand(-1, length, -1)
        out = self.decoder(
            torch.cat([before.reshape(-1, length, before.shape[-1]), seen], -1), contexts
        )
        logits: Tensor = self.out(out)
        return logits.reshape(batch, steps, -1)

    def _hearing_itself(self, z: Tensor, rows: Tensor) -> Tensor:
        """As `teacher_forced`, but at each step the symbol before may be one drawn there."""
        own = torch.rand(rows.shape[:2], device=rows.device) < self._own
        chance = torch.rand(rows.shape[:2], device=rows.device)
        heat = chance.new_ones(1)

        def next_symbol(t: int, logits: Tensor) -> Tensor:
            drew = drawn(logits.detach(), chance[:, t], heat)
            return torch.where(own[:, t], drew, rows[:, t, 0])

        return self._unrolled(z, rows.shape[1], next_symbol)[1]

    def _unrolled(
        self, z: Tensor, steps: int, next_symbol: Callable[[int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """(B, T) symbols that `next_symbol` chose, and the (B, T, V) logits it saw."""
        contexts, cells = self.contexts(z), self.decoder.cells()
        before = z.new_zeros(z.shape[0], self.sizes[0])
        symbols, logits = [], []
        state: State = []
        for t in range(steps):
            bar, within = divmod(t, steps // self.bars)
            context = contexts[:, bar]
            if not within:
                state = self.decoder.begin(context)
            state = advance(cells, torch.cat([before, context], dim=-1), state)
            logits.append(self.out(state[-1][0]))
            symbols.append(next_symbol(t, logits[-1]))
            before = self._one_hot(symbols[-1])
        return torch.stack(symbols, dim=1), torch.stack(logits, dim=1)

    def compose(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        """(B, Z) normal and (B, T) uniform numbers to (B, T, 1) rows; `before` is not looked at."""
        rows, _ = self._unrolled(
            normal, self.window, lambda t, logits: drawn(logits, uniform[:, t], heat)
        )
        return rows[..., None]

    def _one_hot(self, symbols: Tensor) -> Tensor:
        return nn.functional.one_hot(symbols, self.sizes[0]).to(self.out.weight.dtype)


class Stack(nn.Module):
    """LSTM layers, one over the other, whose first states are made from an embedding."""

    def __init__(self, inputs: int, units: Sequence[int], embedding: int) -> None:
        super().__init__()
        self.units = list(units)
        self.opening = linear(embedding, 2 * sum(units))
        widths = [inputs, *units]
        self.layers = nn.ModuleList(
            LSTM(width, hidden) for width, hidden in zip(widths, units, strict=False)
        )

    def begin(self, embedding: Tensor) -> State:
        """(B, E) to the first h and c of each layer."""
        every = torch.tanh(self.opening(embedding))
        parts = torch.split(every, [units for units in self.units for _ in range(2)], dim=-1)
        return list(zip(parts[::2], parts[1::2], strict=True))

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(B, T, I) and (B, E) to the (B, T, H) of the highest layer."""
        for layer, (h, c) in zip(self.layers, self.begin(embedding), strict=True):
            x, _ = layer(x, (h[None].contiguous(), c[None].contiguous()))
        return x

    def cells(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Each layer's matrices as `advance` multiplies by them, made once for all steps."""
        made = []
        for layer in self.layers:
            assert isinstance(layer, LSTM)
            bias = layer.bias_ih_l0 + layer.bias_hh_l0
            made.append((layer.weight_ih_l0.T, layer.weight_hh_l0.T, bias))
        return made


def advance(cells: list[tuple[Tensor, Tensor, Tensor]], x: Tensor, state: State) -> State:
    """One step of a stack: (B, I) and the state to the new state."""
    new = []
    for (into, back, bias), (h, c) in zip(cells, state, strict=True):
        i, f, g, o = (x @ into + h @ back + bias).chunk(4, dim=-1)
        held = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        x = torch.sigmoid(o) * torch.tanh(held)
        new.append((x, held))
    return new


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """(B, Z) each to the (B,) nats from N(0, 1) to the posterior."""
    return 0.5 * (mean**2 + spread**2 - 1 - 2 * spread.log()).sum(dim=-1)
