"""What is done for each kind of job: music is made here, all that learns runs as `segue ...`."""

from __future__ import annotations

import time

from segue.generation import Take
from segue.server import live, making
from segue.server.making import WAYS, row_of
from segue.server.metrics import Metrics
from segue.server.settings import Settings
from segue.server.shelf import Shelf
from segue.server.work import MAKE, Outcome, Running, Work

PREFIX = "/api/v1"


def table(settings: Settings, shelf: Shelf, metrics: Metrics) -> dict[str, tuple[str, Work]]:
    """Each kind of job: the lane it waits in, and the function that sees to it."""
    from segue.server import judging, training

    made: dict[str, tuple[str, Work]] = {
        kind: (MAKE, _maker(kind, shelf, metrics)) for kind in WAYS
    }
    made |= judging.table(shelf)
    made |= training.table(settings, shelf)
    return made


def _maker(kind: str, shelf: Shelf, metrics: Metrics) -> Work:
    schema, way = WAYS[kind]

    def make(running: Running) -> Outcome:
        job = running.job
        asked = schema.model_validate(job.request)
        bundle = shelf.get(asked.model)
        began = time.monotonic()
        told = False

        def hear(take: int, notes: list[dict[str, int]], ticks_per_quarter: int) -> None:
            nonlocal told
            if not told:
                told = True
                metrics.first_note.observe(time.monotonic() - began)
            running.log.add(
                "note", {"take": take, "ticks_per_quarter": ticks_per_quarter, "notes": notes}
            )

        bundle.ensembles.telling(live.listener(bundle, asked, hear))
        try:
            takes = way(bundle, asked, int(job.seed or 0), running.go_on)
        finally:
            bundle.ensembles.telling(None)
        running.go_on()
        rows = [row_of(take, job.id, number, PREFIX) for number, take in enumerate(takes)]
        for row, take in zip(rows, takes, strict=True):
            _find(running, row.number, take)
        return Outcome(rows)

    return make


def _find(running: Running, number: int, take: Take) -> None:
    """Tell what a person should know of a take."""
    told = making.findings(take)
    for finding in told:
        running.log.add("finding", {"take": number, **finding})
