"""Looking at a folder again and again: one JSON line a look, and text for Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Any

from segue import bundles
from segue.data.scan import scan
from segue.errors import FormatError, SegueError
from segue.files import write_text
from segue.judging.drift import RATE, Drift, drift

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST_SECONDS = 1.0


def seconds_of(text: str) -> float:
    """A time such as 90s, 15m, 1h or 2d in seconds; SegueError for anything else, or under 1s."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if not found or float(found[1]) * _UNITS[found[2]] < SHORTEST_SECONDS:
        raise SegueError(f"the time came as {text!r}; write it as 90s, 15m, 1h or 2d, 1s at least.")
    return float(found[1]) * _UNITS[found[2]]


@dataclass
class Watch:
    """What is looked at, and what the last look found.

    `bundle` is opened anew at each look, so that one that was updated in between is the one that
    counts; music that has not changed since is not read again.
    """

    bundle: Path
    folder: Path
    log: Path
    metrics: Path | None = None
    engine: str = "auto"
    rate: float = RATE
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    found: Drift | None = None
    _known: tuple[str, str] = ("", "")

    def look(self, note: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Look once: a line in the log, and the metrics anew. A fault is logged, not raised."""
        entry: dict[str, Any] = {"time": self.clock().isoformat(timespec="seconds")}
        try:
            entry |= self._looked()
        except SegueError as error:
            self.found, self._known = None, ("", "")
            entry |= {"error": {"type": type(error).__name__, "message": str(error)}}
        self.tell({**entry, **(note or {})})
        return entry

    def _looked(self) -> dict[str, Any]:
        bundle = bundles.load(self.bundle)
        known = bundle.hash, scan(self.folder).fingerprint()
        unchanged = known == self._known and self.found is not None
        if not unchanged:
            self.found = drift(bundle, self.folder, engine=self.engine, rate=self.rate)
            self._known = known
        assert self.found is not None
        return {**self.found.as_dict(), "unchanged": unchanged}

    def tell(self, entry: Mapping[str, Any]) -> None:
        """Append to the log, and write the metrics; FormatError where either cannot be."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
        except OSError as error:
            raise FormatError(f"cannot write {self.log}: {error.strerror or error}.") from None
        if self.metrics is not None:
            at = self.clock().timestamp()
            write_text(self.metrics, prometheus(self.found, str(self.bundle), at))


def prometheus(found: Drift | None, bundle: str, at: float) -> str:
    """The text form that Prometheus reads: a look's distances, limits and alarms.

    Without a `found` only that the look at `at` failed. Source: Prometheus' exposition formats,
    text format 0.0.4.
    """
    own = {"bundle": bundle}
    rows: list[tuple[str, str, list[tuple[dict[str, str], float]]]] = [
        ("look_success", "Whether the last look could be made.", [(own, float(found is not None))]),
        ("look_timestamp_seconds", "When the last look was made.", [(own, at)]),
    ]
    if found is not None:
        each = [({**own, "measure": m.name}, m) for m in found.measures]
        rows += [
            ("distance", "1-Wasserstein distance from 0 to 1.", [(k, m.distance) for k, m in each]),
            (
                "limit",
                "The distance at which there is an alarm.",
                [(k, m.limit) for k, m in each if not isnan(m.limit)],
            ),
            ("alarm", "Whether it is past its limit.", [(k, float(m.alarm)) for k, m in each]),
            ("any_alarm", "Whether any measure is past its limit.", [(own, float(found.alarm))]),
            ("pieces", "Pieces that were compared.", [(own, float(len(found.pieces)))]),
            ("refused", "Pieces that were refused.", [(own, float(len(found.refused)))]),
        ]
    lines = []
    for name, told, values in rows:
        lines += [f"# HELP segue_drift_{name} {told}", f"# TYPE segue_drift_{name} gauge"]
        lines += [f"segue_drift_{name}{_labels(keys)} {value:.10g}" for keys, value in values]
    return "\n".join(lines) + "\n"


def _labels(keys: Mapping[str, str]) -> str:
    escapes = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
    return "{" + ",".join(f'{k}="{v.translate(escapes)}"' for k, v in keys.items()) + "}"
