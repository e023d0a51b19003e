"""A training of one row in a process of its own: `python -m bench.bakeoff.fit` (see `__main__`).

Its steps are counted in processor time, without looks at held-out music, and a run that was cut
goes on where it was. What it came to is left as fit.json in its folder.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import lightning
import torch
from bench.bakeoff import plan

from segue.data import Corpus
from segue.files import write_json
from segue.training.run import Options, resume, train


class Cost(lightning.Callback):
    """Processor seconds of training, over all parts of a run that was cut, and its peak memory."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.peak_mb = 0.0
        self._since = 0.0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Start the clock."""
        self._since = time.process_time()

    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Count what a step took, with its batch."""
        now = time.process_time()
        self.seconds += now - self._since
        self._since = now
        self.peak_mb = max(self.peak_mb, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """What looking took is no training."""
        self._since = time.process_time()

    def state_dict(self) -> dict[str, Any]:
        """What was counted."""
        return {"seconds": self.seconds, "peak_mb": self.peak_mb}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it."""
        self.seconds, self.peak_mb = state_dict["seconds"], state_dict["peak_mb"]


def fit(name: str, corpus: Path, out: Path, steps: int, rate: float, *, ship: bool) -> None:
    """Train a row, or go on with it; `ship` makes the bundle."""
    cost = Cost()
    options = Options(callbacks=[cost], ship=ship)
    if (out / "checkpoints" / "last.ckpt").is_file():
        done = resume(out, options=options)
    else:
        recipe = plan.row(name).recipe(steps, rate)
        done = train(Corpus.open(corpus), recipe, out, seed=plan.SEED, options=options)
    if done.held_out is None:
        raise SystemExit(f"{name} was stopped: give the command again to go on")
    told = {
        "steps": done.steps,
        "rate": rate,
        "processor_seconds": cost.seconds,
        "peak_mb": cost.peak_mb,
        "valid_nats_a_row": done.held_out["nats"]["model"],
        "bigram_nats_a_row": done.held_out["nats"]["bigram"],
    }
    write_json(out / "fit.json", told)


def main(words: list[str]) -> None:
    """NAME CORPUS OUT STEPS RATE SHIP, as the bake-off gives them."""
    torch.set_num_threads(1)
    name, corpus, out, steps, rate, ship = words
    fit(name, Path(corpus), Path(out), int(steps), float(rate), ship=json.loads(ship))


if __name__ == "__main__":
    main(sys.argv[1:])
