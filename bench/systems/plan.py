"""The plan of the table: which recipe learns from which music, for how long."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from segue import recipes
from segue.recipes import Recipe

FILE = Path(__file__).with_name("plan.toml")


@dataclass(frozen=True)
class Music:
    """A set: a `folder` below the data, or the name of one of Segue's `corpora`."""

    name: str
    what: str
    folder: str = ""
    corpora: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    recipe: str
    size: str
    set: tuple[str, ...]
    music: Music
    minutes: float
    reported: str
    repaired: str

    def resolved(self) -> Recipe:
        """The recipe with the row's size and changes."""
        size = recipes.load(self.recipe).sizes[self.size] if self.size else ()
        return recipes.load(self.recipe, [*size, *self.set])


@cache
def _plan() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def names() -> list[str]:
    """Every recipe that comes with Segue, and the rows that change one."""
    changed = (name for name, own in _plan()["recipes"].items() if "recipe" in own)
    return sorted({*recipes.names(), *changed})


def row(name: str) -> Row:
    """The row of that name; RecipeError for one that is neither a recipe's nor in the plan."""
    plan = _plan()
    own = plan["recipes"].get(name, {})
    recipe = own.get("recipe", name)
    changes = tuple(own.get("set", ()))
    encoding = recipes.load(recipe, changes).encoding.name
    music = own.get("music") or plan["encodings"].get(encoding, plan["defaults"]["music"])
    return Row(
        name=name,
        recipe=recipe,
        size=own.get("size", ""),
        set=changes,
        music=Music(music, **plan["music"][music]),
        minutes=float(own.get("minutes", plan["defaults"]["minutes"])),
        reported=own.get("reported", "-"),
        repaired=own.get("repaired", "-"),
    )
