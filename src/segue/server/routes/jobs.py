"""Jobs: where they are, what happens to them, how to cancel them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse

from segue.server import schemas
from segue.server.app import Service
from segue.server.events import Event, told
from segue.server.guard import PREFIX
from segue.server.problems import RefusedError, responses
from segue.server.routes.parts import Parts, told_of
from segue.server.store import JobRow
from segue.server.work import end_of

router = APIRouter(prefix=PREFIX, tags=["jobs"])

JobId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[0-9a-f]+$")]
EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"type": "string"},
        "data": {"type": "string", "description": "A JSON object."},
    },
}
PATIENCE = 10.0
"""Seconds after which a silent stream says that it is still there."""
ELSEWHERE = 0.5
"""Seconds between looks at a job that another server works on."""


def _job(parts: Service, id_: str) -> JobRow:
    found = parts.store.job(id_)
    if found is None:
        raise RefusedError(404, f"there is no job {id_!r}.")
    return found


@router.get("/jobs", response_model=schemas.Jobs, responses=responses())
def latest(parts: Parts, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> dict[str, Any]:
    """The jobs accepted last, the newest first."""
    return {"jobs": [told_of(parts, job) for job in parts.store.latest(limit)]}


@router.get("/jobs/{id}", response_model=schemas.Job, responses=responses(404))
def job(parts: Parts, id: JobId) -> schemas.Job:
    """Where a job is; its takes once it is done."""
    return told_of(parts, _job(parts, id))


@router.delete("/jobs/{id}", response_model=schemas.Job, responses=responses(404))
def cancel(parts: Parts, id: JobId) -> schemas.Job:
    """Cancel a job; one that has ended stays as it is."""
    return told_of(parts, parts.works.cancel(id))


@router.get(
    "/jobs/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: queued, started, note, take, finding, and at last "
            "done, failed or cancelled. Each has a number as its id.",
            "content": {"text/event-stream": {"schema": EVENT}},
        },
        **responses(404),
    },
)
async def events(
    parts: Parts,
    id: JobId,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="As Last-Event-ID.")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,16}$")] = None,
) -> StreamingResponse:
    """What happens to a job, from the start or from what came after an event."""
    if parts.works.logs.known(id) is None:
        await asyncio.to_thread(_job, parts, id)
    since = after if after is not None else int(last_event_id) if last_event_id else -1
    return StreamingResponse(
        _stream(parts, id, since),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no", "cache-control": "no-store"},
    )


async def _stream(parts: Service, id_: str, since: int) -> AsyncIterator[bytes]:
    yield b": hello\nretry: 1000\n\n"
    is_elsewhere = False
    while not parts.works.is_closing:
        log = None if is_elsewhere else parts.works.logs.known(id_)
        if log is not None:
            over = log.is_over  # asked first: what it ends with is among the events then
            events_ = log.after(since)
        else:
            events_, over = await asyncio.to_thread(_from_database, parts, id_, since)
        if events_:
            since = events_[-1].number
            yield b"".join(event.encoded for event in events_)
        if over:
            return
        if log is None:
            await asyncio.sleep(ELSEWHERE)
        elif not events_ and not await log.wait(since, PATIENCE):
            yield b": still here\n\n"
            is_elsewhere = not await asyncio.to_thread(parts.works.has, id_)


def _from_database(parts: Service, id_: str, since: int) -> tuple[list[Event], bool]:
    """What the database tells of a job that this server has no log of, and whether it has ended."""
    found = _job(parts, id_)
    takes = parts.store.facts_of(id_)
    end = (
        {"problem": found.problem}
        if found.problem
        else end_of(found.status, [take["id"] for take in takes], found.result)
    )
    events_ = told(found.status, found.attempt, takes, end)
    return [event for event in events_ if event.number > since], not found.is_open
