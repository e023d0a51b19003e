"""Streaming: the notes of the take, each once, as soon as they are certain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segue import bundles
from segue.bundles import Bundle
from segue.generation import generate
from segue.generation.harmony import key
from segue.generation.streaming import stream
from segue.generation.wishes import Wishes


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


@pytest.mark.parametrize("wishes", [None, Wishes(key=key("D minor"), tempo=80)])
def test_what_is_heard_is_the_take(bundle: Bundle, wishes: Wishes | None) -> None:
    score = generate(bundle, bars=3, seed=4, wishes=wishes)[0].score
    start = score.tempo_map.seconds(score.notes["onset"])
    expected = sorted(
        (round(float(s), 4), int(n["pitch"]), int(n["velocity"]))
        for s, n in zip(start, score.notes, strict=True)
    )
    heard = list(stream(bundle, bars=3, seed=4, wishes=wishes))
    assert sorted((h.onset, h.pitch, h.velocity) for h in heard) == expected


def test_notes_come_before_the_take_is_done(bundle: Bundle) -> None:
    notes = stream(bundle, bars=8, seed=4)
    first = next(notes)
    rest = list(notes)
    assert first.onset + first.duration < max(h.onset for h in rest)


def test_the_command_prints_json_lines(segue: Any, run_path: Path, tmp_path: Path) -> None:
    ran = segue("generate", run_path, "--bars", 2, "--seed", 3, "--stream", "-o", tmp_path)
    assert ran.code == 0
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert lines
    assert set(lines[0]) == {"onset", "duration", "pitch", "velocity", "program", "is_drum"}
    assert "first note after" in ran.err
    assert not list(tmp_path.iterdir())
