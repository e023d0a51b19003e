"""The names of pitches and chords as music21 writes them: "E-5" and "4.9"."""

from __future__ import annotations

_PITCH_CLASSES = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "G#", "A", "B-", "B")


def pitch_name(pitch: int) -> str:
    """A MIDI pitch as a name with its octave, flats as "-": 75 is "E-5", 60 is "C4"."""
    return f"{_PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def pitch_classes(mask: int) -> list[int]:
    """The pitch classes of a 12-bit mask, rising from C."""
    return [c for c in range(12) if mask >> c & 1]


def normal_order(mask: int) -> list[int]:
    """The pitch classes of a 12-bit mask in Allen Forte's normal order.

    Of all rotations the one with the smallest span, and among those the one packed closest to
    its first tone. Source: Forte, The Structure of Atonal Music (1973), section 1.2.
    """
    rising = pitch_classes(mask)
    rotations = [rising[r:] + rising[:r] for r in range(len(rising))]

    def packing(rotation: list[int]) -> tuple[int, ...]:
        above = [(c - rotation[0]) % 12 for c in rotation]
        return (above[-1], *above, rotation[0])

    return min(rotations, key=packing, default=[])


def chord_name(mask: int) -> str:
    """A 12-bit mask of pitch classes in normal order, joined by dots: 4.9 for E and A."""
    return ".".join(map(str, normal_order(mask)))
