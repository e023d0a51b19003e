"""How long a step of training takes each row: `python -m bench.bakeoff.speed OUT NAME=CORPUS ...`.

Steps are timed in processor seconds on one thread, spells of one row after those of another, so
that what else the machine does slows all of them alike; the median of spells counts.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from bench.bakeoff import plan

from segue.data import Corpus
from segue.files import write_json
from segue.models.base import parameter_count
from segue.recipes import build_model
from segue.training.module import make_optimiser
from segue.training.run import use_bf16
from segue.training.stream import BatchStream

SPELLS = 5
SPELL_SECONDS = 3.0


def stepper(name: str, corpus: Corpus) -> tuple[Callable[[], None], int]:
    """What does one step of training, batch and all, and how many parameters it trains."""
    recipe = plan.row(name).recipe(1000, plan.RATES[0])
    model = build_model(recipe, corpus.encoding.layout.sizes, seed=plan.SEED).train()
    optimiser = make_optimiser(model, recipe.train)
    batches = iter(BatchStream(corpus, recipe, plan.SEED))
    bf16 = use_bf16(recipe.train.precision)

    def step() -> None:
        batch = next(batches)
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = model.objective(batch.rows, batch.targets, batch.mask) / batch.total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return step, parameter_count(model)


def speeds(corpora: dict[str, Path]) -> dict[str, dict[str, float]]:
    """By row processor seconds a step, rows a step and parameters."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    made = {name: stepper(name, Corpus.open(path)) for name, path in corpora.items()}
    taken: dict[str, list[float]] = {name: [] for name in made}
    for step, _ in made.values():
        step()
    for _ in range(SPELLS):
        for name, (step, _) in made.items():
            began, steps = time.process_time(), 0
            while time.process_time() - began < SPELL_SECONDS:
                step()
                steps += 1
            taken[name].append((time.process_time() - began) / steps)
    return {
        name: {
            "seconds_a_step": statistics.median(taken[name]),
            "rows_a_step": plan.ROWS_A_STEP,
            "parameters": made[name][1],
        }
        for name in made
    }


def main(words: list[str]) -> None:
    """OUT, then NAME=CORPUS for each row."""
    out, *given = words
    corpora = {name: Path(path) for name, _, path in (word.partition("=") for word in given)}
    write_json(Path(out), speeds(corpora))


if __name__ == "__main__":
    main(sys.argv[1:])
