"""The score readers beside music21 and verovio: speed, and whether they find the same notes.

    python bench/score_readers.py [--pieces 60] [--abc FOLDER] [--tunes 100]

MusicXML comes from music21's own corpus, ABC from FOLDER (default: the corpus too). Every peer
reads the same files in the same run; verovio reads in a child process, since it can take its
process with it.
"""

from __future__ import annotations

import argparse
import base64
import os
import pickle
import random
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import symusic
import verovio
from music21 import common, converter, corpus, harmony

from segue.formats import abc, kern, musicxml, musicxml_play
from segue.formats.musicxml_load import load
from segue.formats.musicxml_model import Measure, Part

Notes = list[tuple[int, int, int]]  # onset, length in 24ths of a beat, pitch


def _timed(read: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    found = read()
    return found, time.perf_counter() - begun


def _in_child(read: Callable[[], Any]) -> tuple[Any, float]:
    """What `read` returns and how long it took, or None for a child that died."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with os.fdopen(send, "wb") as pipe:
            pickle.dump(_timed(read), pipe)
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    return pickle.loads(data) if status == 0 and data else (None, 0.0)


def _verovio(text: str, kind: str) -> Notes | None:
    toolkit = verovio.toolkit()
    toolkit.setOptions({"inputFrom": kind})
    if not toolkit.loadData(text):
        return None
    midi = symusic.Score.from_midi(base64.b64decode(toolkit.renderToMIDI()))
    scale = 24 / midi.ticks_per_quarter
    notes = (n for track in midi.tracks for n in track.notes)
    return sorted((round(n.time * scale), round(n.duration * scale), n.pitch) for n in notes)


# -- MusicXML -----------------------------------------------------------------------------------


def _pieces(count: int, seed: int) -> list[Path]:
    found = [Path(p) for p in corpus.corpora.CoreCorpus().getPaths()]
    scores = [p for p in found if p.suffix in (".mxl", ".xml", ".musicxml")]
    small = [p for p in scores if p.stat().st_size < (60_000 if p.suffix == ".mxl" else 400_000)]
    return random.Random(seed).sample(small, count)


def _parts(root: Element) -> Iterator[Part]:
    for measure in root.iter("measure"):
        for element in list(measure):
            if element.find("grace") is not None or element.find("cue") is not None:
                measure.remove(element)
    for listed, measures in musicxml_play._parts(root):
        yield musicxml_play._read_part(listed, measures, 10_080, lambda what: None)


def _ours(measure: Measure) -> Counter[tuple[int, int, int]]:
    notes = (n for n in measure.notes if not n.instrument.is_drum)
    return Counter((round(n.onset / 420), round(n.duration / 420), n.pitch) for n in notes)


def _theirs(measure: Any) -> Counter[tuple[int, int, int]]:
    return Counter(
        (round(float(n.offset) * 24), round(float(n.quarterLength) * 24), pitch.midi)
        for n in measure.flatten().notes
        if not n.duration.isGrace and not isinstance(n, harmony.Harmony) and hasattr(n, "pitches")
        for pitch in n.pitches
    )


def _same_measures(path: Path, stream: Any) -> tuple[int, int]:
    """(measures with the same notes, measures) over the parts of a piece."""
    groups: dict[str, list[list[Any]]] = {}
    for part in stream.toSoundingPitch().parts:
        name = str(part.id).split("-Staff")[0]
        groups.setdefault(name, []).append(list(part.getElementsByClass("Measure")))
    ours = list(_parts(load(path)[0]))
    if len(ours) != len(groups):
        return 0, 0
    same = total = 0
    for part, staves in zip(ours, groups.values(), strict=True):
        for measure, together in zip(part.measures, zip(*staves, strict=False), strict=False):
            same += _ours(measure) == sum((_theirs(m) for m in together), Counter())
            total += 1
    return same, total


def compare_musicxml(count: int) -> None:
    """Print speeds and the share of measures in which music21 finds the same notes."""
    spent: Counter[str] = Counter()
    same = total = skipped = 0
    for path in _pieces(count, 1):
        spent["segue"] += _timed(lambda p=path: musicxml.read(p))[1]  # type: ignore[misc]
        read = lambda p=path: converter.parse(p, forceSource=True)  # noqa: E731
        stream, seconds = _timed(read)
        spent["music21"] += seconds
        equal, seen = _same_measures(path, stream) if hasattr(stream, "parts") else (0, 0)
        same, total, skipped = same + equal, total + seen, skipped + (not seen)
    print(f"MusicXML: {count} pieces of music21's corpus")
    for name in spent:
        ratio = spent[name] / spent["segue"]
        print(f"  {name:8} {1000 * spent[name] / count:8.1f} ms a piece, {ratio:5.1f} times segue")
    print(f"  measures in which music21 finds the same notes: {same:,} of {total:,}")
    print(f"  pieces whose parts music21 groups otherwise, not compared: {skipped}")


def compare_chorales() -> None:
    """Print how long all of music21's Bach takes."""
    files = [p for p in corpus.getComposer("bach") if p.suffix in (".mxl", ".xml")]
    seconds = sum(_timed(lambda p=path: musicxml.read(p))[1] for path in files)  # type: ignore[misc]
    print(f"Bach: {len(files)} pieces in {seconds:.1f} s by segue, one process")
    some = random.Random(0).sample(files, 25)
    theirs = sum(_timed(lambda p=p: converter.parse(p, forceSource=True))[1] for p in some)  # type: ignore[misc]
    print(f"  music21 at its speed over 25 of them: {theirs / 25 * len(files):.1f} s")


# -- ABC and kern -------------------------------------------------------------------------------


def _tunes(folder: Path | None, count: int) -> list[str]:
    base = folder or common.getCorpusFilePath() / "ryansMammoth"
    texts = (p.read_text(encoding="utf-8", errors="replace") for p in sorted(base.rglob("*.abc")))
    tunes = [tune for text in texts for tune in re.split(r"(?m)^(?=X:)", text)[1:]]
    return random.Random(0).sample(tunes, min(count, len(tunes)))


def compare_abc(folder: Path | None, count: int) -> None:
    """Print speeds, and how many tunes each reader fails on or dies of."""
    spent: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    tunes = _tunes(folder, count)
    for text in tunes:
        spent["segue"] += _timed(lambda t=text: abc.parse(t))[1]  # type: ignore[misc]
        spent["music21"] += _timed(lambda t=text: converter.parse(t, format="abc"))[1]  # type: ignore[misc]
        notes, seconds = _in_child(lambda t=text: _verovio(t, "abc"))  # type: ignore[misc]
        spent["verovio"] += seconds
        failed["verovio"] += notes is None
    print(f"ABC: {len(tunes)} tunes of {folder or 'the music21 corpus'}")
    for name in spent:
        read = len(tunes) - failed[name]
        ratio = spent[name] / read / (spent["segue"] / len(tunes)) if read else 0.0
        print(
            f"  {name:8} {1000 * spent[name] / max(read, 1):8.1f} ms a tune, "
            f"{ratio:5.1f} times segue, {failed[name]} not read or process killed"
        )


def compare_kern() -> None:
    """Print speeds on Palestrina."""
    files = sorted((common.getCorpusFilePath() / "palestrina").glob("*.krn"))
    some = random.Random(0).sample(files, 12)
    ours = sum(_timed(lambda p=p: kern.read(p))[1] for p in some)  # type: ignore[misc]
    theirs = sum(_timed(lambda p=p: converter.parse(p, forceSource=True))[1] for p in some)  # type: ignore[misc]
    print(f"kern: segue {1000 * ours / 12:.1f} ms, music21 {1000 * theirs / 12:.1f} ms a piece")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=60)
    parser.add_argument("--tunes", type=int, default=100)
    parser.add_argument("--abc", type=Path, help="a folder of ABC files")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    verovio.enableLog(verovio.LOG_OFF)
    compare_musicxml(options.pieces)
    compare_chorales()
    compare_abc(options.abc, options.tunes)
    compare_kern()


if __name__ == "__main__":
    main()
