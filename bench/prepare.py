"""How fast a folder becomes a corpus and a corpus becomes batches, beside named peers.

    python bench/prepare.py FOLDER [--peer-python PYTHON] [--write bench/results/prepare.json]

FOLDER holds MIDI files. Four things are timed, each beside a peer in the same run:
the whole of `segue prepare` (bound: reading the files' bytes and parsing them with symusic alone);
the encoding step alone, on parsed music in memory, one thread (peer: MidiTok REMI and TSD, which
`--peer-python` may have in an environment of its own); the window loader (peer: bare slice copies
out of the memory map); and its memory (peer: the windows materialised as float32).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import symusic

import segue
from segue.data import Corpus, Windows, prepare
from segue.data.pieces import INDEX
from segue.data.scan import Source, scan
from segue.data.shards import ShardWriter
from segue.encodings import get
from segue.encodings.base import Block, Closed, Column, Layout
from segue.files import write_json
from segue.formats.table import read

# S4's shape: 295 songs of 1,024 frames of 128 keys, windows of 256 frames, 64 to a batch.
SONGS, FRAMES, KEYS, WINDOW, BATCH = 295, 1024, 128, 256, 64

OBJECTIVES = ("every", "last", "segment")

PEER = """
import json, sys, time, warnings
from importlib.metadata import version
warnings.filterwarnings("ignore")
import miditok, symusic
files = json.load(sys.stdin)
scores = [symusic.Score(f) for f in files]
notes = sum(s.note_num() for s in scores)
rates = {"version": version("miditok"), "notes": notes}
for name in ("REMI", "TSD"):
    tokenizer = getattr(miditok, name)(miditok.TokenizerConfig(use_programs=False))
    tokenizer.encode(scores[0])
    began = time.perf_counter()
    for score in scores:
        tokenizer.encode(score)
    rates[name] = notes / (time.perf_counter() - began)
print(json.dumps(rates))
"""


class Roll(Closed):
    """Frames of 128 keys: what the loader is asked to feed in S4."""

    layout = Layout(tuple(Column(str(key), (Block("velocity", 128),)) for key in range(KEYS)))


def best(work: Callable[[], Any], times: int = 3) -> float:
    """The shortest of a few runs, in seconds: what the machine can do when it is left alone."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def whole(source: Source, scratch: Path) -> dict[str, Any]:
    """`segue prepare`, and the same files parsed and nothing else."""
    busy = _processor_seconds()
    began = time.perf_counter()
    corpus = prepare(source.root, scratch / "corpus", get("compound"))
    seconds = time.perf_counter() - began
    busy = _processor_seconds() - busy
    notes = corpus.summary()["totals"]["notes"]
    began = time.perf_counter()
    for file in source.music:
        try:
            symusic.Score(str(source.root / file.path)).note_num()
        except (RuntimeError, ValueError):
            continue
    bare = time.perf_counter() - began
    began = time.perf_counter()
    prepare(source.root, scratch / "corpus", get("compound"))
    peak = max(resource.getrusage(who).ru_maxrss for who in (0, -1)) / 1024
    return {
        "files": len(source.music),
        "notes": notes,
        "seconds": seconds,
        "notes_a_second": notes / seconds,
        "notes_a_processor_second": notes / busy,
        "parse_alone_seconds_one_thread": bare,
        "again_seconds": time.perf_counter() - began,
        "peak_mib_of_the_largest_process": peak,
    }


def _processor_seconds() -> float:
    """Time that this process and its children have had a processor for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def encoding(source: Source, peer: str, count: int) -> dict[str, Any]:
    """Encoding alone, music in memory, one thread; files spread over the folder."""
    step = max(len(source.music) // count, 1)
    paths = [str(source.root / file.path) for file in source.music[::step]]
    scores = [read(path) for path in paths]
    notes = sum(map(len, scores))
    found: dict[str, Any] = {"files": len(paths), "notes": notes}
    for name in ("compound", "note_chord"):
        chosen = get(name)
        found[name] = notes / best(lambda c=chosen: [c.encode(score) for score in scores])
    ran = subprocess.run(
        [peer, "-c", PEER], input=json.dumps(paths), capture_output=True, text=True, check=False
    )
    if ran.returncode:
        found["peer"] = f"not measured: {ran.stderr.strip().splitlines()[-1]}"
    else:
        found["miditok"] = json.loads(ran.stdout)
    return found


def loader(scratch: Path) -> dict[str, Any]:
    """Batches a second of S4's shape out of the memory map, and bare copies of the same size."""
    corpus = _rolls(scratch / "rolls")
    shard = corpus.shards[0]
    rng = np.random.default_rng(0)
    starts = rng.integers(0, len(shard) - WINDOW - 1, (1000, BATCH)).tolist()
    out = np.empty((BATCH, WINDOW + 1, KEYS), np.uint8)

    def bare() -> None:
        for some in starts:
            for slot, start in zip(out, some, strict=True):
                slot[:] = shard[start : start + WINDOW + 1]

    found: dict[str, Any] = {"bare_copies": 1000 / best(bare)}
    for objective in OBJECTIVES:
        windows = Windows(corpus, "train", WINDOW, BATCH, objective=objective)
        found[objective] = 1000 / best(lambda w=windows: [w.batch(s).mask[0] for s in range(1000)])
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["materialised_mib"] = SONGS * (FRAMES - WINDOW) * WINDOW * KEYS * 4 / 2**20
    return found


def _rolls(folder: Path) -> Corpus:
    folder.mkdir()
    rng = np.random.default_rng(0)
    writer = ShardWriter(folder, KEYS, np.dtype("u1"))
    index = np.zeros(SONGS, INDEX)
    for song in range(SONGS):
        roll = (rng.random((FRAMES, KEYS)) < 0.03).astype(np.uint8) * 80
        index[song]["shard"], index[song]["start"] = writer.add(roll)
    writer.close_shard()
    index["rows"] = FRAMES
    np.save(folder / "pieces.npy", index)
    facts = {"splits": {"train": {"pieces": SONGS}}, "fitted": False}
    return Corpus(folder, facts, Roll())  # type: ignore[arg-type]


def show(found: dict[str, Any]) -> None:
    """The numbers with their ratios."""
    one = found["whole"]
    print(f"prepare: {one['files']:,} files, {one['notes']:,} notes in {one['seconds']:.1f} s:")
    print(f"  {one['notes_a_second']:,.0f} notes a second,")
    print(f"  {one['notes_a_processor_second']:,.0f} a second of one processor's time")
    print(f"  {one['seconds'] / one['parse_alone_seconds_one_thread']:.1f} x parsing alone")
    print(f"  largest process {one['peak_mib_of_the_largest_process']:,.0f} MiB")
    print(f"  again, unchanged: {one['again_seconds']:.2f} s")
    two = found["encoding"]
    print(f"encoding alone, one thread, {two['files']} files, {two['notes']:,} notes:")
    for name in ("compound", "note_chord"):
        print(f"  {name}: {two[name]:,.0f} notes a second")
        for peer in ("REMI", "TSD"):
            if "miditok" in two:
                rate = two["miditok"][peer]
                version = two["miditok"]["version"]
                print(f"    {two[name] / rate:.0f} x MidiTok {version} {peer} ({rate:,.0f})")
    if "peer" in two:
        print(f"  MidiTok {two['peer']}")
    three = found["loader"]
    print(f"loader, {BATCH} x {WINDOW} x {KEYS} uint8: bare copies {three['bare_copies']:,.0f}/s")
    for name in OBJECTIVES:
        ratio = three[name] / three["bare_copies"]
        print(f"  objective {name}: {three[name]:,.0f} batches/s, {ratio:.2f} x bare copies")
    ratio = three["materialised_mib"] / three["peak_mib"]
    print(f"  peak {three['peak_mib']:,.0f} MiB; materialised float32 {ratio:,.0f} x that")


def machine() -> dict[str, Any]:
    """Where the numbers come from; the load says how far they can be trusted."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "segue": segue.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "symusic": symusic.__version__,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "load": os.getloadavg(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--encode-files", type=int, default=60)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    source = scan(asked.folder)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        found = {
            "machine": machine(),
            "whole": whole(source, scratch),
            "encoding": encoding(source, asked.peer_python, asked.encode_files),
            "loader": loader(scratch),
        }
    show(found)
    if asked.write:
        write_json(asked.write, found)


if __name__ == "__main__":
    main()
