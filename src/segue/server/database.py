"""The database: which there are, the tables in it, and what is wrong with one that is of no use."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from segue.errors import MissingExtraError, SegueError

metadata = sql.MetaData()

jobs = sql.Table(
    "segue_jobs",
    metadata,
    sql.Column("id", sql.String(40), primary_key=True),
    sql.Column("idempotency", sql.String(200), unique=True),
    sql.Column("kind", sql.String(40), nullable=False),
    sql.Column("request", sql.Text, nullable=False),
    sql.Column("digest", sql.String(64), nullable=False),
    sql.Column("status", sql.String(12), nullable=False, index=True),
    sql.Column("attempt", sql.Integer, nullable=False, default=0),
    sql.Column("seed", sql.BigInteger),
    sql.Column("owner", sql.String(120)),
    sql.Column("lease", sql.Float, nullable=False, default=0.0),
    sql.Column("cancel", sql.Boolean, nullable=False, default=False),
    sql.Column("created", sql.Float, nullable=False, index=True),
    sql.Column("started", sql.Float),
    sql.Column("finished", sql.Float),
    sql.Column("problem", sql.Text),
    sql.Column("result", sql.Text),
)

takes = sql.Table(
    "segue_takes",
    metadata,
    sql.Column("id", sql.String(48), primary_key=True),
    sql.Column("job", sql.String(40), nullable=False, index=True),
    sql.Column("number", sql.Integer, nullable=False),
    sql.Column("created", sql.Float, nullable=False, index=True),
    sql.Column("midi", sql.LargeBinary, nullable=False),
    sql.Column("facts", sql.Text, nullable=False),
    sql.Column("whole", sql.Text, nullable=False),
)

pages = sql.Table(
    "segue_pages",
    metadata,
    sql.Column("id", sql.String(40), primary_key=True),
    sql.Column("kind", sql.String(40), nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("value", sql.Text, nullable=False),
)
"""Small documents of other kinds, such as listening tests and their votes."""


def opened(url: str) -> sql.Engine:
    """The database of a URL, with its tables. SegueError for one that cannot be used."""
    engine = _engine(url)
    try:
        _make_tables(engine)
        _require_columns(engine)
    except SQLAlchemyError as error:
        raise SegueError(
            f"the database {_hidden(url)} cannot be used: {_reason(error)}. Check that it is there "
            "and that its user may make tables."
        ) from None
    return engine


def _engine(url: str) -> sql.Engine:
    try:
        made = sql.make_url(url)
        if made.get_backend_name() == "postgresql" and made.drivername == "postgresql":
            made = made.set(drivername="postgresql+psycopg")
        if made.get_backend_name() not in ("sqlite", "postgresql"):
            raise SegueError(
                f"the database came as {_hidden(url)}; sqlite:///FILE or "
                "postgresql://USER:PASSWORD@HOST/NAME is allowed."
            )
        local = made.get_backend_name() == "sqlite"
        engine = sql.create_engine(
            made, pool_pre_ping=not local, connect_args={"timeout": 30} if local else {}
        )
    except sql.exc.ArgumentError:
        raise SegueError(
            f"the database came as {_hidden(url)}; sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/NAME is allowed."
        ) from None
    except ModuleNotFoundError:
        raise MissingExtraError("keeping jobs in PostgreSQL", "psycopg", "postgres") from None
    if local:
        sql.event.listen(engine, "connect", _for_many_threads)
    return engine


def _make_tables(engine: sql.Engine, tries: int = 3) -> None:
    """Make what tables there are none of; another server that begins may be making them too."""
    made: list[sql.Executable] = []
    for table in metadata.sorted_tables:
        made.append(CreateTable(table, if_not_exists=True))
        made += [CreateIndex(index, if_not_exists=True) for index in table.indexes]
    for left in reversed(range(tries)):
        try:
            with engine.begin() as connection:
                for each in made:
                    connection.execute(each)
            return
        except (IntegrityError, OperationalError, ProgrammingError):
            # PostgreSQL may refuse the slower of two, and SQLite one that changes to its log.
            if not left:
                raise
            time.sleep(0.1)


def _require_columns(engine: sql.Engine) -> None:
    """Refuse tables of the same names that another version of Segue, or somebody else, made."""
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            there = {column["name"] for column in sql.inspect(connection).get_columns(table.name)}
            missing = sorted({column.name for column in table.columns} - there)
            if missing:
                raise SegueError(
                    f"the database {engine.url.render_as_string()} has a table {table.name} "
                    f"without {', '.join(missing)}, which another version of Segue made: give "
                    "another --database or --work, or move that one away."
                )


def _for_many_threads(connection: Any, _: Any) -> None:
    """SQLite with a log, so that readers and the writer do not wait for each other."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # A commit is in the hands of the system: it outlives the server, and with FULL a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _hidden(url: str) -> str:
    """The URL as a log may hold it."""
    try:
        return sql.make_url(url).render_as_string(hide_password=True)
    except sql.exc.ArgumentError:
        return "something that is no URL"


def _reason(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
