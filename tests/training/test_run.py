"""Training from corpus to bundle: it learns, it resumes bit for bit, it survives being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from music import TINY
from segue import recipes
from segue.data import Corpus
from segue.errors import RecipeError, TrainingError
from segue.training.folder import RunFolder
from segue.training.run import resume, train


def weights(run: Path) -> dict[str, bytes]:
    return {k: v.tobytes() for k, v in load_file(run / "bundle" / "model.safetensors").items()}


def lines(run: Path) -> list[dict[str, float]]:
    """The log without the time of day, which no two runs share."""
    read = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(line.pop("time") > 0 for line in read)
    return read


def test_a_run_holds_what_it_should(run_path: Path) -> None:
    names = {p.name for p in run_path.iterdir()}
    assert names >= {
        "recipe.toml",
        "corpus.json",
        "environment.json",
        "metrics.jsonl",
        "tensorboard",
        "samples",
        "checkpoints",
        "bundle",
    }
    assert sorted(p.name for p in (run_path / "checkpoints").iterdir()) == [
        "best.ckpt",
        "last.ckpt",
    ]
    assert (run_path / "samples" / "step-000004" / "take.mid").is_file()
    assert json.loads((run_path / "environment.json").read_text())["seed"] == 1


def test_the_held_out_loss_stands_beside_the_baselines(run_path: Path) -> None:
    index = json.loads((run_path / "bundle" / "bundle.json").read_text())
    nats = index["held_out"]["nats"]
    assert set(nats) == {"model", "uniform", "unigram", "bigram"}
    assert nats["bigram"] < nats["unigram"] < nats["uniform"]
    assert nats["model"] < nats["uniform"]
    assert nats["model"] == pytest.approx(sum(index["held_out"]["columns"].values()))


def test_the_log_has_training_and_held_out_losses(run_path: Path) -> None:
    held_out = [line for line in lines(run_path) if "held_out/nats" in line]
    assert [line["step"] for line in held_out] == [4, 8]
    assert held_out[1]["held_out/nats"] < held_out[0]["held_out/nats"]


def test_resumed_equals_uninterrupted(corpus_path: Path, run_path: Path, tmp_path: Path) -> None:
    recipe = recipes.load("chorale-lstm", [*TINY, "train.max_steps=6"])
    train(Corpus.open(corpus_path), recipe, tmp_path / "run", seed=1)
    resume(tmp_path / "run", max_steps=8)
    assert weights(tmp_path / "run") == weights(run_path)
    held_out = [line for line in lines(run_path) if line["step"] in (4, 8)]
    assert [x for x in lines(tmp_path / "run") if x["step"] in (4, 8)] == held_out


def test_another_seed_trains_another_model(
    corpus_path: Path, run_path: Path, tmp_path: Path
) -> None:
    recipe = recipes.load("chorale-lstm", [*TINY, "train.max_steps=8"])
    train(Corpus.open(corpus_path), recipe, tmp_path / "run", seed=2)
    assert weights(tmp_path / "run") != weights(run_path)


def test_a_run_killed_in_the_middle_goes_on(
    corpus_path: Path, run_path: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    settings = [f"--set={value}" for value in (*TINY, "train.max_steps=100000")]
    command = [sys.executable, "-m", "segue", "train", str(corpus_path), "--seed", "1", "-o"]
    process = subprocess.Popen(
        [*command, str(run), *settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    last = RunFolder(run).last
    waited = time.monotonic() + 120
    while not last.exists() and process.poll() is None and time.monotonic() < waited:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert last.exists()
    assert not (run / "bundle").exists()
    import torch

    done = torch.load(last, weights_only=False)["global_step"]
    assert done % 4 == 0
    resume(run, max_steps=max(8, done + 4))
    assert (run / "bundle" / "bundle.json").is_file()
    steps = [line["step"] for line in lines(run) if "held_out/nats" in line]
    assert steps == sorted(set(steps))
    mine = [x for x in lines(run) if x["step"] <= 8 and "held_out/nats" in x]
    assert mine == [x for x in lines(run_path) if "held_out/nats" in x]


def test_a_run_is_not_overwritten(corpus_path: Path, run_path: Path) -> None:
    recipe = recipes.load("chorale-lstm", TINY)
    with pytest.raises(TrainingError, match="holds a run already: go on with"):
        train(Corpus.open(corpus_path), recipe, run_path)


def test_resuming_nothing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run folder"):
        resume(tmp_path)


def test_a_diverging_run_stops_with_a_cause(corpus_path: Path, tmp_path: Path) -> None:
    recipe = recipes.load(
        "chorale-lstm", [*TINY, "train.lr=1e30", "train.optimiser=sgd", "train.clip=0"]
    )
    with pytest.raises(TrainingError, match=r"diverged: .* Try a smaller learning rate"):
        train(Corpus.open(corpus_path), recipe, tmp_path / "run", seed=1)


def test_early_stopping_waits_for_patience(corpus_path: Path, tmp_path: Path) -> None:
    recipe = recipes.load(
        "chorale-lstm", [*TINY, "train.lr=1e-12", "train.patience=2", "train.max_steps=100"]
    )
    outcome = train(Corpus.open(corpus_path), recipe, tmp_path / "run", seed=1)
    assert outcome.steps < 100
    assert "no better held-out loss in 2 validations" in outcome.reason


LONE = [*TINY, "model.dropout=0", "train.precision=fp32", "train.max_steps=6", "train.clip=0"]


def one_process(corpus_path: Path, out: Path, *settings: str) -> dict[str, np.ndarray]:
    recipe = recipes.load("chorale-lstm", [*LONE, *settings])
    train(Corpus.open(corpus_path), recipe, out, seed=1)
    return dict(load_file(out / "bundle" / "model.safetensors"))


def close(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return all(np.allclose(first[k], second[k], rtol=1e-4, atol=1e-5) for k in first)


def test_a_batch_of_four_is_two_parts_of_two(corpus_path: Path, tmp_path: Path) -> None:
    whole = one_process(corpus_path, tmp_path / "whole")
    parts = one_process(corpus_path, tmp_path / "parts", "train.accumulate=2")
    assert close(whole, parts)
    first, second = lines(tmp_path / "whole"), lines(tmp_path / "parts")
    assert [x["step"] for x in first] == [x["step"] for x in second]


def test_a_batch_that_cannot_be_shared_is_refused(corpus_path: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"set train\.batch to a multiple of 3"):
        one_process(corpus_path, tmp_path / "run", "train.accumulate=3")


def test_averaged_weights_are_the_ones_kept(corpus_path: Path, tmp_path: Path) -> None:
    last = one_process(corpus_path, tmp_path / "last")
    averaged = one_process(corpus_path, tmp_path / "averaged", "train.ema=0.9")
    assert not close(last, averaged)


def test_two_processes_learn_what_one_does(corpus_path: Path, tmp_path: Path) -> None:
    """Gradient equality: torchrun with two processes over gloo, at the same batch in all."""
    whole = one_process(corpus_path, tmp_path / "one", "train.max_steps=10")
    settings = [f"--set={value}" for value in LONE if "max_steps" not in value]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--master-port", str(free_port()), "-m", "segue", "train", str(corpus_path)]
    command += ["--seed", "1", "--max-steps", "10", "--devices", "2", "-o", str(tmp_path / "two")]
    ran = subprocess.run(
        [*command, *settings],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    assert close(whole, dict(load_file(tmp_path / "two" / "bundle" / "model.safetensors")))
    one, two = lines(tmp_path / "one"), lines(tmp_path / "two")
    assert [x["step"] for x in one] == [x["step"] for x in two]
    for a, b in zip(one, two, strict=True):
        assert a == pytest.approx(b, rel=1e-4)


def free_port() -> int:
    import socket

    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])
