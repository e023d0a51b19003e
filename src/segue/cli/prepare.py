"""`segue prepare`: a folder of music in, a corpus to train on out, and a verdict on it."""

from __future__ import annotations

import time
from dataclasses import replace
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
        str | None,
        typer.Option(
            "--encoding", "-e", help="How music becomes rows of symbols.", show_default="compound"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the encoding; repeatable."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", "-r", help="Take encoding, filters and near duplicates from a recipe."
        ),
    ] = None,
    near_duplicates: Annotated[
        str | None,
        typer.Option(
            metavar="group|remove|ignore",
            help="Pieces alike: keep each family in one split, also keep but one of near "
            "duplicates, or do not look for them.",
            show_default="group",
        ),
    ] = None,
    piano_only: Annotated[
        bool | None,
        typer.Option("--piano-only/--no-piano-only", help="Refuse what is not for piano alone."),
    ] = None,
    drums: Annotated[
        bool | None, typer.Option("--drums/--no-drums", help="Leave the drums in, or out.")
    ] = None,
    min_notes: Annotated[
        int | None, typer.Option(min=0, help="Refuse pieces of fewer notes.")
    ] = None,
    max_notes: Annotated[
        int | None, typer.Option(min=0, help="Refuse pieces of more notes.")
    ] = None,
    min_seconds: Annotated[float | None, typer.Option(min=0, help="Refuse shorter pieces.")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Refuse longer pieces.")] = None,
    min_polyphony: Annotated[
        int | None,
        typer.Option(min=0, help="Notes that sound at once (at 19 of 20 onsets): at least."),
    ] = None,
    max_polyphony: Annotated[
        int | None,
        typer.Option(min=0, help="Notes that sound at once (at 19 of 20 onsets): at most."),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(metavar="major|minor", help="Refuse pieces whose key sounds otherwise."),
    ] = None,
    metre: Annotated[
        list[str] | None,
        typer.Option(metavar="3/4", help="Refuse pieces in other metres; repeatable."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Draws the split of pieces that no rule of the folder places.")
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="How many processes (default: one a processor; 0: none)."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|ray",
            help="Read here, or on a Ray cluster that runs (RAY_ADDRESS, or this machine's).",
        ),
    ] = "local",
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
    train/, valid/ and test/, by a splits.csv in the folder or above it, else by the seed. Pieces
    alike (edits, arrangements, performances of one work) are found by their notes and kept in one
    split.

    Filters given here count before those of a recipe. report.html in OUT shows what the music is
    like.

    A command that was stopped goes on where it was when it is given again; one that has nothing
    new to do ends at once.
    """
    asked = {
        "piano_only": piano_only,
        "drums": drums,
        "min_notes": min_notes,
        "max_notes": max_notes,
        "min_seconds": min_seconds,
        "max_seconds": max_seconds,
        "min_polyphony": min_polyphony,
        "max_polyphony": max_polyphony,
        "mode": mode,
        "metres": metre,
    }
    chosen, request = _chosen(recipe, encoding, settings or [], near_duplicates, asked)
    if dry_run:
        _plan(folder, out, as_json=json)
        return
    corpus = _prepare(
        folder,
        out,
        chosen,
        **request,
        seed=seed,
        workers=workers,
        engine=engine,
        seconds_per_file=seconds_per_file,
        shard_bytes=shard_mib * 2**20,
    )
    if json:
        from segue.data import verdict

        emit_json({"corpus": out, **corpus.summary(), "verdict": verdict(corpus)})
    else:
        _show(corpus)


def _chosen(
    recipe: str | None,
    encoding: str | None,
    settings: list[str],
    near_duplicates: str | None,
    asked: dict[str, Any],
) -> tuple[Encoding, dict[str, Any]]:
    """The encoding, and the filters and treatment of near duplicates: of a recipe, or as asked."""
    from segue.data import Filters
    from segue.encodings import get

    given = {name: value for name, value in asked.items() if value is not None}
    treated = {"near_duplicates": near_duplicates} if near_duplicates else {}
    if recipe is None:
        chosen = get(encoding or "compound", **_options(settings))
        return chosen, {"filters": Filters(**given), **treated}
    if encoding is not None or settings:
        raise typer.BadParameter("--recipe names an encoding: leave --encoding and --set away.")
    from segue.recipes import build_encoding, build_filters, load

    resolved = load(recipe)
    known = {"near_duplicates": resolved.data.near_duplicates}
    filters = replace(build_filters(resolved), **given)
    return build_encoding(resolved), {"filters": filters, **known, **treated}


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
    from segue.data.rules import find_rules
    from segue.data.scan import scan

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
    console.out.print(f"Pictures: {corpus.root / 'report.html'}", soft_wrap=True)
