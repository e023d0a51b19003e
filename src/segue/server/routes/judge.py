"""Judging music: how likely, how it measures, what is wrong, whether it drifts. Each is a job."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from segue.errors import SegueError
from segue.server import schemas
from segue.server.guard import PREFIX
from segue.server.making import require_few_notes
from segue.server.routes.parts import ACCEPTED, IdempotencyKey, Parts, submitted

router = APIRouter(prefix=PREFIX, tags=["judge"])


def accepted(
    parts: Parts, kind: str, asked: Any, key: str | None, response: Response
) -> schemas.Job:
    """Check the music and make a job of it."""
    if getattr(asked, "model", None) is not None:
        parts.shelf.get(asked.model)
    for piece in [*getattr(asked, "pieces", ()), *filter(None, [getattr(asked, "music", None)])]:
        if not piece.notes:
            raise SegueError("the music has no notes: draw some, or drop a file.")
        require_few_notes(piece, parts.settings.limits)
        piece.score()
    return submitted(parts, kind, asked.model_dump(mode="json"), key, response)


@router.post("/evaluate", **ACCEPTED)
def evaluate(
    parts: Parts, asked: schemas.Evaluate, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:  # fmt: skip
    """How likely a bundle finds a piece: nats a note, and for each row."""
    return accepted(parts, "evaluate", asked, idempotency_key, response)


@router.post("/measure", **ACCEPTED)
def measure(
    parts: Parts, asked: schemas.Measure, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """Everything that is measured of a piece."""
    return accepted(parts, "measure", asked, idempotency_key, response)


@router.post("/doctor", **ACCEPTED)
def doctor(
    parts: Parts, asked: schemas.Doctor, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """What is plainly wrong with a piece: loops, silence, clutter and the like."""
    return accepted(parts, "doctor", asked, idempotency_key, response)


@router.post("/memorisation", **ACCEPTED)
def memorisation(
    parts: Parts, asked: schemas.Memorisation, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:  # fmt: skip
    """What a piece has of the music a bundle learned from, passage by passage."""
    return accepted(parts, "memorisation", asked, idempotency_key, response)


@router.post("/drift", **ACCEPTED)
def drift(
    parts: Parts, asked: schemas.Drift, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """Whether pieces are still like what a bundle was trained on."""
    return accepted(parts, "drift", asked, idempotency_key, response)
