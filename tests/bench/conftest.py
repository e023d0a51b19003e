"""`bench` is no part of the package: its folder is found beside `tests`. Music to judge by."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

import segue as package
from music import chorale


@pytest.fixture(scope="session")
def judged_music(tmp_path_factory):
    """Chorales as the default model's music lies: train/, valid/, test/, a folder a set."""
    root = tmp_path_factory.mktemp("judged") / "music"
    told = ["path,set,work"]
    for split, seeds, bars in (
        ("train", range(100, 104), 20),
        ("valid", range(200, 203), 20),
        ("test", range(300, 306), 72),
    ):
        for seed in seeds:
            kind = "even" if seed % 2 == 0 else "odd"
            path = f"{split}/{kind}/{seed}.mid"
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            package.write(chorale(seed, bars), root / path)
            told.append(f"{path},{kind},{kind}/work-{seed // 3}")
    (root / "SOURCES.csv").write_text("\n".join(told) + "\n", encoding="utf-8")
    return root


class Fixed:
    """Plays what it is given: `takes` by seed, continuations in order of their prompts."""

    def __init__(self, takes=(), continued=()):
        self.bundle, self.engine = SimpleNamespace(training_steps=None), "auto"
        self._takes, self._continued = list(takes), list(continued)
        self.store = self

    def from_nothing(self, seeds, bars):
        return [self._takes[i % len(self._takes)] for i in range(len(seeds))]

    def continued(self, prompts, seeds, bars, name):
        return [self._continued[i % len(self._continued)](p) for i, p in enumerate(prompts)]

    def spent(self, name):
        return 0.0


@pytest.fixture
def fixed():
    """`fixed(takes=..., continued=...)` is a player of music that is given."""
    return Fixed


@pytest.fixture
def examined(judged_music):
    """`examined(players, rival=players, takes=4, prompts=4)` is an examination of such players."""
    from bench.evaluate_default.examination import Candidate, Examination
    from bench.evaluate_default.held_out import Music

    def make(players, takes=4, prompts=4, **rivals):
        others = tuple(Candidate(name, each) for name, each in rivals.items())
        own = Candidate("own", players)
        return Examination(Music(judged_music), own, others, takes, prompts)

    return make
