"""Carriage returns that a text-mode transfer took away, put back where the events want them.

Such a transfer turns each CR LF into LF, so that a binary file comes out a few bytes short. The
chunk's length says how many; the place is before one of the LF bytes up to the first event that
makes no sense.
"""

from __future__ import annotations

from segue.formats.salvage_notes import imbalance
from segue.formats.smf_events import Events, events_of

MOST_MISSING = 64
"""Bytes missing from a track that are worth the search: more is a file cut off."""

_CANDIDATES = 64
"""LF bytes tried for each missing CR, nearest first: damage shows within a few events or dozens."""

MOST_TRIALS = 200
"""Tries in one track, of a few milliseconds each."""


def with_carriage_returns(body: bytes, missing: int) -> tuple[bytes, int]:
    """The track with `missing` carriage returns put back, and how many that is.

    None is put back unless all are, to an end of track that closes the chunk.
    """
    if missing > MOST_MISSING or b"\r\n" in body or body.count(b"\n") < missing:
        return body, 0
    restored, trials = body, MOST_TRIALS
    for _ in range(missing):
        stop, ended = _reach(events_of(restored, 0, len(restored)), restored)
        if ended or trials <= 0:
            break
        places = _line_feeds(restored, min(stop + 8, len(restored)))
        trials -= len(places)
        better = _with_one(restored, places, stop)
        if better is None:
            return body, 0
        restored = better
    _, ended = _reach(events_of(restored, 0, len(restored)), restored)
    return (restored, len(restored) - len(body)) if ended else (body, 0)


def _reach(events: Events, body: bytes) -> tuple[int, bool]:
    """How far well-formed events go, and whether to an end of track at the very end."""
    return events.stop, events.ended and events.stop >= len(body)


def _line_feeds(body: bytes, before: int) -> list[int]:
    """Where the last LF bytes before a place are, nearest first."""
    places: list[int] = []
    while len(places) < _CANDIDATES and (before := body.rfind(b"\n", 0, before)) >= 0:
        places.append(before)
    return places


def _with_one(body: bytes, places: list[int], stop: int) -> bytes | None:
    """The track with a carriage return more at one of `places`, if that lets it be read further.

    Of the places that do, the one after which notes and their ends match best: bytes that are
    read one off can pass for events for a long way, but not for music.
    """
    trials = []
    for place in places:
        trial = body[:place] + b"\r" + body[place:]
        events = events_of(trial, 0, len(trial))
        reach, ended = _reach(events, trial)
        if reach > stop + 1:
            trials.append((reach, ended, imbalance(events), trial))
    if not trials:
        return None
    far = stop + (max(reach for reach, *_ in trials) - stop) // 2
    return min((t for t in trials if t[0] >= far), key=lambda t: (t[2], not t[1], -t[0]))[3]
