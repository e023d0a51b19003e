"""Samples of what is compared, to see and to hear, and the pairs of a blind listening."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from segue import formats
from segue.judging.compare import REAL, Comparison, Contestant, Tell
from segue.score import Score, slice_seconds

HEARD_SECONDS = 40.0
"""Longer samples are cut: whoever compares a dozen pairs does not hear more of each."""
SAMPLE_RATE = 24_000


@dataclass(frozen=True)
class Sample:
    """A piece of music to see and hear; `code` is what a blind listener gets to know of it."""

    code: str
    of: str
    title: str
    picture: bytes
    sound: bytes


@dataclass(frozen=True)
class Pair:
    """Two samples by their codes, in the order in which they are heard."""

    first: str
    second: str


@dataclass(frozen=True)
class Listening:
    """A blind listening: its pairs in the order of a seed, and whose each sample is."""

    name: str
    pairs: tuple[Pair, ...]
    key: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        pairs = [[pair.first, pair.second] for pair in self.pairs]
        return {"listening": self.name, "pairs": pairs, "key": self.key}


def samples(comparison: Comparison, *, tell: Tell = lambda sentence: None) -> list[Sample]:
    """The first takes of each run that have notes, and as many excerpts of real music."""
    count, seed = comparison.asked.samples, comparison.asked.seed
    made = []
    for each in comparison.contestants:
        tell(f"{each.name}: drawing and playing {count} samples")
        sounding = [take for take in each.takes if len(take.score)][:count]
        for i, take in enumerate(sounding):
            title = f"seed {take.receipt['seed']}"
            made.append(_sample(seed, each.name, title, take.score, _marks(each, i)))
    tell(f"drawing and playing {count} excerpts of real music")
    for name, score in comparison.real[:count]:
        made.append(_sample(seed, REAL, name, score, []))
    return made


def _marks(contestant: Contestant, take: int) -> list[tuple[int, int, str]]:
    """What the take has of the training music."""
    return contestant.copies.verdicts[take].marks if contestant.copies else []


def _sample(
    seed: int, of: str, title: str, score: Score, marks: list[tuple[int, int, str]]
) -> Sample:
    code = hashlib.sha256(f"{seed} {of} {title} {score.content_hash()}".encode()).hexdigest()[:12]
    with tempfile.TemporaryDirectory() as folder:
        picture, sound = Path(folder) / "roll.png", Path(folder) / "sound.mp3"
        formats.write(score, picture, marks=marks, marked_as="in the training music")
        heard = slice_seconds(score, 0, HEARD_SECONDS)
        formats.write(heard if len(heard) else score, sound, sample_rate=SAMPLE_RATE)
        return Sample(code, of, title, picture.read_bytes(), sound.read_bytes())


def listening(drawn: Sequence[Sample], seed: int) -> Listening:
    """Every contestant's samples against every other's, the first with the first and so on.

    The order of pairs, and which of two comes first, are drawn by the seed.
    """
    by: dict[str, list[Sample]] = {}
    for sample in drawn:
        by.setdefault(sample.of, []).append(sample)
    rng = np.random.default_rng(seed)
    pairs = []
    for one, other in combinations(by, 2):
        for pair in zip(by[one], by[other], strict=False):
            first, second = pair if rng.integers(2) else pair[::-1]
            pairs.append(Pair(first.code, second.code))
    order = rng.permutation(len(pairs)).tolist()
    key = {sample.code: sample.of for sample in drawn}
    name = hashlib.sha256(" ".join(sorted(key)).encode()).hexdigest()[:12]
    return Listening(name, tuple(pairs[i] for i in order), key)
