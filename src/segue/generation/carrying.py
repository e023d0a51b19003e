"""What a continuation is made of: the prompt, note for note, and new notes in its tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation.engine import IntRows
from segue.generation.harmony import Harmony
from segue.generation.lengths import Length
from segue.generation.take import Take, checks, make_receipt, signed
from segue.generation.wishes import Wishes
from segue.score import Score, Track, join, tidy


def prompt_rows(
    bundle: Bundle, encoding: Encoding, prompt: Score
) -> tuple[IntRows, dict[str, Any]]:
    """The prompt's rows without those that close a piece, and its header."""
    encoded = encoding.encode(prompt)
    rows = encoded.rows[~encoding.ends(encoded.rows)]
    if not len(rows):
        raise SegueError(
            f"the encoding {encoding.name} can hold nothing of the prompt "
            f"(it loses: {'; '.join(encoding.loses)}): give another prompt."
        )
    return rows.astype(np.int64), encoded.header


def facts_of(prompt: Score) -> dict[str, Any]:
    """What the receipt says of a prompt: enough to take it out of the take again."""
    return {
        "prompt": prompt.content_hash(),
        "prompt_end": int(prompt.end_ticks),
        "prompt_tracks": len(prompt.tracks),
    }


def longer(
    bundle: Bundle,
    prompt: Score,
    tail: Score,
    end: int,
    engine: str,
    seed: int,
    settings: dict[str, Any],
    wishes: Wishes,
    length: Length,
    *,
    key: Harmony | None = None,
    own_end: bool = False,
) -> Take:
    """A take that goes on from the end of `prompt` with the notes of `tail` before tick `end`."""
    begin = prompt.end_ticks
    whole = _carried_on(prompt, tail, begin, end)
    whole = whole if own_end else length.filled(whole, begin, end)
    score, proof = wishes.fitted(whole, begin, end, key=key, own_end=own_end)
    receipt = make_receipt(bundle, engine, seed, {**settings, **wishes.settings()})
    receipt["checks"] = {**checks(score, begin), **length.proof(score, begin), **proof}
    return Take(signed(score, receipt), receipt, begin)


def _carried_on(prompt: Score, tail: Score, begin: int, end: int) -> Score:
    """The prompt untouched, and the new notes that lie in [begin, end), cut at the end."""
    notes = tail.notes[(tail.notes["onset"] >= begin) & (tail.notes["onset"] < end)].copy()
    notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    tracks = list(prompt.tracks)
    homes = home_tracks(prompt, tail.tracks, tracks)
    if len(notes):
        notes["track"] = np.array(homes)[notes["track"]]
    return join(prompt, tidy(Score(prompt.ticks_per_beat, notes, tuple(tracks))), 0)


def home_tracks(prompt: Score, wanted: Sequence[Track], tracks: list[Track]) -> list[int]:
    """For each new track the track of the prompt it goes on in; others are added to `tracks`.

    A track is known by its name, program and drum flag, or else by the last two (an encoding may
    not keep names); where several are alike, they go in their order.
    """
    sounding = {int(t) for t in np.unique(prompt.notes["track"])}
    free = [i for i in range(len(tracks)) if i in sounding]
    homes = []
    for track in wanted:
        alike = [i for i in free if tracks[i] == track] or [
            i for i in free if replace(tracks[i], name="") == replace(track, name="")
        ]
        if alike:
            free.remove(alike[0])
            homes.append(alike[0])
        else:
            homes.append(len(tracks))
            tracks.append(track)
    return homes
