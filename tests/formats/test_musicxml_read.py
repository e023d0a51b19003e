"""MusicXML in: what each element means in notes, and music21 as a second opinion."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import LimitError
from segue.formats import musicxml
from segue.formats.musicxml_load import parse
from segue.formats.musicxml_play import played
from segue.score import SUSTAIN_PEDAL, Score, Text

Row = tuple[float, float, int]


def note(pitch: str = "C4", duration: int = 1, *more: str, first: str = "") -> str:
    """A note; `more` comes after its duration, `first` before its pitch."""
    sign = {"#": 1, "b": -1}.get(pitch[1], 0)
    alter = f"<alter>{sign}</alter>" if sign else ""
    inside = f"<step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave>"
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note>{first}<pitch>{inside}</pitch>{length}{''.join(more)}</note>"


def rest(duration: int) -> str:
    return f"<note><rest/><duration>{duration}</duration></note>"


def read(*measures: str, head: str = "", start: str = "") -> Score:
    """A part of measures in 4/4 with two divisions to a beat."""
    first = f"<attributes><divisions>2</divisions>{start}</attributes>"
    body = "".join(
        f"<measure>{first if i == 0 else ''}{m}</measure>" for i, m in enumerate(measures)
    )
    return read_parts(f'<part id="P1">{body}</part>', head)


def read_parts(parts: str, head: str = "") -> Score:
    root, repairs = parse(f"<score-partwise>{head}{parts}</score-partwise>".encode(), "it")
    score, more = played(root, "it")
    assert (repairs, more) == ([], [])
    return score


def rows(score: Score, track: int = 0) -> list[Row]:
    """(onset, length, pitch) of a track's notes, in beats."""
    ticks = score.ticks_per_beat
    notes = score.track_notes(track)
    return [(n["onset"] / ticks, n["duration"] / ticks, int(n["pitch"])) for n in notes]


# -- notes --------------------------------------------------------------------------------------


def test_notes_chords_rests_and_voices() -> None:
    score = read(
        note("C4", 4)
        + note("E4", 4, first="<chord/>")
        + rest(2)
        + note("F#4", 2)
        + "<backup><duration>8</duration></backup>"
        + "<forward><duration>6</duration></forward>"
        + note("Bb2", 2)
    )
    assert rows(score) == [(0, 2, 60), (0, 2, 64), (3, 1, 46), (3, 1, 66)]


def test_ties_join_also_over_voices_and_bar_lines() -> None:
    begin, end = '<tie type="start"/>', '<tie type="stop"/>'
    score = read(note("C4", 8, begin), note("C4", 4, end, begin) + note("C4", 4, end))
    assert rows(score) == [(0, 8, 60)]
    assert rows(read(note("C4", 8, begin), note("C4", 8))) == [(0, 8, 60)]  # its end unmarked
    assert rows(read(note("C4", 8), note("C4", 8, end))) == [(0, 4, 60), (4, 4, 60)]
    shown = '<notations><tied type="start"/></notations>'
    assert rows(read(note("C4", 8, shown), note("C4", 8))) == [(0, 8, 60)]


def test_tuplets_are_told_by_their_durations() -> None:
    score = read("".join(note(p, 2) for p in ("C4", "D4", "E4")), start="<divisions>3</divisions>")
    assert rows(score)[1] == (pytest.approx(2 / 3), pytest.approx(2 / 3), 62)


def test_grace_notes_take_from_the_note_they_lead_to_and_cues_are_silent() -> None:
    score = read(
        note("D5", 0, first="<grace/>")
        + note("C5", 4)
        + note("E5", 4, first="<chord/>")
        + note("G5", 4, first="<cue/>")
    )
    assert rows(score) == [(0, 0.125, 74), (0.125, 1.875, 72), (0.125, 1.875, 76)]


def test_loudness_by_marks_by_sound_and_by_note() -> None:
    dynamics = (
        "<direction><direction-type><dynamics><{}/></dynamics></direction-type>{}</direction>"
    )
    loud = note("C4", 2).replace("<note>", '<note dynamics="50">')
    score = read(
        note("C4", 2)
        + dynamics.format("pp", "")
        + note("C4", 2)
        + dynamics.format("f", '<sound dynamics="100"/>')
        + note("C4", 2)
        + loud
    )
    assert score.notes["velocity"].tolist() == [80, 33, 90, 45]


def test_transposing_instruments_sound() -> None:
    clarinet = "<key><fifths>2</fifths></key>"
    clarinet += "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    score = read(note("D5", 8), start=clarinet)
    assert rows(score) == [(0, 4, 72)]
    bass = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    assert rows(read(note("C4", 8), start=bass)) == [(0, 4, 48)]


# -- metre, key, tempo --------------------------------------------------------------------------


def test_metres_keys_and_tempi() -> None:
    waltz = (
        "<attributes><key><fifths>-3</fifths><mode>minor</mode></key>"
        "<time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>60</per-minute></metronome></direction-type></direction>"
    )
    four = "<key><fifths>1</fifths></key><time><beats>4</beats><beat-type>4</beat-type></time>"
    score = read('<sound tempo="100"/>' + note("C4", 8), waltz + note("C4", 6), start=four)
    assert [tuple(row) for row in score.metres] == [(0, 4, 4), (1920, 3, 4)]
    assert [tuple(row) for row in score.keys] == [(0, 1, False), (1920, -3, True)]
    assert [tuple(row) for row in score.tempi] == [(0, 600_000), (1920, 666_667)]


def test_composite_metres_add_up() -> None:
    both = "<time><beats>3+2</beats><beat-type>8</beat-type></time>"
    assert [tuple(row) for row in read(note("C4", 5), start=both).metres] == [(0, 5, 8)]
    mixed = "<time><beats>2</beats><beat-type>4</beat-type><beats>3</beats>"
    mixed += "<beat-type>8</beat-type></time>"
    assert [tuple(row) for row in read(note("C4", 7), start=mixed).metres] == [(0, 7, 8)]


def test_an_upbeat_ends_where_a_whole_measure_would() -> None:
    score = read(note("G4", 2), note("C4", 8), note("C4", 8))
    assert rows(score)[:2] == [(3, 1, 67), (4, 4, 60)]
    assert score.end_bars == 3


def test_an_empty_measure_is_as_long_as_its_metre() -> None:
    assert rows(read(note("C4", 8), "", note("D4", 8)))[1] == (8, 4, 62)


def test_a_short_measure_shifts_only_itself() -> None:
    score = read(note("C4", 8), note("C4", 4), note("C4", 8), note("C4", 8))
    assert score.metre_map.bars([4 * 480, 6 * 480, 10 * 480]).tolist() == [1, 2, 3]


# -- repeats ------------------------------------------------------------------------------------

FORWARD = '<barline><repeat direction="forward"/></barline>'
BACKWARD = '<barline><repeat direction="backward"/></barline>'


def ending(numbers: str, kind: str, inside: str = "") -> str:
    return f'<barline><ending number="{numbers}" type="{kind}"/>{inside}</barline>'


def order(*measures: str) -> list[int]:
    """The pitches played, from 60 on by measure."""
    names = ("C4", "D4", "E4", "F4", "G4")
    marked = [m.replace("@", note(n, 8)) for m, n in zip(measures, names, strict=False)]
    steps = [60, 62, 64, 65, 67]
    return [steps.index(row[2]) for row in rows(read(*marked))]


def test_repeats_and_endings() -> None:
    assert order("@", FORWARD + "@" + BACKWARD, "@") == [0, 1, 1, 2]
    first = ending("1", "start") + "@" + ending("1", "stop", '<repeat direction="backward"/>')
    second = ending("2", "start") + "@" + ending("2", "discontinue")
    assert order("@", first, second, "@") == [0, 1, 0, 2, 3]
    thrice = '<barline><repeat direction="backward" times="3"/></barline>'
    assert order("@" + thrice, "@") == [0, 0, 0, 1]


def test_jumps() -> None:
    fine, capo = '<sound fine="yes"/>', '<sound dacapo="yes"/>'
    assert order("@" + fine, "@" + capo) == [0, 1, 0]
    segno = '<direction><direction-type><segno/></direction-type><sound segno="s"/></direction>'
    assert order("@", segno + "@", "@" + '<sound dalsegno="s"/>') == [0, 1, 2, 1, 2]
    coda = '<sound coda="c"/>'
    assert order("@" + '<sound tocoda="c"/>', "@" + capo, coda + "@") == [0, 1, 0, 2]


# -- parts --------------------------------------------------------------------------------------

LIST = """
<work><work-title>Two of them</work-title></work><part-list>
<score-part id="A"><part-name>Flute</part-name><score-instrument id="A1"/>
<midi-instrument id="A1"><midi-program>74</midi-program></midi-instrument></score-part>
<score-part id="B"><part-name>Kit</part-name>
<score-instrument id="B1"/><score-instrument id="B2"/>
<midi-instrument id="B1"><midi-channel>10</midi-channel><midi-unpitched>37</midi-unpitched>
</midi-instrument><midi-instrument id="B2"><midi-channel>10</midi-channel>
<midi-unpitched>39</midi-unpitched></midi-instrument></score-part></part-list>
"""


def drum(instrument: str, where: str = "C5") -> str:
    return (
        f"<note><unpitched><display-step>{where[0]}</display-step><display-octave>{where[1]}"
        f'</display-octave></unpitched><duration>1</duration><instrument id="{instrument}"/></note>'
    )


def test_parts_instruments_and_drums() -> None:
    parts = f'<part id="A"><measure>{note("C5", 4)}</measure></part>'
    parts += f'<part id="B"><measure>{drum("B1")}{drum("B2")}{drum("?", "G5")}</measure></part>'
    score = read_parts(parts, LIST)
    assert [(t.name, t.program, t.is_drum) for t in score.tracks] == [
        ("Flute", 73, False),
        ("Kit", 0, True),
    ]
    assert [row[2] for row in rows(score, 1)] == [36, 38, 36]
    assert score.texts == (Text(0, "Two of them", "text"),)


def test_drums_without_an_instrument_are_told_by_where_they_are_drawn() -> None:
    score = read_parts(f'<part id="B"><measure>{drum("", "F4")}{drum("", "G5")}</measure></part>')
    assert [row[2] for row in rows(score)] == [36, 42]


def test_a_score_written_measure_by_measure() -> None:
    text = (
        "<score-timewise>"
        f'<measure><part id="A">{note("C4", 4)}</part><part id="B">{note("E4", 4)}</part></measure>'
        f'<measure><part id="A">{note("D4", 4)}</part><part id="B">{note("F4", 4)}</part></measure>'
        "</score-timewise>"
    )
    score, _ = played(parse(text.encode(), "it")[0], "it")
    assert rows(score, 0) == [(0, 4, 60), (4, 4, 62)]
    assert rows(score, 1) == [(0, 4, 64), (4, 4, 65)]


def test_words_chord_symbols_lyrics_and_pedal() -> None:
    pedal = '<direction><direction-type><pedal type="{}"/></direction-type></direction>'
    words = "<direction><direction-type><words>Lento</words></direction-type></direction>"
    harmony = (
        "<harmony><root><root-step>F</root-step><root-alter>1</root-alter></root>"
        "<kind>minor-seventh</kind><bass><bass-step>A</bass-step></bass></harmony>"
    )
    lyric = "<lyric><text>la</text></lyric>"
    score = read(
        words + harmony + pedal.format("start") + note("C4", 4, lyric) + pedal.format("stop")
    )
    assert set(score.texts) == {
        Text(0, "Lento", "marker"),
        Text(0, "F#m7/A", "text"),
        Text(0, "la", "lyric"),
    }
    assert [tuple(row) for row in score.controls] == [
        (0, 0, SUSTAIN_PEDAL, 127),
        (960, 0, SUSTAIN_PEDAL, 0),
    ]


# -- damage -------------------------------------------------------------------------------------


def test_broken_notes_are_left_out_with_a_receipt() -> None:
    text = (
        '<score-partwise><part id="P"><measure>'
        + note("H4", 1)
        + note("C4", 1)
        + note("C4", 1).replace("<octave>4", "<octave>99")
        + "<attributes><time><beats>x</beats><beat-type>4</beat-type></time></attributes>"
        + "</measure></part></score-partwise>"
    )
    score, repairs = played(parse(text.encode(), "it")[0], "it")
    assert len(score) == 1
    assert repairs == [
        "a note without a proper step and octave was left out",
        "a note outside of MIDI's 128 pitches was left out",
        "a time signature that is no metre was left out",
    ]


def test_absurd_lengths_are_refused() -> None:
    with pytest.raises(LimitError, match="damage"):
        read(note("C4", 99_999_999))
    with pytest.raises(LimitError, match="beats"):
        read(*[note("C4", 300_000)] * 3)


NUMBERS = st.sampled_from(["0", "-1", "1", "1e308", "nan", "x", "", "0.5", "7", "128"])


@given(st.lists(NUMBERS, min_size=12, max_size=12))
def test_any_numbers_are_read_or_refused(values: list[str]) -> None:
    it = iter(values)
    text = (
        f"<score-partwise><part-list><score-part id='P'><midi-instrument id='I'><midi-program>"
        f"{next(it)}</midi-program><midi-channel>{next(it)}</midi-channel></midi-instrument>"
        f"</score-part></part-list><part id='P'><measure><attributes><divisions>{next(it)}"
        f"</divisions><key><fifths>{next(it)}</fifths></key><time><beats>{next(it)}</beats>"
        f"<beat-type>{next(it)}</beat-type></time><transpose><chromatic>{next(it)}</chromatic>"
        f"</transpose></attributes><sound tempo='{next(it)}'/><note dynamics='{next(it)}'><pitch>"
        f"<step>C</step><alter>{next(it)}</alter><octave>{next(it)}</octave></pitch><duration>"
        f"{next(it)}</duration></note></measure></part></score-partwise>"
    )
    try:
        score, _ = played(parse(text.encode(), "it")[0], "it")
    except LimitError:
        return
    assert isinstance(score, Score)


# -- a second opinion ---------------------------------------------------------------------------

PIECES = (
    "bach/bwv66.6.mxl",
    "bach/bwv277.mxl",
    "mozart/k155/movement2.mxl",
    "beethoven/opus18no1/movement3.mxl",
    "haydn/opus1no1/movement4.mxl",
    "schoenberg/opus19/movement6.mxl",
    "corelli/opus3no1/1grave.xml",
)


@pytest.mark.parametrize("piece", PIECES)
def test_measures_hold_the_notes_that_music21_finds(piece: str) -> None:
    from music21 import common, converter

    file = common.getCorpusFilePath() / piece
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = converter.parse(file, forceSource=True).toSoundingPitch()
    root, _ = musicxml.load(file)
    ours = {
        part.name: [_notes_of(m) for m in part.measures] for part in _parts_without_graces(root)
    }
    assert ours
    found = list(_theirs(theirs))
    assert len(found) == len(ours)
    for mine, measures in zip(ours.values(), found, strict=True):
        assert mine == measures


def _parts_without_graces(root) -> Iterator:  # type: ignore[no-untyped-def, type-arg]
    from segue.formats import musicxml_play

    for measure in root.iter("measure"):
        for element in list(measure):
            if element.find("grace") is not None or element.find("cue") is not None:
                measure.remove(element)
    for number, (listed, measures) in enumerate(musicxml_play._parts(root)):
        part = musicxml_play._read_part(listed, measures, 10_080, lambda what: None)
        part.name = f"{number} {part.name}"
        yield part


def _notes_of(measure) -> Counter:  # type: ignore[no-untyped-def, type-arg]
    return Counter((round(n.onset / 420), round(n.duration / 420), n.pitch) for n in measure.notes)


def _theirs(score) -> Iterator:  # type: ignore[no-untyped-def, type-arg]
    """For each part, staves of one instrument together, its measures' notes in 24ths of a beat."""
    groups: dict[str, list] = {}  # type: ignore[type-arg]
    for part in score.parts:
        groups.setdefault(str(part.id).split("-Staff")[0], []).append(part)
    for staves in groups.values():
        rows = [list(staff.getElementsByClass("Measure")) for staff in staves]
        yield [
            sum((_their_notes(m) for m in together), Counter())
            for together in zip(*rows, strict=True)
        ]


def _their_notes(measure) -> Counter:  # type: ignore[no-untyped-def, type-arg]
    return Counter(
        (round(float(n.offset) * 24), round(float(n.quarterLength) * 24), pitch.midi)
        for n in measure.flatten().notes
        if not n.duration.isGrace and "Harmony" not in n.classes
        for pitch in n.pitches
    )


def test_a_chorale_of_the_corpus_is_read_whole() -> None:
    from music21 import common

    file: Path = common.getCorpusFilePath() / "bach/bwv66.6.mxl"
    score = musicxml.read(file).score
    assert [t.name for t in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert (len(score), score.end_bars) == (163, 9.75)
    assert [tuple(row) for row in score.keys] == [(0, 3, True)]
