"""The last layer of a model of rolls: a frame as a chord, told from the lowest pitch up.

Columns told independently make mush: each voice of a chord comes in when its own coin falls. Here
column c hears the columns below it in two ways: a sum of what each one adds, in absolute pitch
(the NADE of Larochelle and Murray, AISTATS 2011, which Boulanger-Lewandowski et al., ICML 2012, put
on top of a recurrent net), and a kernel over the `NEAR` columns right below, in intervals. When a
note ends has most to do with how long it has lasted, so each column's age, in frames since it was
last struck, picks from a table that the frame's features write anew at every frame.

A cell is silent, struck or held. It is held only if it sounded before. With several velocity bins
a struck cell is one of as many symbols, told after it is known to be struck.

Letters: C columns, V symbols of a cell, H features of a frame, D units, F = 3 + D + bins features
of a column (without velocities 3 + D).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.windowed import linear

SILENT, STRUCK, HELD = 0, 1, 2
STATES = 3
NEAR = 24
"""Two octaves: the columns below that are heard as intervals."""
OLDEST = 256
"""Ages are told up to this; also the age of what was not heard to be struck."""
_AGES = (*range(33), 36, 40, 44, 48, 56, 64, 72, 80, 96, 128, 192, OLDEST)
AGES = len(_AGES)
_STAYS = (5.0, 3.0)
"""Log odds, before anything is learned, that silence stays and that a note does."""
_NEVER = -30.0


class Chords(nn.Module):
    """(..., H) features of frames to symbols of `columns` cells of the frames after them.

    Args:
        features: H.
        columns: C.
        bins: velocities of a struck cell; 1 is none.
        units: D.
    """

    bucket: Tensor
    never: Tensor

    def __init__(self, features: int, columns: int, bins: int = 1, units: int = 24) -> None:
        super().__init__()
        self.columns, self.bins, self.units = columns, bins, units
        self.level = linear(features, columns * STATES)
        self.lasting = linear(features, STATES * AGES * STATES)
        self.opens = linear(features, units)
        # What a cell below adds: struck, held, and struck as loudly as can be.
        self.adds = nn.Parameter(0.3 * torch.randn(columns, 3, units))
        self.tells = nn.Parameter(torch.zeros(columns, units, STATES))
        self.apart = nn.Parameter(torch.zeros(STATES, 2, NEAR))
        if bins > 1:
            self.loud = linear(features, bins)
            self.loud_pitch = nn.Parameter(torch.zeros(columns, bins))
            self.loud_chord = linear(units, bins)
        with torch.no_grad():
            self.lasting.weight.mul_(0.1)
            stays = self.lasting.bias.view(STATES, AGES, STATES)
            stays[SILENT, :, SILENT] = _STAYS[0]
            stays[1:, :, HELD] = _STAYS[1]
        never = torch.zeros(STATES, AGES, STATES)
        never[SILENT, :, HELD] = _NEVER
        self.register_buffer("never", never.flatten(0, 1), persistent=False)
        ages = torch.arange(OLDEST + 1)
        bucket = torch.bucketize(ages, torch.tensor(_AGES), right=True) - 1
        self.register_buffer("bucket", bucket, persistent=False)

    # -- what cells are ----------------------------------------------------------------------

    def states(self, rows: Tensor) -> Tensor:
        """(..., C) symbols to as many states: silent, struck or held."""
        return (rows > 0).long() + (rows > self.bins).long()

    def loudness(self, rows: Tensor) -> Tensor:
        """(..., C) symbols to the velocity of struck cells, over 0 and at most 1; others are 0."""
        struck = (rows > 0) & (rows <= self.bins)
        return rows * struck / self.bins

    def ages(self, rows: Tensor) -> Tensor:
        """(B, T, C) symbols to frames since each column was struck, up to `OLDEST`."""
        time = torch.arange(rows.shape[1], device=rows.device)[:, None]
        struck = torch.where(self.states(rows) == STRUCK, time, -OLDEST)
        return (time - struck.cummax(dim=1).values).clamp(max=OLDEST)

    def older(self, age: Tensor, row: Tensor) -> Tensor:
        """(B, C) ages before a frame to those after it."""
        return torch.where(self.states(row) == STRUCK, 0, (age + 1).clamp(max=OLDEST))

    def unheard(self, batch: int) -> Tensor:
        """The ages before any frame, (B, C)."""
        return torch.full((batch, self.columns), OLDEST)

    # -- columns -----------------------------------------------------------------------------

    def bases(self, features: Tensor, rows: Tensor, ages: Tensor) -> Tensor:
        """What columns' states are without hearing each other, (..., C, 3) logits.

        `features` (..., H), the frames themselves and the ages after them, (..., C) each.
        """
        level = self.level(features).reshape(*rows.shape, STATES)
        table = self.lasting(features).reshape(*rows.shape[:-1], STATES * AGES, STATES)
        table = table + self.never
        place = self.states(rows) * AGES + self.bucket[ages]
        return level + table.gather(-2, place[..., None].expand(*place.shape, STATES))

    def of_columns(self, features: Tensor, rows: Tensor, ages: Tensor) -> Tensor:
        """(..., C, F): all that a column is told from but the columns below."""
        shape = (*rows.shape, -1)
        told = [self.bases(features, rows, ages), self.opens(features)[..., None, :].expand(shape)]
        if self.bins > 1:
            told.append(self.loud(features)[..., None, :] + self.loud_pitch)
        return torch.cat(told, dim=-1)

    def chorded(self, bases: Tensor, opens: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        """(..., C, 3) logits of the states of the frame to predict, `row`, and (C, ..., D) units.

        `opens` is (..., D) or (..., C, D); column c depends on the columns of `row` below it.
        """
        # Columns first: sums along them and a product a column are then over whole blocks.
        states = self.states(row)
        kinds = torch.stack([states == STRUCK, states == HELD, self.loudness(row)], dim=-1)
        kinds = kinds.to(bases.dtype).movedim(-2, 0)
        flat = kinds.flatten(1, -2)
        # Sums of the columns below, as a product: cumsum and its gradient take four times as long.
        lower = torch.ones(self.columns, self.columns, dtype=flat.dtype, device=flat.device).tril(
            -1
        )
        added = (lower @ torch.bmm(flat, self.adds).flatten(1)).view(*flat.shape[:2], -1)
        opened = opens.movedim(-2, 0) if opens.ndim == bases.ndim else opens[None]
        units = torch.relu(added + opened.flatten(1, -2))
        told = torch.bmm(units, self.tells).reshape(*kinds.shape[:-1], STATES).movedim(0, -2)
        below = nn.functional.pad(flat[:, :, :2].permute(1, 2, 0), (NEAR, -1))
        near = nn.functional.conv1d(below, self.apart).transpose(1, 2).reshape(bases.shape)
        return bases + told + near, units.reshape(*kinds.shape[:-1], -1)

    def frame(self, told: Tensor, row: Tensor) -> Tensor:
        """(..., C, F) features of columns and (..., C) the frame to predict to (..., C, V)."""
        bases, opens = told[..., :STATES], told[..., STATES : STATES + self.units]
        logits, units = self.chorded(bases, opens, row)
        return self._symbols(logits, units.movedim(0, -2), told)

    def nats(self, features: Tensor, rows: Tensor, ages: Tensor, targets: Tensor) -> Tensor:
        """What frames cost, summed: of states and, with velocities, of those, shape (1,) or (2,).

        `features` (N, H) and `rows` (N, C) with `ages` are of the frames before `targets` (N, C).
        The same as `frame` scores, in less memory.
        """
        bases = self.bases(features, rows, ages)
        logits, units = self.chorded(bases, self.opens(features), targets)
        states = self.states(targets)
        told = [_summed(logits.flatten(0, 1), states.flatten())]
        if self.bins > 1:
            frame, column = (states == STRUCK).nonzero(as_tuple=True)
            loud = self.loud(features)[frame] + self.loud_pitch[column]
            loud = loud + self.loud_chord(units[column, frame])
            told.append(_summed(loud, targets[frame, column] - 1))
        return torch.stack(told)

    def _symbols(self, logits: Tensor, units: Tensor, told: Tensor) -> Tensor:
        if self.bins == 1:
            return logits
        loud = told[..., STATES + self.units :] + self.loud_chord(units)
        struck = logits[..., STRUCK, None] + torch.log_softmax(loud, dim=-1)
        return torch.cat([logits[..., :STRUCK], struck, logits[..., HELD:]], dim=-1)

    # -- one column after another ------------------------------------------------------------

    def chain(self, batch: int) -> tuple[Tensor, ...]:
        """Before the lowest column: what was added, the states right below, and its number."""
        number = torch.zeros(batch, 1, dtype=torch.long)
        return torch.zeros(batch, self.units), torch.zeros(batch, NEAR, dtype=torch.long), number

    def link(self, told: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        """(B, F) of a column and (B, 1) the symbol below it to ((B, V) logits, *chain)."""
        added, near, number = chain
        state, loud = self.states(below), self.loudness(below)
        under = (number[:, 0] - 1).clamp(min=0)
        added = (
            added
            + (state == STRUCK) * self.adds[under, 0]
            + (state == HELD) * self.adds[under, 1]
            + loud.to(added.dtype) * self.adds[under, 2]
        )
        near = torch.cat([near[:, 1:], state], dim=1)
        units = torch.relu(told[:, STATES : STATES + self.units] + added)
        logits = told[:, :STATES] + (units[:, :, None] * self.tells[number[:, 0]]).sum(dim=1)
        kinds = torch.stack([near == STRUCK, near == HELD], dim=1).to(added.dtype)
        logits = logits + kinds.flatten(1) @ self.apart.flatten(1).T
        return self._symbols(logits, units, told), added, near, number + 1


def _summed(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.float(), targets, reduction="sum")
