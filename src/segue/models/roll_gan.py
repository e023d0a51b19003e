"""A convolutional GAN over piano rolls: a bar made from noise and the bar before it.

Notable: the bar before comes in at every resolution the generator passes through; time is
unfolded by patches, and pitches are channels; each of a few voices rests, holds its pitch or
strikes one, and decides, while the gradient goes past the decision (straight through), so that
what is held was struck before; the judge hears the two bars together. Both nets learn in one step
of one optimiser: the judge hears made bars cut off from the generator, and the generator is judged
by a judge whose weights are constants, so that neither loss moves the other's net. A penalty on the
judge's slope at real music (R1) keeps the game from running away.
Sources: Yang, Chou and Yang, "MidiNet", ISMIR 2017, with its feature matching; straight-through
cells as in Dong and Yang, "Convolutional generative adversarial networks with binary neurons for
polyphonic music generation", ISMIR 2018; Mescheder, Geiger and Nowozin, "Which training methods for
GANs do actually converge?", ICML 2018.

In: (B, 2T, C) frames, two bars of T, of cells that are silent (0), struck (1) or held (2). Letters:
S voices, A = 2 + C things that a voice may do (rest, hold, strike a pitch), Z noise, W channels, M
channels of the bar before, F channels of the judge.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from segue.models.bar_statistics import STATISTICS, differences
from segue.models.segments import SegmentModel

HALVINGS = 3
"""How often time is halved at most: a bar of 16 frames begins as 2."""
SLOPE = 0.2
SYMBOLS, STRUCK, HELD = 3, 1, 2


class RollGAN(SegmentModel):
    """A generator of bars and a judge of pairs of bars.

    `window` is that of training, 2T; what is laid are bars of half of it.

    Args:
        voices: S.
        noise: Z.
        width: W.
        memory: M.
        judge: F.
        matching: how much the generator minds that the judge's features differ on average.
        penalty: how much the judge minds its slope.
        openings: the share of training pairs whose first bar stands for an opening, after silence.
    """

    looks_back = True
    likelihood = False

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        voices: int = 4,
        noise: int = 100,
        width: int = 256,
        memory: int = 32,
        judge: int = 192,
        matching: float = 1.0,
        penalty: float = 1.0,
        openings: float = 0.125,
    ) -> None:
        super().__init__(sizes, window)
        if set(sizes) != {SYMBOLS}:
            raise ValueError(
                f'roll-gan reads columns of {SYMBOLS} symbols, a roll of cells = "both"; these '
                f"have {set(sizes)}."
            )
        if window % 4:
            raise ValueError(f"data.window came as {window}; two bars of even length are allowed.")
        self.window, self.normals = window // 2, noise
        self.columns, self.voices = len(sizes), voices
        self.matching, self.penalty, self.openings = matching, penalty, openings
        halvings = min((self.window & -self.window).bit_length() - 1, HALVINGS)
        bits, acts = 2 * self.columns, voices * (2 + self.columns)
        self.generator = Generator(self.window, halvings, bits, acts, noise, width, memory)
        self.judge = Judge(self.window, halvings, bits, judge)

    # -- learning ----------------------------------------------------------------------------

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Ways in which made bars may differ from real ones."""
        return STATISTICS

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """How far bars made after the real first ones are from the real second ones.

        Differences of statistics over the batch, 0 to 1 each, times the rows that count; from the
        same noise each time.
        """
        whole = mask.all(dim=1)
        before, real = rows[whole].chunk(2, dim=1)
        if not len(real):
            return torch.zeros(len(STATISTICS), device=rows.device)
        chance = torch.Generator().manual_seed(0)
        noise = torch.randn(len(real), self.normals, generator=chance).to(rows.device)
        made = self.compose(noise, noise[:, :0], before, noise.new_ones(1))
        return differences(before, real, made, SYMBOLS) * mask.sum()

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Both losses, as a mean over pairs of bars, times the rows that count."""
        counts = mask.all(dim=1).float()
        counts = counts / counts.sum().clamp(min=1)
        first, second = rows.chunk(2, dim=1)
        opens = (torch.rand(len(rows), device=rows.device) < self.openings)[:, None, None]
        rows_before = torch.where(opens, 0, first)
        before, real = self.bits(rows_before), self.bits(torch.where(opens, first, second))
        noise = torch.randn(len(rows), self.normals, device=rows.device)
        struck, held = self.played(self.generator(noise, before), rows_before)
        made = torch.stack([struck, held], dim=-1).flatten(2).transpose(1, 2)
        of_judge = self._judging(before, real, made.detach(), counts)
        of_generator = self._fooling(before, real, made, counts)
        return (of_judge + of_generator) * mask.sum()

    def _judging(self, before: Tensor, real: Tensor, made: Tensor, counts: Tensor) -> Tensor:
        real = real.requires_grad_()
        said, _ = self.judge(before, real)
        (slope,) = torch.autograd.grad((said * (counts > 0)).sum(), real, create_graph=True)
        steep = 0.5 * self.penalty * (slope**2).sum(dim=(1, 2))
        fooled, _ = self.judge(before, made)
        soft = nn.functional.softplus
        return (counts * (soft(-said) + soft(fooled) + steep)).sum()

    def _fooling(self, before: Tensor, real: Tensor, made: Tensor, counts: Tensor) -> Tensor:
        constant = {name: each.detach() for name, each in self.judge.named_parameters()}
        said, features = functional_call(self.judge, constant, (before, made))
        with torch.no_grad():
            _, wanted = self.judge(before, real)
        apart = torch.einsum("b,bft->ft", counts, features - wanted)
        fooling = (counts * nn.functional.softplus(-said)).sum()
        return fooling + self.matching * (apart**2).sum()

    # -- cells -------------------------------------------------------------------------------

    def bits(self, rows: Tensor) -> Tensor:
        """(B, T, C) frames to (B, C * (V - 1), T), 1 where a cell has that symbol; none for 0."""
        hot = nn.functional.one_hot(rows, SYMBOLS)[..., 1:].flatten(2)
        return hot.to(self.generator.out.weight.dtype).transpose(1, 2)

    def played(self, logits: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, S * A) logits and the rows before to what is struck and held, (B, T, C) each.

        They are 0 and 1, with the gradients of the voices' probabilities.
        """
        given = logits.float().reshape(*logits.shape[:2], self.voices, -1)
        likely = given.softmax(dim=-1)
        act = nn.functional.one_hot(given.argmax(dim=-1), given.shape[-1]).to(likely.dtype)
        act = act + (likely - likely.detach())
        sounds, struck, held = self._lasting(before).to(act.dtype), [], []
        for t in range(self.window):
            strikes, holds = act[:, t, :, 2:], act[:, t, :, 1:2] * sounds
            sounds = strikes + holds
            struck.append(strikes.sum(dim=1).clamp(max=1))
            held.append(holds.sum(dim=1).clamp(max=1) * (1 - struck[-1]))
        return torch.stack(struck, dim=1), torch.stack(held, dim=1)

    def _lasting(self, before: Tensor) -> Tensor:
        """(B, S, C): the pitch that each voice may hold from the last frame, the highest first."""
        sounds = before[:, -1] > 0
        rank = sounds.flip(1).cumsum(dim=1).flip(1)
        voice = torch.arange(1, self.voices + 1, device=before.device)[:, None]
        return (rank[:, None] == voice) & sounds[:, None]

    def compose(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        """A bar of (B, Z) noise after `before`; `heat` widens the noise, 0 is the middle of it."""
        struck, held = self.played(self.generator(normal * heat, self.bits(before)), before)
        return (STRUCK * struck + HELD * held).round().long()


class Generator(nn.Module):
    """(B, Z) noise and (B, bits, T) of the bar before to (B, T, acts) logits."""

    def __init__(
        self, steps: int, halvings: int, bits: int, acts: int, noise: int, width: int, memory: int
    ) -> None:
        super().__init__()
        self.width = width
        self.listen = nn.Conv1d(bits, memory, 1)
        self.shorter = nn.ModuleList(
            nn.Conv1d(memory, memory, 2, stride=2) for _ in range(halvings)
        )
        self.start = nn.Linear(noise, width * (steps >> halvings))
        self.longer = nn.ModuleList(
            nn.ConvTranspose1d(width + memory, width, 2, stride=2) for _ in range(halvings)
        )
        self.blocks = nn.ModuleList(Block(width + memory, width) for _ in range(halvings + 1))
        self.out = nn.Linear(width, acts)

    def forward(self, noise: Tensor, before: Tensor) -> Tensor:
        """Time doubles, and the bar before comes in again each time."""
        heard = [nn.functional.leaky_relu(self.listen(before), SLOPE)]
        for layer in self.shorter:
            heard.append(nn.functional.leaky_relu(layer(heard[-1]), SLOPE))
        x = self.start(noise).reshape(noise.shape[0], self.width, -1)
        x = self.blocks[0](torch.cat([x, heard[-1]], dim=1))
        for layer, block, memory, coarse in zip(
            self.longer, self.blocks[1:], heard[-2::-1], heard[:0:-1], strict=True
        ):
            x = layer(torch.cat([x, coarse], dim=1))
            x = block(torch.cat([x, memory], dim=1))
        logits: Tensor = self.out(x.transpose(1, 2))
        return logits


class Block(nn.Module):
    """(B, I, T) to (B, W, T): two convolutions over time and a way past them."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.past = nn.Conv1d(inputs, width, 1)
        self.layers = nn.Sequential(
            nn.GroupNorm(1, inputs),
            nn.Conv1d(inputs, width, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both."""
        out: Tensor = self.past(x) + self.layers(x)
        return out


class Judge(nn.Module):
    """Two bars, (B, bits, T) each, to (B,) how real the second is after the first."""

    def __init__(self, steps: int, halvings: int, bits: int, width: int) -> None:
        super().__init__()
        self.listen = nn.Conv1d(2 * bits, width, 1)
        self.near = nn.Conv1d(width, width, 3, padding=1)
        self.shorter = nn.ModuleList(nn.Conv1d(width, width, 2, stride=2) for _ in range(halvings))
        self.dense = nn.Linear(width * (steps >> halvings), width)
        self.out = nn.Linear(width, 1)

    def forward(self, before: Tensor, bar: Tensor) -> tuple[Tensor, Tensor]:
        """What it says, and the (B, F, T) features that a generator is to match."""
        x = nn.functional.leaky_relu(self.listen(torch.cat([before, bar], dim=1)), SLOPE)
        features = x
        x = x + nn.functional.leaky_relu(self.near(x), SLOPE)
        for layer in self.shorter:
            x = nn.functional.leaky_relu(layer(x), SLOPE)
        x = nn.functional.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        return self.out(x)[:, 0], features
