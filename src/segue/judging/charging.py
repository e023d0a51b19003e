"""What a bundle's encoding loses of a piece, in nats a note."""

from __future__ import annotations

import numpy as np

from segue.encodings.base import Encoding
from segue.evaluation.charge import charge
from segue.judging.material import Material
from segue.score import Score
from segue.score.edit import sustain


def charged(encoding: Encoding, piece: Material) -> float | None:
    """Nats a note; None where only the rows of the piece are to be had.

    A piece comes back on the encoding's own clock. If that counts beats, they are heard at the
    tempi of the piece, which are charged to no encoding.
    """
    if piece.score is None:
        return None
    back = encoding.decode(piece.rows.astype(np.uint16), encoding.encode(piece.score).header)
    written, back = sustain(piece.score), sustain(back)
    seconds = None
    if encoding.step_seconds is None:
        seconds = _at_tempi_of(written, back)
    return charge(written, back, back_seconds=seconds).nats / max(len(written), 1)


def _at_tempi_of(written: Score, back: Score) -> np.ndarray:
    """(2, notes): onsets and ends in seconds, each beat where it is in the piece as written."""
    scale = written.ticks_per_beat / back.ticks_per_beat
    onset = back.notes["onset"] * scale
    end = (back.notes["onset"] + back.notes["duration"]) * scale
    return np.stack([written.tempo_map.seconds(onset), written.tempo_map.seconds(end)])
