"""What `--update` does: fine-tune a bundle on new music, and take the new one if it is no worse."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.cli.console import note

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.data import Corpus
    from segue.judging.drift import Drift

SLACK = 0.005


@dataclass(frozen=True)
class Update:
    """What an update came to: nats a row before and after, on what was held out of the old music
    and of the new, whether the new bundle was adopted, and where the old one is kept."""

    run: str
    before: dict[str, float]
    after: dict[str, float]
    adopted: bool
    reason: str
    kept: str | None

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def update(
    path: Path,
    music: Path,
    found: Drift,
    *,
    old_data: Path | None = None,
    minutes: float | None = None,
    settings: tuple[str, ...] = (),
    slack: float = SLACK,
    seed: int = 0,
) -> Update:
    """Fine-tune the bundle at `path` on the pieces of `music` that were not refused.

    The new bundle takes the old one's place only if its held-out loss, on the old music and on the
    new, is no more than `slack` of it higher; the old one stays beside it. Raises DataError if the
    old corpus has gone, BundleError for a bundle that comes with Segue, TrainingError as training.
    """
    from segue import bundles
    from segue.cli import learning
    from segue.data import Corpus
    from segue.errors import BundleError
    from segue.judging.material import corpus_of_run

    old = bundles.load(path)
    if bundles.comes_with_segue(old.path):
        raise BundleError(
            f"{old.name} comes with Segue and stays as it is: copy {old.path} to a folder of your "
            "own and update that."
        )
    corpus = Corpus.open(old_data) if old_data else corpus_of_run(old.path.parent)
    run = _free(old.path.parent if old.path.name == "bundle" else old.path)
    source = _without_refused(music, found, run)
    wish = learning.Wish(source, None, settings, None, old.path, 0)
    outcome = learning.begin(wish, run, seed, learning.options(minutes, 1, 1, "auto"))
    fresh = Corpus.open(source if (source / "corpus.json").is_file() else run / "corpus")
    if outcome.bundle is None:
        return Update(str(run), {}, {}, False, "the training was stopped", None)
    new = outcome.bundle
    sets = {"old music": corpus, "new music": fresh}
    before = {name: _loss(old, each) for name, each in sets.items()}
    after = {name: _loss(new, each) for name, each in sets.items()}
    behind = [name for name in sets if after[name] > before[name] * (1 + slack)]
    if behind:
        reason = f"it fell behind on the {' and the '.join(behind)}"
        return Update(str(run), before, after, False, reason, None)
    kept = _adopt(old, new, corpus, fresh)
    return Update(str(run), before, after, True, "it fell behind on neither", str(kept))


def _free(run: Path) -> Path:
    """The first of run-update-1, run-update-2, ... that is not there."""
    number = 1
    while (place := run.with_name(f"{run.name}-update-{number}")).exists():
        number += 1
    return place


def _without_refused(music: Path, found: Drift, run: Path) -> Path:
    """The music itself, or a copy of those files that no piece was refused of."""
    if not found.refused or music.is_file() or (music / "corpus.json").is_file():
        return music
    refused = {name.partition("#")[0] for name in found.refused}
    target = run / "music"
    for name in dict.fromkeys(piece.partition("#")[0] for piece in found.pieces):
        if name not in refused:
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(music / name, place)
    return target


def _loss(bundle: Bundle, corpus: Corpus) -> float:
    from segue.judging.likelihood import evaluate

    told = evaluate(bundle, corpus, context="window", charge=False, baselines=False, draws=1)
    return told.nats("row")


def _adopt(old: Bundle, new: Bundle, corpus: Corpus, fresh: Corpus) -> Path:
    """Put the new bundle where the old one is, which goes beside; its profile holds both."""
    from segue import bundles
    from segue.judging import profile

    place, aside = old.path, old.path.with_name(f"{old.path.name}.before-{old.hash[:8]}")
    draft = place.with_name(f".{place.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(new.path, draft)
    made = bundles.load(draft)
    if profile.has_profile(old) and profile.has_profile(made):
        both = profile.joined(made, profile.load(old), profile.load(made), (corpus, fresh))
        profile.keep(made, both)
    if aside.exists():
        shutil.rmtree(aside)
    place.rename(aside)
    draft.rename(place)
    return aside


def tell(done: Update) -> None:
    """Say what came of it."""
    from segue.cli import console

    if done.before:
        table = console.table("held out of the", ">nats a row before", ">after")
        for name, value in done.before.items():
            table.add_row(name, f"{value:.4f}", f"{done.after[name]:.4f}")
        console.out.print(table)
    if done.adopted:
        console.out.print(f"The new bundle is adopted: {done.reason}.", soft_wrap=True)
        note(f"the old one is kept at {done.kept}")
    else:
        console.out.print(f"The old bundle stays: {done.reason}.", soft_wrap=True)
    note(f"run: {done.run}")
