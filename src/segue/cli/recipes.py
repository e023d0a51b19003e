"""`segue recipes`: which there are, and what each is made of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from segue.cli.console import Json, emit_json

app = typer.Typer(no_args_is_help=True, help="The recipes that come with Segue.")


@app.command("ls")
def ls(as_json: Json = False) -> None:
    """List the recipes: family, parameters and one line each."""
    from segue import recipes
    from segue.cli import console

    rows: list[dict[str, Any]] = []
    for name in recipes.names():
        recipe = recipes.load(name)
        rows.append(
            {
                "name": name,
                "family": recipe.family,
                "encoding": recipe.encoding.name,
                "model": recipe.model.name,
                "summary": recipe.summary,
            }
        )
    if as_json:
        emit_json({"recipes": rows})
        return
    shown = console.table("recipe", "family", "encoding", "model", "what it is")
    for row in rows:
        shown.add_row(*(str(value) for value in row.values()))
    console.out.print(shown)


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
    from segue.cli import console
    from segue.recipes.library import to_toml

    recipe = recipes.load(name, settings or [])
    told = recipes.describe(recipe, tuple(symbols) if symbols else recipes.sizes_of(recipe))
    if as_json:
        emit_json(told)
        return
    console.out.print(f"{recipe.name}: {recipe.summary}")
    if recipe.system:
        console.out.print(f"source: {recipe.system}")
    if recipe.notes:
        console.out.print(recipe.notes.strip())
    layers = console.table("layer", "kind", "shape", ">parameters")
    for layer in told["layers"]:
        layers.add_row(layer["layer"], layer["kind"], layer["shape"], f"{layer['parameters']:,}")
    console.out.print(layers)
    sizes = " x ".join(f"{size:,}" for size in told["vocabulary"])
    console.out.print(f"{told['parameters']:,} parameters at {sizes} symbols\n")
    for heading in ("keeps", "loses"):
        console.out.print(f"{recipe.encoding.name} {heading}: " + "; ".join(told[heading]))
    console.out.print("\n" + to_toml(recipe))
