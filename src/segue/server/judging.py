"""The jobs that judge music: likelihood, measures, findings, drift."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from segue import formats
from segue.bundles import Bundle
from segue.errors import BundleError
from segue.server import child, schemas
from segue.server.making import plain
from segue.server.shelf import Shelf
from segue.server.work import JUDGE, Outcome, Running, Work


def table(shelf: Shelf) -> dict[str, tuple[str, Work]]:
    """Each kind of judging and the function that sees to it."""

    def evaluate(running: Running) -> Outcome:
        asked = schemas.Evaluate.model_validate(running.job.request)
        from segue.generation.scoring import likelihood

        told = likelihood(shelf.get(asked.model), asked.music.score(), engine=asked.engine)
        rows = np.asarray(told.nats, float)
        return Outcome(
            result=plain(
                {
                    "nats_a_note": told.a_note,
                    "nats_a_row": float(rows.mean()) if len(rows) else None,
                    "rows": len(rows),
                    "positions": told.positions,
                    "nats": rows,
                }
            )
        )

    def drift(running: Running) -> Outcome:
        asked = schemas.Drift.model_validate(running.job.request)
        bundle = shelf.get(asked.model)
        _require_profile(bundle, asked.model)
        with tempfile.TemporaryDirectory() as folder:
            for number, piece in enumerate(asked.pieces):
                formats.write(piece.score(), Path(folder) / f"piece-{number:03d}.mid")
            told = child.segue(["drift", str(bundle.path), folder], running.go_on)
        return Outcome(result={**told, "source": "the pieces that were sent"})

    def memorisation(running: Running) -> Outcome:
        from segue.judging.memorisation import judge, of_bundle

        asked = schemas.Memorisation.model_validate(running.job.request)
        training = of_bundle(shelf.get(asked.model))
        told = judge(training, [("music", asked.music.score())], [asked.begin])
        return Outcome(result=plain({"training_pieces": len(training.names), **told.as_dict()}))

    def doctor_of_run(running: Running) -> Outcome:
        run = str(running.job.request["path"])
        return Outcome(result=child.segue(["doctor", run], running.go_on))

    return {
        "evaluate": (JUDGE, evaluate),
        "measure": (JUDGE, measure),
        "doctor": (JUDGE, doctor),
        "drift": (JUDGE, drift),
        "memorisation": (JUDGE, memorisation),
        "doctor-run": (JUDGE, doctor_of_run),
    }


def _require_profile(bundle: Bundle, name: str) -> None:
    """Refuse to tell drift from a bundle that does not know what its training music was like."""
    from segue.judging import profile

    try:
        profile.load(bundle)
    except BundleError as error:
        raise BundleError(
            f"{name} cannot tell drift: ask another model, or let whoever runs this server give it "
            f"a profile. {error}"
        ) from None


def measure(running: Running) -> Outcome:
    """Everything that is measured of a piece."""
    from segue.evaluation import measures

    asked = schemas.Measure.model_validate(running.job.request)
    score = asked.music.score()
    told: list[dict[str, Any]] = []
    for each in measures.MEASURES.values():
        running.go_on()
        told.append(
            {
                "name": each.name, "value": each.function(score), "unit": each.unit,
                "what": each.what,
            }
        )  # fmt: skip
    return Outcome(result=plain({"measures": told}))


def doctor(running: Running) -> Outcome:
    """What is plainly wrong with a piece."""
    from segue.evaluation.doctor import examine

    asked = schemas.Doctor.model_validate(running.job.request)
    found = examine(asked.music.score())
    return Outcome(result=plain({"findings": [vars(each) for each in found]}))
