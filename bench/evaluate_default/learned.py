"""What the bundle has learned from, and what of the held-out music is none of it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evaluate_default.held_out import Music, Piece

from segue.bundles import Bundle
from segue.evaluation.memorisation import Training, memorised
from segue.evaluation.memorisation_steps import steps_of

KIN = 0.5
"""A held-out piece with more of its notes in passages of training music is the same composition,
perhaps from another set. Nothing lies near: other pieces have less than a tenth."""


def learned(bundle: Bundle, music: Music) -> Training:
    """The steps of the music that the bundle carries; of the train split where it carries none."""
    carried = bundle.training_steps
    if carried is not None:
        return carried
    return Training.of((piece.name, steps_of(piece.score)) for piece in music.pieces("train"))


def new_to(training: Training, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces that are not in the training music, in any key."""
    found = memorised(training, [steps_of(piece.score) for piece in pieces])
    return [piece for piece, each in zip(pieces, found, strict=True) if each.score <= KIN]
