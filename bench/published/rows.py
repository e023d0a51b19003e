"""Our rows: a recipe on a set, with what its sizes and steps are there.

They were chosen by the valid split, on which training also picks its best weights. Each is meant to
take less than ten minutes of one core.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.published.sets import GROUPS, SETS


@dataclass(frozen=True)
class Row:
    """A recipe, by name or file, on a set; `changes` are what differs from the recipe there."""

    kind: str
    recipe: str
    league: str
    changes: tuple[str, ...] = ()
    grams: int = 0
    """If not a recipe is trained but n-grams of so many symbols are counted."""

    @property
    def name(self) -> str:
        """What `--rows` calls it."""
        return f"{self.kind}-{Path(self.recipe).stem.removeprefix('poly-')}"


_TRANSPOSED = "data.transpose=[-5,6]"
_ECHO = ("train.precision=bf16", "train.ema=0.98", "train.lr=8e-3", "train.validate_every=50")
_SMALL = ("model.hidden=48", "model.dropout=0.35", "model.drop_keys=0.3", "train.max_steps=700")
_JSB = ("model.hidden=256", "model.dropout=0.5", "train.ema=0.995")
ROWS: tuple[Row, ...] = (
    Row("jsb", "poly-lstm", "factorised", (*_JSB, "train.max_steps=1800")),
    Row("jsb", "poly-gru", "factorised", (*_JSB, "train.max_steps=500", "train.lr=1e-2")),
    Row("jsb", "poly-echo", "factorised", (*_ECHO, *_SMALL, _TRANSPOSED)),
    Row("jsb", "poly-chain", "joint", (*_ECHO, *_SMALL, _TRANSPOSED)),
    Row("nottingham", "poly-echo", "factorised", (
        "train.precision=bf16", "train.ema=0.99", "train.lr=6e-3", "train.validate_every=100",
        "train.batch=24", "train.max_steps=1300", "model.hidden=160", "model.width=32",
        "model.dropout=0.2", "model.drop_keys=0.1", "model.memory=320",
    )),
    Row("nes", "5-gram", "events", grams=5),
)  # fmt: skip


def chosen(words: list[str]) -> list[Row]:
    """The rows that names of rows, sets or groups of sets stand for; SystemExit for another."""
    kinds = {kind for word in words for kind in GROUPS.get(word, (word,)) if kind in SETS}
    names = {row.name for row in ROWS}
    unknown = [word for word in words if word not in {*GROUPS, *SETS, *names}]
    if unknown:
        known = ", ".join([*GROUPS, *SETS, *sorted(names)])
        raise SystemExit(f"there is no row {unknown[0]!r}; there are {known}.")
    return [row for row in ROWS if row.kind in kinds or row.name in words]
