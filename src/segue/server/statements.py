"""Statements that every job asks of the database, as its driver takes them.

SQLAlchemy puts them together, once a server, for the database there is; asked through it anew each
time, they cost more than SQLite needs to answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import OperationalError


class Statement:
    """A statement for one database: its text, and the values that never change."""

    def __init__(self, built: Any, dialect: sql.Dialect) -> None:
        compiled = built.compile(dialect=dialect)
        self._text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """Ask it; how many rows it changed."""
        cursor.execute(self._text, {**self._fixed, **values})
        return int(cursor.rowcount)

    def rows(self, cursor: Any, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Ask it; the rows that it finds, by the names of their columns."""
        cursor.execute(self._text, {**self._fixed, **values})
        names = [each[0] for each in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def run_for_each(self, cursor: Any, values: Sequence[Mapping[str, Any]]) -> None:
        """Ask it with one set of values after the other."""
        cursor.executemany(self._text, [{**self._fixed, **each} for each in values])


class Statements:
    """The statements of a database by name, and the way to ask them."""

    def __init__(self, engine: sql.Engine, built: Mapping[str, Any]) -> None:
        self._engine = engine
        dialect: Any = engine.dialect
        if dialect.name == "sqlite":
            # Its driver knows names as well; those of PostgreSQL are known by name anyway.
            dialect = type(dialect)(paramstyle="named")
        self._made = {name: Statement(each, dialect) for name, each in built.items()}

    def __getitem__(self, name: str) -> Statement:
        return self._made[name]

    @property
    def refused(self) -> type[Exception]:
        """What the driver raises for a row that may be there once only."""
        found: type[Exception] = self._dbapi.IntegrityError
        return found

    @property
    def _dbapi(self) -> Any:
        return self._engine.dialect.loaded_dbapi

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A cursor; what is asked of it counts once it is over, and not at all if it fails.

        Raises SQLAlchemy's OperationalError where the database cannot be asked.
        """
        try:
            connection = self._engine.raw_connection()
            try:
                cursor = connection.cursor()
                yield cursor
                connection.commit()
            finally:
                # What was not committed is rolled back as the connection goes back to the others.
                connection.close()
        except self._dbapi.OperationalError as error:
            raise OperationalError(None, None, error) from error
