"""Engines: what runs the one function on every file, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from segue.data.reading import Job, Outcome, read_files
from segue.errors import DataError, nearest

LOCAL, RAY = "local", "ray"


class Engine(Protocol):
    """Gives the outcomes of each file, in the order of `paths`, whatever order they are read in."""

    def __call__(self, paths: Sequence[str], job: Job) -> Iterator[list[Outcome]]:
        """Read the files at `paths` under the job's root."""


def _local(workers: int | None, seconds_per_file: float) -> Engine:
    return partial(read_files, workers=workers, seconds_per_file=seconds_per_file)


def _ray(workers: int | None, seconds_per_file: float) -> Engine:
    from segue.data.ray_engine import RayEngine

    return RayEngine(workers, seconds_per_file)


ENGINES: dict[str, Callable[[int | None, float], Engine]] = {LOCAL: _local, RAY: _ray}
"""Name to a function of (workers, seconds a file) that makes the engine."""


def engine_for(name: str, *, workers: int | None, seconds_per_file: float) -> Engine:
    """The engine of that name; DataError for an unknown one."""
    if name not in ENGINES:
        raise DataError(f"there is no engine {name!r}; {nearest(name, ENGINES)}.")
    return ENGINES[name](workers, seconds_per_file)
