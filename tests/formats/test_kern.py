"""**kern in, with music21 as a second opinion."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import segue
from segue.errors import FormatError, LimitError, SegueError
from segue.formats import kern
from segue.score import Score

PIECE = """\
!!!OTL: A small one
**kern\t**text\t**kern
*I"Bass\t*\t*I"Top
*k[f#]\t*\t*k[f#]
*G:\t*\t*G:
*M4/4\t*\t*M4/4
*MM90\t*\t*MM90
=1\t=1\t=1
2GG\tla\t4.g#
.\t.\t8aq
.\t.\t8a
[4D\t.\t4b- dd
4D]\t.\t4r
==\t==\t==
*-\t*-\t*-
"""


def read(tmp_path: Path, text: str) -> Score:
    file = tmp_path / "a.krn"
    file.write_text(text)
    return segue.read(file)


def rows(score: Score, track: int) -> list[tuple[float, float, int]]:
    ticks = score.ticks_per_beat
    notes = score.track_notes(track)
    return [(n["onset"] / ticks, n["duration"] / ticks, int(n["pitch"])) for n in notes]


def test_a_small_piece(tmp_path: Path) -> None:
    score = read(tmp_path, PIECE)
    assert [t.name for t in score.tracks] == ["Top", "Bass"]
    assert rows(score, 0) == [
        (0, 1.5, 68),
        (1.5, 0.125, 69),
        (1.625, 0.375, 69),
        (2, 1, 70),
        (2, 1, 74),
    ]
    assert rows(score, 1) == [(0, 2, 43), (2, 2, 50)]
    assert [tuple(row) for row in score.keys] == [(0, 1, False)]
    assert [tuple(row) for row in score.metres] == [(0, 4, 4)]
    assert [tuple(row) for row in score.tempi] == [(0, 666_667)]
    assert score.texts[0].text == "A small one"


def line(*tokens: str) -> str:
    return "**kern\n*M4/4\n" + "\n".join(tokens) + "\n*-\n"


def test_lengths(tmp_path: Path) -> None:
    score = read(tmp_path, line("4c", "8.c", "16c", "3%2c", "6c", "=", "0c", "4..c"))
    assert [row[1] for row in rows(score, 0)] == pytest.approx(
        [1, 0.75, 0.25, 8 / 3, 2 / 3, 8, 1.75]
    )


def test_spines_split_and_join(tmp_path: Path) -> None:
    score = read(tmp_path, line("4c", "*^", "4d\t2e", "4f\t.", "*v\t*v", "4g"))
    assert rows(score, 0) == [(0, 1, 60), (1, 1, 62), (1, 2, 64), (2, 1, 65), (3, 1, 67)]


def test_repeats_by_bar_lines(tmp_path: Path) -> None:
    score = read(tmp_path, line("=1-", "1c", "=2:|!|:", "1d", "=3:|!", "1e"))
    assert [row[2] for row in rows(score, 0)] == [60, 60, 62, 62, 64]


def test_repeats_by_an_expansion_list(tmp_path: Path) -> None:
    score = read(tmp_path, line("*>[A,B,A]", "*>A", "1c", "=", "*>B", "1d", "="))
    assert [row[2] for row in rows(score, 0)] == [60, 62, 60]


def test_an_upbeat(tmp_path: Path) -> None:
    score = read(tmp_path, line("4g", "=1", "1c", "=2", "1d"))
    assert rows(score, 0)[0] == (3, 1, 67)


def test_lines_that_do_not_fit_are_left_out_with_a_receipt(tmp_path: Path) -> None:
    file = tmp_path / "a.krn"
    file.write_text(line("4c", "4d\t4e", "c", "4f"))
    reading = kern.read(file)
    assert [row[2] for row in rows(reading.score, 0)] == [60, 65]
    assert len(reading.repairs) == 2


@pytest.mark.parametrize("text", ["", "hello", "**text\nla\n*-\n", "**kern\n4r\n*-\n"])
def test_what_is_no_score_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FormatError):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "**kern\n" + "4c\n" * 200_001,
        "**kern\n" + "\n".join("\t".join(["*^"] * 2**n) for n in range(12)),
        "**kern\n" + "\t" * 0 + " ".join(["4c"] * 100_001),
        line("*>[" + ",".join(["A"] * 2000) + "]", "*>A", *["4c", "="] * 600),
    ],
)
def test_what_no_one_could_play_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LimitError):
        read(tmp_path, text)


TOKENS = [
    "4c",
    "[4d",
    "4d]",
    ".",
    "*^",
    "*v",
    "*-",
    "*+",
    "*x",
    "=:|",
    "=",
    "8qa",
    "r",
    "**kern",
    "!x",
]


@given(
    st.lists(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3).map("\t".join), max_size=20)
)
def test_any_lines_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    try:
        score = read(tmp_path_factory.mktemp("k"), "**kern\n" + "\n".join(lines))
    except SegueError:
        return
    assert len(score) > 0


@pytest.mark.parametrize("name", ["bach/bwv281.krn", "palestrina/Sanctus_63_c.krn"])
def test_music21_finds_the_same_notes(name: str) -> None:
    from music21 import common, converter

    file = common.getCorpusFilePath() / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = converter.parse(file, forceSource=True).stripTies()
    theirs = Counter(
        (
            round(float(n.getOffsetInHierarchy(stream)) * 24),
            round(float(n.quarterLength) * 24),
            p.midi,
        )
        for n in stream.recurse().notes
        for p in n.pitches
    )
    score = kern.read(file).score
    scale = 24 / score.ticks_per_beat
    first = score.notes["onset"].min()
    ours = Counter(
        (round((n["onset"] - first) * scale), round(n["duration"] * scale), int(n["pitch"]))
        for n in score.notes
    )
    assert ours == theirs
