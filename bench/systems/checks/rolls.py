"""What the checks of rolls share: frames foretold greedily, and the same frames for two systems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.repeats import repeats
from numpy.typing import NDArray
from torch import Tensor

from segue.evaluation.frames import Found, best_threshold, onsets_found
from segue.models.frames import ChainedFrames
from segue.training.stream import HeldOut, windows_of

Ints = NDArray[np.int64]


def held_out(case: Case, most: int) -> Iterator[Any]:
    """The windows of the split that was not trained on, at most so many, evenly spread."""
    limit = min(case.recipe.train.held_out_limit or most, most)
    windows = windows_of(case.corpus, case.recipe, case.held_out, case.recipe.train.batch, 1)
    yield from HeldOut(windows, limit)


@torch.no_grad()
def greedy(model: ChainedFrames, features: Tensor) -> Tensor:
    """(N, C, F) features of frames to the (N, C) cells that are the likeliest, from the lowest up.

    First what a cell does, silent, struck or held; of one that is struck, the middling velocity.
    """
    chain, columns = model.chain(len(features)), []
    below = torch.zeros(len(features), 1, dtype=torch.long)
    for column in range(features.shape[1]):
        logits, *after = model.link(features[:, column].contiguous(), below, *chain)
        chain = tuple(after)
        p = logits.softmax(-1)
        struck = p[:, 1:-1]
        state = torch.stack([p[:, 0], struck.sum(-1), p[:, -1]], dim=-1).argmax(-1)
        middling = (struck.cumsum(-1) < struck.sum(-1, keepdim=True) / 2).sum(-1) + 1
        held = torch.full_like(state, p.shape[1] - 1)
        cell = torch.where(state == 0, 0, torch.where(state == 1, middling, held))
        below = cell[:, None]
        columns.append(cell)
    return torch.stack(columns, dim=1)


@torch.no_grad()
def struck(model: ChainedFrames, features: Tensor, draws: int = 4, seed: int = 1) -> Tensor:
    """(N, C, F) features of frames to the (N, C) probabilities that a cell is struck.

    Means over frames drawn from the lowest cell up, so that nothing is known of the frame itself.
    """
    chance = torch.Generator().manual_seed(seed)
    features = features.repeat(draws, 1, 1)
    chain, told = model.chain(len(features)), []
    below = torch.zeros(len(features), 1, dtype=torch.long)
    for column in range(features.shape[1]):
        logits, *after = model.link(features[:, column].contiguous(), below, *chain)
        chain, p = tuple(after), logits.softmax(-1)
        told.append(p[:, 1:-1].sum(-1))
        below = torch.multinomial(p, 1, generator=chance)
    return torch.stack(told, dim=1).unflatten(0, (draws, -1)).mean(dim=0)


def onsets_foretold(case: Case, most: int) -> tuple[Found, float]:
    """Onsets of held-out windows, each from silence, and the probability that counts as one.

    The threshold is the best one of as many training windows.
    """
    probable, came = _struck_and_came(case, "train", most)
    threshold = best_threshold(probable, came)
    probable, came = _struck_and_came(case, case.held_out, most)
    return onsets_found(probable >= threshold, came), threshold


def _struck_and_came(case: Case, split: str, most: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    model, last = case.model(), case.corpus.encoding.layout.sizes[0] - 1
    windows = windows_of(case.corpus, case.recipe, split, 8, 1)
    told, came = [], []
    with torch.no_grad():
        for batch in HeldOut(windows, most):
            told.append(struck(model, model.features(batch.rows)[batch.mask]).numpy())
            targets = batch.targets[batch.mask].numpy()
            came.append((targets > 0) & (targets < last))
    return np.concatenate(told), np.concatenate(came)


def beside_the_baselines(case: Case) -> list[Check]:
    """Nats a held-out frame, under those of a cell's last symbol and of none."""
    nats = case.bundle.index["held_out"]["nats"]
    rows = case.bundle.index["held_out"]["rows"]
    return [
        Check("nats a frame, held out", nats["model"], note=f"{rows:,} frames of {case.held_out}"),
        Check(
            "nats a frame under copy-last",
            nats["bigram"] - nats["model"],
            at_least=0.0,
            note=f"its cells' bigram, {nats['bigram']:.3f}",
        ),
        Check(
            "nats a frame under all-zero",
            nats["unigram"] - nats["model"],
            at_least=0.0,
            note=f"its cells' unigram, {nats['unigram']:.3f}",
        ),
    ]


def of_takes(case: Case) -> list[Check]:
    """That four takes are music: none silent, none stuck."""
    told = repeats(case.takes(4, bars=16, seed=1))
    return [
        Check("share of the most frequent pitch in 4 takes", told["top_pitch"], at_most=0.25),
        Check("longest run of the same pitches", told["longest_run"], at_most=16),
        Check("silent takes of 4", told["silent"], at_most=0),
    ]
