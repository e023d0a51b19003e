"""What `segue train` does with its options: find the recipe and the corpus, run, report."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from segue.cli.console import emit_json, note

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.data import Corpus
    from segue.encodings.base import Encoding
    from segue.recipes import Recipe
    from segue.training.run import Options, Outcome

DEFAULT_RECIPE = "chorale-lstm"
WAIT_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Wish:
    """What the user asked to train: on what, which recipe, changed how, from which weights."""

    source: Path
    recipe: str | None
    overrides: tuple[str, ...]
    size: str | None
    start_from: Path | None
    lora: int

    def resolved(self) -> tuple[Recipe, Bundle | None]:
        """The recipe with its overrides, and the bundle to start from, if any."""
        from segue import bundles
        from segue.errors import TrainingError
        from segue.recipes import load

        if self.start_from is None:
            return load(self.recipe or DEFAULT_RECIPE, self.overrides), None
        if self.recipe or self.size:
            raise TrainingError(
                "--from goes on with the bundle's own recipe and sizes: leave --recipe and "
                "--size out, and change single keys with --set."
            )
        from segue.training.finetune import tuned_recipe

        bundle = bundles.load(self.start_from)
        return tuned_recipe(bundle, self.lora, list(self.overrides)), bundle


def options(
    max_minutes: float | None, devices: int, nodes: int, strategy: str, compiled: bool = False
) -> Options:
    """How the run is carried out; RecipeError for an unknown strategy."""
    from segue.cli import console
    from segue.errors import TrainingError, nearest
    from segue.training.run import Options
    from segue.training.setup import Devices

    allowed = ("auto", "ddp", "fsdp")
    if strategy not in allowed:
        raise TrainingError(f"there is no strategy {strategy!r}; {nearest(strategy, allowed)}.")
    return Options(
        max_minutes=max_minutes,
        devices=Devices(devices, nodes, strategy),
        console=console.err,
        compiled=compiled,
    )


def begin(wish: Wish, out: Path | None, seed: int, how: Options) -> Outcome:
    """A new run."""
    from segue.training.finetune import Tuning, in_encoding_of
    from segue.training.run import train

    recipe, bundle = wish.resolved()
    run = out or Path("runs") / recipe.name
    corpus, recipe = find_corpus(wish.source, recipe, run, seed)
    tuning = None
    if bundle is not None:
        corpus = in_encoding_of(corpus, bundle)
        tuning = Tuning(str(bundle.path.resolve()), bundle.hash, wish.lora)
    if wish.size is not None:
        recipe = _at_size(recipe, wish.size, corpus, how.max_minutes, wish.overrides)
    _say(f"seed {seed}, recipe {recipe.name}, run {run}")
    return train(corpus, recipe, run, seed=seed, options=how, tuning=tuning)


def go_on(run: Path, max_steps: int | None, how: Options) -> Outcome:
    """An interrupted run."""
    from segue.training.run import resume

    return resume(run, max_steps=max_steps, options=how)


def _say(sentence: str) -> None:
    """A remark, from the first of the processes that share a run."""
    from segue.training.setup import rank

    if rank() == 0:
        note(sentence)


def _at_size(
    recipe: Recipe,
    size: str,
    corpus: Corpus,
    minutes: float | None,
    overrides: tuple[str, ...],
) -> Recipe:
    from segue.recipes import resolve
    from segue.training.sizing import AUTO, apply_size, fitting

    if size == AUTO:
        chosen, looked_at = fitting(recipe, corpus, minutes)
        for sized in looked_at:
            _say(f"size {sized.name}: {sized.parameters:,} parameters, ~{sized.minutes:.1f} min")
        _say(f"size {chosen.name} fits this corpus and machine best")
        recipe = chosen.recipe
    else:
        recipe = apply_size(recipe, size)
    # What the user set by hand stands over what a size stands for.
    return resolve(recipe.model_dump(mode="json", exclude_none=True), overrides)


def find_corpus(source: Path, recipe: Recipe, run: Path, seed: int) -> tuple[Corpus, Recipe]:
    """The corpus at `source`, or one made of the music there inside the run folder.

    A prepared corpus decides its encoding's options, and the recipe follows. Raises
    TrainingError if it was prepared with another encoding.
    """
    from segue.data import Corpus, verdict
    from segue.errors import TrainingError
    from segue.recipes import build_encoding, resolve

    encoding = build_encoding(recipe)
    if (source / "corpus.json").is_file():
        corpus = Corpus.open(source)
        if corpus.encoding.name != encoding.name:
            raise TrainingError(
                f"{source} was prepared with the encoding {corpus.encoding.name}; recipe "
                f"{recipe.name} needs {encoding.name}: prepare it again with --encoding "
                f"{encoding.name}, or give the folder of music itself."
            )
        theirs, mine = corpus.encoding.state()["options"], encoding.state()["options"]
        if theirs != mine:
            changed = ", ".join(f"{k}={v}" for k, v in theirs.items() if mine.get(k) != v)
            _say(f"the corpus was prepared with {changed}: the recipe's encoding follows it")
            values = recipe.model_dump(mode="json", exclude_none=True)
            recipe = resolve({**values, "encoding": {"name": encoding.name, **theirs}})
    else:
        corpus = _prepared(source, run / "corpus", encoding, recipe, seed)
    for sentence in verdict(corpus):
        _say(sentence)
    return corpus, recipe


def _prepared(source: Path, target: Path, encoding: Encoding, recipe: Recipe, seed: int) -> Corpus:
    from segue.cli.console import progress
    from segue.data import Corpus, prepare
    from segue.errors import TrainingError
    from segue.recipes import build_filters
    from segue.training.setup import rank

    if rank():
        # The first process prepares for all that share the run.
        until = time.monotonic() + WAIT_SECONDS
        while not (target / "corpus.json").is_file():
            if time.monotonic() > until:
                raise TrainingError(f"{target} was not prepared in a day: prepare it first.")
            time.sleep(0.5)
        return Corpus.open(target)
    with progress() as bar:
        task = bar.add_task("reading music")

        def told(done: int, total: int, notes: int) -> None:
            bar.update(task, completed=done, total=total)

        return prepare(
            source,
            target,
            encoding,
            filters=build_filters(recipe),
            near_duplicates=recipe.data.near_duplicates,
            seed=seed,
            progress=told,
        )


def tell_plan(wish: Wish, out: Path | None, seed: int, as_json: bool) -> None:
    """What would be done."""
    recipe, _ = wish.resolved()
    run = out or Path("runs") / recipe.name
    if as_json:
        emit_json(
            {
                "data": wish.source,
                "run": run,
                "seed": seed,
                "recipe": recipe.model_dump(mode="json"),
            }
        )
        return
    from segue.cli import console
    from segue.recipes.library import to_toml

    console.out.print(f"would train on {wish.source} into {run} with seed {seed}:\n")
    console.out.print(to_toml(recipe))


def report(outcome: Outcome, as_json: bool) -> None:
    """What a run came to; exit code 130 if it was stopped by hand."""
    from segue.training.setup import rank

    if rank() == 0:
        if as_json:
            _emit(outcome)
        elif outcome.interrupted:
            note(f"Saved at step {outcome.steps}; go on with `segue train --resume {outcome.run}`.")
        else:
            _show(outcome)
    if outcome.interrupted:
        raise typer.Exit(130)


def _emit(outcome: Outcome) -> None:
    emit_json(
        {
            "run": outcome.run,
            "steps": outcome.steps,
            "reason": outcome.reason,
            "interrupted": outcome.interrupted,
            "held_out": outcome.held_out,
            "bundle": outcome.bundle.path if outcome.bundle else None,
        }
    )


def _show(outcome: Outcome) -> None:
    from segue.cli import console

    held_out: dict[str, Any] = outcome.held_out or {}
    nats = held_out["nats"]
    if held_out.get("unit") == "loss":
        console.out.print(
            f"{outcome.reason}; held-out loss {nats['model']:.4g} a row over "
            f"{held_out['rows']:,} rows ({held_out['split']}); it is no likelihood, so no baseline "
            "can be set beside it.",
            soft_wrap=True,
        )
        _tell_next(outcome)
        return
    rows = console.table("held-out loss", ">nats a row", ">perplexity a row", ">nats a note")
    for name, value in sorted(nats.items(), key=lambda item: -float(item[1])):
        a_note = value / held_out["notes_a_row"]
        perplexity = math.exp(min(value, 99))
        # A frame of 88 columns has more ways to be than digits could tell.
        told = f"{perplexity:,.2f}" if perplexity < 1e6 else f"{perplexity:.1e}"
        rows.add_row(name, f"{value:.4f}", told, f"{a_note:.4f}")
    console.out.print(rows)
    floor = {k: v for k, v in nats.items() if k != "model"}
    best = min(floor, key=lambda k: float(floor[k]))
    gap = floor[best] - nats["model"]
    stands = f"{abs(gap):.3f} nats {'under' if gap > 0 else 'over'} the best baseline ({best})"
    advice = "" if gap > 0 else " It has not learned yet: train longer or on more music."
    console.out.print(
        f"{outcome.reason}; over {held_out['rows']:,} held-out rows ({held_out['split']}) "
        f"the model is {stands}.{advice}",
        soft_wrap=True,
    )
    _tell_next(outcome)


def _tell_next(outcome: Outcome) -> None:
    from segue.cli import console

    if outcome.bundle is not None:
        console.out.print(f"bundle: {outcome.bundle.path}", soft_wrap=True)
        again = f"segue generate {outcome.run} -n 4 --bars 16 -o out/"
        console.out.print(f"next: {again}", soft_wrap=True)
