"""One piece: read, made clean, and written for the training to come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.default.facts import Facts, facts_of
from tools.default.hands import hands
from tools.default.pop_beats import PARTS, on_the_beat
from tools.default.sources import Source

from segue.files import written_whole
from segue.formats import read
from segue.formats.midi_write import to_bytes
from segue.score import Score, Text


@dataclass(frozen=True)
class Task:
    """A piece to make, and the two folders."""

    source: Source
    data: str
    out: str


def clean(score: Score, source: Source) -> Score:
    """The Score of a piece as it is trained on; DataError for one that is left out."""
    pop = source.set == "pop909"
    played = hands(on_the_beat(score) if pop else score, PARTS if pop else None)
    return played.with_(texts=(*played.texts, Text(0, f"style: {source.style}", "text")))


def make(task: Task) -> Facts:
    """Write the clean file of a piece, if it is not there as it should be; its facts."""
    score = clean(read(Path(task.data) / task.source.file), task.source)
    wanted, place = to_bytes(score), Path(task.out) / task.source.path
    if not place.is_file() or place.read_bytes() != wanted:
        with written_whole(place) as beside:
            beside.write_bytes(wanted)
    return facts_of(score)
