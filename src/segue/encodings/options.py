"""Checks of an encoding's options, with messages for whoever wrote the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from segue.errors import RecipeError


def refuse(encoding: Any, option: str, allowed: str) -> NoReturn:
    """RecipeError for the value of an option, with what is `allowed`."""
    raise RecipeError(
        f"the encoding {encoding.name!r} got {option} = {getattr(encoding, option)!r}; "
        f"{allowed} is allowed."
    )


def choice(encoding: Any, option: str, allowed: Sequence[str]) -> None:
    """RecipeError unless the option is one of `allowed`."""
    if getattr(encoding, option) not in allowed:
        refuse(encoding, option, " or ".join(map(repr, allowed)))


def whole(encoding: Any, option: str, low: int, high: int) -> None:
    """RecipeError unless the option is a whole number from `low` to `high`."""
    value = getattr(encoding, option)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        refuse(encoding, option, f"a whole number from {low} to {high}")


def boolean(encoding: Any, option: str) -> None:
    """RecipeError unless the option is true or false."""
    if not isinstance(getattr(encoding, option), bool):
        refuse(encoding, option, "true or false")


def programs(encoding: Any, option: str) -> None:
    """RecipeError unless the option is a list of programs; made a tuple in place."""
    value = getattr(encoding, option)
    if not isinstance(value, list | tuple) or not all(
        isinstance(p, int) and not isinstance(p, bool) and 0 <= p <= 127 for p in value
    ):
        refuse(encoding, option, "a list of General MIDI programs from 0 to 127")
    # The dataclasses are frozen, and a recipe's lists must become hashable.
    object.__setattr__(encoding, option, tuple(value))
