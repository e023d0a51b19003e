"""The training counts that baselines are told from: kept in the bundle, or counted anew."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from segue.bundles import Bundle
from segue.data import Corpus
from segue.errors import SegueError
from segue.evaluation.tallies import Tallies
from segue.files import written_whole
from segue.judging.material import corpus_of_run

TALLIES = "tallies.npz"
UNREADABLE = (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile, zlib.error)
"""What NumPy and zipfile raise for archives that are damaged, or of something else."""


def tally(corpus: Corpus) -> Tallies:
    """Counted on a corpus's training pieces."""
    rows = [corpus.rows(piece) for piece in corpus.pieces("train")]
    return Tallies.of(rows, corpus.encoding.layout.sizes)


def keep(bundle: Bundle, tallies: Tallies) -> Path:
    """Write them into the bundle; they are no part of what it plays, nor of its hash."""
    target = bundle.path / TALLIES
    with written_whole(target) as beside, beside.open("wb") as handle:
        held: dict[str, Any] = tallies.arrays()
        np.savez_compressed(handle, **held)
    return target


def tallies_of(bundle: Bundle, music: Any = None) -> Tallies | None:
    """The bundle's own; without them those of the corpus it was trained on, or of the one that
    `music` is if it is in the same encoding; None where there is neither."""
    kept = _kept(bundle)
    if kept is not None:
        return kept
    for corpus in _corpora(bundle, music):
        mine, theirs = corpus.encoding.state(), bundle.encoding.state()
        if corpus.splits.get("train") and mine == theirs:
            return tally(corpus)
    return None


def _kept(bundle: Bundle) -> Tallies | None:
    file = bundle.path / TALLIES
    if not file.is_file():
        return None
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            found = Tallies.from_arrays(dict(arrays))
    except UNREADABLE:
        return None
    return found if tuple(c.size for c in found.columns) == bundle.sizes else None


def _corpora(bundle: Bundle, music: Any) -> list[Corpus]:
    found = []
    if isinstance(music, Corpus):
        found.append(music)
    elif isinstance(music, str | Path) and (Path(music) / "corpus.json").is_file():
        with suppress(SegueError):
            found.append(Corpus.open(music))
    with suppress(SegueError):
        found.append(corpus_of_run(bundle.path.parent))
    return found
