"""Is a copying model caught, is real music let go, and how fast is the search.

    python bench/memorisation.py [--steps 1500] [--write bench/results/memorisation.json]
    python bench/memorisation.py --speed FOLDER     # training and held-out music to search

The first form takes music21's Bach chorales, trains `chorale-lstm` on ten of them, in their own
keys, until it knows them by heart (nothing is held out while it learns), and judges its takes
beside chorales that it has not seen; then the same with a model that learned from all the others in
every key. The second form measures what building and searching cost, in
processor seconds.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from segue import recipes
from segue.bundles import Bundle
from segue.data import Corpus, prepare
from segue.data.chorales import write_chorales
from segue.evaluation.memorisation import LONG, Training, memorised
from segue.evaluation.memorisation_steps import steps_of
from segue.files import write_json
from segue.generation import generate
from segue.judging.memorisation import judge, music, of_bundle, packed
from segue.training.run import Options, train

TEN, HELD_OUT = 10, 60
TAKES, BARS = 20, 16
BY_HEART = ("data.transpose=[0, 0]", "model.dropout=0.0", "train.weight_decay=0.0")


def main() -> None:
    """Run one of the two and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=Path("scratch/memorisation"))
    parser.add_argument("--speed", type=Path)
    parser.add_argument("--write", type=Path)
    told = parser.parse_args()
    found = speed(told.speed) if told.speed else copying(told.out, told.steps)
    if told.write:
        write_json(told.write, found)


def copying(out: Path, steps: int) -> dict[str, Any]:
    """Two models, one that copies; what each is called."""
    found: dict[str, Any] = {"long": LONG}
    for name, pieces, overrides in (
        ("ten by heart", TEN, (*BY_HEART, f"train.max_steps={steps}")),
        ("all, every key", None, ("train.max_steps=1000",)),
    ):
        root = out / name.split(",")[0].replace(" ", "-")
        bundle = trained(root, pieces, overrides)
        found[name] = told_of(bundle)
        print(name, *(f"{k} {v}" for k, v in found[name].items()), sep="\n    ")
    return found


def trained(root: Path, pieces: int | None, overrides: tuple[str, ...]) -> Bundle:
    """A small `chorale-lstm` that learned from so many chorales; its bundle."""
    shutil.rmtree(root, ignore_errors=True)
    loose, folder = root / "chorales", root / "split"
    write_chorales(loose, lambda done, of: None)
    files = np.random.default_rng(1).permutation(sorted(loose.glob("*.mid")))
    for i, file in enumerate(files):
        split = "valid" if i < HELD_OUT else "train"
        if split == "train" and pieces is not None and i >= HELD_OUT + pieces:
            break
        (folder / split).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / split / Path(file).name)
    # Looked at once, at the end: otherwise the best weights would be those before it copies.
    steps = next(o.split("=")[1] for o in overrides if o.startswith("train.max_steps"))
    settings = ["--size", "small", *overrides, "train.sample_rows=0"]
    size = recipes.load("chorale-lstm").sizes["small"]
    recipe = recipes.load("chorale-lstm", [*size, *settings[2:], f"train.validate_every={steps}"])
    encoding = recipes.build_encoding(recipe)
    prepare(folder, root / "corpus", encoding, workers=0)
    outcome = train(Corpus.open(root / "corpus"), recipe, root / "run", seed=1, options=Options())
    assert outcome.bundle is not None
    return outcome.bundle


def told_of(bundle: Bundle) -> dict[str, Any]:
    """Its takes, and held-out music, against what it learned from."""
    takes = generate(bundle, takes=TAKES, bars=BARS, seed=100)
    judged = judge(of_bundle(bundle), [(str(i), take.score) for i, take in enumerate(takes)])
    training = of_bundle(bundle)
    scores = [each.score for each in judged.verdicts]
    longest = [max((p.notes for p in each.passages), default=0) for each in judged.verdicts]
    return {
        "pieces": len(training.names),
        "held-out nats a row": round(bundle.index["held_out"]["nats"]["model"], 3),
        "takes": len(scores),
        "memorisation": round(judged.mean, 3),
        "lowest of a take": round(min(scores), 3),
        "takes over the limit": judged.copied_share,
        "notes of the longest match, median": float(np.median(longest)),
        "limit": round(judged.limit, 3),
        "held-out pieces": len(training.held_out),
        "held-out memorisation": round(float(np.mean(training.held_out)), 3),
        "held-out over the limit": judged.held_out_copied_share,
        "bytes in the bundle": len(packed(training)),
        "notes of the corpus": int(bundle.index["corpus"]["notes"]),
    }


def speed(folder: Path) -> dict[str, Any]:
    """Building from a folder of music, and searching every 20th piece of it in the others."""
    began = time.process_time()
    scores = list(music(folder))
    read = time.process_time()
    training = Training.of((name, steps_of(score)) for name, score in scores)
    built = time.process_time()
    pieces = list(range(0, len(scores), 20))
    one = memorised(training, [steps_of(scores[0][1])], without=[0])
    first = time.process_time()
    found = memorised(training, [steps_of(scores[i][1]) for i in pieces], without=list(pieces))
    done = time.process_time()
    told = {
        "folder": folder.name,
        "pieces": len(scores),
        "notes": sum(len(score) for _, score in scores),
        "steps": len(training.moves),
        "processor seconds to read": round(read - began, 2),
        "processor seconds to build": round(built - read, 2),
        "processor seconds to search one piece, the first": round(first - built, 2),
        "pieces searched": len(pieces),
        "processor seconds to search them": round(done - first, 2),
        "mean score": round(float(np.mean([each.score for each in (*found, *one)])), 4),
        "bytes in a bundle": len(packed(training)),
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }
    print(*(f"{k} {v}" for k, v in told.items()), sep="\n")
    return told


if __name__ == "__main__":
    main()
