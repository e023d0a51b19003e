"""How routes come by the parts of the service, and how a job is told of."""

from __future__ import annotations

import random
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from segue.server import schemas
from segue.server.app import Service
from segue.server.guard import PREFIX
from segue.server.problems import responses
from segue.server.store import JobRow


def service(request: Request) -> Service:
    """The parts of the application that answers."""
    found: Service = request.app.state.service
    return found


Parts = Annotated[Service, Depends(service)]

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9._:\-]+$",
        description="The same key with the same request gives the same job, however often it is "
        "sent.",
    ),
]


ACCEPTED: dict[str, Any] = {
    "status_code": 202,
    "response_model": schemas.Job,
    "responses": responses(400, 404, 409, 413, 503),
}
"""What a route that makes a job answers."""


def submitted(
    parts: Service,
    kind: str,
    request: dict[str, Any],
    key: str | None,
    response: Response,
    seed: int | None = None,
    same: Any = None,
) -> schemas.Job:
    """A job made of a request that was checked; the answer says where it is."""
    job = parts.works.submit(kind, request, key=key, seed=seed, same=same)
    response.headers["location"] = f"{PREFIX}/jobs/{job.id}"
    return told_of(parts, job)


def told_of(parts: Service, job: JobRow) -> schemas.Job:
    """A job as the wire has it."""
    takes = parts.store.facts_of(job.id) if job.status == "done" else []
    return schemas.Job.model_validate(
        {
            "id": job.id,
            "kind": job.kind,
            "status": job.status,
            "attempt": job.attempt,
            "ahead": parts.works.ahead(job.id) if job.status == "queued" else 0,
            "created": job.created,
            "started": job.started,
            "finished": job.finished,
            "seed": job.seed,
            "takes": takes,
            "problem": job.problem,
            "result": job.result,
            "links": {
                "self": f"{PREFIX}/jobs/{job.id}",
                "events": f"{PREFIX}/jobs/{job.id}/events",
            },
        }
    )


def seed_of(asked: Any) -> int:
    """The seed that is asked for, or a fresh one that a person can retype."""
    seed = getattr(asked, "seed", None)
    return random.randrange(1_000_000) if seed is None else int(seed)
