"""The manifest: a line a piece, what became of it and where its rows lie; and the index of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segue.data.journal import Journal
from segue.data.overlap import Overlap
from segue.data.pieces import INDEX, SPLITS, Index
from segue.data.split import Split
from segue.files import written_whole

_KINDS = (
    ("the same music as ", "exact duplicate"),
    ("nearly the same notes as ", "near duplicate"),
    ("kin of ", "kin of a held-out piece"),
)


@dataclass
class Written:
    """What went into a manifest: the index of kept pieces, and the rest by kind."""

    index: Index
    reasons: Counter[str] = field(default_factory=Counter)
    repaired: int = 0


def write_manifest(path: Path, journal: Journal, split: Split, overlap: Overlap) -> Written:
    """Write the manifest of a finished journal whose pieces were split; counts exact copies."""
    has_kin = np.bincount(split.families, minlength=len(split.places)) > 1
    heads: dict[int, str] = {}
    written = Written(np.zeros(sum(place is not None for place in split.places), INDEX))
    number = kept = 0
    with written_whole(path) as beside, beside.open("wb") as lines:
        for entry in journal.entries():
            if entry["kept"]:
                if has_kin[number]:  # a family is known by the first of its pieces
                    heads[number] = entry["path"]
                place = split.places[number]
                entry["kept"], entry["reason"] = place is not None, split.reasons[number]
                entry["kin"] = heads.get(int(split.families[number]), "")
                if place is not None:
                    entry |= {"split": place.split, "group": place.group}
                    written.index[kept] = _row(entry, lines.tell())
                    written.repaired += bool(entry["repairs"])
                    kept += 1
                number += 1
            if entry["reason"]:
                written.reasons[kind_of(entry["reason"])] += 1
                same = entry["reason"].partition(_KINDS[0][0])[2]
                if same:
                    overlap.add_exact(entry["path"], same)
            lines.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
    return written


def _row(entry: dict[str, Any], line: int) -> tuple[Any, ...]:
    values = {**entry, "line": line, "split": SPLITS.index(entry["split"])}
    return tuple(values[name] for name in INDEX.names or ())


def kind_of(reason: str) -> str:
    """A refusal without what is particular to the file, so that refusals can be counted."""
    for start, kind in _KINDS:
        if reason.startswith(start):
            return kind
    general = re.split(r"[:;.]\s|\s\(|\.$", reason, maxsplit=1)[0]
    return re.sub(r"\d+([.,]\d+)*", "N", general)[:100]
