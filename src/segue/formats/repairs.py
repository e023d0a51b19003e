"""Repairs as sentences: what a reader had to do to a file, for the people who own it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_LINES = 50
"""Lines of a report; what happened beyond that is counted in the last."""

DONE = {
    "high data": ("cut {} over 127 down to 127", "data byte"),
    "wrong message": ("left out {} with a data byte over 127", "message"),
    "system": ("left out {}, which have no place in a file", "system message"),
    "sysex": ("left out {} of a wrong length", "system exclusive message"),
    "meta": ("left out {} with a wrong length or of an unknown kind", "meta event"),
    "long number": ("read {} written in more than four bytes", "pause"),
    "skipped": ("skipped {} of no known meaning", "byte"),
    "cut": ("dropped {} of an event cut off at the end", "byte"),
    "unread": ("gave up on {}: too much of the file is damaged", "byte"),
    "long pause": ("took out {} longer than any rest, left by the damage", "pause"),
    "restruck": ("ended {} that nothing ended, where the same pitch starts again", "note"),
    "unended": ("ended {} that nothing ended, where the track ends", "note"),
    "no end of track": ("added the missing end of track", ""),
    "carriage return": ("put back {} that a text-mode transfer had taken away", "carriage return"),
}
"""What can be done to a track: its line in the report, and the thing that is counted in it."""


def counted(n: int, noun: str) -> str:
    """A number and what it counts: "1 track", "3,000 tracks"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def bytes_of(n: int) -> str:
    """A number of bytes, in words."""
    return counted(n, "byte")


@dataclass
class Report:
    """The repairs so far, a sentence each."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Add a sentence."""
        self.lines.append(line)

    def add_track(self, number: int, done: Counter[str]) -> None:
        """Add a sentence for each kind of thing done to a track, its number counted from 1."""
        for what, n in done.items():
            sentence, noun = DONE[what]
            self.add(f"track {number}: " + sentence.format(counted(n, noun)))

    def shortened(self) -> list[str]:
        """The sentences, at most `MOST_LINES` of them."""
        if len(self.lines) <= MOST_LINES:
            return self.lines
        rest = len(self.lines) - MOST_LINES + 1
        return [*self.lines[: MOST_LINES - 1], f"and {rest:,} more repairs of these kinds"]
