"""Standard MIDI files through symusic, both ways, as arrays from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import symusic

from segue.errors import FormatError
from segue.formats.table import Reading
from segue.score import BEND, CONTROL, KEY, METRE, NOTE, TEMPO, Score, Text, Track


def read(path: str | Path) -> Reading:
    """Read a MIDI file; FormatError if there is nothing in it to read."""
    return read_bytes(Path(path).read_bytes(), str(path))


def read_bytes(data: bytes, name: str = "the data") -> Reading:
    """Read a MIDI file held in memory; `name` is what messages call it."""
    try:
        parsed = symusic.Score.from_midi(data)
    except (RuntimeError, ValueError) as error:
        raise FormatError(f"{name} is not a MIDI file that can be read: {error}.") from error
    return Reading(_score(parsed))


def _table(columns: dict[str, Any], dtype: np.dtype[Any], names: dict[str, str]) -> Any:
    table = np.empty(len(columns["time"]), dtype)
    for field, source in {"onset": "time", **names}.items():
        table[field] = columns[source]
    return table


def _of_tracks(parsed: Any, kind: str, dtype: np.dtype[Any], names: dict[str, str]) -> Any:
    tables = []
    for index, track in enumerate(parsed):
        table = _table(getattr(track, kind).numpy(), dtype, names)
        table["track"] = index
        tables.append(table)
    return np.concatenate(tables) if tables else np.empty(0, dtype)


def _score(parsed: Any) -> Score:
    tracks = [t for t in parsed.tracks if len(t.notes) or len(t.controls) or len(t.pitch_bends)]
    keys = _table(parsed.key_signatures.numpy(), KEY, {"fifths": "key", "minor": "tonality"})
    texts = [Text(m.time, m.text, "marker") for m in parsed.markers]
    texts += [Text(t.time, t.text, "lyric") for track in parsed.tracks for t in track.lyrics]
    pair = {"pitch": "pitch", "velocity": "velocity", "duration": "duration"}
    return Score(
        ticks_per_beat=parsed.tpq,
        notes=_of_tracks(tracks, "notes", NOTE, pair),
        tracks=tuple(Track(t.name, t.program, t.is_drum) for t in tracks),
        controls=_of_tracks(tracks, "controls", CONTROL, {"number": "number", "value": "value"}),
        bends=_of_tracks(tracks, "pitch_bends", BEND, {"value": "value"}),
        tempi=_table(parsed.tempos.numpy(), TEMPO, {"microseconds": "mspq"}),
        metres=_table(
            parsed.time_signatures.numpy(),
            METRE,
            {"numerator": "numerator", "denominator": "denominator"},
        ),
        keys=keys,
        texts=tuple(texts),
    )


def write(score: Score, path: str | Path) -> None:
    """Write a Score as a format 1 MIDI file."""
    made = symusic.Score(score.ticks_per_beat)
    for index, track in enumerate(score.tracks):
        part = symusic.Track(track.name, track.program, track.is_drum)
        notes = score.notes[score.notes["track"] == index]
        part.notes = symusic.Note.from_numpy(
            notes["onset"].astype(np.int32),
            notes["duration"].astype(np.int32),
            notes["pitch"].astype(np.int8),
            notes["velocity"].astype(np.int8),
        )
        controls = score.controls[score.controls["track"] == index]
        part.controls = symusic.ControlChange.from_numpy(
            controls["onset"].astype(np.int32),
            controls["number"].astype(np.uint8),
            controls["value"].astype(np.uint8),
        )
        bends = score.bends[score.bends["track"] == index]
        part.pitch_bends = symusic.PitchBend.from_numpy(
            bends["onset"].astype(np.int32), bends["value"].astype(np.int32)
        )
        made.tracks.append(part)
    for onset, microseconds in score.tempi.tolist():
        made.tempos.append(symusic.Tempo(onset, mspq=microseconds))
    for onset, numerator, denominator in score.metres.tolist():
        made.time_signatures.append(symusic.TimeSignature(onset, numerator, denominator))
    for onset, fifths, minor in score.keys.tolist():
        made.key_signatures.append(symusic.KeySignature(onset, fifths, int(minor)))
    for text in score.texts:
        made.markers.append(symusic.TextMeta(text.onset, text.text))
    Path(path).write_bytes(made.dumps_midi())
