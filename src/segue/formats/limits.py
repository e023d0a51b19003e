"""Limits that no real piece of music meets, so that a small file cannot ask for a large machine.

Checked against 14,000 files (MAESTRO, POP909, NES-MDB, Mutopia, Groove and more); the largest
found there stands behind each number. Past a limit a file is refused with a LimitError that
names the limit and the file's own figure.
"""

from __future__ import annotations

from segue.errors import LimitError
from segue.score import Score

BYTES = 8 << 20
"""Bytes of a MIDI file; 415,994: a concert pianist, every pedal move included."""

TRACKS = 1024
"""Tracks, after a chunk with several channels or programs is split; 14."""

NOTES = 1_000_000
"""Notes; 38,890."""

CHANGES = 2_000_000
"""Controllers and bends together; 73,384."""

TEMPI = 100_000
"""Changes of tempo; 6,641: a score with rubato drawn into it changes at every step."""

TICKS = 1 << 30
"""The last tick; 2,302,922. symusic counts in 32 bits and goes wrong in silence at twice this."""

BEATS = 200_000
"""The last beat: what bounds every grid and token sequence made from the file; 5,257."""

SECONDS = 24 * 3600.0
"""Length in seconds; 2,625."""


def check(what: str, value: float, limit: float, name: str) -> None:
    """Refuse a `value` past `limit`; `what` ends the sentence, as in "notes". Raises LimitError."""
    if value > limit:
        raise LimitError(
            f"{name} holds {value:,.0f} {what}; Segue reads up to {limit:,.0f}, which is more "
            "than any piece of music needs. If this one does, split it into several files."
        )


def check_length(score: Score, name: str) -> None:
    """Refuse a Score that lasts longer than any music does. Raises LimitError."""
    tables = (score.controls, score.bends, score.tempi, score.metres, score.keys)
    last = max([score.end_ticks] + [int(table["onset"][-1]) for table in tables if len(table)])
    check("ticks", last, TICKS, name)
    check("beats", last / score.ticks_per_beat, BEATS, name)
    check("seconds", float(score.tempo_map.seconds(last)), SECONDS, name)
