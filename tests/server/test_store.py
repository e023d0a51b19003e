"""The database of jobs and takes: SQLite here, and what PostgreSQL would be told."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable

from segue.errors import MissingExtraError, SegueError
from segue.server.database import jobs, pages, takes
from segue.server.store import DONE, QUEUED, Store, TakeRow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    yield made
    made.close()


def add(
    store: Store, id_: str, owner: str = "me", lease: float = 60.0, key: str | None = None
) -> bool:
    added = store.add(
        id_, "generate", {"bars": 1}, "digest", key=key, seed=1, owner=owner,
        lease=time.time() + lease,
    )  # fmt: skip
    assert added is None or added == store.job(id_)
    return added is not None


def test_a_job_from_start_to_end(store: Store) -> None:
    assert add(store, "a")
    assert store.begin("a", "somebody else", 0.0) is None
    job = store.begin("a", "me", time.time() + 60)
    assert job is not None
    assert (job.status, job.attempt, job.request) == ("running", 1, {"bars": 1})
    take = TakeRow("a-0", "a", 0, time.time(), b"MThd", {"number": 0}, '{"music": {}}')
    assert store.finish("a", "me", DONE, result={"x": 1}, made=[take])
    assert store.take("a-0") == take
    assert take.whole == {"music": {}}
    assert store.facts_of("a") == [{"number": 0}]
    found = store.job("a")
    assert found is not None
    assert (found.status, found.result) == (DONE, {"x": 1})
    assert not store.finish("a", "me", DONE)


def test_one_job_a_key(store: Store) -> None:
    assert add(store, "a", key="k")
    assert not add(store, "b", key="k")
    found = store.job_of_key("k")
    assert found is not None
    assert found.id == "a"
    assert store.job("b") is None


def test_a_fallen_server_loses_its_jobs_to_the_next(store: Store) -> None:
    add(store, "a", owner="fallen", lease=-1)
    add(store, "b", owner="alive", lease=60)
    taken = store.adopt("me", time.time() + 60, 10)
    assert [job.id for job in taken] == ["a"]
    assert store.adopt("another", time.time() + 60, 10) == []
    assert store.begin("a", "fallen", time.time()) is None
    assert not store.finish("a", "fallen", DONE)


def test_leases_are_renewed_and_handed_back(store: Store) -> None:
    add(store, "a", lease=-1)
    store.renew("me", time.time() + 60)
    assert store.adopt("another", time.time() + 60, 10) == []
    assert store.hand_back("me") == 1
    assert [job.status for job in store.adopt("another", time.time() + 60, 10)] == [QUEUED]


def test_a_wish_to_cancel_reaches_the_owner(store: Store) -> None:
    add(store, "a", owner="elsewhere")
    store.ask_to_cancel("a")
    assert store.to_cancel("elsewhere") == ["a"]
    assert store.to_cancel("me") == []


def test_the_oldest_are_forgotten_but_never_what_is_open(store: Store) -> None:
    for i in range(6):
        add(store, f"j{i}")
        if i != 2:
            take = TakeRow(f"j{i}-0", f"j{i}", 0, time.time(), b"", {}, "{}")
            store.finish(f"j{i}", "me", DONE, made=[take])
    store.trim(2, 3)
    assert {j.id for j in store.latest(10)} == {"j2", "j4", "j5"}
    assert store.take("j2-0") is None
    assert store.take("j1-0") is None
    assert store.take("j5-0") is not None


def test_pages_are_kept_and_changed(store: Store) -> None:
    store.put_page("p", "kind", {"a": 1})
    store.change_page("p", "kind", {"b": 2})
    store.change_page("q", "kind", {"c": 3})
    assert store.page("p", "kind") == {"a": 1, "b": 2}
    assert store.page("q", "kind") == {"c": 3}
    assert store.page("p", "other") is None


def test_postgresql_takes_the_tables() -> None:
    dialect = postgresql.dialect()
    for table in (jobs, takes, pages):
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))


def test_a_database_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}/no/such/folder/jobs.sqlite")
    with pytest.raises(SegueError, match="sqlite:///FILE or"):
        Store("mysql://x")
    with pytest.raises(SegueError, match="sqlite:///FILE or"):
        Store("nonsense")


def test_postgresql_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match="psycopg"):
        Store("postgresql://user:secret@localhost/segue")


def test_servers_that_begin_at_once_share_a_new_database(tmp_path: Path) -> None:
    for number in range(5):
        together = threading.Barrier(6)
        url = f"sqlite:///{tmp_path / f'{number}.sqlite'}"

        def begin(url: str = url, together: threading.Barrier = together) -> bool:
            together.wait()
            store = Store(url)
            try:
                return store.counts() == {}
            finally:
                store.close()

        with ThreadPoolExecutor(6) as pool:
            assert all(each.result() for each in [pool.submit(begin) for _ in range(6)])


def test_tables_that_another_version_made_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sql.text("CREATE TABLE segue_pages (id TEXT, value TEXT)"))
    engine.dispose()
    with pytest.raises(SegueError, match="segue_pages without created, kind"):
        Store(url)


def test_what_the_driver_says_is_told_in_one_way(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    with store.engine.begin() as connection:
        connection.execute(sql.text("DROP TABLE segue_takes"))
    with pytest.raises(OperationalError):
        store.facts_of("a")
    store.close()
    shutil.rmtree(tmp_path)
    with pytest.raises(OperationalError):
        store.job("a")
