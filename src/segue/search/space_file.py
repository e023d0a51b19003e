"""Space files: TOML with a table `[dimensions]` of recipe keys, read and checked.

    "train.lr" = { low = 1e-4, high = 1e-2, log = true }
    "model.hidden" = { low = 128, high = 1024, step = 128, size = true }
    "train.schedule" = { choices = ["constant", "cosine"] }

Whole numbers search whole numbers. `size = true` marks what `--scale` makes smaller.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segue import recipes
from segue.errors import RecipeError, nearest
from segue.search.space import Choice, Dimension, Range, Space

FOLDER = Path(recipes.__file__).parent / "spaces"
RANGE, CHOICE = ("low", "high", "step", "log", "size"), ("choices", "size")


def names() -> list[str]:
    """The names of the spaces that come with Segue, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_path: str | Path) -> Space:
    """A space by name or from a TOML file; RecipeError for an unknown name or wrong contents."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
        if not path.is_file():
            raise RecipeError(
                f"there is no space {str(name_or_path)!r}; {nearest(str(name_or_path), names())}."
            )
    if not path.is_file():
        raise RecipeError(f"{path} does not exist; give a space's name or the path of a TOML file.")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}.") from None
    return parse(values, path.stem)


def parse(values: Mapping[str, Any], name: str) -> Space:
    """A space from the values of its file; RecipeError says what is wrong with the first."""
    where = f"space {name}"
    for key in values:
        if key not in ("summary", "notes", "dimensions"):
            allowed = nearest(key, ("summary", "notes", "dimensions"))
            raise RecipeError(f"{where}: unknown key {key!r}; {allowed}.")
    table = values.get("dimensions")
    if not isinstance(table, Mapping) or not table:
        raise RecipeError(
            f"{where} has no dimensions; write a table [dimensions] with recipe keys, for example "
            '"model.hidden" = { low = 128, high = 512, step = 128 }.'
        )
    dimensions = [_dimension(key, told, where) for key, told in _flat(table)]
    keys = [dimension.key for dimension in dimensions]
    for key in keys:
        if keys.count(key) > 1:
            raise RecipeError(f"{where}: {key} is there twice; leave one out.")
    return Space(name, str(values.get("summary", "")), tuple(dimensions))


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Keys written as "model.hidden" in quotes, or as TOML's own tables and dotted keys."""
    for key, told in table.items():
        inner = isinstance(told, Mapping) and told
        if inner and "." not in key and all(isinstance(each, Mapping) for each in told.values()):
            yield from ((f"{key}.{last}", each) for last, each in told.items())
        else:
            yield key, told


def _dimension(key: str, told: Any, where: str) -> Dimension:
    where = f"{where}: {key}"
    example = "{ low = 1, high = 3 } or { choices = [1, 2] }"
    if not isinstance(told, Mapping):
        raise RecipeError(f"{where} came as {told!r}; write it as {example}.")
    allowed = CHOICE if "choices" in told else RANGE
    for name in told:
        if name not in allowed:
            hint = nearest(name, allowed if name in RANGE else (*RANGE, "choices"))
            raise RecipeError(f"{where} has no {name!r}; {hint}.")
    for name in ("log", "size"):
        if not isinstance(told.get(name, False), bool):
            raise RecipeError(f"{where}: {name} came as {told[name]!r}; write true or false.")
    if "choices" in told:
        return _choice(key, told, where)
    if "low" not in told or "high" not in told:
        raise RecipeError(f"{where} needs both ends, or choices: write it as {example}.")
    return _range(key, told, where)


def _choice(key: str, told: Mapping[str, Any], where: str) -> Choice:
    choices = told["choices"]
    if not isinstance(choices, list) or not choices:
        raise RecipeError(f"{where}: choices came as {choices!r}; write a list of values.")
    if any(choices.count(each) > 1 for each in choices):
        raise RecipeError(f"{where}: choices came as {choices!r}; write each value once.")
    for each in choices:
        flat = each if isinstance(each, list) else [each]
        if not all(isinstance(v, str | int | float) for v in flat):
            raise RecipeError(
                f"{where}: the choice {each!r} is none of: number, word, true, false, list of them."
            )
        if told.get("size") and not all(type(v) is int for v in flat):
            raise RecipeError(f"{where}: size = true is for whole numbers, not {each!r}.")
    return Choice(key, tuple(choices), bool(told.get("size", False)))


def _range(key: str, told: Mapping[str, Any], where: str) -> Range:
    for name in ("low", "high", "step"):
        value = told.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise RecipeError(f"{where}: {name} came as {value!r}; write a number.")
    low, high, step = told["low"], told["high"], told.get("step")
    log, size = bool(told.get("log", False)), bool(told.get("size", False))
    if low > high:
        raise RecipeError(f"{where}: low = {low} is over high = {high}; swap them.")
    if log and low <= 0:
        raise RecipeError(f"{where}: log = true needs low over 0, and low is {low}.")
    if log and step is not None:
        raise RecipeError(f"{where}: log = true and step exclude each other; leave one out.")
    made = Range(key, low, high, step, log, size)
    if size and not (made.whole and low > 0):
        raise RecipeError(f"{where}: size = true is for whole numbers over 0.")
    if step is None:
        return made
    if step <= 0:
        raise RecipeError(f"{where}: step came as {step}; it is over 0.")
    if made.whole and not isinstance(step, int):
        raise RecipeError(f"{where}: step came as {step} between whole numbers; write a whole one.")
    steps = (high - low) / step
    if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
        last = low + math.floor(steps) * step
        raise RecipeError(
            f"{where}: steps of {step} from {low} do not meet high = {high}; "
            f"write {last:g} or {last + step:g}."
        )
    return made


def _finite(value: float) -> bool:
    return math.isfinite(value)
