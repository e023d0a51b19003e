"""`segue corpora`: music to learn from, listed and fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli.console import Json, emit_json, note, progress, table

app = typer.Typer(no_args_is_help=True, help="List and fetch music to learn from.")

Table = Annotated[
    Path | None,
    typer.Option("--table", help="Your own table of corpora (TOML) in place of Segue's."),
]


@app.command("ls")
def list_corpora(table_file: Table = None, json: Json = False) -> None:
    """List the corpora that Segue knows: what they are, how large, on what terms, from where.

    Nothing is downloaded by this. Mind the terms: weights trained on music that is not for
    commercial use are not for commercial use either.
    """
    from segue.cli import console
    from segue.data.corpora import TABLE, sources

    known = sources(table_file or TABLE)
    if json:
        emit_json([{**vars(source), "how": source.how} for source in known.values()])
        return
    shown = table("name", "music", ">files", ">MB", "licence", "how to get")
    for source in known.values():
        size = f"{source.size / 1e6:,.1f}" if source.size else "0"
        shown.add_row(
            source.name, source.music, f"{source.files:,}", size, source.licence, source.how
        )
    console.out.print(shown)


@app.command("get", no_args_is_help=True)
def get_corpus(
    name: Annotated[str, typer.Argument(help="A name that `segue corpora ls` lists.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to put the music in.")],
    table_file: Table = None,
    json: Json = False,
) -> None:
    """Bring a corpus to a folder, ready for `segue prepare`.

    `bach-chorales` comes out of the installed music21 package without a download. The others are
    downloaded; a download that was cut off goes on when the command is given again, and what
    came is checked against its checksum before it is unpacked. A folder that already holds the
    corpus is left as it is.
    """
    from segue.cli import console
    from segue.data.corpora import TABLE, find, get

    source = find(name, table_file or TABLE)
    note(f"{source.name}: {source.licence}. See {source.home}")
    with progress() as bar:
        task = bar.add_task(source.name, total=None)
        record = get(
            source,
            out,
            lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total or None
            ),
        )
    if json:
        emit_json({"folder": out, **record})
        return
    if terms := record.get("terms"):
        note(str(terms))
    console.out.print(f"{out}: {record['files']:,} files of {name}.", soft_wrap=True)
