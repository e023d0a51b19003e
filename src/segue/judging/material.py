"""Music to be judged by a bundle: as it was written, and as the rows the bundle reads.

It comes from a folder or a file, from Scores, from a prepared corpus, or from the corpus of the
run that the bundle came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue import formats
from segue.bundles import Bundle
from segue.data import Corpus
from segue.data.filters import Filters
from segue.data.scan import scan
from segue.data.traits import traits
from segue.errors import DataError, SegueError
from segue.formats.table import read_pieces
from segue.recipes.builder import build_filters
from segue.score import Score

Told = Callable[[int, int], None]
"""Called with (pieces done, pieces in all)."""
Music = Path | str | Corpus | Sequence[Score] | Sequence["Material"]
HELD_OUT = ("valid", "test")


@dataclass(frozen=True)
class Material:
    """A piece: `rows`, (T, C) in the bundle's fitted vocabulary, and the Score where it is to be
    had (a corpus whose source has gone keeps rows alone)."""

    name: str
    rows: NDArray[np.int64]
    notes: int
    seconds: float
    score: Score | None = None
    group: str = ""
    hash: str = ""
    """Of its music, as `Score.music_hash` tells it."""


@dataclass(frozen=True)
class Materials:
    """What came, and what was left out of it with the reason, by name."""

    pieces: tuple[Material, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    source: str = ""
    split: str = ""


def material(
    bundle: Bundle,
    music: Music,
    *,
    split: str | None = None,
    scores: bool = True,
    most: int | None = None,
    told: Told | None = None,
) -> Materials:
    """Music as a bundle reads it: a folder, a file, a corpus with its `split`, or Scores (or
    what this gave before).

    The default split is the one that trainings watch. `scores` False leaves out the Scores of a
    corpus, which have to be read from its source; of more than `most` pieces or files so many are
    drawn, always the same. Raises DataError if nothing usable came.
    """
    if isinstance(music, str | Path):
        path = Path(music)
        if (path / "corpus.json").is_file() and (path / "pieces.npy").is_file():
            music = Corpus.open(path)
        else:
            named, count = _files(path, most)
            return _encoded(bundle, named, count, str(path), told)
    if isinstance(music, Corpus):
        return _of_corpus(bundle, music, split, scores, most, told)
    ready = tuple(each for each in music if isinstance(each, Material))
    if ready:
        return Materials(ready, {}, "pieces")
    scores_given = [each for each in music if isinstance(each, Score)]
    named = ((f"piece {i + 1}", score) for i, score in enumerate(scores_given))
    return _encoded(bundle, named, len(scores_given), "scores", told)


def corpus_of_run(run: Path) -> Corpus:
    """The corpus a run was trained on; DataError if it cannot be found or is another one now."""
    try:
        facts = json.loads((run / "corpus.json").read_text(encoding="utf-8"))
        root, known = Path(facts["root"]), facts["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{run} does not tell what it was trained on: say what to evaluate on with --data."
        ) from None
    corpus = Corpus.open(root)
    if corpus.hash != known:
        raise DataError(
            f"the corpus at {root} is not the one this run was trained on: "
            "say what to evaluate on with --data."
        )
    return corpus


def watched_split(corpus: Corpus) -> str:
    """The split whose loss trainings watch; DataError if nothing is held out."""
    for name in HELD_OUT:
        if corpus.splits.get(name):
            return name
    raise DataError(f"{corpus.root} holds no piece out: give held-out music with --data.")


# -- files and Scores ----------------------------------------------------------------------------

Named = tuple[str, Score | SegueError]


def _files(path: Path, most: int | None = None) -> tuple[Iterator[Named], int]:
    source = scan(path)
    music = [source.music[i] for i in drawn(len(source.music), most)]

    def each() -> Iterator[Named]:
        for found in music:
            try:
                for name, reading in read_pieces(source.root / found.path):
                    yield f"{found.path}#{name}" if name else found.path, reading.score
            except (SegueError, OSError) as error:
                yield found.path, DataError(str(error))

    return each(), len(music)


def drawn(count: int, most: int | None) -> list[int]:
    """The numbers of `most` of so many pieces, in order, drawn by one seed; all if no more came."""
    if most is None or count <= most:
        return list(range(count))
    return sorted(np.random.default_rng(0).permutation(count)[:most].tolist())


def readings(path: str | Path) -> Iterator[tuple[str, Score | SegueError]]:
    """Every piece of a folder or file by name; in place of one that cannot be read, its error."""
    return _files(Path(path))[0]


def _encoded(
    bundle: Bundle, named: Iterable[Named], count: int, source: str, told: Told | None
) -> Materials:
    filters = build_filters(bundle.recipe)
    pieces: list[Material] = []
    left_out: dict[str, str] = {}
    for done, (name, music) in enumerate(named):
        try:
            if isinstance(music, SegueError):
                raise music
            pieces.append(encoded(bundle, name, music, filters))
        except SegueError as error:
            left_out[name] = str(error)
        if told:
            told(min(done + 1, count), count)
    return _checked(Materials(tuple(pieces), left_out, source))


def encoded(bundle: Bundle, name: str, score: Score, filters: Filters | None = None) -> Material:
    """One piece as the bundle reads it; SegueError for what it cannot hold or was not asked for."""
    filters = build_filters(bundle.recipe) if filters is None else filters
    score = filters.without_drums(score)
    if not len(score):
        raise DataError(f"{name}: holds no notes that this bundle reads.")
    refused = filters.refusal(score, traits(score)[0])
    if refused:
        raise DataError(f"{name}: {refused}.")
    rows = bundle.encoding.encode(score).rows.astype(np.int64)
    return Material(name, rows, len(score), score.end_seconds, score, hash=score.music_hash())


# -- corpora -------------------------------------------------------------------------------------


def _of_corpus(
    bundle: Bundle,
    corpus: Corpus,
    split: str | None,
    scores: bool,
    most: int | None,
    told: Told | None,
) -> Materials:
    split = split or watched_split(corpus)
    every = corpus.pieces(split)
    pieces = [every[i] for i in drawn(len(every), most)]
    if not _alike(bundle, corpus):
        source = Path(corpus.facts["source"])
        wanted = {piece.path for piece in pieces}
        if not source.exists():
            raise DataError(
                f"{corpus.root} is in another encoding than {bundle.name} plays and its source "
                f"{source} has gone: give the music itself, or prepare it with --encoding "
                f"{bundle.encoding.name}."
            )
        named, _ = _files(source)
        chosen = ((name, music) for name, music in named if name in wanted)
        return _encoded(bundle, chosen, len(wanted), str(corpus.root), told)
    fitted = Corpus(corpus.root, corpus.facts, bundle.encoding)
    made = []
    for done, piece in enumerate(pieces):
        rows = np.asarray(fitted.rows(piece), np.int64)
        score = _source_score(corpus, piece.path, piece.hash, bundle) if scores else None
        facts = piece.notes, piece.seconds, score, piece.group, piece.hash
        made.append(Material(piece.path, rows, *facts))
        if told:
            told(done + 1, len(pieces))
    return _checked(Materials(tuple(made), {}, str(corpus.root), split))


def _alike(bundle: Bundle, corpus: Corpus) -> bool:
    mine, theirs = corpus.encoding.state(), bundle.encoding.state()
    return bool((mine["name"], mine["options"]) == (theirs["name"], theirs["options"]))


def _source_score(corpus: Corpus, path: str, known: str, bundle: Bundle) -> Score | None:
    """The piece as its file has it; None if the file has gone or changed."""
    file, _, inside = path.partition("#")
    root = Path(corpus.facts["source"])
    found = (root.parent if root.is_file() else root) / file
    try:
        if not inside:
            score = formats.read(found)
        else:
            score = next(r.score for name, r in read_pieces(found) if name == inside)
    except (SegueError, OSError, StopIteration):
        return None
    score = build_filters(bundle.recipe).without_drums(score)
    return score if score.music_hash() == known else None


def _checked(materials: Materials) -> Materials:
    if materials.pieces:
        return materials
    reasons = list(dict.fromkeys(materials.left_out.values()))
    why = f" ({reasons[0].rstrip('.')})" if reasons else ""
    raise DataError(
        f"{materials.source}: of {len(materials.left_out)} pieces this bundle can read none{why}."
    )
