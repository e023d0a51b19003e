"""A take: a generated Score, where its new part begins, and the receipt of how it was made."""

from __future__ import annotations

import base64
import json
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from segue import __version__, formats
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.files import write_json
from segue.score import Score, Text

RECEIPT = "segue receipt "
AUDIO_AND_PICTURE = (".mid", ".wav", ".png")


@dataclass(frozen=True)
class Take:
    """Music with its receipt.

    `prompt_end` is the tick where the new part begins, or None; `locked` the notes that were given
    and lie among the new ones, or None.
    """

    score: Score
    receipt: dict[str, Any] = field(default_factory=dict)
    prompt_end: int | None = None
    locked: Score | None = None

    def save(
        self, stem: str | Path, suffixes: Sequence[str] = AUDIO_AND_PICTURE, **options: Any
    ) -> list[Path]:
        """Write `stem` with each suffix, and the receipt as .json; the paths written.

        A take without notes has no sound: it gets no audio file. `options` go to the audio writer.
        """
        stem = Path(stem)
        written = []
        for suffix in suffixes:
            path = stem.with_name(stem.name + suffix)
            kind = formats.format_of(path).name
            if kind == "audio" and not len(self.score):
                continue
            if kind == "roll":
                formats.write(self.score, path, title=stem.name, **self._look())
            elif kind == "audio":
                formats.write(self.score, path, **options)
            else:
                formats.write(self.score, path)
            written.append(path)
        receipt = stem.with_name(stem.name + ".json")
        write_json(receipt, {**self.receipt, "files": [p.name for p in written]})
        return [*written, receipt]

    def show(self) -> Shown:
        """The piano roll, as notebooks show it."""
        return Shown(self._as(".png", **self._look()), "image/png")

    def play(self, sample_rate: int = 44_100) -> Shown:
        """The sound, with a player where the notebook shows it; SegueError without notes."""
        if not len(self.score):
            raise SegueError("the take has no notes to play: make another one.")
        return Shown(self._as(".wav", sample_rate=sample_rate), "audio/wav")

    def _repr_html_(self) -> str:
        """Picture and player, for a notebook."""
        parts = [self.show()] + ([self.play()] if len(self.score) else [])
        return "<br>".join(part._repr_html_() for part in parts)

    def _look(self) -> dict[str, Any]:
        """How its picture tells what is new from what was given."""
        return {"prompt_end_ticks": self.prompt_end, "locked": self.locked}

    def _as(self, suffix: str, **options: Any) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"take{suffix}"
            formats.write(self.score, path, **options)
            return path.read_bytes()


@dataclass(frozen=True)
class Shown:
    """Bytes of a picture or a sound, which a notebook shows by itself."""

    data: bytes
    kind: str

    def _repr_html_(self) -> str:
        source = f"data:{self.kind};base64,{base64.b64encode(self.data).decode()}"
        if self.kind.startswith("audio"):
            return f'<audio controls src="{source}"></audio>'
        return f'<img src="{source}" style="max-width: 100%">'


def checks(score: Score, begin: int = 0) -> dict[str, Any]:
    """What every take is checked for; the receipt carries it. `begin` is where its own part is."""
    notes = score.notes
    new = notes[notes["onset"] >= begin]
    order = np.lexsort((notes["onset"], notes["pitch"], notes["track"]))
    n = notes[order]
    same = (n["track"][1:] == n["track"][:-1]) & (n["pitch"][1:] == n["pitch"][:-1])
    overlap = same & (n["onset"][:-1] + n["duration"][:-1] > n["onset"][1:])
    return {
        "notes": len(notes),
        "bars": round(score.end_bars, 3),
        "seconds": round(score.end_seconds, 3),
        "overlapping_notes": int(overlap.sum()),
        "empty_notes": int((notes["duration"] <= 0).sum()),
        "new_notes": len(new),
        "new_pitches": len(np.unique(new["pitch"])),
    }


def make_receipt(
    bundle: Bundle, engine: str, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """Everything that decided the notes."""
    packages = ("numpy", "onnxruntime")
    return {
        "made_by": f"segue {__version__}",
        "bundle": bundle.name,
        "bundle_hash": bundle.hash,
        "corpus": bundle.index["corpus"],
        "engine": engine,
        "seed": seed,
        "settings": settings,
        "machine": platform.machine(),
        "versions": {name: _version(name) for name in packages},
    }


@cache
def _version(package: str) -> str:
    """The version that is installed: reading it off the disk takes longer than some takes."""
    return metadata.version(package)


def signed(score: Score, receipt: dict[str, Any]) -> Score:
    """The Score with two texts at its start: where it comes from, and all that decided it."""
    bundle = f"{receipt['bundle']} {receipt['bundle_hash'][:12]}"
    line = f"{receipt['made_by']}, bundle {bundle}, seed {receipt['seed']}"
    decided = {k: v for k, v in receipt.items() if k not in ("checks", "corpus")}
    whole = RECEIPT + json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return score.with_(texts=(*score.texts, Text(0, line, "text"), Text(0, whole, "text")))


def receipt_of(score: Score) -> dict[str, Any] | None:
    """The receipt a take carries in its texts; None for music that is no take."""
    for text in reversed(score.texts):
        if text.text.startswith(RECEIPT):
            try:
                found = json.loads(text.text.removeprefix(RECEIPT))
            except ValueError:
                return None
            return found if isinstance(found, dict) else None
    return None
