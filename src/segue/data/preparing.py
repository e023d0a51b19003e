"""Prepare a folder of music: read in parallel, refuse or repair, compare, split, pack."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from segue.data.corpus import Corpus, read_facts
from segue.data.engines import LOCAL, engine_for
from segue.data.filters import Filters
from segue.data.finishing import finish
from segue.data.journal import Journal
from segue.data.reading import SECONDS_PER_FILE, Job
from segue.data.request import GROUP, Request
from segue.data.scan import scan
from segue.data.shards import SHARD_BYTES, ShardWriter, row_dtype
from segue.data.split import rank_of
from segue.encodings.base import Encoding
from segue.errors import DataError

Progress = Callable[[int, int, int], None]
"""Called with (files done, files in all, notes kept) after each file."""

WORK = ".work"


def prepare(
    folder: str | Path,
    out: str | Path,
    encoding: Encoding,
    *,
    filters: Filters | None = None,
    near_duplicates: str = GROUP,
    seed: int = 0,
    workers: int | None = None,
    engine: str = LOCAL,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Corpus:
    """Turn a folder of music (or one file) into a corpus in `out`.

    Every readable file below `folder` is read in one of `workers` processes (None: one a
    processor; 0: in this process) or by another engine, filtered, measured and encoded with the
    unfitted `encoding`. Pieces that cannot be used or are not asked for are refused with a reason,
    exact duplicates dropped, pieces alike found (see `segue.data.kinship`), all split (see
    `segue.data.split`), their rows packed into shards of about `shard_bytes`, and the encoding
    fitted to the symbols that occur. The corpus is the same whatever the engine and the number of
    workers.

    A run that was killed goes on where it stopped; an unchanged folder is not read again. A
    corpus made from other files or settings is replaced, at the end and not before. Raises
    DataError without one usable file, or if `out` is a folder of something else.
    """
    target = Path(out)
    request = Request(
        scan(folder, leave_out=target),
        encoding,
        filters or Filters(),
        near_duplicates,
        seed,
        shard_bytes,
    )
    facts = read_facts(target)
    if facts is not None and facts.get("request") == request.hash():
        return Corpus.open(target)
    read = engine_for(engine, workers=workers, seconds_per_file=seconds_per_file)
    work = _work_folder(target, request.hash())
    layout = encoding.layout
    shards = ShardWriter(work, len(layout.columns), row_dtype(layout.sizes), shard_bytes)
    ranks = rank_of(request.rules)
    source = request.source
    with Journal(work, shards, lambda file: ranks.get(file, -1)) as journal:
        paths = [file.path for file in source.music[journal.resume() :]]
        for outcomes in read(paths, Job(source.root, encoding, request.filters)):
            journal.add(outcomes)
            if progress:
                progress(journal.files, len(source.music), journal.notes)
        journal.finish()
    return finish(target, work, request, journal)


def _work_folder(target: Path, request: str) -> Path:
    """The folder that this request is worked out in: that of a killed run, or an empty one."""
    work = target / WORK
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file: give a folder for the corpus.")
    if target.is_dir() and any(target.iterdir()) and not (work.is_dir() or read_facts(target)):
        raise DataError(
            f"{target} is not empty and not a corpus: give a new folder, so that nothing is lost."
        )
    known = work / "request"
    if not (known.is_file() and known.read_text() == request):
        shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True, exist_ok=True)
        known.write_text(request)
    except OSError as error:
        raise DataError(
            f"cannot write to {target}: {error.strerror or error}. "
            "Choose a folder that exists or can be made, and that you may write to."
        ) from error
    return work
