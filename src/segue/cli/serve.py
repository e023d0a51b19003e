"""`segue serve`: the studio page and the service behind it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from segue.cli.console import note

TOKEN = "SEGUE_TOKEN"  # noqa: S105 - the name of a variable
DATABASE = "SEGUE_DATABASE"

FOLDERS = (
    "Bundles, runs, or folders of them (default: runs and out); segue-piano, which comes with "
    "Segue, is there as well."
)
Open = Annotated[
    bool, typer.Option("--open/--no-open", help="Open the page in the browser once it is there.")
]


def command(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help=FOLDERS),
    ] = None,
    bundles: Annotated[
        list[Path] | None, typer.Option("--bundles", help="The same as the arguments.")
    ] = None,
    open_: Open = False,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port to listen at; 0: any that is free.")
    ] = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A name that the server may be asked for by; may be repeated."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help=f"What requests must carry; needed beyond this machine (or set {TOKEN})."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            help=f"sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME (or set {DATABASE}; "
            "default: segue.sqlite in the work folder)."
        ),
    ] = None,
    work: Annotated[
        Path, typer.Option(help="The folder for jobs, uploads and runs that are begun here.")
    ] = Path("segue-work"),
    running: Annotated[
        int, typer.Option(min=1, max=256, help="Jobs that are made at the same time.")
    ] = 16,
    waiting: Annotated[
        int, typer.Option(min=0, max=100_000, help="Jobs that may wait; more are answered 429.")
    ] = 64,
    processes: Annotated[
        int,
        typer.Option(
            min=0,
            max=256,
            help="Processes that make music, beside the one that answers; 0: that one makes it.",
        ),
    ] = 1,
    children: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that read, draw and sound files.")
    ] = 1,
) -> None:
    """Serve the studio page and the REST service until stopped with Ctrl-C."""
    from segue.bundles import shipped
    from segue.server import Limits, Settings
    from segue.server.run import serve

    named = [*(folders or []), *(bundles or [])]
    own = shipped().values()
    settings = Settings(
        bundles=(*named, *own) if named else (*own, Path("runs"), Path("out")),
        work=work,
        host=host,
        port=port,
        token=token or os.environ.get(TOKEN) or None,
        database=database or os.environ.get(DATABASE) or None,
        hosts=tuple(name or ()),
        limits=Limits(running=running, waiting=waiting, processes=processes, children=children),
    )

    def ready(address: str) -> None:
        note(f"Segue listens at {address} (stop it with Ctrl-C)")
        if open_:
            import webbrowser

            webbrowser.open(address)

    serve(settings, ready)
