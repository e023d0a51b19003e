"""What every verb prints with: results on stdout, talk and progress on stderr, JSON when asked.

`out` and `err` are rich consoles, made on first use. They take text as it is: brackets in a file
name are not markup, so style with `style=` or `rich.text.Text`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    out: Console
    err: Console

# Wide enough for a path when nobody's terminal says how wide it is.
PIPED_WIDTH = 120

Json = Annotated[
    bool,
    typer.Option("--json/--no-json", help="Print one JSON document on stdout and nothing else."),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run/--no-dry-run", help="Say what would be done, and write nothing."),
]

Item = TypeVar("Item")
_consoles: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    # Importing rich costs more than all else that `segue --version` does.
    if name not in ("out", "err"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in _consoles:
        from rich.console import Console

        stream = sys.stderr if name == "err" else sys.stdout
        _consoles[name] = Console(
            stderr=name == "err",
            markup=False,
            emoji=False,
            highlight=False,
            width=None if stream.isatty() else PIPED_WIDTH,
        )
    return _consoles[name]


def note(sentence: str) -> None:
    """Tell the user something beside the result: one unwrapped line on stderr."""
    __getattr__("err").print(sentence, soft_wrap=True)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house style; a column named ">notes" is "notes", set to the right."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(
            column.removeprefix(">"),
            justify="right" if column.startswith(">") else "left",
            overflow="fold",
        )
    return made


def progress() -> Progress:
    """A progress bar with the time left, on stderr; silent where stderr is not a terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = __getattr__("err")
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def track(items: Iterable[Item], text: str, total: int) -> Iterator[Item]:
    """The items one by one, with a progress bar that says `text` and expects `total` of them."""
    with progress() as bar:
        task = bar.add_task(text, total=total)
        for item in items:
            yield item
            bar.advance(task)


def plain(value: Any) -> Any:
    """The value as JSON can hold it: paths as text, arrays as lists, dataclasses as objects.

    Infinities and not-a-numbers become null, since JSON has none. Raises TypeError for a type
    that has no such form.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "tolist"):  # NumPy arrays and numbers, without importing NumPy
        return plain(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")


def emit_json(value: Any) -> None:
    """Print `value` as the one JSON document of this command.

    ASCII only, so that it survives any terminal encoding and undecodable file names.
    """
    sys.stdout.write(json.dumps(plain(value), indent=2) + "\n")
    sys.stdout.flush()
