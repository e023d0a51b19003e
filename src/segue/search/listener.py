"""Who is told what a search does."""

from __future__ import annotations

from typing import Any, Protocol

from segue.search.table import Row


class Listener(Protocol):
    """Told of each trial; nats are held-out nats a row."""

    def began(self, number: int, point: dict[str, Any]) -> None:
        """A trial has its point."""

    def looked(self, number: int, step: int, nats: float) -> None:
        """A trial was scored on held-out rows."""

    def ended(self, row: Row, best: Row | None, done: int) -> None:
        """A trial is over, and `done` trials count by now."""


class Silence:
    """A listener that says nothing."""

    def began(self, number: int, point: dict[str, Any]) -> None:
        """Say nothing."""

    def looked(self, number: int, step: int, nats: float) -> None:
        """Say nothing."""

    def ended(self, row: Row, best: Row | None, done: int) -> None:
        """Say nothing."""
