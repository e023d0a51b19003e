"""ABC in: what each sign of the notation means, in notes, and what is done with broken text."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segue
from segue.errors import FormatError, LimitError, SegueError
from segue.formats import abc
from segue.formats.abc_fields import read_key, read_metre, read_tempo
from segue.formats.abc_play import part_order
from segue.score import Score, Text

JIG = """\
<score lang="ABC">
X:1
T:The Legacy Jig
M:6/8
L:1/8
R:jig
K:G
GFG BAB | gfg gab | GFG BAB | d2A AFD |
GFG BAB | gfg gab | age edB | 1 dBA AFD :| 2 dBA ABd | :
efe edB | dBA ABd | efe edB | gdB ABd |
efe edB | d2d def | gfe edB | 1 dBA ABd :| 2 dBA AFD | ]
</score>
"""
"""As a slide printed it, with its bar lines and endings pulled apart."""

Row = tuple[float, float, int]


def rows(score: Score, track: int = 0) -> list[Row]:
    """(onset, length, pitch) of a track's notes, in beats."""
    notes = score.track_notes(track)
    ticks = score.ticks_per_beat
    return [(n["onset"] / ticks, n["duration"] / ticks, int(n["pitch"])) for n in notes]


def tune(body: str, *fields: str) -> Score:
    """A tune in 4/4, in quarter notes and C unless `fields` say otherwise."""
    head = {"X": "1", "M": "4/4", "L": "1/4"} | {f[0]: f[2:] for f in fields if f[0] != "K"}
    key = next((f[2:] for f in fields if f[0] == "K"), "C")
    text = "".join(f"{name}:{value}\n" for name, value in head.items())
    reading = abc.parse(f"{text}K:{key}\n{body}\n")
    assert reading.repairs == ()
    return reading.score


def pitches(body: str, *fields: str) -> list[int]:
    return [row[2] for row in rows(tune(body, *fields))]


def lengths(body: str, *fields: str) -> list[float]:
    return [row[1] for row in rows(tune(body, *fields))]


# -- the jig ------------------------------------------------------------------------------------


def test_the_legacy_jig_unfolds_to_thirty_two_bars() -> None:
    reading = abc.parse(JIG)
    score = reading.score
    assert score.end_bars == 32
    assert [tuple(row) for row in score.metres] == [(0, 6, 8)]
    assert [tuple(row) for row in score.keys] == [(0, 1, False)]
    assert score.tracks[0].name == "The Legacy Jig"
    bars = [[p for o, _, p in rows(score) if 3 * b <= o < 3 * b + 3] for b in range(32)]
    assert bars[0] == [67, 66, 67, 71, 69, 71]  # GFG BAB, with the key's F sharp
    assert bars[7] == [74, 71, 69, 69, 66, 62]  # the first ending
    assert bars[8:15] == bars[0:7]
    assert bars[15] == [74, 71, 69, 69, 71, 74]  # the second
    assert bars[16:23] == bars[24:31]
    assert bars[31] == [74, 71, 69, 69, 66, 62]
    assert len(reading.repairs) == 1  # the closing tag; the opening one stands before the tune
    assert "</score>" in reading.repairs[0]


# -- notes and lengths --------------------------------------------------------------------------


def test_letters_and_octaves() -> None:
    assert pitches("C, C c c' c'' B,,") == [48, 60, 72, 84, 96, 47]


@pytest.mark.parametrize(
    ("text", "length"),
    [("C", 1), ("C2", 2), ("C3/2", 1.5), ("C/", 0.5), ("C//", 0.25), ("C/4", 0.25), ("C3/", 1.5)],
)
def test_lengths(text: str, length: float) -> None:
    assert lengths(text) == [length]


def test_the_unit_length_follows_the_metre() -> None:
    assert abc.parse("X:1\nM:4/4\nK:C\nC").score.end_beats == 0.5
    assert abc.parse("X:1\nM:2/4\nK:C\nC").score.end_beats == 0.25


def test_broken_rhythm() -> None:
    assert lengths("C>D E<F G>>A") == [1.5, 0.5, 0.5, 1.5, 1.75, 0.25]
    assert lengths("[CE]>[DF]")[::2] == [1.5, 0.5]


def test_tuplets() -> None:
    assert lengths("(3CDE") == pytest.approx([2 / 3] * 3)
    assert lengths("(2CD", "M:6/8", "L:1/8") == pytest.approx([0.75] * 2)
    assert lengths("(5CDEFG", "M:6/8", "L:1/8") == pytest.approx([0.3] * 5)
    assert lengths("(3:2:2C2D E") == pytest.approx([4 / 3, 2 / 3, 1])
    assert lengths("(3CzE") == pytest.approx([2 / 3] * 2)


def test_chords_take_the_length_of_their_first_note() -> None:
    assert rows(tune("[CEG]2 [C2E]")) == [
        (0, 2, 60),
        (0, 2, 64),
        (0, 2, 67),
        (2, 2, 60),
        (2, 1, 64),
    ]
    assert rows(tune("[CE]/ C"))[-1] == (0.5, 1, 60)


def test_rests_and_whole_bars_of_rest() -> None:
    assert rows(tune("C z2 D x E | Z2 | F"))[1:] == [(3, 1, 62), (5, 1, 64), (14, 1, 65)]


def test_grace_notes_take_their_time_from_the_note_they_lead_to() -> None:
    assert rows(tune("{ga}C2 {b}D")) == [
        (0, 0.125, 79),
        (0.125, 0.125, 81),
        (0.25, 1.75, 60),
        (2, 0.125, 83),
        (2.125, 0.875, 62),
    ]


# -- signs --------------------------------------------------------------------------------------


def test_keys_and_modes() -> None:
    assert pitches("FCGDAEB", "K:A") == [66, 61, 68, 62, 69, 64, 71]
    for name in ("G", "Em", "A dor", "Dmix", "C lyd", "Bphr", "F#locrian", "Gmaj", "E minor"):
        key = read_key(name)
        assert key is not None
        assert key.fifths == 1, name
    assert [read_key(k).minor for k in ("Em", "E min", "Eaeo", "E", "Edor")] == [True] * 3 + [
        False
    ] * 2


def test_keys_with_signs_of_their_own() -> None:
    assert read_key("D =c").alters == {"F": 1, "C": 0}
    assert read_key("D exp _b ^f").alters == {"B": -1, "F": 1}
    assert read_key("none").alters == {}
    assert read_key("Hp").alters == {"F": 1, "C": 1, "G": 0}
    assert read_key("C# major").fifths == 7
    assert read_key("G#").fifths == -4  # eight sharps are written as four flats
    assert read_key("what") is None


def test_signs_hold_to_the_bar_line_in_all_octaves() -> None:
    assert pitches("^F F f | F =F ^F _F F") == [66, 66, 78, 65, 65, 66, 64, 64]
    octave = "%%propagate-accidentals octave\nK:C"
    assert [n[2] for n in rows(abc.parse(f"X:1\n{octave}\n^F F f").score)] == [66, 66, 77]
    alone = "%%propagate-accidentals not\nK:C"
    assert [n[2] for n in rows(abc.parse(f"X:1\n{alone}\n^F F f").score)] == [66, 65, 77]


def test_ties_join_notes_and_carry_their_sign_over_the_bar_line() -> None:
    assert rows(tune("^F4- | F2 F2 |")) == [(0, 6, 66), (6, 2, 65)]  # and no further
    assert rows(tune("[CE]2- [CE]2")) == [(0, 4, 60), (0, 4, 64)]
    assert rows(tune("[C-E]2 [CE]2")) == [(0, 4, 60), (0, 2, 64), (2, 2, 64)]
    assert rows(tune("C2- z C")) == [(0, 2, 60), (3, 1, 60)]  # a tie over a rest is none
    assert rows(tune("C- D C")) == [(0, 1, 60), (1, 1, 62), (2, 1, 60)]


def test_a_tie_into_a_repeat_is_played_into_each_pass() -> None:
    assert rows(tune("C4- |: C4 :|")) == [(0, 8, 60), (8, 4, 60)]


def test_double_sharps_and_flats() -> None:
    assert pitches("^^C __D =E") == [62, 60, 64]


# -- time ---------------------------------------------------------------------------------------


def test_an_upbeat_ends_where_a_whole_bar_would() -> None:
    score = tune("G | CDEF | GABc |")
    assert rows(score)[0] == (3, 1, 67)
    assert score.end_bars == 3


def test_a_short_bar_shifts_only_itself() -> None:
    score = tune("CDEF | CD | CDEF | CDEF |")
    assert score.metre_map.bars([4 * 480, 6 * 480, 10 * 480]).tolist() == [1, 2, 3]


def test_a_bar_cut_by_a_repeat_is_still_one_bar() -> None:
    score = tune("|: G | CDEF | CDE :||: G | CDEF | CDE :|")
    assert [tuple(row) for row in score.metres] == [(0, 4, 4)]


def test_metre_key_and_unit_change_on_the_way() -> None:
    score = tune("CDEF | [M:3/4][K:F] B [L:1/8] C D E2 |")
    assert [tuple(row) for row in score.metres] == [(0, 4, 4), (1920, 3, 4)]
    assert [tuple(row) for row in score.keys] == [(0, 0, False), (1920, -1, False)]
    assert rows(score)[4:] == [(4, 1, 70), (5, 0.5, 60), (5.5, 0.5, 62), (6, 1, 64)]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1/4=120", 120),
        ("3/8=60", 90),
        ("1/4 1/8=60", 90),
        ('"Allegro" 1/2=70', 140),
        ("120", 60),  # unit notes, here eighths
        ("C3=60", 90),
        ("=100", 100),
        ("fast", None),
        ("1/4=0", None),
        ("1/0=100", None),
    ],
)
def test_tempi(text: str, rate: float | None) -> None:
    assert read_tempo(text, Fraction(1, 8)) == rate


def test_metres() -> None:
    assert [read_metre(t) for t in ("C", "C|", "(2+3)/8", "3+2/8")] == [
        read_metre(t) for t in ("4/4", "2/2", "5/8", "5/8")
    ]
    assert read_metre("none").whole_notes is None
    assert read_metre("7/5") is None


def test_tempo_in_the_header_and_on_the_way() -> None:
    score = tune("CDEF | [Q:1/4=60] G |", "Q:1/4=100")
    assert [tuple(row) for row in score.tempi] == [(0, 600_000), (1920, 1_000_000)]


# -- parts, voices, chords ----------------------------------------------------------------------


def test_parts_are_played_in_their_order() -> None:
    assert part_order("A(AB)2C3") == list("AABABCCC")
    body = "P:A\nC4|\nP:B\nD4:|\nP:C\nE4|"
    assert pitches(body, "P:ABCA") == [60, 62, 62, 64, 60]
    assert pitches(body) == [60, 62, 60, 62, 64]  # one tune, repeated from its top


def test_an_order_with_unknown_parts_says_so() -> None:
    reading = abc.parse("X:1\nP:AXA\nL:1/4\nK:C\nP:A\nC\nP:B\nD\n")
    assert [row[2] for row in rows(reading.score)] == [60, 60]
    assert len(reading.repairs) == 2
    assert "X" in reading.repairs[0] and "never plays B" in reading.repairs[1]


def test_voices_are_tracks() -> None:
    text = (
        'X:1\nT:Two\nM:4/4\nL:1/4\nV:1 name="Top"\nV:2 clef=bass transpose=-12\nK:C\n'
        "V:1\n%%MIDI program 40\nC4 |\nV:2\nC2 E2 |\n[V:1] D4 | [V:2] F4 |\n"
    )
    score = abc.parse(text).score
    assert [(t.name, t.program) for t in score.tracks] == [("Top", 40), ("2", 0)]
    assert rows(score, 0) == [(0, 4, 60), (4, 4, 62)]
    assert rows(score, 1) == [(0, 2, 48), (2, 2, 52), (4, 4, 53)]
    assert Text(0, "Two", "text") in score.texts


def test_repeats_printed_in_one_voice_hold_for_all() -> None:
    score = abc.parse("X:1\nL:1/4\nK:C\nV:1\n|: C4 | D4 :|\nV:2\nE4 | F4 |\n").score
    assert score.end_beats == 16
    assert [row[2] for row in rows(score, 1)] == [64, 65, 64, 65]


def test_voices_laid_over_each_other_in_a_bar() -> None:
    assert rows(tune("C2 D2 & E4 | F4 |")) == [(0, 2, 60), (0, 4, 64), (2, 2, 62), (4, 4, 65)]


def test_chord_symbols_are_texts_and_sound_if_asked() -> None:
    text = 'X:1\nM:4/4\nL:1/4\nK:C\n"Am"A2 "G7"B2 | "^slowly""C/e"c4 |\n'
    score = abc.parse(text).score
    assert [t.text for t in score.texts if t.kind == "text"] == ["Am", "G7", "C/e"]
    assert [t.text for t in score.texts if t.kind == "marker"] == ["slowly"]
    assert len(score.tracks) == 1
    played = abc.parse(text, chords=True).score
    assert played.tracks[1].name == "chords"
    assert rows(played, 1)[:3] == [(0, 2, 57), (0, 2, 60), (0, 2, 64)]
    assert rows(played, 1)[-4:] == [(4, 4, 40), (4, 4, 48), (4, 4, 52), (4, 4, 55)]


def test_dynamics_become_velocities() -> None:
    score = tune("C !f!D !ppp!E +mf+F")
    assert score.notes["velocity"].tolist() == [80, 96, 16, 80]


def test_da_capo_al_fine() -> None:
    assert pitches("C4 !fine!| D4 !D.C.!|") == [60, 62, 60]


# -- files --------------------------------------------------------------------------------------

MANY = "L:1/4\n\nX:1\nT:One\nK:C\nC D\n\nfree text | here\n\nX:2\nT:Two\nK:C\nE\n\nX:7\nK:C\n"


def test_a_collection_gives_its_first_tune_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "many.abc"
    file.write_text(MANY)
    reading = abc.read(file)
    assert [row[2] for row in rows(reading.score)] == [60, 62]
    assert reading.repairs == ("holds 3 tunes: only the first, X:1 'One', was read",)
    assert segue.read(file) == reading.score
    assert rows(abc.read(file, tune="2").score) == [(0, 1, 64)]
    with pytest.raises(FormatError, match="no tune X:3; it has 3, from X:1 to X:7"):
        abc.read(file, tune="3")
    with pytest.raises(FormatError, match="X:7 holds no notes"):
        abc.read(file, tune="7")


def test_all_tunes_of_a_collection(tmp_path: Path) -> None:
    file = tmp_path / "many.abc"
    file.write_text(MANY)
    found = list(abc.read_tunes(file))
    assert [(r.number, r.title, len(r.score)) for r in found] == [
        ("1", "One", 2),
        ("2", "Two", 1),
        ("7", "", 0),
    ]


def test_line_ends_and_encodings(tmp_path: Path) -> None:
    file = tmp_path / "a.abc"
    for data in (
        b"X:1\r\nT:Caf\xe9\r\nK:C\r\nC\r\n",
        b"\xef\xbb\xbfX:1\rT:Caf\xc3\xa9\rK:C\rC",
        "X:1\nT:Café\nK:C\nC".encode("utf-16"),
    ):
        file.write_bytes(data)
        assert abc.read(file).score.tracks[0].name == "Café"


def test_text_that_is_not_abc_is_left_out_with_a_receipt() -> None:
    reading = abc.parse("X:1\nM:x/y\nL:1/4\nK:C\nC ] C# [CE D4 | ? | D\n")
    assert [row[2] for row in rows(reading.score)] == [60, 60, 60, 64, 62, 62]
    assert [r.split(":")[0] for r in reading.repairs] == ["line 2", "line 5", "line 5", "line 5"]
    assert "'x/y' was not understood" in reading.repairs[0]
    assert "'#' is not ABC" in reading.repairs[1]
    assert "'[CE' has no closing bracket" in reading.repairs[2]


def test_missing_fields_are_mended() -> None:
    reading = abc.parse("CDEF|\n\nGABc|\n")
    assert len(reading.score) == 8
    assert [r.split(":")[0] for r in reading.repairs] == [
        "has no X",
        "line 1",
        "line 3",
    ]


@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"X:1\nK:C\n", b"X:1\nK:C\nz4 | \n"])
def test_a_file_without_music_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "none.abc"
    file.write_bytes(data)
    with pytest.raises(FormatError):
        abc.read(file)


@pytest.mark.parametrize(
    "body",
    [
        "C" * 600_000,
        "C999999" * 1000,
        "Z999" * 300,
        "[" * 600_000,
        "|: " + "CDEF | " * 9000 + "C ::::::::|",
        "".join(f"V:{i}\nC|\n" for i in range(300)),
    ],
)
def test_what_no_one_could_play_is_refused(body: str) -> None:
    with pytest.raises(LimitError, match="X:1"):
        abc.parse(f"X:1\nL:1/4\nK:C\n{body}\n")


def test_an_order_of_parts_that_grows_without_end_is_refused() -> None:
    with pytest.raises(LimitError, match="order of parts"):
        part_order("((((A9)9)9)9)9")


@given(
    st.text(
        alphabet=st.sampled_from(list("CDEabc|:[]()123>-<\"{}!^_=',/z&~ \nVXKMLQP%\\")),
        max_size=300,
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        score = abc.parse(text).score
    except SegueError:
        return
    assert isinstance(score, Score)
    assert not np.any(score.notes["duration"] < 0)
