"""Takes that are no copies: each is searched in the training music, and drawn anew if it is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from segue.bundles import Bundle
from segue.errors import BundleError, SegueError
from segue.evaluation.memorisation import Memorised, Training, memorised
from segue.evaluation.memorisation_steps import steps_of
from segue.generation.take import Take

Draw = Callable[[int, int], list[Take]]
"""So many takes from a first seed on."""

TRIES = 8
"""How often as many takes as are wanted are drawn, at most."""


@dataclass(frozen=True)
class Novel:
    """The takes that are no copies, and the seeds of those that were refused."""

    takes: list[Take]
    refused: tuple[int, ...]


def novel(bundle: Bundle, draw: Draw, takes: int, seed: int, *, tries: int = TRIES) -> Novel:
    """So many takes of which none is over the limit of `segue memorisation`.

    Those refused are drawn again from the seeds that follow. Every receipt says what was found and
    which seeds were refused before it. Fewer come where `tries` rounds are not enough. Raises
    BundleError for a bundle that does not carry the steps of its training music, and SegueError
    where every take was a copy.
    """
    training = bundle.training_steps
    if training is None:
        raise BundleError(
            f"{bundle.path} does not carry the steps of its training music, so that copies cannot "
            "be told: train again, or judge takes with `segue memorisation --data CORPUS`."
        )
    kept: list[Take] = []
    refused: list[int] = []
    for _ in range(tries):
        wanted = takes - len(kept)
        if not wanted:
            break
        drawn = draw(wanted, seed)
        seed += wanted
        found = memorised(training, [steps_of(t.score, t.prompt_end or 0) for t in drawn])
        for take, each in zip(drawn, found, strict=True):
            if each.score > training.limit:
                refused.append(int(take.receipt["seed"]))
            else:
                kept.append(_told(take, each, training, refused))
    if not kept:
        raise SegueError(
            f"all {len(refused)} takes drawn are copies of the training music: learn from more "
            "music, train for less long, or raise --temperature."
        )
    return Novel(kept, tuple(refused))


def _told(take: Take, found: Memorised, training: Training, refused: list[int]) -> Take:
    """The take with what was found in its receipt."""
    longest = found.longest
    proof = {
        "score": round(found.score, 4),
        "limit": round(training.limit, 4),
        "longest_match": longest.notes if longest else 0,
        "piece": longest.piece if longest else None,
        "training_pieces": len(training.names),
        "refused_seeds": list(refused),
    }
    checks = {**take.receipt["checks"], "memorisation": proof}
    return replace(take, receipt={**take.receipt, "checks": checks})
