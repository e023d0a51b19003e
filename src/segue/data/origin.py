"""Where a folder of music came from and on what terms: the record that `corpora get` leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORD = "SOURCE.json"


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of a folder; None if it has none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def origin_of(folder: Path) -> dict[str, str] | None:
    """Name, licence and home page of a folder's music, for what is made of it; None if unknown."""
    record = read_record(folder)
    if record is None:
        return None
    return {key: str(record[key]) for key in ("name", "licence", "home") if key in record}
