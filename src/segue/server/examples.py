"""A body for each route that takes one, as the OpenAPI document shows it; sent so, it works."""

from __future__ import annotations

from typing import Any

from segue.server.wire import EXAMPLE

MODEL = "a model"
"""Where the name of a model that there is goes."""

BODIES: dict[str, dict[str, Any]] = {
    "Generate": {"model": MODEL, "bars": 4, "takes": 2, "seed": 1, "wishes": {"key": "D minor"}},
    "Continue": {"model": MODEL, "music": EXAMPLE, "bars": 2, "seed": 1},
    "Infill": {"model": MODEL, "music": EXAMPLE, "first_bar": 1, "last_bar": 2, "seed": 1},
    "Accompany": {"model": MODEL, "music": EXAMPLE, "seed": 1},
    "Vary": {"model": MODEL, "music": EXAMPLE, "amount": 0.3, "seed": 1},
    "Loop": {"model": MODEL, "bars": 4, "seed": 1},
    "Evaluate": {"model": MODEL, "music": EXAMPLE},
    "Measure": {"music": EXAMPLE},
    "Doctor": {"music": EXAMPLE},
    "Memorisation": {"model": MODEL, "music": EXAMPLE},
    "Drift": {"model": MODEL, "pieces": [EXAMPLE]},
    "Convert": {"music": EXAMPLE},
    "Render": {"music": EXAMPLE, "begin": 0.0, "end": 2.0, "format": "mp3"},
    "Token": {"token": "what `segue serve --token` was given"},
    "Vote": {"listener": "Ada", "pair": 0, "choice": "first"},
}


def shown(name: str, model: str) -> list[dict[str, Any]]:
    """The examples of a schema, about a model that there is."""
    body = BODIES.get(name)
    if body is None:
        return []
    return [{**body, "model": model} if "model" in body else body]
