"""Spaces: which keys of a recipe a search may change, and between which values.

A dimension's labels are its values as the study's database holds them, which knows no lists.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from segue import recipes
from segue.errors import RecipeError
from segue.recipes import Recipe

Label = str | int | float | bool
"""A value as the study's database holds it."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole numbers if `low` and `high` are.

    With `step` only low, low + step, ... up to high; with `log` searched by ratio.
    """

    key: str
    low: float
    high: float
    step: float | None = None
    log: bool = False
    size: bool = False

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def points(self) -> int | None:
        """How many values there are; None for a continuous range."""
        step = self.step or (1 if self.whole else None)
        return None if step is None else round((self.high - self.low) / step) + 1

    def label(self, index: int) -> Label:
        """The value with this number, for a range with `points`."""
        return self.low + index * (self.step or 1)

    def index(self, label: Any) -> float:
        """The number of a value, or in a continuous range the value itself."""
        if self.points is None:
            return float(label)
        return round((label - self.low) / (self.step or 1))

    @property
    def ends(self) -> tuple[Any, ...]:
        """The smallest and the largest label."""
        return self.low, self.high

    def value(self, label: Any) -> Any:
        """The recipe's value for a label: a number stands for itself."""
        return label

    def scaled(self, factor: float) -> Range:
        """The same number of steps at `factor` times the size, at least 1 each."""
        low = max(1, round(self.low * factor))
        if self.step is None:
            return replace(self, low=low, high=max(low, round(self.high * factor)))
        step = max(1, round(self.step * factor))
        return replace(self, low=low, high=low + step * ((self.points or 1) - 1), step=step)


@dataclass(frozen=True)
class Choice:
    """One of several values: numbers, words, true and false, or lists of them."""

    key: str
    choices: tuple[Any, ...]
    size: bool = False

    @property
    def points(self) -> int:
        """How many values there are."""
        return len(self.choices)

    @property
    def labels(self) -> list[Label]:
        """Every value as the database holds it: a list as its JSON."""
        return [json.dumps(c) if isinstance(c, list) else c for c in self.choices]

    def label(self, index: int) -> Label:
        """The label of the value with this number."""
        return self.labels[index]

    def index(self, label: Any) -> float:
        """The number of a value."""
        return self.labels.index(label)

    @property
    def ends(self) -> tuple[Any, ...]:
        """Every label: choices have no order."""
        return tuple(self.labels)

    def value(self, label: Any) -> Any:
        """The recipe's value for a label."""
        return self.choices[self.labels.index(label)]

    def scaled(self, factor: float) -> Choice:
        """Whole numbers, also in lists, at `factor` times the size, at least 1 each."""

        def smaller(value: Any) -> Any:
            if isinstance(value, list):
                return [smaller(each) for each in value]
            return max(1, round(value * factor))

        scaled: list[Any] = []
        for each in map(smaller, self.choices):
            if each not in scaled:
                scaled.append(each)
        return replace(self, choices=tuple(scaled))


Dimension = Range | Choice


@dataclass(frozen=True)
class Space:
    """Dimensions by the recipe keys they set."""

    name: str
    summary: str
    dimensions: tuple[Dimension, ...]

    @property
    def points(self) -> int | None:
        """How many different recipes the space has; None if a dimension is continuous."""
        counts = [dimension.points for dimension in self.dimensions]
        return None if None in counts else math.prod(c for c in counts if c is not None)

    def scaled(self, factor: float) -> Space:
        """The dimensions marked as sizes at `factor` times their size."""
        if not (factor > 0 and math.isfinite(factor)):
            raise RecipeError(f"--scale came as {factor:g}; it is a number over 0, such as 0.125.")
        if not any(d.size for d in self.dimensions):
            raise RecipeError(
                f"space {self.name}: --scale has nothing to scale, since no dimension is marked "
                "with size = true."
            )
        made = tuple(d.scaled(factor) if d.size else d for d in self.dimensions)
        return replace(self, dimensions=made)

    def recipe(self, base: Recipe, labels: Mapping[str, Any]) -> Recipe:
        """`base` with the values of one point on top; RecipeError for one it cannot take."""
        values = base.model_dump(mode="json", exclude_none=True)
        for dimension in self.dimensions:
            table, key = dimension.key.split(".")
            values[table][key] = dimension.value(labels[dimension.key])
        return recipes.resolve(values, source=f"space {self.name}")

    def as_dict(self) -> dict[str, Any]:
        """What decides which points there are, as JSON values."""
        return {
            d.key: {"choices": d.labels}
            if isinstance(d, Choice)
            else {"low": d.low, "high": d.high, "step": d.step, "log": d.log}
            for d in self.dimensions
        }
