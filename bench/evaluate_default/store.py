"""What has been worked out of a bundle already, kept on disk, so that a cut evaluation goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.files import write_json, written_whole
from segue.formats import read, write
from segue.generation.take import receipt_of
from segue.score import Score

ROOT = Path("runs/default/evaluation")


class Store:
    """A folder of one bundle's parts (JSON) and takes (MIDI, with their receipts)."""

    def __init__(self, bundle: Bundle, root: Path = ROOT) -> None:
        self.folder = root / bundle.hash[:12]
        self._hash = bundle.hash

    # -- parts ---------------------------------------------------------------------------------

    def part(self, name: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """What was kept under a name when the same was asked; None otherwise."""
        kept = self._json(f"{name}.json")
        return dict(kept["found"]) if kept.get("asked") == _plain(asked) else None

    def keep(self, name: str, asked: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        """Keep it, and give it as `part` will."""
        write_json(self.folder / f"{name}.json", _plain({"asked": asked, "found": found}))
        return dict(_plain(found))

    # -- takes ---------------------------------------------------------------------------------

    def take(self, name: str, settings: dict[str, Any]) -> Score | None:
        """A take that was kept, if this bundle made it by these of its receipt's settings."""
        file = self._take(name)
        if not file.is_file():
            return None
        try:
            score = read(file)
        except SegueError:
            return None
        receipt = receipt_of(score) or {}
        told = {"seed": receipt.get("seed"), **receipt.get("settings", {})}
        same = all(told.get(key) == value for key, value in settings.items())
        return score if same and receipt.get("bundle_hash") == self._hash else None

    def keep_take(self, name: str, score: Score) -> Score:
        """Keep a take, and give it as `take` will."""
        with written_whole(self._take(name)) as beside:
            write(score, beside)
        return read(self._take(name))

    def _take(self, name: str) -> Path:
        return self.folder / "takes" / f"{name}.mid"

    # -- time ----------------------------------------------------------------------------------

    def spent(self, name: str) -> float:
        """Seconds that went into takes or parts of that name, over all runs."""
        return float(self._json("seconds.json").get(name, 0.0))

    def spend(self, name: str, seconds: float) -> None:
        """Add to them."""
        told = self._json("seconds.json")
        write_json(
            self.folder / "seconds.json", {**told, name: round(self.spent(name) + seconds, 1)}
        )

    def _json(self, name: str) -> dict[str, Any]:
        file = self.folder / name
        return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def _plain(value: dict[str, Any]) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))
