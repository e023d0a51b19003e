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


_ALL_KEYS, _NEAR_KEYS = "data.transpose=[-5,6]", "data.transpose=[-3,3]"
_BF16 = "train.precision=bf16"

_JSB = ("model.hidden=256", "model.dropout=0.5", "train.ema=0.995")
_TUNES = ("model.dropout=0.15", "model.drop_keys=0.0", "train.batch=24", "train.ema=0.995")
_PIANO = ("model.hidden=300", "model.dropout=0.4", "train.ema=0.995", "train.max_steps=1500")
_MUSE = ("model.hidden=300", "model.dropout=0.3", "train.ema=0.995", "train.max_steps=1500")

_ECHO = (_BF16, "train.ema=0.98", "train.validate_every=50")
_SMALL_ECHO = (
    *_ECHO, "train.lr=8e-3", "train.max_steps=700", "model.hidden=48", "model.dropout=0.35",
    "model.drop_keys=0.3", _ALL_KEYS,
)  # fmt: skip
_TUNES_ECHO = (
    _BF16, "train.lr=6e-3", "train.validate_every=100", "train.batch=24", "model.hidden=160",
    "model.width=32", "model.dropout=0.2", "model.drop_keys=0.1", "model.memory=320",
)  # fmt: skip
_MUSE_ECHO = (
    _BF16, "train.ema=0.98", "train.lr=6e-3", "train.validate_every=100", "train.batch=24",
    "train.max_steps=700", "model.hidden=96", "model.dropout=0.3", "model.drop_keys=0.2",
    _NEAR_KEYS,
)  # fmt: skip
_PIANO_ECHO = (
    _BF16, "train.ema=0.98", "train.lr=6e-3", "train.validate_every=100", "train.batch=24",
    "train.max_steps=500", "model.hidden=64", "model.dropout=0.35", "model.drop_keys=0.3",
    _ALL_KEYS,
)  # fmt: skip

ROWS: tuple[Row, ...] = (
    Row("jsb", "poly-lstm", "factorised", (*_JSB, "train.max_steps=1800")),
    Row("jsb", "poly-gru", "factorised", (*_JSB, "train.max_steps=500", "train.lr=1e-2")),
    Row("jsb", "poly-echo", "factorised", _SMALL_ECHO),
    Row("jsb", "poly-chain", "joint", _SMALL_ECHO),
    Row("nottingham", "poly-lstm", "factorised", (
        *_TUNES, _BF16, "model.hidden=450", "train.lr=1e-2", "train.max_steps=3600",
        "train.validate_every=400",
    )),
    Row("nottingham", "poly-gru", "factorised", (
        *_TUNES, "model.hidden=300", "train.lr=4e-3", "train.max_steps=2400",
        "train.validate_every=300",
    )),
    Row("nottingham", "poly-echo", "factorised", (
        *_TUNES_ECHO, "train.ema=0.99", "train.max_steps=1300",
    )),
    Row("nottingham", "poly-chain", "joint", (
        *_TUNES_ECHO, "train.ema=0.98", "train.max_steps=800",
    )),
    Row("piano", "poly-lstm", "factorised", (*_PIANO, "train.lr=1e-2")),
    Row("piano", "poly-gru", "factorised", (*_PIANO, "train.lr=6e-3")),
    Row("piano", "poly-echo", "factorised", _PIANO_ECHO),
    Row("piano", "poly-chain", "joint", _PIANO_ECHO),
    Row("muse", "poly-lstm", "factorised", (
        *_MUSE, _BF16, "train.lr=1e-2", "train.validate_every=250",
    )),
    Row("muse", "poly-gru", "factorised", (*_MUSE, "train.lr=5e-3", "train.validate_every=250")),
    Row("muse", "poly-echo", "factorised", _MUSE_ECHO),
    Row("muse", "poly-chain", "joint", _MUSE_ECHO),
    Row("jsb16", str(Path(__file__).with_name("chorale-voices.toml")), "chorales"),
    Row("nes", "5-gram", "events", grams=5),
    Row("nes", "chorale-lstm", "events", (
        _BF16, "model.embedding=128", "model.hidden=320", "model.layers=1", "model.dropout=0.1",
        "data.transpose=[0,0]", "data.window=256", "train.batch=16", "train.lr=4e-3",
        "train.ema=0.99", "train.max_steps=1200", "train.validate_every=400",
    )),
    Row("maestro", "performance-rnn", "performances", (
        _BF16, "model.hidden=[512]", _NEAR_KEYS, "train.batch=32", "train.lr=3e-3",
        "train.ema=0.99", "train.max_steps=600", "train.validate_every=300", "train.warmup=50",
        "train.schedule=cosine",
    )),
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
