"""Runs side by side: likelihood, measures, memorisation, speed and size, beside held-out music.

`compare` gathers; `compare_report` and `listening` write what it found.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segue import bundles
from segue.bundles import Bundle
from segue.errors import DataError, SegueError
from segue.evaluation import bootstrap
from segue.evaluation.compare_sets import Overlap, Profile, excerpt, profile
from segue.evaluation.compare_sets import compare as overlaps_of
from segue.evaluation.measures import MEASURES
from segue.evaluation.memorisation_steps import steps_of
from segue.generation import Take, generate
from segue.generation.streaming import stream
from segue.judging import memorisation
from segue.judging.likelihood import Evaluation, PieceLikelihood, evaluate
from segue.judging.material import readings
from segue.score import Score

Tell = Callable[[str], None]

REAL = "real music"
"""What held-out music is called beside the runs."""
MOST_REAL = 100
"""Held-out pieces that are measured, drawn by the seed; likelihoods are of all of them."""
KNOWN = 0.8
"""The memorisation from which on a held-out piece was learned from."""
_PAUSE = 1800.0
"""Seconds between two lines of a log from which on nobody was training."""


@dataclass(frozen=True)
class Asked:
    """How many takes of how many bars each run makes, and how many are shown and heard."""

    takes: int = 16
    bars: int = 16
    samples: int = 3
    seed: int = 0
    engine: str = "auto"


@dataclass(frozen=True)
class Speed:
    """On this machine: seconds to the first note, from opening the bundle, and notes a second."""

    first_note_seconds: float
    notes_a_second: float
    music_seconds_a_second: float


@dataclass(frozen=True)
class Contestant:
    """A run and all that was found of it; `missing` says in a sentence why a part is not there."""

    name: str
    bundle: Bundle
    takes: tuple[Take, ...]
    speed: Speed
    profile: Profile
    overlaps: dict[str, Overlap]
    evaluation: Evaluation | None
    copies: memorisation.Judgement | None
    trained_seconds: float | None
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the bundle on disk."""
        return sum(file.stat().st_size for file in self.bundle.path.iterdir() if file.is_file())

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        index = self.bundle.index
        return {
            "name": self.name,
            "recipe": self.bundle.name,
            "family": self.bundle.recipe.family,
            "encoding": self.bundle.encoding.name,
            "hash": self.bundle.hash,
            "parameters": index["parameters"],
            "bytes": self.size,
            "trained_seconds": self.trained_seconds,
            "learned_from": {k: index["corpus"].get(k) for k in ("source", "pieces", "notes")},
            "speed": asdict(self.speed),
            "likelihood": self.evaluation.as_dict() if self.evaluation else None,
            "memorisation": self.copies.as_dict() if self.copies else None,
            "measures": {name: mean_of(self.profile, name) for name in MEASURES},
            "overlaps": {name: asdict(each) for name, each in self.overlaps.items()},
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Difference:
    """Nats a note of the first run less those of `name`, on the `pieces` both could score.

    `charged` if both are charged for what their encodings lose; else neither is.
    """

    name: str
    nats: float
    low: float
    high: float
    pieces: int
    charged: bool


@dataclass(frozen=True)
class Comparison:
    """The contestants, the first of which the others are set beside, and the real music."""

    asked: Asked
    data: str
    contestants: tuple[Contestant, ...]
    real: tuple[tuple[str, Score], ...]
    real_profile: Profile
    differences: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "asked": asdict(self.asked),
            "data": self.data,
            "real_pieces": len(self.real),
            "runs": [each.as_dict() for each in self.contestants],
            "real": {"measures": {name: mean_of(self.real_profile, name) for name in MEASURES}},
            "differences": [asdict(each) for each in self.differences],
        }


def compare(
    runs: Sequence[str | Path],
    data: str | Path,
    asked: Asked | None = None,
    *,
    tell: Tell = lambda sentence: None,
) -> Comparison:
    """Set runs or bundles beside each other and beside the held-out music in `data`.

    Every run makes its takes from the same seeds. What a run has not (a likelihood, the steps of
    its training music) is said in its `missing`. Raises DataError for held-out music that cannot be
    read, BundleError for a path that is no run.
    """
    asked = asked or Asked()
    rng = np.random.default_rng(asked.seed)
    real = [
        (name, score)
        for name, score in readings(data)
        if not isinstance(score, SegueError) and len(score)
    ]
    if not real:
        raise DataError(f"{data} holds no music that can be read: give held-out music with --data.")
    drawn = [real[i] for i in sorted(rng.permutation(len(real))[:MOST_REAL].tolist())]
    cut = tuple((name, excerpt(score, asked.bars, rng)) for name, score in drawn)
    tell(f"measuring {len(cut)} excerpts of real music")
    real_profile = profile([score for _, score in cut])
    contestants = tuple(
        _contestant(name, bundle, Path(data), cut, real_profile, asked, tell)
        for name, bundle in _named(runs)
    )
    return Comparison(asked, str(data), contestants, cut, real_profile, _differences(contestants))


def _named(runs: Sequence[str | Path]) -> list[tuple[str, Bundle]]:
    """Bundles by as much of their run's path as tells them apart; the same one twice by number."""
    opened = [bundles.load(run) for run in runs]
    folders = [bundle.path.resolve() for bundle in opened]
    paths = [f.parent if f.name == "bundle" else f for f in folders]
    names: list[str] = []
    for path in paths:
        others = {other for other in paths if other != path}
        parts = 1
        while any(other.parts[-parts:] == path.parts[-parts:] for other in others):
            parts += 1
        name = "/".join(path.parts[-parts:])
        again = sum(each.split(" #")[0] == name for each in names)
        names.append(f"{name} #{again + 1}" if again else name)
    return list(zip(names, opened, strict=True))


def _contestant(
    name: str,
    bundle: Bundle,
    data: Path,
    real: Sequence[tuple[str, Score]],
    real_profile: Profile,
    asked: Asked,
    tell: Tell,
) -> Contestant:
    missing: dict[str, str] = {}
    tell(f"{name}: making {asked.takes} takes of {asked.bars} bars")
    takes, speed = _made(bundle, asked)
    sounding = [take for take in takes if len(take.score)]
    if len(sounding) < len(takes):
        missing["takes"] = f"{len(takes) - len(sounding)} of {len(takes)} takes have no notes."
    tell(f"{name}: measuring them")
    found = profile([take.score for take in sounding])
    tell(f"{name}: how likely it finds {data}")
    evaluation, copies = None, None
    try:
        evaluation = evaluate(bundle, data, engine=asked.engine)
    except SegueError as error:
        missing["likelihood"] = str(error)
    tell(f"{name}: searching its training music")
    try:
        copies = _copies(bundle, sounding, real)
    except SegueError as error:
        missing["memorisation"] = str(error)
    known = sum(score > KNOWN for score in copies.held_out) if copies else 0
    if known:
        missing["held-out music"] = (
            f"{known} of {len(real)} pieces are in its training music: what it makes of them is no "
            "likelihood of new music."
        )
    return Contestant(
        name,
        bundle,
        tuple(takes),
        speed,
        found,
        overlaps_of(found, real_profile, seed=asked.seed),
        evaluation,
        copies,
        trained_seconds(bundle.path.parent / "metrics.jsonl"),
        missing,
    )


def _made(bundle: Bundle, asked: Asked) -> tuple[list[Take], Speed]:
    how: dict[str, Any] = {"bars": asked.bars, "seed": asked.seed, "engine": asked.engine}
    # Once before the clock runs: what is imported on first use would count against the first run.
    _first_note(bundle, how)
    began = time.perf_counter()
    _first_note(bundles.load(bundle.path), how)
    first = time.perf_counter() - began
    began = time.perf_counter()
    takes = generate(bundle, takes=asked.takes, **how)
    took = max(time.perf_counter() - began, 1e-9)
    notes = sum(len(take.score) for take in takes)
    seconds = sum(take.score.end_seconds for take in takes)
    return takes, Speed(first, notes / took, seconds / took)


def _first_note(bundle: Bundle, how: dict[str, Any]) -> None:
    """Play until the first note is certain; of whole segments that is a whole take."""
    if bundle.plays == "rows":
        next(iter(stream(bundle, **how)), None)
    else:
        generate(bundle, **how)


def _copies(
    bundle: Bundle, takes: Sequence[Take], real: Sequence[tuple[str, Score]]
) -> memorisation.Judgement:
    """The takes against the run's training music, beside excerpts of real music as long."""
    home = bundle.path.parent if bundle.path.name == "bundle" else bundle.path
    training = memorisation.training_at(home)
    training = memorisation.with_baseline(training, [steps_of(score) for _, score in real])
    return memorisation.judge(
        training, [(f"seed {take.receipt['seed']}", take.score) for take in takes]
    )


def trained_seconds(log: Path) -> float | None:
    """Seconds from the first line of a run's log to the last, long pauses left out; None without.

    Raises DataError for a log that is not one.
    """
    if not log.is_file():
        return None
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
        at = np.array([json.loads(line).get("time", np.nan) for line in lines], np.float64)
    except (ValueError, AttributeError) as error:
        raise DataError(f"{log} is not the log of a training ({error}).") from None
    waits = np.diff(at[np.isfinite(at)])
    return float(waits[waits < _PAUSE].sum())


def mean_of(found: Profile, name: str) -> dict[str, Any] | None:
    """The mean of a measure over pieces, its interval, and of how many; None where undefined."""
    values = found[name][:, 0]
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = bootstrap.interval(values)
    return {"mean": float(values.mean()), "low": low, "high": high, "pieces": len(values)}


# -- differences ---------------------------------------------------------------------------------


def _differences(contestants: Sequence[Contestant]) -> tuple[Difference, ...]:
    """The first run that has a likelihood beside each other one, piece by piece."""
    scored = [each for each in contestants if each.evaluation is not None]
    return tuple(
        found for other in scored[1:] if (found := _difference(scored[0], other)) is not None
    )


def _difference(first: Contestant, other: Contestant) -> Difference | None:
    assert first.evaluation is not None
    assert other.evaluation is not None
    ours, theirs = _by_name(first.evaluation), _by_name(other.evaluation)
    common = [name for name in ours if name in theirs]
    if not common:
        return None
    pairs = [(ours[name], theirs[name]) for name in common]
    charged = all(piece.charge is not None for pair in pairs for piece in pair)
    rows = np.array([(*_costs(a, charged), *_costs(b, charged)) for a, b in pairs])
    low, high = bootstrap.interval(rows, _less)
    return Difference(other.name, _less(rows), low, high, len(common), charged)


def _by_name(evaluation: Evaluation) -> dict[str, PieceLikelihood]:
    return {piece.name: piece for piece in evaluation.pieces if piece.notes}


def _costs(piece: PieceLikelihood, charged: bool) -> tuple[float, float]:
    """Nats, with the charge for what the encoding loses where it counts, and notes."""
    charge = piece.charge if charged and piece.charge is not None else 0.0
    return piece.total + charge * piece.notes, piece.notes


def _less(rows: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    sums = rows.sum(axis=0)
    return float(sums[0] / sums[1] - sums[2] / sums[3])
