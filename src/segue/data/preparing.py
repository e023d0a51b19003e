"""Prepare a folder of music: read in parallel, refuse or repair, deduplicate, split, pack."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import segue
from segue.data.corpus import FORMAT_VERSION, Corpus, read_facts
from segue.data.finishing import finish
from segue.data.journal import Journal
from segue.data.reading import SECONDS_PER_FILE, read_pieces
from segue.data.scan import Source, scan
from segue.data.shards import SHARD_BYTES, ShardWriter, row_dtype
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
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Corpus:
    """Turn a folder of music (or one file) into a corpus in `out`.

    Every readable file below `folder` is read in one of `workers` processes (None: one a
    processor; 0: in this process), hashed and encoded with the unfitted `encoding`. Files that
    cannot be used are refused with a reason, exact duplicates dropped, the pieces split (see
    `segue.data.split`), their rows packed into shards of about `shard_bytes`, and the encoding
    fitted to the symbols that occur. The corpus is the same whatever the number of workers.

    A run that was killed goes on where it stopped; an unchanged folder is not read again. A
    corpus made from other files or settings is replaced, at the end and not before. Raises
    DataError without one usable file, or if `out` is a folder of something else.
    """
    target = Path(out)
    source = scan(folder, leave_out=target)
    request = _request(source, encoding, seed, shard_bytes)
    facts = read_facts(target)
    if facts is not None and facts.get("request") == request:
        return Corpus.open(target)
    work = _work_folder(target, request)
    layout = encoding.layout
    shards = ShardWriter(work, len(layout.columns), row_dtype(layout.sizes), shard_bytes)
    with Journal(work, shards) as journal:
        paths = [file.path for file in source.music[journal.resume() :]]
        for outcome in read_pieces(
            source.root, paths, encoding, workers=workers, seconds_per_file=seconds_per_file
        ):
            journal.add(outcome)
            if progress:
                progress(journal.files, len(source.music), journal.notes)
        journal.finish()
    return finish(target, work, source, encoding, journal, request=request, seed=seed)


def _request(source: Source, encoding: Encoding, seed: int, shard_bytes: int) -> str:
    """What decides the result, in one hash: the files as they are now and the settings."""
    settings = [FORMAT_VERSION, segue.__version__, encoding.state(), seed, shard_bytes]
    text = json.dumps(settings, sort_keys=True) + source.fingerprint()
    return hashlib.sha256(text.encode()).hexdigest()


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
