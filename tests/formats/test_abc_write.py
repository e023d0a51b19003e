"""ABC out: text that people can read, and that reads back as the same notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from test_abc_read import JIG
from written import heard, scores

import segue
from segue.errors import FormatError
from segue.formats import abc
from segue.formats.abc_write import to_text
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, events, quantise
from strategies import scores as any_scores


def melody(*notes: tuple[float, float, int], **fields: object) -> Score:
    """A Score of one track from (onset, length, pitch) in beats."""
    rows = [(round(480 * o), round(480 * d), 0, p, 80) for o, d, p in notes]
    return Score(480, events(NOTE, rows), (Track("Tune"),), **fields)  # type: ignore[arg-type]


def music(score: Score) -> str:
    """The lines under K: as one."""
    return " ".join(to_text(score).split("K:", 1)[1].split("\n")[1:]).strip()


def test_the_legacy_jig_comes_back() -> None:
    score = abc.parse(JIG).score
    text = to_text(score)
    assert text.startswith("%abc-2.1\nX:1\nT:The Legacy Jig\nM:6/8\nL:1/8\nK:G\n")
    assert "GFG BAB | gfg gab | GFG BAB | d2 A AFD |\n" in text
    assert text.endswith("efe edB | d2 d def | gfe edB | dBA AFD |]\n")
    assert abc.parse(text).score == score


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    score = melody((0, 1, 60))
    segue.write(score, tmp_path / "a.abc")
    assert heard(segue.read(tmp_path / "a.abc")) == heard(score)


def test_lengths_dots_ties_and_rests() -> None:
    score = melody((0, 1.5, 60), (1.5, 0.5, 62), (3, 2, 64), (6, 0.25, 65))
    assert music(score) == "C3/2 D/ z E- | E z F/4 z3/4 z |]"


def test_tuplets() -> None:
    third = 1 / 3
    score = melody((0, third, 60), (third, third, 62), (2 * third, third, 64), (1, 1, 65))
    assert music(score).startswith("(3CDE F2 z4 |]")
    long = melody((0, 2 * third, 60), (2 * third, third, 62), (1, 1, 65))
    assert music(long).startswith("(3:2:2C D/ F")


def test_chords_and_voices_that_overlap() -> None:
    assert music(melody((0, 2, 60), (0, 2, 64), (2, 2, 67))) == "[CE]2 G2 |]"
    score = melody((0, 4, 48), (0, 1, 72), (1, 1, 74), (2, 2, 76))
    assert music(score) == "c d e2 & C,4 |]"


def test_signs_are_written_wherever_readers_might_differ() -> None:
    score = melody(
        (0, 1, 66), (1, 1, 66), (2, 1, 78), (3, 1, 65), keys=events(KEY, [(0, 0, False)])
    )
    assert music(score) == "^F F ^f =F |]"


def test_an_upbeat_stays_one() -> None:
    score = melody((3, 1, 67), (4, 4, 60), metres=events(METRE, [(0, 4, 4)]))
    assert music(score) == "G | C4 |]"
    assert heard(abc.parse(to_text(score)).score) == heard(score)


def test_changes_of_metre_key_and_tempo_are_kept() -> None:
    score = melody(
        *((n, 1, 60) for n in range(11)),
        metres=events(METRE, [(0, 4, 4), (1920, 3, 4)]),
        keys=events(KEY, [(0, 0, False), (1920, 3, True)]),
        tempi=events(TEMPO, [(0, 500_000), (5 * 480, 1_000_000)]),
    )
    back = abc.parse(to_text(score)).score
    assert back.metres.tolist() == score.metres.tolist()
    assert back.keys.tolist() == score.keys.tolist()
    assert back.tempi[0].tolist() == (0, 500_000)


def test_titles_chord_symbols_and_words() -> None:
    texts = (
        Text(0, 'A "fine" 50% tune', "text"),
        Text(0, "Am", "text"),
        Text(960, "slow", "marker"),
    )
    score = Score(
        480,
        events(NOTE, [(0, 960, 0, 60, 80), (960, 960, 0, 62, 80), (0, 1920, 1, 40, 80)]),
        (Track("Up", 73), Track("Down", 32)),
        texts=texts,
    )
    text = to_text(score)
    assert "T:A 'fine' 50\\% tune\n" in text
    assert '"Am"C2 "^slow"D2' in text
    back = abc.parse(text).score
    assert [(t.name, t.program) for t in back.tracks] == [("Up", 73), ("Down", 32)]
    assert {t.text for t in back.texts} == {"A 'fine' 50% tune", "Am", "slow"}


def test_loudness_is_marked_where_a_bar_has_another() -> None:
    rows = [(1920 * b, 1920, 0, 60, v) for b, v in enumerate((80, 112, 112, 33))]
    text = to_text(Score(480, events(NOTE, rows), (Track(),)))
    assert abc.parse(text).score.notes["velocity"].tolist() == [80, 112, 112, 33]


def test_drums_keep_their_channel() -> None:
    score = Score(480, events(NOTE, [(0, 480, 0, 36, 80)]), (Track("Kit", 0, True),))
    assert abc.parse(to_text(score)).score.tracks[0].is_drum


def test_music_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no notes"):
        segue.write(Score(480, tracks=(Track(),)), tmp_path / "a.abc")
    assert list(tmp_path.iterdir()) == []


@given(scores())
def test_written_music_comes_back_note_for_note(score: Score) -> None:
    reading = abc.parse(to_text(score))
    assert reading.repairs == ()
    assert heard(reading.score) == heard(score)


@given(any_scores())
def test_any_music_can_be_written_and_read(score: Score) -> None:
    try:
        text = to_text(score)
    except FormatError:
        assert not (score.notes["duration"] > 0).any()
        return
    reading = abc.parse(text)
    assert reading.repairs == ()
    assert len(reading.score) > 0


def test_played_music_is_simplified() -> None:
    played = melody((0.02, 0.9, 60), (1.01, 0.43, 62), (1.49, 0.45, 64), (2.03, 1.8, 65))
    assert music(played) == "C2 DE F4 |]"
    assert heard(quantise(abc.parse(to_text(played)).score, 2)) == [
        (0, 480, 0, 60),
        (480, 240, 0, 62),
        (720, 240, 0, 64),
        (960, 960, 0, 65),
    ]
