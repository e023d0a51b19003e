"""Replay: the same bytes again from the receipt, and a sentence where that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import bundles, formats
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import Sampling, continue_, generate
from segue.generation.harmony import chart, key
from segue.generation.replay import replay
from segue.generation.wishes import Wishes
from segue.score import Track, slice_bars


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"sampling": Sampling(0.9, 12, 0.98, 0.01, 0.99, (("pitch", 1.2),), 4.0)},
    {"wishes": Wishes(key=key("G"), chords=chart("G D"), tempo=77, metre=(3, 4), polyphony=3)},
    {"wishes": Wishes(instruments=(40, 41), lowest=40, highest=80)},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_take_is_made_again_from_its_file(
    bundle: Bundle, settings: dict[str, Any], tmp_path: Path
) -> None:
    take = generate(bundle, bars=3, seed=11, **settings)[0]
    path = take.save(tmp_path / "take", (".mid",))[0]
    again = replay(bundle, formats.read(path))
    assert again.same
    assert again.differences == ()
    assert again.take.save(tmp_path / "again", (".mid",))[0].read_bytes() == path.read_bytes()


def test_a_continuation_carries_its_prompt(bundle: Bundle, tmp_path: Path) -> None:
    prompt = slice_bars(chorale(7), 0, 2)
    take = continue_(bundle, prompt, bars=2, seed=4, wishes=Wishes(key=key("A minor")))[0]
    path = take.save(tmp_path / "take", (".mid",))[0]
    again = replay(bundle, formats.read(path))
    assert again.same
    assert again.take.save(tmp_path / "again", (".mid",))[0].read_bytes() == path.read_bytes()


@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_track_that_is_silent_in_the_prompt_is_found_again(
    bundle: Bundle, place: int, tmp_path: Path
) -> None:
    piece = slice_bars(chorale(7), 0, 2)
    tracks = list(piece.tracks)
    tracks.insert(place, Track("later", 40))
    notes = piece.notes.copy()
    notes["track"] += notes["track"] >= place
    prompt = piece.with_(tracks=tuple(tracks), notes=notes)
    take = continue_(bundle, prompt, bars=2, seed=4)[0]
    path = take.save(tmp_path / "take", (".mid",))[0]
    assert len(formats.read(path).tracks) < len(take.score.tracks)
    again = replay(bundle, formats.read(path))
    assert again.same
    assert again.take.save(tmp_path / "again", (".mid",))[0].read_bytes() == path.read_bytes()


def test_music_that_is_no_take_is_refused(bundle: Bundle) -> None:
    with pytest.raises(SegueError, match="carries no receipt"):
        replay(bundle, chorale(1))


def test_the_command_compares_bytes(segue: Any, run_path: Path, tmp_path: Path) -> None:
    segue("generate", run_path, "--bars", 2, "--seed", 3, "-n", 2, "-o", tmp_path)
    takes = sorted(tmp_path.glob("*.mid"))
    result = segue("replay", *takes, "--json")
    told = json.loads(result.out)["takes"]
    assert [each["same_bytes"] for each in told] == [True, True]


def test_a_take_that_is_refused_is_named_and_stops_no_other(
    segue: Any, run_path: Path, tmp_path: Path
) -> None:
    segue("generate", run_path, "--bars", 2, "--seed", 3, "-o", tmp_path)
    good, none = next(tmp_path.glob("*.mid")), tmp_path / "no-take.mid"
    formats.write(chorale(1), none)
    result = segue("replay", none, good, "--json")
    assert result.code != 0
    told = json.loads(result.out)
    assert [each["same_bytes"] for each in told["takes"]] == [True]
    assert [Path(each["take"]) for each in told["refused"]] == [none]
    assert f"1 of 2 takes cannot be made again; the first is {none}" in result.err


def test_a_changed_take_is_told_and_exits_with_an_error(
    segue: Any, run_path: Path, tmp_path: Path
) -> None:
    segue("generate", run_path, "--bars", 2, "--seed", 3, "-o", tmp_path)
    path = next(tmp_path.glob("*.mid"))
    score = formats.read(path)
    changed = score.notes.copy()
    changed["pitch"][0] += 1
    formats.write(score.with_(notes=changed), path)
    result = segue("replay", path)
    assert result.code != 0
    assert "came out otherwise" in result.err
