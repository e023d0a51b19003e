"""Filling among rolls, keyboards and NES voices: locked notes stay, and new ones keep out of them.

The models are noise: what holds for them holds for all.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from music import BEAT, chorale
from noise import Noise
from segue import encodings
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation import accompany, fill, infill
from segue.generation.engine import Floats
from segue.generation.fill_rows import clear_of
from segue.generation.harmony import key
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.wishes import Wishes
from segue.score import NOTE, Score, Track, events

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("performance", {}),
    ("performance", {"marks": True}),
    ("note_time", {}),
    ("nes_events", {}),
    ("nes_events", {"levels": True}),
    ("piano_roll", {"unit": "beats", "cells": "both", "lowest": 36, "highest": 90}),
    ("piano_roll", {"unit": "seconds", "lowest": 36, "highest": 90}),
    ("velocity_image", {}),
]


class Hushed(Noise):
    """Noise that leans to silence in rolls, as music does."""

    def __init__(self, encoding: Encoding) -> None:
        frames = len(encoding.layout.sizes) > 3
        super().__init__(encoding, frames=frames, independent=frames)

    def lean(self, column: int, logits: Floats) -> Floats:
        if column < 0:
            logits[..., 0] += 4 + np.log(self.sizes[0])
        return logits


def noisy(monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any]) -> Any:
    """What `infill` and `accompany` ask of a bundle, with noise for a model."""
    encoding = encodings.get(name, **options)
    header = encoding.encode(chorale(0)).header
    monkeypatch.setattr(
        fill, "make_player", lambda *_: Player(Hushed(encoding), Sampling(), encoding)
    )
    monkeypatch.setattr(fill, "make_receipt", lambda _b, engine, seed, told: {"seed": seed, **told})
    monkeypatch.setattr(fill, "signed", lambda score, _: score)
    used = [list(range(size)) for size in encoding.layout.sizes]
    opening = encoding.encode(chorale(1)).rows[:8]
    return SimpleNamespace(
        name="noise", encoding=encoding, sizes=encoding.layout.sizes, plays="rows",
        index={"header": header, "used": used, "context": None}, openings=[opening],
    )  # fmt: skip


def voices(seed: int) -> Score:
    """Four voices that an NES plays; other encodings read them as any four tracks."""
    music = chorale(seed)
    names = [Track("p1", 80), Track("p2", 81), Track("tr", 38), Track("bass", 0)]
    return music.with_(tracks=tuple(names), notes=music.notes[music.notes["track"] < 3])


def heard(score: Score) -> list[tuple[int, ...]]:
    return sorted(tuple(int(v) for v in note) for note in score.notes)


@pytest.mark.parametrize("tracks", [(), (0,), (1, 2)])
@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_infill_touches_nothing_but_what_it_fills(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any], tracks: tuple[int, ...]
) -> None:
    bundle, music = noisy(monkeypatch, name, options), voices(8)
    bar = int(music.metre_map.ticks(1))
    opened = tracks or (0, 1, 2, 3)
    for take in infill(bundle, music, first_bar=1, last_bar=3, tracks=tracks, takes=2, seed=2):
        kept = [n for n in heard(music) if n[2] not in opened or not bar <= n[0] < 3 * bar]
        found = heard(take.score)
        assert set(kept) <= set(found)
        new = set(found) - set(kept)
        assert new, "nothing was filled in"
        assert all(bar <= onset and onset + length <= 3 * bar for onset, length, *_ in new)
        assert all(length > 0 for _, length, *_ in new)
        homes = {take.score.tracks[n[2]].name for n in new}
        assert homes <= {music.tracks[t].name for t in opened} | {"no"}
        assert take.receipt["checks"]["overlapping_notes"] == 0
        assert take.locked is not None
        assert heard(take.locked) == kept


@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_an_accompaniment_leaves_the_melody_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any]
) -> None:
    bundle, whole = noisy(monkeypatch, name, options), voices(8)
    melody = whole.with_(notes=whole.notes[whole.notes["track"] == 0], tracks=whole.tracks[:1])
    take = accompany(bundle, melody, seed=5)[0]
    assert [n for n in heard(take.score) if n[2] == 0] == heard(melody)
    others = take.score.notes[take.score.notes["track"] > 0]
    assert len(others) > len(melody.notes) // 2
    assert (others["onset"] + others["duration"]).max() <= 6 * 4 * BEAT


@pytest.mark.parametrize(("name", "options"), KINDS[2:3] + KINDS[5:6], ids=str)
def test_what_is_new_keeps_to_a_key(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any]
) -> None:
    bundle, music, asked = noisy(monkeypatch, name, options), voices(8), key("F# major")
    take = infill(bundle, music, first_bar=1, last_bar=3, tracks=(1,), seed=2,
                  wishes=Wishes(key=asked))[0]  # fmt: skip
    new = set(heard(take.score)) - set(heard(music))
    assert {n[3] % 12 for n in new} <= asked.classes
    assert take.receipt["checks"]["key"]["kept"]


@pytest.mark.parametrize(
    ("name", "plays", "sentence"),
    [("abc_text", "rows", "a line of symbols"), ("note_chord", "rows", "a line of symbols"),
     ("piano_roll", "segments", "makes whole segments")],
)  # fmt: skip
def test_those_that_cannot_say_so(
    monkeypatch: pytest.MonkeyPatch, name: str, plays: str, sentence: str
) -> None:
    bundle = SimpleNamespace(name="it", encoding=encodings.get(name), plays=plays)
    with pytest.raises(SegueError, match=sentence):
        infill(bundle, voices(1), first_bar=0, last_bar=1)  # type: ignore[arg-type]
    with pytest.raises(SegueError, match=sentence):
        accompany(bundle, voices(1))  # type: ignore[arg-type]


def test_tracks_that_are_no_voice_of_an_nes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = noisy(monkeypatch, "nes_events", {})
    with pytest.raises(SegueError, match="this bundle fills the voices p1, p2, tr and no"):
        infill(bundle, chorale(8), first_bar=0, last_bar=1, tracks=(1,))


def test_a_keyboard_fills_no_drums(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, music = noisy(monkeypatch, "performance", {}), chorale(8)
    drums = (*music.tracks[:3], Track("Drums", 0, is_drum=True))
    with pytest.raises(SegueError, match="plays no drums"):
        infill(bundle, music.with_(tracks=drums), first_bar=0, last_bar=1, tracks=(3,))


def test_new_notes_give_way_to_locked_ones() -> None:
    locked = events(NOTE, [(100, 50, 0, 60, 80), (300, 50, 0, 60, 80)])
    new = events(NOTE, [(50, 100, 0, 60, 70), (120, 20, 0, 60, 70), (200, 20, 0, 60, 70),
                        (120, 20, 1, 60, 70)])  # fmt: skip
    assert clear_of(new, locked).tolist() == [
        (50, 50, 0, 60, 70),  # cut where the locked one begins
        (200, 20, 0, 60, 70),  # between the two
        (120, 20, 1, 60, 70),  # another track
    ]
