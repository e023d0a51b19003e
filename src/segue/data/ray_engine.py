"""Reading files under Ray Data: the one function on every node of a cluster that is there already.

Batches of files go to actors that each keep one worker process, so that a file that crashes or
hangs its reader costs as little there as here. Outcomes come back in the order of the files, and
so the corpus is byte for byte the one that the local engine makes. Every node sees the folder
under the same path and has Segue installed.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.data.reading import Job, Outcome, ReadingCrew
from segue.errors import DataError, MissingExtraError

# Enough that handing them out costs little; few enough that some thousand files busy a cluster.
_FILES_A_TASK = 32
_SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True)
class RayEngine:
    """Reads on the Ray cluster at RAY_ADDRESS, or the one that runs on this machine.

    `workers` is the most actors at a time, of one processor each; None takes all processors.
    """

    workers: int | None
    seconds_per_file: float

    def __call__(self, paths: Sequence[str], job: Job) -> Iterator[list[Outcome]]:
        """The outcomes of each file, in the order of `paths`.

        Raises MissingExtraError without Ray, DataError without a cluster, where a node does not
        see the folder, or where the cluster fails.
        """
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("the engine ray", "ray", "cluster")
        job = Job(job.root.resolve(), job.encoding, job.filters)
        batches = [
            {"paths": list(paths[at : at + _FILES_A_TASK])}
            for at in range(0, len(paths), _FILES_A_TASK)
        ]
        if not batches:
            return
        for row in self._rows(batches, job):
            result = pickle.loads(row["outcomes"])  # noqa: S301 - made by our own actors
            if isinstance(result, str):
                raise DataError(result)
            yield from result

    def _rows(self, batches: list[dict[str, Any]], job: Job) -> Iterator[dict[str, Any]]:
        import ray
        import ray.data
        import ray.exceptions

        _connect()
        context = ray.data.DataContext.get_current().copy()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        actors = min(self.workers or int(ray.cluster_resources().get("CPU", 1)), len(batches))
        with ray.data.DataContext.current(context):
            rows = ray.data.from_items(batches, override_num_blocks=len(batches)).map(
                _Reader,
                fn_constructor_args=(job, self.seconds_per_file),
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(actors, 1)),
            )
        try:
            yield from rows.iter_rows()
        except ray.exceptions.RayError as error:
            raise DataError(
                f"the Ray cluster failed: {str(error).strip().splitlines()[-1]} See "
                "`ray status`, and give the command again: it goes on where it was."
            ) from error


class _Reader:
    """An actor: reads batches of files in a worker process of its own."""

    def __init__(self, job: Job, seconds_per_file: float) -> None:
        self._job = job
        self._crew = ReadingCrew(job, 1, seconds_per_file)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The outcomes of `row["paths"]`, pickled; or in one sentence what is wrong here."""
        result: list[list[Outcome]] | str
        if self._job.root.is_dir():
            result = list(self._crew.read([str(path) for path in row["paths"]]))
        else:
            result = (
                f"the node {os.uname().nodename} does not see {self._job.root}: put the music on "
                "a file system that all nodes of the cluster share, under the same path."
            )
        return {"outcomes": pickle.dumps(result)}


def _connect() -> None:
    """Connect to a cluster that is there; DataError if there is none."""
    import ray

    # What Ray says about itself at length is not for whoever prepares a corpus.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    address = _address()
    if address and not _answers(address):  # Ray itself would try for minutes
        raise DataError(f"no Ray cluster answers at {address}: {_ADVICE}")
    try:
        ray.init(address="auto", logging_level=logging.ERROR, log_to_driver=False)
    except ConnectionError:
        raise DataError(f"there is no Ray cluster to be found: {_ADVICE}") from None


_ADVICE = (
    "start one with `ray start --head`, or name one by setting RAY_ADDRESS, or use --engine local."
)


def _address() -> str:
    """Where Ray would look for a cluster: as it was told, or where the last one here was."""
    noted = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray" / "ray_current_cluster"  # noqa: S108
    told = os.environ.get("RAY_ADDRESS", "auto")
    if told != "auto":
        return told
    return noted.read_text().strip() if noted.is_file() else ""


def _answers(address: str) -> bool:
    """Whether anything listens at HOST:PORT; True for an address of another form."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        return True
    try:
        with socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER):
            return True
    except OSError:
        return False
