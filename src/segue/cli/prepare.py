"""`segue prepare`: a folder of music in, a corpus to train on out, and a verdict on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import DryRun, Json, emit_json, note, progress, table

if TYPE_CHECKING:
    from segue.data import Corpus
    from segue.encodings.base import Encoding


def command(
    folder: Annotated[Path, typer.Argument(help="A folder of music files, or one file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write the corpus to.")],
    encoding: Annotated[
        str, typer.Option("--encoding", "-e", help="How music becomes rows of symbols.")
    ] = "compound",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the encoding; repeatable."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Draws the split of pieces that no rule of the folder places.")
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="How many processes (default: one a processor; 0: none)."),
    ] = None,
    seconds_per_file: Annotated[
        float, typer.Option(min=0.1, help="Refuse a file that takes longer than this to read.")
    ] = 300.0,
    shard_mib: Annotated[
        int, typer.Option("--shard-mib", min=1, help="The size of a packed file, in MiB.")
    ] = 64,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Turn a folder of music into a corpus that a model can be trained on.

    Every readable file below FOLDER is read, in parallel. Damaged files are repaired or refused
    with the reason, exact duplicates are dropped, and the pieces are split into train, valid and
    test: by a table with the columns split and midi_filename (as MAESTRO has), by sub-folders
    train/, valid/ and test/, by a splits.csv in the folder or above it, else by the seed.

    A command that was stopped goes on where it was when it is given again; one that has nothing
    new to do ends at once.
    """
    from segue.encodings import get

    chosen = get(encoding, **_options(settings or []))
    if dry_run:
        _plan(folder, out, as_json=json)
        return
    corpus = _prepare(
        folder,
        out,
        chosen,
        seed=seed,
        workers=workers,
        seconds_per_file=seconds_per_file,
        shard_bytes=shard_mib * 2**20,
    )
    if json:
        from segue.data import verdict

        emit_json({"corpus": out, **corpus.summary(), "verdict": verdict(corpus)})
    else:
        _show(corpus)


def _options(settings: list[str]) -> dict[str, Any]:
    """`key=value` as TOML reads the value; what TOML does not read is a string."""
    import tomllib

    options: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"--set {setting!r}: write KEY=VALUE, such as velocities=16.")
        try:
            options[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            options[key.strip()] = text.strip()
    return options


def _prepare(folder: Path, out: Path, encoding: Encoding, **options: Any) -> Corpus:
    from segue.data import prepare

    began = time.monotonic()
    with progress() as bar:
        task = bar.add_task("Reading", total=None)

        def advance(done: int, total: int, notes: int) -> None:
            bar.update(task, completed=done, total=total, description=f"{notes:,} notes")

        corpus = prepare(folder, out, encoding, progress=advance, **options)
    note(f"{out}: ready after {time.monotonic() - began:.1f} s.")
    return corpus


def _plan(folder: Path, out: Path, *, as_json: bool) -> None:
    from segue.cli import console
    from segue.data.scan import scan
    from segue.data.rules import find_rules

    source = scan(folder, leave_out=out)
    rules = [
        {"rule": r.name, "source": r.source, "files": len(r.places)} for r in find_rules(source)
    ]
    plan = {
        "folder": folder,
        "corpus": out,
        "files": len(source.music),
        "bytes": source.size,
        "suffixes": source.suffixes(),
        "split_rules": rules,
    }
    if as_json:
        emit_json(plan)
        return
    kinds = ", ".join(f"{n:,} {suffix}" for suffix, n in source.suffixes().items())
    console.out.print(f"{len(source.music):,} files to read ({kinds}), {source.size / 1e6:,.1f} MB")
    for rule in rules:
        console.out.print(f"Split: {rule['files']:,} by {rule['rule']} ({rule['source']})")
    if not rules:
        console.out.print("Split: by seed")
    console.out.print(f"Nothing was written to {out}.", soft_wrap=True)


def _show(corpus: Corpus) -> None:
    from segue.cli import console
    from segue.data import verdict

    facts = corpus.summary()
    splits = table("split", ">pieces", ">notes", ">rows", ">bars", ">hours")
    whole = {**facts["totals"], "pieces": facts["totals"]["kept"]}
    for name, part in {**facts["splits"], "all": whole}.items():
        numbers = (part["pieces"], part["notes"], part["rows"], round(part["bars"]))
        splits.add_row(name, *(f"{n:,}" for n in numbers), f"{part['seconds'] / 3600:,.2f}")
    console.out.print(splits)
    columns = table("column", ">symbols", ">types in use", ">vocabulary")
    for name, column in facts["columns"].items():
        counts = (facts["totals"]["rows"], column["types"], column["size"])
        columns.add_row(name, *(f"{n:,}" for n in counts))
    console.out.print(columns)
    if facts["refusals"]:
        refused = table(">files", "left out because")
        for reason, count in facts["refusals"].items():
            refused.add_row(f"{count:,}", reason)
        console.out.print(refused)
    for sentence in verdict(corpus):
        console.out.print(sentence, soft_wrap=True)
