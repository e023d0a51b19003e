"""Puts a trained run into the package: int8 graphs to play, bfloat16 weights to learn on from.

    python -m tools.default.ship RUN [--out src/segue/bundles/shipped/segue-piano]
        [--name segue-piano] [--sources runs/default/music/SOURCES.csv]
        [--record bench/results/default.json] [--rows 98304] [--set generate.KEY=VALUE ...] [--card]

What is shipped plays as `segue generate` would play it, so its held-out loss is measured as well:
beside the run's own, in full precision, int8 may cost one nat in a hundred. The same run gives the
same bytes. CARD.md holds what `--record` says of a bundle with this hash, which is judged after it
is shipped: `--card` then writes the card of the bundle at --out anew, from what lies there.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tools.default.card import Card

from segue import bundles
from segue.bundles import Bundle
from segue.bundles.bundle import MEMORISATION, SOURCES
from segue.bundles.own import DEFAULT, folder
from segue.bundles.weights import in_half
from segue.data import Corpus
from segue.errors import DataError, SegueError
from segue.files import write_text
from segue.generation.int8 import quantised
from segue.judging import profile
from segue.judging.compare import trained_seconds
from segue.judging.likelihood import evaluate
from segue.judging.material import corpus_of_run
from segue.recipes import Recipe, resolve

LICENCE = "CC BY-SA 4.0"
MOST_BYTES = 40 * 10**6
"""Of weights and graphs together."""
MOST_RISE = 0.01
"""The share of its nats that the bundle may lose by being small."""
BY_SAVE = ("format_version", "segue", "sizes", "state", "sha256", "beside")
"""What `bundles.save` writes into bundle.json by itself."""
EXTRAS = ("tallies.npz",)
"""What `segue evaluate` and `segue drift` look for."""
RECORD = Path("bench/results/default.json")


def ship(
    run: Path,
    out: Path,
    *,
    name: str,
    sources: Path,
    record: Path,
    rows: int,
    changes: Sequence[str] = (),
) -> Bundle:
    """Write the shipped form of a run's bundle to `out`.

    `changes` are those of how it plays, "generate.KEY=VALUE". Raises SegueError for a bundle that
    is too large, or that lost too much by being small.
    """
    whole = bundles.load(run)
    if whole.precision != "fp32" or not whole.graphs:
        raise SegueError(f"{run} has no graphs in fp32: give the run as `segue train` wrote it.")
    corpus = corpus_of_run(whole.path.parent)
    listing = learned_from(sources, corpus)
    parts: dict[str, Any] = {
        "recipe": renamed(whole.recipe, name, changes),
        "encoding": whole.encoding,
        "weights": in_half(whole.weights()),
        "onnx": quantised(whole),
        "state": whole.index["state"],
        "openings": whole.openings,
        "beside": {SOURCES: listing.encode()} | _files(whole, [MEMORISATION]),
        "unhashed": _files(whole, EXTRAS),
    }
    size = len(parts["weights"]) + sum(map(len, parts["onnx"].values()))
    if size > MOST_BYTES:
        raise SegueError(f"weights and graphs are {size:,} bytes; {MOST_BYTES:,} are allowed.")
    facts = {key: value for key, value in whole.index.items() if key not in BY_SAVE}
    facts["precision"] = "int8"
    facts["corpus"] = {**facts["corpus"], "source": SOURCES, "licence": LICENCE}
    facts["training"] = training(whole.path.parent)
    steps = whole.training_steps
    if steps is not None:
        mean = sum(steps.held_out) / max(len(steps.held_out), 1)
        told = {"pieces": len(steps.names), "held_out_mean": round(mean, 6), "limit": steps.limit}
        facts["memorisation"] = told
    with tempfile.TemporaryDirectory() as place:
        small = bundles.save(Path(place) / name, **parts, facts=facts)
        facts["beside_fp32"] = losses(whole, small, corpus, rows)
    worst = max(facts["beside_fp32"]["int8"], facts["beside_fp32"]["bf16"])
    if worst > (1 + MOST_RISE) * facts["beside_fp32"]["fp32"]:
        raise SegueError(
            f"what is to be shipped costs {worst:.4f} nats a row, the run "
            f"{facts['beside_fp32']['fp32']:.4f}: more than {MOST_RISE:.0%} is lost."
        )
    card = Card(listing, known(record))
    shipped = bundles.save(out, **parts, facts=facts, card=card.text)
    if profile.has_profile(whole):
        profile.keep(shipped, profile.load(whole))  # it names the bundle it is of
    return shipped


def renamed(recipe: Recipe, name: str, changes: Sequence[str]) -> Recipe:
    """The recipe by its new name, played otherwise; SegueError for a change of what was trained."""
    wrong = [change for change in changes if not change.startswith("generate.")]
    if wrong:
        raise SegueError(f"--set came with {wrong[0]}: only generate.KEY=VALUE can still change.")
    values = recipe.model_dump(mode="json", exclude_none=True)
    return resolve({**values, "name": name}, changes)


def losses(whole: Bundle, small: Bundle, corpus: Corpus, rows: int) -> dict[str, Any]:
    """Nats a row of the watched split's windows, `rows` of them, in each kind of number."""
    judged = partial(
        evaluate, context="window", charge=False, baselines=False, draws=1, reading=rows
    )
    fp32 = judged(whole, corpus, engine="torch")
    bf16, int8 = judged(small, corpus, engine="torch"), judged(small, corpus, engine="int8")
    assert (fp32.engine, bf16.engine, int8.engine) == ("torch", "torch", "int8")
    found = {"fp32": fp32, "bf16": bf16, "int8": int8}
    told = {kind: round(each.nats("row"), 6) for kind, each in found.items()}
    return {"split": fp32.split, "rows": fp32.rows, **told}


def learned_from(sources: Path, corpus: Corpus) -> str:
    """The rows of SOURCES.csv of pieces in the corpus, without the paths on our disks.

    Raises DataError if a piece of the corpus is not in it: nothing without a licence is shipped.
    """
    try:
        listed = {row["path"]: row for row in csv.DictReader(io.StringIO(_text(sources)))}
    except KeyError:
        raise DataError(f"{sources} has no column path: give the SOURCES.csv of gather.") from None
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    columns = ("set", "licence", "attribution", "composer", "title", "file")
    rows.writerow(("split", *columns))
    for split in ("train", "valid", "test"):
        for piece in sorted(corpus.pieces(split), key=lambda each: each.path):
            row = listed.get(piece.path)
            if row is None:
                raise DataError(f"{sources} says nothing of {piece.path}: whose is it?")
            rows.writerow((split, *(row[column] for column in columns)))
    return text.getvalue()


def training(run: Path) -> list[dict[str, Any]]:
    """What each of the runs that led to this one took, the first one first."""
    log, environment = run / "metrics.jsonl", json.loads(_text(run / "environment.json"))
    recipe = bundles.load(run).recipe
    steps = max(int(json.loads(line)["step"]) for line in _text(log).splitlines())
    own = {
        "steps": steps,
        "rows": steps * recipe.train.batch * recipe.data.window,
        "hours": round((trained_seconds(log) or 0.0) / 3600, 2),
        "optimiser": recipe.train.optimiser,
        "learning_rate": recipe.train.lr,
        "schedule": recipe.train.schedule,
        "cores": environment["cores"],
        "torch": environment["packages"]["torch"],
    }
    tuning = environment.get("tuning")
    return [*(training(Path(tuning["bundle"]).parent) if tuning else []), own]


def known(record: Path) -> Mapping[str, Any]:
    """What the judge wrote; empty where it has not yet."""
    return json.loads(_text(record)) if record.is_file() else {}


def rewrite_card(out: Path, record: Path) -> None:
    """The card of what is shipped, from what lies beside it and the judge's record."""
    bundle = bundles.load(out)
    card = Card(_text(out / SOURCES), known(record))
    write_text(out / "CARD.md", card.text(bundle.recipe, bundle.encoding, bundle.index))


def _files(bundle: Bundle, names: Sequence[str]) -> dict[str, bytes]:
    return {n: (bundle.path / n).read_bytes() for n in names if (bundle.path / n).is_file()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None


def main(words: Sequence[str]) -> int:
    """Ship, and tell the sizes and the losses; 1 where it is refused."""
    parser = argparse.ArgumentParser(prog="python -m tools.default.ship")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=folder() / DEFAULT)
    parser.add_argument("--name", default=DEFAULT)
    parser.add_argument("--sources", type=Path, default=Path("runs/default/music/SOURCES.csv"))
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--rows", type=int, default=192 * 512, help="held-out rows to compare on")
    parser.add_argument("--set", action="append", default=[], metavar="generate.KEY=VALUE")
    parser.add_argument("--card", action="store_true", help="write the card at --out anew")
    told = parser.parse_args(words)
    if (told.run is None) != told.card:
        parser.error("give a RUN, or --card alone")
    try:
        if told.card:
            rewrite_card(told.out, told.record)
            print(f"written: {told.out / 'CARD.md'}")
            return 0
        made = ship(
            told.run, told.out, name=told.name, sources=told.sources, record=told.record,
            rows=told.rows, changes=told.set,
        )  # fmt: skip
    except SegueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    _tell(made)
    return 0


def _tell(made: Bundle) -> None:
    sizes = {file.name: file.stat().st_size for file in made.path.iterdir()}
    for file, size in sorted(sizes.items(), key=lambda each: -each[1]):
        print(f"{size:>12,}  {file}")
    playing = sum(sizes[name] for name in (*made.graphs, "model.safetensors"))
    print(f"{playing:>12,}  weights and graphs\n{sum(sizes.values()):>12,}  all")
    found = made.index["beside_fp32"]
    print(f"nats a row, over {found['rows']:,} rows of the {found['split']} split:")
    for kind in ("fp32", "bf16", "int8"):
        print(f"  {kind} {found[kind]:.4f} ({100 * (found[kind] / found['fp32'] - 1):+.2f} %)")
    print(f"{made.path}: {made.hash}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
