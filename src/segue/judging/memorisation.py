"""What takes have in common with the music that a bundle learned from, told by piece and bar."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from segue import bundles
from segue.bundles import Bundle
from segue.bundles.bundle import INDEX
from segue.data import Corpus
from segue.data.corpus import read_facts
from segue.errors import BundleError, SegueError
from segue.evaluation.memorisation import Memorised, Training, memorised
from segue.evaluation.memorisation_steps import Steps, steps_of
from segue.judging.material import corpus_of_run, readings
from segue.score import Score

MOST_STEPS = 8_000_000
"""Of larger corpora a bundle carries as many steps (16 MB before packing), of pieces by chance."""
BASELINE = 200
"""Held-out pieces that are searched for the baseline, drawn by chance."""


@dataclass(frozen=True)
class Passage:
    """A passage of a take that training music has.

    Bars are counted from 1, both included; `begin` and `end` are ticks of the take; `at` is how far
    into the training piece it stands, 0 to 1.
    """

    piece: str
    first_bar: int
    last_bar: int
    notes: int
    length: int
    begin: int
    end: int
    at: float


@dataclass(frozen=True)
class Verdict:
    """Of one take: the share of its `notes` in `passages`, the longest first."""

    name: str
    score: float
    notes: int
    copied: bool
    passages: tuple[Passage, ...]

    @property
    def marks(self) -> list[tuple[int, int, str]]:
        """What a roll shades: ticks from, to, and the piece."""
        return [(each.begin, each.end, each.piece) for each in self.passages]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Judgement:
    """Of many takes: each, and the share over `limit` beside that of `held_out` real music.

    `held_out` are the scores of pieces that the model did not learn from against the same music.
    """

    verdicts: tuple[Verdict, ...]
    limit: float
    held_out: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The takes' mean score; 0 for none."""
        return float(np.mean([each.score for each in self.verdicts] or [0.0]))

    @property
    def copied_share(self) -> float:
        """The share of takes over the limit."""
        return float(np.mean([float(each.copied) for each in self.verdicts] or [0.0]))

    @property
    def held_out_mean(self) -> float | None:
        """The mean score of held-out music; None without any."""
        return float(np.mean(self.held_out)) if self.held_out else None

    @property
    def held_out_copied_share(self) -> float | None:
        """The share of held-out music over the limit; None without any."""
        return float(np.mean(np.array(self.held_out) > self.limit)) if self.held_out else None

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "takes": [each.as_dict() for each in self.verdicts],
            "limit": self.limit,
            "mean": self.mean,
            "copied_share": self.copied_share,
            "held_out": {
                "pieces": len(self.held_out),
                "mean": self.held_out_mean,
                "copied_share": self.held_out_copied_share,
            },
        }


def judge(
    training: Training, takes: Sequence[tuple[str, Score]], begins: Sequence[int] | None = None
) -> Judgement:
    """Search takes, by name, in the training music; of take i what comes from `begins[i]` on."""
    from_ = begins or [0] * len(takes)
    steps = [steps_of(score, begin) for (_, score), begin in zip(takes, from_, strict=True)]
    found = memorised(training, steps)
    verdicts = [
        _verdict(training, name, score, own, each)
        for (name, score), own, each in zip(takes, steps, found, strict=True)
    ]
    return Judgement(tuple(verdicts), training.limit, training.held_out)


def _verdict(training: Training, name: str, score: Score, steps: Steps, of: Memorised) -> Verdict:
    passages = []
    for match in of.matches:
        begin = int(steps.onsets[match.first])
        end = int(steps.ends[match.first : match.last].max())
        bars = score.metre_map.bars(np.array([begin, int(steps.onsets[match.last - 1])]))
        passages.append(
            Passage(
                match.piece,
                int(bars[0]) + 1,
                int(bars[1]) + 1,
                match.notes,
                match.length,
                begin,
                end,
                match.place / match.slices,
            )
        )
    return Verdict(name, of.score, of.notes, of.score > training.limit, tuple(passages))


# -- where the training music is -----------------------------------------------------------------


def training_at(path: str | Path) -> Training:
    """The training music of a bundle or run, of a prepared corpus, or of a folder of music.

    A run that does not carry the steps of its music is asked for its corpus. Raises DataError for
    a path that is none of these, BundleError for a bundle without steps.
    """
    where = Path(path)
    named = not where.exists() and str(path) in bundles.shipped()
    if named or any((folder / INDEX).is_file() for folder in (where, where / "bundle")):
        bundle = bundles.load(where)
        if bundle.training_steps is None and bundle.path != where and not named:
            return of_corpus(corpus_of_run(where))
        return of_bundle(bundle)
    if read_facts(where) is not None:
        return of_corpus(Corpus.open(where))
    return Training.of((name, steps_of(score)) for name, score in music(where))


def of_bundle(bundle: Bundle) -> Training:
    """What a bundle carries of its music; BundleError if nothing."""
    training = bundle.training_steps
    if training is None:
        raise BundleError(
            f"{bundle.path} does not carry the steps of its training music: "
            "give the corpus or the folder that it learned from."
        )
    return training


def of_corpus(corpus: Corpus, seed: int = 0) -> Training:
    """The training split as the model sees it, and the scores of held-out pieces against it."""
    training = Training.of(_drawn(corpus, "train", len(corpus.index), seed, MOST_STEPS))
    for split in ("valid", "test"):
        if corpus.splits.get(split):
            held_out = [steps for _, steps in _drawn(corpus, split, BASELINE, seed, MOST_STEPS)]
            return with_baseline(training, held_out)
    return training


def with_baseline(training: Training, held_out: Sequence[Steps]) -> Training:
    """With the scores of these pieces, which it does not hold, as its baseline."""
    scores = sorted(each.score for each in memorised(training, held_out))
    return replace(training, held_out=tuple(scores))


def _drawn(
    corpus: Corpus, split: str, most: int, seed: int, steps: int
) -> Iterator[tuple[str, Steps]]:
    pieces = corpus.pieces(split)
    for i in np.random.default_rng(seed).permutation(len(pieces))[:most].tolist():
        piece = pieces[i]
        found = steps_of(corpus.encoding.decode(corpus.rows(piece), piece.header))
        steps -= len(found)
        if steps < 0:
            return
        yield piece.path, found


def music(path: Path) -> Iterator[tuple[str, Score]]:
    """The pieces with notes in a folder or file, by name; DataError if no file can be read at all.

    Files that cannot be read are passed over.
    """
    return (
        (name, score)
        for name, score in readings(path)
        if not isinstance(score, SegueError) and len(score)
    )


def packed(training: Training) -> bytes:
    """As a file that a bundle carries."""
    file = io.BytesIO()
    np.savez_compressed(file, **training.arrays())  # type: ignore[arg-type]
    return file.getvalue()
