"""Jobs and takes in a database: SQLite beside the work folder, PostgreSQL by URL.

A job that was accepted is in the database before the answer goes out. While a server works on it
or has it in its queue, it holds a lease on it, which it renews; a job whose lease has run out has
lost its server, and whoever sees that first begins it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from segue.server.database import jobs, opened, pages, takes
from segue.server.statements import Statements

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING)

# What every job asks.
_IS_OPEN = sql.or_(*(jobs.c.status == status for status in OPEN))
_MINE = (jobs.c.id == sql.bindparam("its_id")) & (jobs.c.owner == sql.bindparam("mine")) & _IS_OPEN
_ASKED = {
    "job": sql.select(jobs).where(jobs.c.id == sql.bindparam("its_id")),
    "job of key": sql.select(jobs).where(jobs.c.idempotency == sql.bindparam("key")),
    "add": jobs.insert(),
    "begin": jobs.update().where(_MINE).values(
        status=RUNNING, attempt=jobs.c.attempt + 1,
        started=sql.bindparam("now"), lease=sql.bindparam("until"),
    ),
    "finish": jobs.update().where(_MINE).values(
        status=sql.bindparam("ended_as"), finished=sql.bindparam("now"), lease=0.0,
        problem=sql.bindparam("said"), result=sql.bindparam("found"),
    ),
    "drop takes": takes.delete().where(takes.c.job == sql.bindparam("its_id")),
    "add takes": takes.insert(),
    "facts": sql.select(takes.c.facts)
    .where(takes.c.job == sql.bindparam("its_id"))
    .order_by(takes.c.number),
}  # fmt: skip


@dataclass(frozen=True)
class JobRow:
    """A job as the database holds it."""

    id: str
    kind: str
    request: dict[str, Any]
    digest: str
    status: str
    attempt: int
    seed: int | None
    owner: str | None
    cancel: bool
    created: float
    started: float | None
    finished: float | None
    problem: dict[str, Any] | None
    result: dict[str, Any] | None

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.status in OPEN


@dataclass(frozen=True)
class TakeRow:
    """A take as the database holds it: `facts` are its summary, `text` the JSON of all of it."""

    id: str
    job: str
    number: int
    created: float
    midi: bytes
    facts: dict[str, Any]
    text: str

    @property
    def whole(self) -> dict[str, Any]:
        """Its music and receipt; few who want a take want them, and they take long to read."""
        found: dict[str, Any] = json.loads(self.text)
        return found


class Store:
    """The database. Every method is one transaction, and may be called from any thread.

    Raises SegueError for a database that cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.engine = opened(url)
        self._ask = Statements(self.engine, _ASKED)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    # -- jobs --------------------------------------------------------------------------------

    def add(
        self, id_: str, kind: str, request: dict[str, Any], digest: str, *,
        key: str | None, seed: int | None, owner: str, lease: float,
    ) -> JobRow | None:  # fmt: skip
        """Accept a job; None if another has its idempotency key."""
        values = {
            "id": id_, "idempotency": key, "kind": kind, "request": json.dumps(request),
            "digest": digest, "status": QUEUED, "attempt": 0, "seed": seed, "owner": owner,
            "lease": lease, "cancel": False, "created": time.time(),
            "started": None, "finished": None, "problem": None, "result": None,
        }  # fmt: skip
        try:
            with self._ask.transaction() as cursor:
                self._ask["add"].run(cursor, values)
        except self._ask.refused:
            return None
        return _job(values)

    def job(self, id_: str) -> JobRow | None:
        """A job by its id."""
        return self._one("job", {"its_id": id_})

    def job_of_key(self, key: str) -> JobRow | None:
        """A job by the idempotency key it came with."""
        return self._one("job of key", {"key": key})

    def _one(self, query: str, asked: dict[str, str]) -> JobRow | None:
        with self._ask.transaction() as cursor:
            found = self._ask[query].rows(cursor, asked)
        return _job(found[0]) if found else None

    def latest(self, count: int, kind: str | None = None) -> list[JobRow]:
        """The jobs accepted last, the newest first."""
        query = sql.select(jobs).order_by(jobs.c.created.desc()).limit(count)
        if kind is not None:
            query = query.where(jobs.c.kind == kind)
        with self.engine.connect() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def begin(self, id_: str, owner: str, lease: float) -> JobRow | None:
        """Begin a job that this server owns; None if it is not its own or open any more."""
        mine = {"its_id": id_, "mine": owner, "now": time.time(), "until": lease}
        with self._ask.transaction() as cursor:
            if not self._ask["begin"].run(cursor, mine):
                return None
            (found,) = self._ask["job"].rows(cursor, {"its_id": id_})
        return _job(found)

    def finish(
        self, id_: str, owner: str, status: str, *,
        problem: dict[str, Any] | None = None, result: dict[str, Any] | None = None,
        made: Sequence[TakeRow] = (),
    ) -> bool:  # fmt: skip
        """End a job with its takes, both or neither; False if it is not this server's any more."""
        ended = {
            "its_id": id_, "mine": owner, "ended_as": status, "now": time.time(),
            "said": json.dumps(problem) if problem else None,
            "found": json.dumps(result) if result is not None else None,
        }  # fmt: skip
        rows = [_take_values(take) for take in made]
        with self._ask.transaction() as cursor:
            if not self._ask["finish"].run(cursor, ended):
                return False
            self._ask["drop takes"].run(cursor, {"its_id": id_})
            if rows:
                self._ask["add takes"].run_for_each(cursor, rows)
        return True

    def hand_back(self, owner: str) -> int:
        """Leave every open job of this server to whoever comes next; how many there were."""
        mine = (jobs.c.owner == owner) & jobs.c.status.in_(OPEN)
        with self.engine.begin() as connection:
            return int(
                connection.execute(
                    jobs.update().where(mine).values(status=QUEUED, owner=None, lease=0.0)
                ).rowcount
            )

    def owners(self) -> list[str]:
        """The servers that have open jobs."""
        query = sql.select(jobs.c.owner).where(jobs.c.status.in_(OPEN)).distinct()
        with self.engine.connect() as connection:
            return [owner for owner in connection.execute(query).scalars() if owner]

    def renew(self, owner: str, lease: float) -> None:
        """Say that this server is alive."""
        mine = (jobs.c.owner == owner) & jobs.c.status.in_(OPEN)
        with self.engine.begin() as connection:
            connection.execute(jobs.update().where(mine).values(lease=lease))

    def adopt(self, owner: str, lease: float, count: int) -> list[JobRow]:
        """Take over up to `count` jobs that have lost their server, the oldest first."""
        lost = jobs.c.status.in_(OPEN) & (jobs.c.lease < time.time())
        query = sql.select(jobs.c.id).where(lost).order_by(jobs.c.created).limit(count)
        mine = []
        with self.engine.begin() as connection:
            for (id_,) in connection.execute(query).all():
                taken = jobs.update().where((jobs.c.id == id_) & lost)
                values = {"owner": owner, "lease": lease, "status": QUEUED}
                if connection.execute(taken.values(**values)).rowcount:
                    mine.append(id_)
        return [job for id_ in mine if (job := self.job(id_)) is not None]

    def ask_to_cancel(self, id_: str) -> None:
        """Note that a job shall be cancelled, for the server that has it."""
        with self.engine.begin() as connection:
            connection.execute(jobs.update().where(jobs.c.id == id_).values(cancel=True))

    def open_of(self, owner: str) -> list[tuple[str, str]]:
        """The open jobs of a server, the oldest first, each with its kind."""
        query = (
            sql.select(jobs.c.id, jobs.c.kind)
            .where((jobs.c.owner == owner) & jobs.c.status.in_(OPEN))
            .order_by(jobs.c.created)
        )
        with self.engine.connect() as connection:
            return [(row.id, row.kind) for row in connection.execute(query)]

    def to_cancel(self, owner: str) -> list[str]:
        """The open jobs of this server that somebody has asked to cancel."""
        query = sql.select(jobs.c.id).where(
            (jobs.c.owner == owner) & jobs.c.status.in_(OPEN) & jobs.c.cancel
        )
        with self.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def counts(self) -> dict[str, int]:
        """How many jobs there are of each status."""
        query = sql.select(jobs.c.status, sql.func.count()).group_by(jobs.c.status)
        with self.engine.connect() as connection:
            return {str(status): int(n) for status, n in connection.execute(query)}

    def trim(self, kept_jobs: int, kept_takes: int) -> None:
        """Forget the oldest takes and finished jobs past what is kept."""
        for table, kept in ((takes, kept_takes), (jobs, kept_jobs)):
            newest = sql.select(table.c.created).order_by(table.c.created.desc())
            with self.engine.begin() as connection:
                oldest = connection.execute(newest.offset(kept).limit(1)).scalar()
                if oldest is None:
                    continue
                old = table.c.created <= oldest
                if table is jobs:
                    old &= ~jobs.c.status.in_(OPEN)
                connection.execute(table.delete().where(old))

    # -- takes -------------------------------------------------------------------------------

    def take(self, id_: str) -> TakeRow | None:
        """A take by its id."""
        with self.engine.connect() as connection:
            row = connection.execute(sql.select(takes).where(takes.c.id == id_)).mappings().first()
        if row is None:
            return None
        told = {"facts": json.loads(row["facts"]), "text": row["whole"]}
        return TakeRow(**{name: row[name] for name in _OF_TAKE}, **told)

    def facts_of(self, job: str) -> list[dict[str, Any]]:
        """The summaries of a job's takes, in order."""
        with self._ask.transaction() as cursor:
            found = self._ask["facts"].rows(cursor, {"its_id": job})
        return [json.loads(each["facts"]) for each in found]

    # -- pages -------------------------------------------------------------------------------

    def put_page(self, id_: str, kind: str, value: dict[str, Any]) -> None:
        """Keep a small document, in place of the one it had before."""
        with self.engine.begin() as connection:
            known = connection.execute(sql.select(pages.c.id).where(pages.c.id == id_)).first()
            said = {"kind": kind, "value": json.dumps(value)}
            if known is None:
                connection.execute(pages.insert().values(id=id_, created=time.time(), **said))
            else:
                connection.execute(pages.update().where(pages.c.id == id_).values(**said))

    def change_page(self, id_: str, kind: str, changes: dict[str, Any]) -> None:
        """Change some values of a small document, which is made if there is none."""
        with self.engine.begin() as connection:
            # The write comes first, so that two changes at once wait for each other.
            touched = pages.update().where(pages.c.id == id_).values(kind=kind)
            if not connection.execute(touched).rowcount:
                made = {"id": id_, "kind": kind, "created": time.time(), "value": "{}"}
                connection.execute(pages.insert().values(**made))
            text = connection.execute(sql.select(pages.c.value).where(pages.c.id == id_)).scalar()
            value = json.dumps({**json.loads(text or "{}"), **changes})
            connection.execute(pages.update().where(pages.c.id == id_).values(value=value))

    def page(self, id_: str, kind: str) -> dict[str, Any] | None:
        """A small document by its id."""
        query = sql.select(pages.c.value).where((pages.c.id == id_) & (pages.c.kind == kind))
        with self.engine.connect() as connection:
            text = connection.execute(query).scalar()
        return json.loads(text) if text is not None else None


_OF_TAKE = ("id", "job", "number", "created", "midi")


def _job(row: Any) -> JobRow:
    told = {
        name: json.loads(row[name]) if row[name] is not None else None
        for name in ("request", "problem", "result")
    }
    names = JobRow.__dataclass_fields__
    # SQLite knows no truth, but 0 and 1.
    told["cancel"] = bool(row["cancel"])
    return JobRow(**{**{name: row[name] for name in names}, **told})


def _take_values(take: TakeRow) -> dict[str, Any]:
    return {
        **{name: getattr(take, name) for name in _OF_TAKE},
        "facts": json.dumps(take.facts),
        "whole": take.text,
    }
