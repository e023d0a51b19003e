"""Train the default model from its sources: gather, prepare, learn, settle.

    python -m tools.default.train DATA [--work runs/default] [--steps 4000] [--settle 900]
        [--size base] [--seed 1]

DATA is the folder of the open sets. Every part goes on where it was stopped, so that the command
may be given again as often as need be. The first run learns at one rate for `--steps` steps of
8,192 rows, and keeps an average of its weights; the second starts from that average and lets the
rate fall to zero over `--settle` steps. Both are compiled where there is a C++ compiler.
`python -m tools.default.ship` then makes the bundle that comes with the package. With more time,
more steps: nothing else has to change.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from segue.training.run import compiler

RECIPE = "segue-piano"
SETTLING = (
    "train.lr=4e-3", "train.schedule=linear", "train.warmup=30", "train.ema=0.98",
    "train.patience=0", "train.validate_every=150",
)  # fmt: skip


def main(words: list[str] | None = None) -> int:
    """All parts in turn; the exit status of the first that fails."""
    asked = _arguments().parse_args(words)
    work = asked.work
    music, corpus = work / "music", work / "corpus"
    learned, settled = work / "learn", work / "settle"
    segue = [sys.executable, "-m", "segue"]
    compiled = ["--compile"] if compiler() else []
    parts = [
        [sys.executable, "-m", "tools.default.gather", str(asked.data), str(music)],
        [*segue, "prepare", str(music), "-o", str(corpus), "--recipe", RECIPE],
        _train(learned, asked.steps, [
            "--data", str(corpus), "--recipe", RECIPE, "--size", asked.size,
            "--seed", str(asked.seed),
        ]),
        _train(settled, asked.settle, [
            "--data", str(corpus), "--from", str(learned), "--seed", str(asked.seed),
            *(word for each in SETTLING for word in ("--set", each)),
        ]),
    ]  # fmt: skip
    for part in parts:
        if part is None:
            continue
        command = [*segue, *part, *compiled] if part[0] == "train" else part
        print("$ " + " ".join(command).replace(sys.executable, "python"), flush=True)
        if status := subprocess.run(command, check=False).returncode:
            return status
    print(f"next: python -m tools.default.ship {settled}")
    return 0


def _train(run: Path, steps: int, anew: list[str]) -> list[str] | None:
    """The words of `segue train` that begin a run or go on with it; None if it has done so many."""
    if (run / "bundle" / "bundle.json").is_file() and _done(run) >= steps:
        return None
    if (run / "checkpoints" / "last.ckpt").exists():
        return ["train", "--resume", str(run), "--max-steps", str(steps)]
    return ["train", *anew, "--max-steps", str(steps), "-o", str(run)]


def _done(run: Path) -> int:
    """The last step that a run has told of."""
    lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return max((int(json.loads(line)["step"]) for line in lines), default=0)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="the folder of the open sets")
    parser.add_argument("--work", type=Path, default=Path("runs/default"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--settle", type=int, default=900)
    parser.add_argument("--size", default="base")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
