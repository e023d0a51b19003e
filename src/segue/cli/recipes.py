"""`segue recipes`: which there are, and what each is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import Json, emit_json

if TYPE_CHECKING:
    from segue.recipes import Recipe

app = typer.Typer(no_args_is_help=True, help="The recipes that come with Segue.")


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List the recipes: family, parameters and one line each.

    Parameters are counted at the vocabulary that the recipe's source states its count at, else at
    the encoding's whole one; a corpus that uses fewer symbols makes a smaller model.
    """
    from segue import recipes
    from segue.cli import console

    rows = [_row(recipes.load(name)) for name in recipes.names()]
    if as_json:
        emit_json({"recipes": rows})
        return
    shown = console.table("recipe", "family", "encoding", ">parameters", "what it is")
    for row in rows:
        count = "-" if row["parameters"] is None else f"{row['parameters']:,}"
        shown.add_row(row["name"], row["family"], row["encoding"], count, row["summary"])
    console.out.print(shown)
    console.out.print("next: segue recipes show NAME, segue train FOLDER --recipe NAME")


def _row(recipe: Recipe) -> dict[str, Any]:
    from segue.recipes.builder import sizes_of
    from segue.recipes.counting import count_parameters

    return {
        "name": recipe.name,
        "family": recipe.family,
        "encoding": recipe.encoding.name,
        "model": recipe.model.name,
        "parameters": count_parameters(recipe),
        "vocabulary": list(sizes_of(recipe)),
        "summary": recipe.summary,
    }


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A recipe's name or TOML file.")],
    symbols: Annotated[
        list[int] | None,
        typer.Option(help="Vocabulary size of each column (default: the recipe's reference)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key of the recipe, such as model.hidden=512."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a recipe: every value, the layers with their parameters, what is kept and lost."""
    from segue import recipes

    recipe = recipes.load(name, settings or [])
    told = recipes.describe(recipe, tuple(symbols) if symbols else recipes.sizes_of(recipe))
    if as_json:
        emit_json(told)
    else:
        _print(recipe, told)


def _print(recipe: Recipe, told: dict[str, Any]) -> None:
    """What it is, what it hears, what it is made of, and all that can be changed."""
    from segue.cli import console
    from segue.recipes.library import to_toml

    out = console.out
    out.print(f"{recipe.name}: {recipe.summary}")
    if recipe.system:
        out.print(f"source: {recipe.system}")
    for paragraph in recipe.notes.strip().split("\n\n"):
        # Lines of a TOML file end where its author's editor did.
        out.print(" ".join(paragraph.split()))
    out.print()
    for heading in ("keeps", "loses"):
        out.print(f"its encoding, {recipe.encoding.name}, {heading}: " + "; ".join(told[heading]))
    layers = console.table("layer", "kind", "shape", ">parameters")
    for layer in told["layers"]:
        layers.add_row(layer["layer"], layer["kind"], layer["shape"], f"{layer['parameters']:,}")
    out.print(layers)
    sizes = _sizes(told["vocabulary"])
    out.print(f"{told['parameters']:,} parameters in all, at a vocabulary of {sizes} symbols")
    if recipe.sizes:
        out.print(f"sizes for --size: {', '.join(recipe.sizes)}")
    out.print("\nEvery setting; change any with --set TABLE.KEY=VALUE, here or in `segue train`:\n")
    told_above = {"name", "summary", "system", "notes", "family", "reference"}
    out.print(to_toml(recipe, leave_out=told_above), soft_wrap=True)
    out.print(f"next: segue train FOLDER --recipe {recipe.name}")


def _sizes(sizes: list[int]) -> str:
    """Column by column, or how many alike: "508 x 96 x 97", "88 columns of 2"."""
    if len(sizes) > 3 and len(set(sizes)) == 1:
        return f"{len(sizes)} columns of {sizes[0]:,}"
    return " x ".join(f"{size:,}" for size in sizes)
