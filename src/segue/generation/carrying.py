"""What a continuation is made of: the prompt, note for note, and new notes in its tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.encodings.compound import Compound
from segue.encodings.pedal import DOWN_FROM
from segue.errors import SegueError
from segue.generation.engine import IntRows
from segue.generation.harmony import Harmony
from segue.generation.lengths import Length
from segue.generation.take import Take, checks, make_receipt, signed
from segue.generation.wishes import Wishes
from segue.score import CONTROL, SUSTAIN_PEDAL, Score, Track, events, join, tidy
from segue.score.score import Events


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
    facts = {
        "prompt": prompt.content_hash(),
        "prompt_end": int(prompt.end_ticks),
        "prompt_tracks": len(prompt.tracks),
    }
    sounding = set(prompt.notes["track"].tolist())
    silent = [
        [k, each.name, int(each.program), bool(each.is_drum)]
        for k, each in enumerate(prompt.tracks)
        if k not in sounding
    ]
    # A file does not hold tracks in which there is nothing.
    return {**facts, "prompt_silent": silent} if silent else facts


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
    carries: Sequence[str] = (),
    *,
    key: Harmony | None = None,
    own_end: bool = False,
) -> Take:
    """A take that goes on from the end of `prompt` with the notes of `tail` before tick `end`.

    `carries` names the tables of `tail` beside the notes that go on too.
    """
    begin = prompt.end_ticks
    whole = _carried_on(prompt, tail, begin, end, carries)
    whole = whole if own_end else length.filled(whole, begin, end)
    score, proof = wishes.fitted(whole, begin, end, key=key, own_end=own_end)
    receipt = make_receipt(bundle, engine, seed, {**settings, **wishes.settings()})
    receipt["checks"] = {**checks(score, begin), **length.proof(score, begin), **proof}
    return Take(signed(score, receipt), receipt, begin)


def carries_time(encoding: Encoding, wishes: Wishes, length: Length) -> tuple[str, ...]:
    """What goes on beside the notes of a continuation: pedal and tempo, where rows tell of them.

    A length in seconds needs the steady tempo that the prompt ends with.
    """
    if not isinstance(encoding, Compound):
        return ()
    steady = length.seconds is not None or wishes.tempo is not None or encoding.tempo != "rows"
    return ("controls",) * encoding.pedalled + ("tempi",) * (not steady)


def _carried_on(
    prompt: Score, tail: Score, begin: int, end: int, carries: Sequence[str] = ()
) -> Score:
    """The prompt untouched, and the new notes that lie in [begin, end), cut at the end."""
    notes = tail.notes[(tail.notes["onset"] >= begin) & (tail.notes["onset"] < end)].copy()
    notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    tracks = list(prompt.tracks)
    homes = home_tracks(prompt, tail.tracks, tracks)
    if len(notes):
        notes["track"] = np.array(homes)[notes["track"]]
    new = Score(prompt.ticks_per_beat, notes, tuple(tracks))
    if "controls" in carries:
        new = new.with_(controls=_pedal(prompt, tail, homes, begin, end))
    whole = join(prompt, tidy(new), 0)
    if "tempi" in carries:
        tempi = tail.tempi[(tail.tempi["onset"] >= begin) & (tail.tempi["onset"] < end)]
        whole = whole.with_(tempi=np.concatenate([prompt.tempi, tempi]))
    return whole


def _pedal(prompt: Score, tail: Score, homes: Sequence[int], begin: int, end: int) -> Events:
    """The pedal of the new part, up at its beginning and its end."""
    controls = tail.controls[(tail.controls["onset"] >= begin) & (tail.controls["onset"] < end)]
    controls = controls.copy()
    if len(controls):
        controls["track"] = np.array(homes)[controls["track"]]
    before = prompt.controls[prompt.controls["number"] == SUSTAIN_PEDAL]
    let_go = releases(before, begin)
    return np.concatenate([controls, let_go, releases(np.concatenate([before, controls]), end)])


def released(score: Score, end: int) -> Score:
    """The same music with the pedal up at tick `end`, so that nothing hangs on behind it."""
    return score.with_(controls=np.concatenate([score.controls, releases(score.controls, end)]))


def releases(controls: Events, at: int) -> Events:
    """The sustain pedal let go at tick `at`, in each track that `controls` leave it down in."""
    pedal = controls[controls["number"] == SUSTAIN_PEDAL]
    let_go = []
    for track in np.unique(pedal["track"]).tolist():
        if pedal["value"][pedal["track"] == track][-1] >= DOWN_FROM:
            let_go.append((at, track, SUSTAIN_PEDAL, 0))
    return events(CONTROL, let_go)


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
