"""Published likelihood tables with our own rows, by the published protocol.

    python bench/published.py [--data ../shared/data] [--rows poly4,jsb16] [--again ROW]
        [--seed 1] [--work runs/published] [--results bench/results/published.json] [--page-only]
        [--write docs/published.md]

Trains what has no row yet and prints ours beside the published figures. Rows are named by set
(`jsb`, `nottingham`, `piano`, `muse`, `jsb16`, `nes`, `maestro`), group (`poly4`) or name (`jsb-
lstm`). A training that was cut goes on where it was. The weights are chosen by the valid split;
the test split is opened once a row, when its training is over, and that is kept. `--again` trains
a row anew and opens its test split once more: the record then tells of every look.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from bench.published import records
from bench.published.fit import Fit, Training
from bench.published.grams import Grams
from bench.published.page import document, lines
from bench.published.protocol import Measured, measure
from bench.published.rows import ROWS, Row, chosen
from bench.published.sets import SETS

from segue import recipes
from segue.files import write_text
from segue.recipes.library import to_toml


def main(words: list[str] | None = None) -> int:
    """Train what is due, print all."""
    asked = _arguments().parse_args(words)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    rows = chosen([word for word in asked.rows.split(",") if word]) if asked.rows else list(ROWS)
    for row in [] if asked.page_only else rows:
        already = records.load(asked.results)
        if row.name not in already or row.name in asked.again:
            print(f"{row.name}: {row.recipe} {' '.join(row.changes)}", flush=True)
            fit, test = count(row, asked) if row.grams else train(row, asked)
            units = SETS[row.kind].units_a_row
            found = records.record(row, fit, test, asked.seed, units, already.get(row.name))
            records.save(found, asked.results)
            print(f"  test {found['test']:.4f}", flush=True)
    found = records.load(asked.results)
    names = {row.name for row in rows}
    print("\n".join(lines({name: found[name] for name in found if name in names})))
    if asked.write:
        write_text(asked.write, document(found))
    return 0


def train(row: Row, asked: argparse.Namespace) -> tuple[Fit, Measured]:
    """Train a row's recipe, or go on with it; then open its test split."""
    kind = SETS[row.kind]
    folder = Path(asked.work) / f"{row.name}-{asked.seed}"
    recipe = recipes.load(row.recipe, row.changes)
    if not (folder / "recipe.toml").is_file() or recipes.load(folder / "recipe.toml") != recipe:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "recipe.toml").write_text(to_toml(recipe), "utf-8")
    splits = kind.read(asked.data, "train"), kind.read(asked.data, "valid")
    say = lambda line: print(f"  {line}", flush=True)  # noqa: E731 - flushed as it comes
    fit = Training(recipe, kind, splits, asked.seed, folder, say).run()
    return fit, measure(fit.model, kind.read(asked.data, "test"))


def count(row: Row, asked: argparse.Namespace) -> tuple[Fit, Measured]:
    """Count a row's n-grams; then open its test split."""
    kind = SETS[row.kind]
    began = time.process_time()
    grams = Grams(kind.read(asked.data, "train"), row.grams, kind.sizes[0])
    valid = grams.nats(kind.read(asked.data, "valid"))
    spent = time.process_time() - began
    fit = Fit(None, sum(len(order.grams) for order in grams.orders), 0, 0, valid, 1, spent, spent)
    pieces = kind.read(asked.data, "test")
    mean = sum(grams.nats([piece]) for piece in pieces) / len(pieces)
    return fit, Measured(grams.nats(pieces), mean, sum(len(piece) - 1 for piece in pieces))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rows", default="", help="rows, sets or groups, with commas; all without")
    parser.add_argument("--again", nargs="*", default=[], help="rows to train and test once more")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("runs/published"))
    parser.add_argument("--results", type=Path, default=records.FILE)
    parser.add_argument("--page-only", action="store_true", help="train nothing")
    parser.add_argument("--write", type=Path, help="also write all of it as a page, Markdown")
    return parser


if __name__ == "__main__":
    sys.exit(main())
