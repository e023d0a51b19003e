"""Making music: each way is a job."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from segue.server import making, schemas
from segue.server.guard import PREFIX
from segue.server.routes.parts import ACCEPTED, IdempotencyKey, Parts, seed_of, submitted
from segue.server.shelf import require_way

router = APIRouter(prefix=PREFIX, tags=["make"])


def accepted(
    parts: Parts, kind: str, asked: Any, key: str | None, response: Response
) -> schemas.Job:
    """Check what is asked as far as that is quick, and make a job of it."""
    making.require_within(asked, parts.settings.limits)
    bundle = parts.shelf.get(asked.model)
    require_way(bundle, asked.model, kind)
    making.check(kind, asked, bundle)
    return submitted(parts, kind, asked.model_dump(mode="json"), key, response, seed_of(asked))


@router.post("/generate", **ACCEPTED)
def generate(
    parts: Parts,
    asked: schemas.Generate,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:
    """Make new music from nothing."""
    return accepted(parts, "generate", asked, idempotency_key, response)


@router.post("/continue", **ACCEPTED)
def continue_(
    parts: Parts,
    asked: schemas.Continue,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:
    """Carry on from where the music stops; it stays note for note."""
    return accepted(parts, "continue", asked, idempotency_key, response)


@router.post("/infill", **ACCEPTED)
def infill(
    parts: Parts, asked: schemas.Infill, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """Fill some bars of some tracks anew; everything else is locked."""
    return accepted(parts, "infill", asked, idempotency_key, response)


@router.post("/accompany", **ACCEPTED)
def accompany(
    parts: Parts, asked: schemas.Accompany, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:  # fmt: skip
    """Add the parts that the music has not."""
    return accepted(parts, "accompany", asked, idempotency_key, response)


@router.post("/vary", **ACCEPTED)
def vary(
    parts: Parts, asked: schemas.Vary, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """Make takes like the music."""
    return accepted(parts, "vary", asked, idempotency_key, response)


@router.post("/loop", **ACCEPTED)
def loop(
    parts: Parts, asked: schemas.Loop, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """Make music whose end leads into its start."""
    return accepted(parts, "loop", asked, idempotency_key, response)
