"""Notes told while takes are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segue.bundles import Bundle

Hear = Callable[[int, list[dict[str, int]], int], None]


def listening(
    bundle: Bundle, kind: str, asked: Any, hear: Hear, go_on: Callable[[int], None]
) -> Bundle:
    """The bundle."""
    return bundle
