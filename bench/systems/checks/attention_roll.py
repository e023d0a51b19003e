"""What attention-roll promises: fewer nats a frame than dtu-attention, on the very same frames.

The two write a frame differently: dtu-attention says which of 128 pitches sound, attention-roll of
88 also which of them are struck. Whoever says more pays more nats, so nothing is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.rolls import (
    Ints,
    beside_the_baselines,
    held_out,
    of_takes,
    onsets_foretold,
)

from segue.evaluation.frames import Found, best_threshold, onsets, onsets_found
from segue.models.frames import frame_loss

FRAMES = 512
"""Held-out frames that both systems foretell, evenly spread."""
LOWEST, KEYS = 21, 88
WINDOWS = 64


def measure(case: Case) -> list[Check]:
    return [
        *beside_the_baselines(case),
        *_beside_faithful(case),
        *_onsets(case),
        *of_takes(case),
    ]


def _onsets(case: Case) -> list[Check]:
    found, threshold = onsets_foretold(case, WINDOWS)
    copied = Found(0, 0, 0)
    for batch in held_out(case, WINDOWS):
        came = batch.targets[batch.mask].numpy() == 1
        copied += onsets_found(batch.rows[batch.mask].numpy() == 1, came)
    note = (
        f"precision {found.precision:.3f}, recall {found.recall:.3f} of {found.came:,} onsets, "
        f"probability over {threshold:.3f}, the best on training windows"
    )
    return [
        Check("onset F1, held out", found.f1, note=note),
        Check("onset F1 of copy-last", copied.f1, note="it strikes again what was struck"),
    ]


@dataclass(frozen=True)
class _Same:
    """Windows of the same moments in two encodings, (N, T, C) each, and the frames after them."""

    mine: Ints
    my_targets: Ints
    theirs: Ints
    their_targets: Ints


def _beside_faithful(case: Case) -> list[Check]:
    what = "nats a frame under dtu-attention"
    other = case.other("dtu-attention")
    if other is None:
        return [Check(what, None, at_least=0.0, note="it is not trained here")]
    same = _same_frames(case, other)
    every = torch.ones(len(same.mine), dtype=torch.bool)
    mine, theirs = case.model(), other.model()
    with torch.no_grad():
        rows, targets = (torch.from_numpy(a) for a in (same.mine, same.my_targets))
        last = torch.zeros(rows.shape[:2], dtype=torch.bool)
        last[:, -1] = True
        spread = torch.zeros(*rows.shape, dtype=torch.long)
        spread[:, -1] = targets
        my_nats = float(mine.scores(rows, spread, last).sum()) / len(rows)
        rows, targets = (torch.from_numpy(a) for a in (same.theirs, same.their_targets))
        parts = [theirs.frame(theirs.features(r), r[:, -1]) for r in rows.split(64)]
        logits = torch.cat(parts)
        their_nats = float(frame_loss(logits, targets, every)) / len(rows)
    keys = slice(LOWEST, LOWEST + KEYS)
    before = same.theirs[:, -1, keys] > 0
    came = onsets(same.their_targets[:, keys] > 0, before)
    probable = logits.softmax(-1)[..., 1].numpy()[:, keys] * ~before
    found = onsets_found(probable >= best_threshold(probable, came), came)
    note = f"{my_nats:.3f} and {their_nats:.3f} on {len(rows)} frames, {rows.shape[1]} before each"
    return [
        Check(what, their_nats - my_nats, at_least=0.0, note=note),
        Check(
            "onset F1 of dtu-attention",
            found.f1,
            note="those frames, with the threshold that is best there",
        ),
    ]


def _same_frames(case: Case, other: Case) -> _Same:
    window = other.recipe.data.window
    pieces = case.corpus.pieces(case.held_out)
    theirs = {piece.path: piece for piece in other.corpus.pieces(other.held_out)}
    places = []
    for piece in pieces:
        if piece.path in theirs:
            frames = min(piece.rows, theirs[piece.path].rows)
            places += [(piece, theirs[piece.path], t) for t in range(window, frames)]
    chosen = [places[i] for i in np.linspace(0, len(places) - 1, FRAMES).astype(int)]
    cut = [
        (
            case.corpus.rows(mine)[t - window : t + 1],
            other.corpus.rows(their)[t - window : t + 1],
        )
        for mine, their, t in chosen
    ]
    mine, their = (np.stack([pair[k] for pair in cut]).astype(np.int64) for k in range(2))
    _check_same(mine, their)
    return _Same(mine[:, :-1], mine[:, -1], their[:, :-1], their[:, -1])


def _check_same(mine: Ints, theirs: Ints) -> None:
    """The moments are the same: what sounds in the one sounds in the other."""
    assert ((mine > 0) == (theirs[..., LOWEST : LOWEST + KEYS] > 0)).all()
