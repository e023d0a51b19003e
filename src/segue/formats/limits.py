"""Limits that no real piece of music meets, so that a small file cannot ask for a large machine.

Checked against 14,000 files (MAESTRO, POP909, NES-MDB, Mutopia, Groove and more); the largest
found there stands behind each number. Past a limit a file is refused with a LimitError that
names the limit and the file's own figure.
"""

from __future__ import annotations

from segue.errors import LimitError

BYTES = 8 << 20
"""Bytes of a MIDI file; 0.42 million: 88 minutes of a concert pianist, with every pedal move."""

TRACKS = 1024
"""Tracks, after a chunk with several channels or programs is split; 47."""

NOTES = 1_000_000
"""Notes; 27,000."""

CHANGES = 2_000_000
"""Controllers and bends together; 110,000, and an 8 MiB file has room for no more than that."""

TEMPI = 100_000
"""Changes of tempo; 6,000: scores played with rubato change it at every step."""

TICKS = 1 << 30
"""The last tick; symusic counts in 32 bits and wraps round in silence at twice this."""

BEATS = 200_000
"""The last beat: what bounds every grid and token sequence made from the file; 30,000."""

SECONDS = 24 * 3600.0
"""Length in seconds; 7,900."""


def check(what: str, value: float, limit: float, name: str) -> None:
    """Refuse a `value` past `limit`; `what` ends the sentence, as in "notes". Raises LimitError."""
    if value > limit:
        raise LimitError(
            f"{name} holds {value:,.0f} {what}; Segue reads up to {limit:,.0f}, which is more "
            "than any piece of music needs. If this one does, split it into several files."
        )
