"""What is done for each kind of job: music is made here, all that learns runs as `segue ...`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from segue.generation.batching import SharedBundle
from segue.server import live, making
from segue.server.guard import PREFIX
from segue.server.making import WAYS, row_of
from segue.server.metrics import Metrics
from segue.server.settings import Settings
from segue.server.shelf import Shelf
from segue.server.store import TakeRow
from segue.server.work import MAKE, Outcome, Running, Work

Hear = Callable[[str, dict[str, Any]], None]
"""An event of a job: its name, and what there is to say."""


@dataclass(frozen=True)
class Ask:
    """A job that makes music: what is asked of which bundle, as any process can be told."""

    id: str
    kind: str
    request: dict[str, Any]
    seed: int
    path: Path

    @property
    def takes(self) -> int:
        """How many takes it comes to."""
        return int(self.request.get("takes", 1))


class Playing(Protocol):
    """Makes music in other processes; see `performers`."""

    def make(self, asked: Ask, hear: Hear, go_on: Callable[[], None]) -> list[TakeRow]:
        """The takes of a job."""


def table(
    settings: Settings, shelf: Shelf, metrics: Metrics, playing: Playing | None
) -> dict[str, tuple[str, Work]]:
    """Each kind of job: the lane it waits in, and the function that sees to it.

    Music is made by `playing`, or in this process where that is None.
    """
    from segue.server import judging, training

    make = _maker(shelf, metrics, playing)
    made: dict[str, tuple[str, Work]] = dict.fromkeys(WAYS, (MAKE, make))
    made |= judging.table(shelf)
    made |= training.table(settings, shelf)
    return made


def _maker(shelf: Shelf, metrics: Metrics, playing: Playing | None) -> Work:
    def make(running: Running) -> Outcome:
        job = running.job
        bundle = shelf.get(str(job.request["model"]))
        asked = Ask(job.id, job.kind, job.request, int(job.seed or 0), bundle.path)
        began = time.monotonic()
        told = False

        def hear(name: str, facts: dict[str, Any]) -> None:
            nonlocal told
            if name == "note" and not told:
                told = True
                metrics.first_note.observe(time.monotonic() - began)
            running.log.add(name, facts)

        if playing is not None:
            rows = playing.make(asked, hear, running.go_on)
        else:
            rows = perform(asked, bundle, hear, running.go_on)
        running.go_on()
        return Outcome(rows)

    return make


def perform(
    asked: Ask, bundle: SharedBundle, hear: Hear, go_on: Callable[[int], None]
) -> list[TakeRow]:
    """The takes of a job; `hear` is told the notes, and what a person should know of each take.

    `go_on` is called all the while, and raises where the job is to end.
    """
    schema, way = WAYS[asked.kind]
    wanted = schema.model_validate(asked.request)

    def note(take: int, notes: list[dict[str, int]], ticks_per_quarter: int) -> None:
        hear("note", {"take": take, "ticks_per_quarter": ticks_per_quarter, "notes": notes})

    bundle.ensembles.telling(live.listener(bundle, wanted, note))
    try:
        takes = way(bundle, wanted, asked.seed, go_on)
    finally:
        bundle.ensembles.telling(None)
    go_on(0)
    for number, take in enumerate(takes):
        for finding in making.findings(take):
            hear("finding", {"take": number, **finding})
    return [row_of(take, asked.id, number, PREFIX) for number, take in enumerate(takes)]
