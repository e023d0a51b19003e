"""`segue doctor`: what is wrong with takes or with a run, why, and what to try next.

Findings are `segue.evaluation.doctor`'s, which knows music alone; causes are `causes`', by what the
take's receipt, its bundle and its run's log tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from segue import bundles
from segue.bundles.bundle import INDEX
from segue.evaluation.doctor import SYMPTOMS, Finding, examine
from segue.formats import read
from segue.generation import Sampling, generate
from segue.judging import causes
from segue.judging.causes import Diagnosis, explain
from segue.judging.facts import Facts, facts_of_take
from segue.judging.learning_curve import METRICS, Curve
from segue.score import Score, slice_ticks


@dataclass(frozen=True)
class Remark:
    """Something about a training: a name, what is so, and commands to try."""

    name: str
    said: str
    tries: tuple[str, ...]


@dataclass(frozen=True)
class Patient:
    """A piece that was looked at, and what it has."""

    name: str
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True)
class Report:
    """What the doctor says of a path: of its training if it is a run, and of each take."""

    path: str
    remarks: tuple[Remark, ...]
    patients: tuple[Patient, ...]
    curve: Curve = field(default_factory=Curve)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.remarks and not any(each.diagnoses for each in self.patients)

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "path": self.path,
            "healthy": self.healthy,
            "training": [
                {"name": r.name, "said": r.said, "try": list(r.tries)} for r in self.remarks
            ],
            "pieces": [
                {"piece": each.name, "findings": [_told(d) for d in each.diagnoses]}
                for each in self.patients
            ],
        }


def _told(diagnosis: Diagnosis) -> dict[str, Any]:
    found = diagnosis.finding
    return {
        "symptom": found.symptom,
        "what": found.what,
        "bars": list(found.bars),
        "value": found.value,
        "limit": found.limit,
        "unit": found.unit,
        "cause": diagnosis.cause,
        "because": diagnosis.reason,
        "also": [{"cause": name, "because": why} for name, why in diagnosis.also],
        "try": list(diagnosis.tries),
    }


def take(score: Score, name: str = "", facts: Facts | None = None) -> Patient:
    """What a piece has; of a continued prompt only what follows it is looked at."""
    facts = facts or Facts()
    found = findings(score, facts)
    return Patient(name, tuple(explain(facts, each, score) for each in found))


def findings(score: Score, facts: Facts) -> list[Finding]:
    """The symptoms of the new part of a piece, its bars counted in the whole of it."""
    end = facts.settings.get("prompt_end")
    if not isinstance(end, int) or not 0 < end < score.end_ticks:
        found = examine(score)
    else:
        first = int(score.metre_map.bars(end))
        new = slice_ticks(score, end, score.end_ticks)
        found = [replace(f, bars=(f.bars[0] + first, f.bars[1] + first)) for f in examine(new)]
    late = _ends_early(score, facts)
    return [*found, late] if late is not None else found


def _ends_early(score: Score, facts: Facts) -> Finding | None:
    """Silence from the last note to the end of the bars that were asked for."""
    asked = facts.settings.get("bars")
    if not isinstance(asked, int | float) or not asked or not len(score):
        return None
    begin = facts.settings.get("prompt_end")
    first = float(score.metre_map.bars(begin)) if isinstance(begin, int) else 0.0
    wanted = first + float(asked)
    end = float(score.tempo_map.seconds(score.metre_map.ticks(wanted)))
    silent, limit = end - score.end_seconds, SYMPTOMS["silence"].limit
    if silent <= limit:
        return None
    bars = (int(score.end_bars) + 1, int(wanted))
    return Finding("ends-early", "it ends early", silent, limit, "seconds", bars)


def file(path: Path, bundle: Path | None = None, *, name: str = "") -> Patient:
    """What one music file has, by its receipt or the bundle given; FormatError if unreadable."""
    score = read(path)
    return take(score, name or path.name, facts_of_take(path, score, bundle))


def run(
    path: Path,
    *,
    takes: int = 4,
    bars: float = 16,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    told: Callable[[int], None] | None = None,
) -> Report:
    """Of a run or bundle: what its log tells, and what `takes` takes have that it plays now.

    A run without a bundle yet is judged by its log alone.
    """
    facts = facts_of_run(path)
    remarks = training(facts)
    if facts.bundle is None:
        return Report(str(path), remarks, (), facts.curve)
    made = generate(
        facts.bundle,
        takes=takes,
        bars=bars,
        seed=seed,
        sampling=sampling,
        engine=engine,
        on_row=told,
    )
    patients = []
    for each in made:
        its = replace(facts, settings=each.receipt["settings"])
        patients.append(take(each.score, f"seed {each.receipt['seed']}", its))
    return Report(str(path), remarks, tuple(patients), facts.curve)


def facts_of_run(path: Path) -> Facts:
    """What a run or bundle tells; BundleError for a folder that is neither."""
    if (path / METRICS).is_file() and not (path / "bundle").is_dir():
        return Facts(where=str(path), folder=path)
    return Facts(bundle=bundles.load(path), where=str(path))


def training(facts: Facts) -> tuple[Remark, ...]:
    """What is wrong with a training by its log and held-out figures, the worst first."""
    curve = facts.curve
    rows: Sequence[tuple[str, str | None, Callable[[Facts], tuple[str, ...]]]] = (
        ("diverged", "a loss is no number" if curve.broken else None, _smaller_steps),
        ("never learned", causes.never_learned(facts), causes.learn_something),
        ("overfitting", causes.overfit(facts), causes.more_data),
        ("too little data", _few(facts), causes.more_data),
        ("under-trained", causes.under_trained(facts), causes.train_longer),
    )
    return tuple(Remark(name, said, tries(facts)) for name, said, tries in rows if said)


def _few(facts: Facts) -> str | None:
    """Few pieces; that its music was learned by heart is said by itself."""
    said = causes.little_data(facts)
    return None if said == causes.overfit(facts) else said


def _smaller_steps(facts: Facts) -> tuple[str, ...]:
    lr = facts.recipe.train.lr / 10 if facts.recipe else 1e-4
    return (facts.train_anew("--set", f"train.lr={lr:.1g}", "--set", "train.clip=1"),)


def is_run(path: Path) -> bool:
    """Whether a folder is a run or bundle, and not a folder of music."""
    if not path.exists() and str(path) in bundles.shipped():
        return True
    return (path / METRICS).is_file() or any(
        (folder / INDEX).is_file() for folder in (path, path / "bundle")
    )
