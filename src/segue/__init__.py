"""Segue learns from a folder of music and carries on from where a piece stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Playable", "Score", "SegueError", "Take", "__version__", "load", "read", "write"]

if TYPE_CHECKING:
    from segue.errors import SegueError
    from segue.formats import read, write
    from segue.generation.playable import Playable, load
    from segue.generation.take import Take
    from segue.score import Score

_HOMES = {
    "Playable": "segue.generation.playable",
    "Take": "segue.generation.take",
    "load": "segue.generation.playable",
    "Score": "segue.score",
    "SegueError": "segue.errors",
    "read": "segue.formats",
    "write": "segue.formats",
}


def __getattr__(name: str) -> Any:
    # Looked up on first use: `segue --help` must not pay for NumPy.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'segue' has no attribute {name!r}")
