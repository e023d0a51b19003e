"""A page of the studio, and what tests ask of it."""

from __future__ import annotations

import time
from typing import Any

import pytest


class Studio:
    """A page with what tests ask of it."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # A server that is gone is told by the browser too; that is what these tests do to it.
        expected = ("net::ERR", "Failed to load resource")
        if message.type == "error" and not any(text in message.text for text in expected):
            self.troubles.append(message.text)

    def open(self) -> Studio:
        """Load the page and wait for it."""
        self.page.goto(self.address)
        return self.ready()

    def ready(self) -> Studio:
        """Wait until the page is put together."""
        self.until("document.documentElement.dataset.ready === 'true'")
        return self

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page; `state` is what its store holds."""
        return self.page.evaluate(
            f"(() => {{ const state = window.studio?.store.get(); return ({expression}); }})()"
        )

    def until(self, expression: str, seconds: float = 30) -> None:
        """Wait for an expression to hold (the page's own rules forbid Playwright's way)."""
        last = time.monotonic() + seconds
        while not self.ask(expression):
            if time.monotonic() > last:
                told = self.page.locator("#notices").inner_text()
                pytest.fail(f"{expression} did not come to hold; the page says: {told!r}")
            time.sleep(0.03)
