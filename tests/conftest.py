"""What every test may use: the command line as a function, a tiny run, settings for all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from music import TINY, folder_of_chorales

# Two pytest workers with two threads each on two cores are slower than one thread each.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine is not a failing test.
# The same examples each time: what is found at random belongs to the person who looks for it, with
# HYPOTHESIS_PROFILE=explore, and not to whoever changes something else.
settings.register_profile("segue", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "segue"))


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as its one JSON document."""
        return json.loads(self.out)


@pytest.fixture
def segue(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """`segue("convert", "a.mid", "a.wav")` runs the command in this process."""
    from segue.cli.main import main

    monkeypatch.delenv("SEGUE_DEBUG", raising=False)

    def run(*args: object) -> Ran:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture(scope="session")
def chorales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve small chorales."""
    return folder_of_chorales(tmp_path_factory.mktemp("music") / "chorales")


@pytest.fixture(scope="session")
def corpus_path(chorales: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those chorales as a corpus in the encoding of `chorale-lstm`."""
    from segue import recipes
    from segue.data import prepare

    out = tmp_path_factory.mktemp("corpus") / "chorales"
    prepare(chorales, out, recipes.build_encoding(recipes.load("chorale-lstm")), workers=0)
    return out


@pytest.fixture(scope="session")
def run_path(corpus_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the tiny twin, eight steps long, seed 1."""
    from segue import recipes
    from segue.data import Corpus
    from segue.training.run import train

    out = tmp_path_factory.mktemp("runs") / "tiny"
    recipe = recipes.load("chorale-lstm", [*TINY, "train.max_steps=8"])
    train(Corpus.open(corpus_path), recipe, out, seed=1)
    return out


@pytest.fixture(scope="session")
def shipped_path(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the one in the package, with that run's bundle in it as it would be shipped."""
    from segue import bundles
    from segue.bundles.weights import in_half
    from segue.generation.int8 import quantised

    folder = tmp_path_factory.mktemp("package") / "shipped"
    whole = bundles.load(run_path)
    told = ("plays", "engine", "parameters", "context", "header", "used", "held_out", "seed")
    bundles.save(
        folder / bundles.DEFAULT,
        recipe=whole.recipe.model_copy(update={"name": bundles.DEFAULT}),
        encoding=whole.encoding,
        weights=in_half(whole.weights()),
        onnx=quantised(whole),
        state=whole.index["state"],
        openings=whole.openings,
        beside={"memorisation.npz": (whole.path / "memorisation.npz").read_bytes()},
        facts={
            **{name: whole.index[name] for name in told},
            "precision": "int8",
            "corpus": {"licence": "CC0 1.0"},
        },
    )
    return folder


@pytest.fixture
def shipped(shipped_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That bundle comes with Segue, as the only one."""
    from segue.bundles import DEFAULT, own

    monkeypatch.setattr(own, "folder", lambda: shipped_path)
    return shipped_path / DEFAULT


@pytest.fixture
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bundle comes with Segue."""
    from segue.bundles import own

    monkeypatch.setattr(own, "folder", lambda: tmp_path / "nothing-shipped")
