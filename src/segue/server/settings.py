"""How the service is set up, and the limits that hold for everybody who asks it for something."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from segue.errors import SegueError

DEFAULT_PORT = 8765


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may take.

    Lengths are in bars and notes, sizes in bytes, times in seconds. Past a limit of its own a
    request is refused with 413 or 422; past those of all together with 429, to come again later.
    """

    takes: int = 16
    bars: int = 256
    notes: int = 50_000
    body_bytes: int = 16 << 20
    upload_bytes: int = 8 << 20
    training_bytes: int = 256 << 20
    render_seconds: float = 600.0
    job_seconds: float = 300.0
    convert_seconds: float = 60.0
    child_bytes: int = 4 << 30
    """Address space of a child that reads, draws or sounds files."""
    waiting: int = 64
    """Jobs that may wait; one more is answered 429."""
    running: int = 16
    """Jobs that are made at the same time, of one bundle in one batch."""
    batch: int = 64
    """Takes that are played in one batch."""
    processes: int = 1
    """Processes that make music; 0: the server makes it itself, between answers."""
    trainings: int = 1
    children: int = 1
    """Processes that read, draw and sound files."""
    child_queue: int = 64
    """Files that may wait for them; one more is answered 429."""
    lease_seconds: float = 10.0
    """How long a job stays with a server that gives no sign of life."""
    stop_seconds: float = 20.0
    """How long a server that is told to stop goes on with what it began."""
    kept_takes: int = 10_000
    kept_jobs: int = 5_000


@dataclass(frozen=True)
class Settings:
    """Where the service listens, what it plays, where it keeps what it makes."""

    bundles: tuple[Path, ...] = ()
    work: Path = Path("segue-work")
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str | None = None
    database: str | None = None
    page: bool = True
    hosts: tuple[str, ...] = ()
    """Names by which it may be asked for, besides those of this machine; any if bound beyond it."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.is_local and not self.token:
            raise SegueError(
                f"the host came as {self.host}, which others can reach: give a --token too, or "
                "leave --host out to serve this machine alone."
            )
        if self.token is not None and len(self.token) < 16:
            raise SegueError(
                f"the token has {len(self.token)} characters; 16 or more are needed: "
                "`openssl rand -hex 24` prints a good one."
            )

    @property
    def is_local(self) -> bool:
        """Whether nothing but this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def database_url(self) -> str:
        """The database by URL: SQLite in the work folder unless another is given."""
        return self.database or f"sqlite:///{(self.work / 'segue.sqlite').resolve()}"
