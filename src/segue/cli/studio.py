"""`segue studio`: the page, in the browser, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli import serve


def command(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help=serve.FOLDERS),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port to listen at; 0: any that is free.")
    ] = 8765,
    work: Annotated[
        Path, typer.Option(help="The folder for jobs, uploads and runs that are begun here.")
    ] = Path("segue-work"),
) -> None:
    """Open the studio page: the same as `segue serve --open` on this machine."""
    serve.command(folders=folders, open_=True, port=port, work=work)
