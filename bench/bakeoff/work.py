"""Where the bake-off is worked out: corpora, trials and trainings, one process after another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bakeoff import plan

from segue.data import Corpus, prepare
from segue.errors import SegueError


class PartError(SegueError):
    """A process of the bake-off that did not end well; the sentence is its last words."""


@dataclass(frozen=True)
class Workplace:
    """`music` is the folder that is learned from, `root` the one that runs are written to."""

    music: Path
    root: Path

    def corpus(self, encoding: str) -> Corpus:
        """The music in one of the encodings, prepared when it is first asked for."""
        return prepare(self.music, self.root / "corpora" / encoding, plan.encoding(encoding))

    def speeds(self, names: Sequence[str]) -> dict[str, Any]:
        """Of each row seconds a step and parameters; measured anew, in turn."""
        out = self.root / "speeds.json"
        given = [f"{name}={self.corpus(plan.row(name).encoding).root}" for name in names]
        return run_part("speed", out, str(out), *given)

    def trial(self, name: str, steps: int, rate: float) -> dict[str, Any]:
        """What a short training at one learning rate came to."""
        return self._fit(name, self.root / "trials" / f"{name}-{rate:g}", steps, rate, ship=False)

    def training(self, name: str, steps: int, rate: float) -> dict[str, Any]:
        """What the training of a row came to."""
        return self._fit(name, self.root / name, steps, rate, ship=True)

    def _fit(self, name: str, out: Path, steps: int, rate: float, *, ship: bool) -> dict[str, Any]:
        told = out / "fit.json"
        if told.is_file():
            return dict(json.loads(told.read_text("utf-8")))
        corpus = self.corpus(plan.row(name).encoding).root
        words = (name, str(corpus), str(out), str(steps), repr(rate), json.dumps(ship))
        return run_part("fit", told, *words)

    def judged(self, name: str) -> dict[str, Any]:
        """Held-out nats, size and speed of a row that is trained; measured anew."""
        run = self.root / name
        corpus = self.corpus(plan.row(name).encoding).root
        return run_part("judge", run / "judged.json", str(run), str(corpus))


def run_part(part: str, out: Path, *words: str) -> dict[str, Any]:
    """Run `python -m bench.bakeoff.PART WORDS` on one thread; the JSON that it left in `out`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", f"bench.bakeoff.{part}", *words]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **threads}
    )
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip().splitlines()
        raise PartError(f"{part} {words[0]} ended with {ran.returncode}: {' '.join(said[-3:])}")
    return dict(json.loads(out.read_text("utf-8")))
