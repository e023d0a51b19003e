"""The rows of the bake-off: what is compared, and what is the same for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from segue.encodings.base import Encoding
from segue.recipes import Recipe, build_encoding
from segue.recipes.library import resolve

SEED = 1
RATES = (2e-3, 4e-3, 8e-3)
"""Learning rates that are tried, each for a share of the time; the best is trained with."""
TRIAL_SHARE = 1 / 16

ROWS_A_STEP = 4096

_PIANO = {"max_tracks": 2, "drums": False, "pedal": "rows"}
ENCODINGS: dict[str, dict[str, Any]] = {
    "beats": {"name": "compound", "steps_per_beat": 24, "tempo": "rows", **_PIANO},
    "bars": {
        "name": "compound",
        "steps_per_beat": 24,
        "tempo": "rows",
        "bars": True,
        **_PIANO,
        "pedal": "shared",
    },
    "seconds": {"name": "compound", "unit": "seconds", **_PIANO},
    "events": {"name": "performance", "marks": True, "pedal": "rows"},
}


@dataclass(frozen=True)
class Row:
    """A line of the tables: a model over rows of an encoding, in windows of `window` of them.

    A row without `rates` is trained at the rate of the row it shares its kind of model with.
    """

    name: str
    title: str
    encoding: str
    model: dict[str, Any] = field(default_factory=dict)
    window: int = 256
    rates_of: str = ""

    @property
    def batch(self) -> int:
        """Windows a step: as many rows for all."""
        return ROWS_A_STEP // self.window

    def recipe(self, steps: int, rate: float) -> Recipe:
        """The recipe of a training of so many steps at that learning rate."""
        return resolve(
            {
                "name": self.name,
                "summary": self.title,
                "encoding": ENCODINGS[self.encoding],
                "model": self.model,
                "data": {"window": self.window, "transpose": [-5, 6]},
                "train": {
                    "lr": rate,
                    "weight_decay": 0.01,
                    "batch": self.batch,
                    "warmup": max(min(50, steps // 8), 1),
                    "schedule": "cosine",
                    "max_steps": steps,
                    "validate_every": max(steps // 4, 1),
                    "patience": 0,
                    "held_out_limit": 48 * 256 // self.window,
                    "sample_rows": 0,
                },
            },
            source="bench/bakeoff/plan.py",
        )


_LSTM = {"name": "note-lstm", "embedding": 128, "layers": 2, "dropout": 0.1}
_ATTENTION = {"name": "note-transformer", "layers": 3, "heads_per_layer": 4, "dropout": 0.1}

# In the order they are trained in.
ROWS = (
    Row("lstm", "LSTM, 2 layers", "beats", {**_LSTM, "hidden": 256}),
    Row("gru", "GRU, 2 layers", "beats", {**_LSTM, "cell": "gru", "hidden": 280}),
    Row(
        "convolutions",
        "dilated convolutions, 2 x 7 layers",
        "beats",
        {"name": "dilated-conv", "width": 122, "layers": 7, "stacks": 2, "dropout": 0.1},
    ),
    Row("transformer", "Transformer, 3 layers", "beats", {**_ATTENTION, "width": 176}),
    Row(
        "seconds",
        "Transformer, 3 layers",
        "seconds",
        {**_ATTENTION, "width": 176},
        rates_of="transformer",
    ),
    # An event is a fourth of a note: windows that hold as many notes, and as wide a net as its
    # few symbols leave parameters for.
    Row(
        "events",
        "Transformer, 3 layers",
        "events",
        {**_ATTENTION, "width": 192},
        window=1024,
        rates_of="transformer",
    ),
    # What the default adds to both: bar lines, one pedal, and heads that attend by musical time.
    Row(
        "metre",
        "metre Transformer, 3 layers",
        "bars",
        {**_ATTENTION, "name": "metre-transformer", "width": 176},
        rates_of="transformer",
    ),
)

MODELS = ("lstm", "gru", "convolutions", "transformer")
WAYS = ("transformer", "seconds", "events")
"""The rows of the table of encodings, beside which the default's own net is shown."""
OWN = "metre"


def row(name: str) -> Row:
    """The row of that name; KeyError for another."""
    return {each.name: each for each in ROWS}[name]


def encoding(name: str) -> Encoding:
    """One of the three, not fitted."""
    of = next(each for each in ROWS if each.encoding == name)
    return build_encoding(of.recipe(8, RATES[0]))
