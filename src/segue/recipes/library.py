"""The recipes on disk, found by name or path, with overrides on top."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from segue.errors import RecipeError, nearest
from segue.recipes.schema import Recipe, parse

FOLDER = Path(__file__).parent / "toml"


def names() -> list[str]:
    """The names of all recipes that come with Segue, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe by name, or from a TOML file, with `table.key=value` overrides applied.

    Raises RecipeError for an unknown name, a file that is not TOML, or a wrong key or value.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
        if not path.is_file():
            raise RecipeError(
                f"there is no recipe {str(name_or_path)!r}; {nearest(str(name_or_path), names())}."
            )
    if not path.is_file():
        raise RecipeError(
            f"{path} does not exist; give a recipe's name or the path of a TOML file."
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}.") from None
    values.setdefault("name", path.stem)
    return resolve(values, overrides, source=str(path.name))


def resolve(
    values: dict[str, Any], overrides: Sequence[str] = (), source: str = "recipe"
) -> Recipe:
    """Check `values` with `table.key=value` overrides on top; RecipeError as `load`."""
    merged = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise RecipeError(
                f"--set {override!r} has no '='; write table.key=value, for example train.lr=3e-4."
            )
        *tables, last = key.strip().split(".")
        target: dict[str, Any] = merged
        for table in tables:
            target = target.setdefault(table, {})
            if not isinstance(target, dict):
                raise RecipeError(f"--set {override!r}: {table!r} is not a table of a recipe.")
        target[last] = _value(text.strip())
        source = f"--set {override}"
    return parse(merged, source)


def _value(text: str) -> Any:
    """Numbers, booleans and lists as TOML or Python write them; anything else is a string."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def to_toml(recipe: Recipe, leave_out: Collection[str] = ()) -> str:
    """The resolved recipe with every default written out, but for keys to `leave_out`."""
    values = recipe.model_dump(mode="json", exclude_none=True, exclude=set(leave_out))
    return tomli_w.dumps(values)
