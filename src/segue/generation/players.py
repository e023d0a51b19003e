"""What plays a bundle row by row, and what it reads before it does."""

from __future__ import annotations

import numpy as np

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation.batching import SharedBundle
from segue.generation.engine import IntRows, State, make_engine, read
from segue.generation.player import Player
from segue.generation.sampling import Sampling

STARTS = ("nothing", "opening")


def own_sampling(bundle: Bundle) -> Sampling:
    """How the bundle's recipe samples unless told otherwise."""
    own = bundle.recipe.generate
    return Sampling(
        own.temperature,
        own.top_k,
        own.top_p,
        own.min_p,
        own.typical,
        tuple(own.heats.items()),
        own.loop_beats,
    )


def make_player(bundle: Bundle, engine: str, sampling: Sampling | None) -> Player:
    """What plays a bundle row by row, sampled as asked or as its recipe says."""
    sampling = sampling or own_sampling(bundle)
    if isinstance(bundle, SharedBundle):
        return bundle.ensembles.player(bundle, engine, sampling)
    return Player(make_engine(bundle, engine), sampling, bundle.encoding)


def starts_from_opening(bundle: Bundle, start: str | None) -> bool:
    """Whether takes start from a training opening: as asked, or as the recipe says.

    Raises SegueError for a start that there is none of, or that the bundle cannot make.
    """
    asked = start or bundle.recipe.generate.start
    if asked not in STARTS:
        raise SegueError(f"the start came as {asked!r}; nothing or opening is allowed.")
    if asked == "nothing" and not len(bundle.encoding.opening()):
        raise SegueError(
            f"{bundle.name} cannot start from nothing: its encoding {bundle.encoding.name} has no "
            "opening symbol; start from an opening, or give it a prompt with `segue continue`."
        )
    if asked == "opening" and not bundle.openings:
        raise SegueError(f"{bundle.name} carries no openings: let it start from nothing.")
    return asked == "opening"


def refuse_start(bundle: Bundle, start: str | None) -> None:
    """SegueError for a start that a bundle of segments, which has but one, cannot make."""
    if start == "opening":
        raise SegueError(
            f"{bundle.name} makes whole segments from random numbers and reads no opening: leave "
            "the start out, or give it a piece with `segue continue`."
        )


def read_each(player: Player, prompts: list[IntRows]) -> State:
    """One state that holds a take for each prompt; they are read side by side."""
    shortest = min(len(p) for p in prompts)
    return read(player.engine, np.stack([p[len(p) - shortest :] for p in prompts]))
