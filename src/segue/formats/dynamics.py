"""Loudness marks of printed music as velocities, and back."""

from __future__ import annotations

DEFAULT_VELOCITY = 80
"""Where nothing is marked: mezzo forte."""

VELOCITIES = {
    "pppppp": 4,
    "ppppp": 6,
    "pppp": 10,
    "ppp": 16,
    "pp": 33,
    "p": 49,
    "mp": 64,
    "mf": 80,
    "f": 96,
    "ff": 112,
    "fff": 126,
    "ffff": 127,
    "fffff": 127,
    "ffffff": 127,
    "sf": 112,
    "sfz": 112,
    "fz": 112,
    "fp": 96,
}
"""No standard of notation gives numbers; these are even steps, as notation programs play them."""

_UP_TO = ((24, "ppp"), (40, "pp"), (56, "p"), (71, "mp"), (87, "mf"), (103, "f"), (119, "ff"))


def mark_of(velocity: int) -> str:
    """The loudness mark nearest to a velocity."""
    return next((mark for limit, mark in _UP_TO if velocity <= limit), "fff")
