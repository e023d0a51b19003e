"""MusicXML out: a readable score that music21, verovio and we ourselves read as the same notes."""

from __future__ import annotations

import base64
import warnings
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import symusic
from hypothesis import given, settings
from written import heard, loudness, scores

import segue
from segue.errors import FormatError
from segue.formats import musicxml
from segue.formats.musicxml_load import parse
from segue.formats.musicxml_play import played
from segue.formats.musicxml_write import to_text
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, events
from strategies import scores as any_scores

BEAT = 480


def piece(*notes: tuple[float, float, int], program: int = 0, **fields: Any) -> Score:
    """A Score of one track from (onset, length, pitch) in beats."""
    rows = [(round(BEAT * o), round(BEAT * d), 0, p, 80) for o, d, p in notes]
    return Score(BEAT, events(NOTE, rows), (Track("Tune", program),), **fields)


def tree(score: Score) -> ElementTree.Element:
    return ElementTree.fromstring(to_text(score))


def texts(score: Score, path: str) -> list[str | None]:
    return [element.text for element in tree(score).iterfind(f".//{path}")]


def back(score: Score) -> Score:
    root, repairs = parse(to_text(score).encode(), "it")
    found, more = played(root, "it")
    assert (repairs, more) == ([], [])
    return found


# -- what is on the page ------------------------------------------------------------------------


def test_a_file_is_written_whole_plain_or_zipped(tmp_path: Path) -> None:
    score = piece((0, 1, 60), (1, 1, 62))
    for name in ("a.musicxml", "a.xml", "a.mxl"):
        segue.write(score, tmp_path / name)
        assert heard(segue.read(tmp_path / name)) == heard(score)
    assert (tmp_path / "a.mxl").read_bytes()[:2] == b"PK"
    first = (tmp_path / "a.mxl").read_bytes()
    musicxml.write(score, tmp_path / "a.mxl")
    assert (tmp_path / "a.mxl").read_bytes() == first


def test_values_dots_and_rests() -> None:
    score = piece((0, 1.5, 60), (1.5, 0.5, 62), (3, 1, 64))
    assert texts(score, "note/type") == ["quarter", "eighth", "quarter", "quarter"]
    assert len(tree(score).findall(".//dot")) == 1
    assert len(tree(score).findall(".//rest")) == 1


def test_a_note_over_the_bar_line_is_tied() -> None:
    ties = [t.get("type") for t in tree(piece((3, 2, 60))).iterfind(".//note/tie")]
    assert ties == ["start", "stop"]


def test_triplets_have_their_ratio_and_bracket() -> None:
    third = 1 / 3
    root = tree(piece((0, third, 60), (third, third, 62), (2 * third, third, 64), (1, 3, 65)))
    ratio = [(m[0].text, m[1].text) for m in root.iterfind(".//time-modification")]
    assert ratio == [("3", "2")] * 3
    assert [t.get("type") for t in root.iterfind(".//tuplet")] == ["start", "stop"]


def test_beams_follow_the_beat() -> None:
    score = piece(*((n / 4, 0.25, 60 + n) for n in range(4)), (1, 0.5, 60), (1.5, 0.5, 60))
    beams = [
        [(b.get("number"), b.text) for b in n.iterfind("beam")] for n in tree(score).iter("note")
    ]
    assert beams[0] == [("1", "begin"), ("2", "begin")]
    assert beams[3] == [("1", "end"), ("2", "end")]
    assert beams[4:6] == [[("1", "begin")], [("1", "end")]]
    dotted = tree(piece((0, 0.75, 60), (0.75, 0.25, 62)))
    assert [b.text for b in dotted.iterfind(".//beam")] == ["begin", "end", "backward hook"]


def test_signs_are_printed_where_key_and_bar_say_otherwise() -> None:
    score = piece((0, 1, 66), (1, 1, 66), (2, 1, 65), (4, 1, 66), keys=events(KEY, [(0, 0, False)]))
    assert texts(score, "note/accidental") == ["sharp", "natural", "sharp"]
    assert texts(score.with_(keys=events(KEY, [(0, 1, False)])), "note/accidental") == ["natural"]


def test_two_hands_get_two_staves() -> None:
    notes = [(n, 1, 72 + n % 5) for n in range(8)] + [(n, 2, 48 - n % 3) for n in range(0, 8, 2)]
    score = piece(*notes)
    root = tree(score)
    assert root.findtext(".//staves") == "2"
    assert [c.text for c in root.iterfind(".//clef/sign")] == ["G", "F"]
    staves = {
        staff: {
            n.findtext("pitch/octave") for n in root.iter("note") if n.findtext("staff") == staff
        }
        for staff in ("1", "2")
    }
    assert staves == {"1": {"5"}, "2": {"2", "3"}}
    assert tree(score.with_(tracks=(Track("Violin", 40),))).find(".//staves") is None


def test_a_lone_line_stays_on_one_staff_however_far_it_reaches() -> None:
    assert tree(piece(*((n, 1, 48 + 3 * n) for n in range(12)))).find(".//staves") is None


def test_held_notes_get_a_voice_of_their_own() -> None:
    root = tree(piece((0, 4, 72), (0, 1, 60), (1, 1, 62), (2, 2, 64), program=40))
    voices = [(n.findtext("voice"), n.findtext("type")) for n in root.iter("note")]
    assert voices == [("1", "whole"), ("2", "quarter"), ("2", "quarter"), ("2", "half")]


def test_an_upbeat_is_a_measure_of_its_own() -> None:
    root = tree(piece((3, 1, 67), (4, 4, 60), metres=events(METRE, [(0, 4, 4)])))
    measures = [(m.get("number"), m.get("implicit")) for m in root.iter("measure")]
    assert measures == [("0", "yes"), ("1", None)]


def test_key_is_estimated_where_there_is_none() -> None:
    scale = [(n, 1, p) for n, p in enumerate((62, 64, 66, 67, 69, 71, 73, 74, 69, 66, 62, 62))]
    assert texts(piece(*scale), "key/fifths") == ["2"]


def test_metre_key_tempo_and_words_change_on_the_way() -> None:
    score = piece(
        *((n, 1, 60) for n in range(10)),
        metres=events(METRE, [(0, 4, 4), (4 * BEAT, 6, 8)]),
        keys=events(KEY, [(0, 0, False), (4 * BEAT, -2, True)]),
        tempi=events(TEMPO, [(0, 500_000), (5 * BEAT, 1_000_000)]),
        texts=(Text(0, "Am7/G", "text"), Text(BEAT, "dolce <&>", "marker"), Text(0, "la", "lyric")),
    )
    found = back(score)
    assert found.metres.tolist() == score.metres.tolist()
    assert found.keys.tolist() == score.keys.tolist()
    assert found.tempi.tolist() == score.tempi.tolist()
    assert found.texts == score.texts
    assert found.tracks == score.tracks
    assert texts(score, "metronome/per-minute") == ["120"]  # the second is too near to be printed


def test_titles_and_parts() -> None:
    rows = [(0, BEAT, 0, 60, 80), (0, BEAT, 1, 40, 80), (0, BEAT, 2, 38, 80)]
    score = Score(
        BEAT,
        events(NOTE, rows),
        (Track("Flute", 73), Track("Bass", 33), Track("Kit", 0, True)),
        texts=(Text(0, "Three & more", "text"),),
    )
    assert back(score).tracks == score.tracks
    assert heard(back(score)) == heard(score)
    assert texts(score, "work-title") == ["Three & more"]


def test_drums_are_drawn_as_drums() -> None:
    score = Score(BEAT, events(NOTE, [(0, BEAT, 0, 42, 80)]), (Track("Kit", 0, True),))
    assert texts(score, "clef/sign") == ["percussion"]
    assert texts(score, "notehead") == ["x"]
    assert texts(score, "midi-unpitched") == ["43"]


def test_characters_that_xml_forbids_are_dropped() -> None:
    score = piece((0, 1, 60)).with_(tracks=(Track("a\x00b\x1b<c>\uffff"),))
    assert back(score).tracks[0].name == "ab<c>"


def test_music_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no notes"):
        segue.write(Score(BEAT), tmp_path / "a.musicxml")
    assert list(tmp_path.iterdir()) == []


# -- the same notes back ------------------------------------------------------------------------


@given(scores())
def test_written_music_comes_back_note_for_note(score: Score) -> None:
    found = back(score)
    assert heard(found) == heard(score)
    assert loudness(found) == loudness(score)


@given(any_scores())
def test_any_music_can_be_written_and_read(score: Score) -> None:
    try:
        found = back(score)
    except FormatError:
        assert not (score.notes["duration"] > 0).any()
        return
    assert len(found) > 0


# A bar of rests that a change of metre cuts short is a whole one to music21.
@given(scores(one_metre=True))
@settings(max_examples=8)
def test_music21_reads_the_same_notes(score: Score) -> None:
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = converter.parseData(to_text(score), format="musicxml")
    pieces = [
        (n.getOffsetInHierarchy(stream), n.quarterLength, each.pitch.midi, each.tie, number)
        for number, part in enumerate(stream.parts)
        for n in part.recurse().notes
        for each in (n.notes if n.isChord else [n])
    ]
    assert _aligned(_tied(pieces)) == _aligned(_plain(score))


@given(scores())
@settings(max_examples=15)
def test_verovio_reads_the_same_notes(score: Score) -> None:
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    assert toolkit.loadData(to_text(score))
    midi = symusic.Score.from_midi(base64.b64decode(toolkit.renderToMIDI()))
    scale = 24 / midi.ticks_per_quarter
    found = Counter(
        (round(n.time * scale), round(n.duration * scale), n.pitch)
        for t in midi.tracks
        for n in t.notes
    )
    assert _aligned(found) == _aligned(_plain(score))


def _plain(score: Score) -> Counter[tuple[int, int, int]]:
    """(onset, length, pitch) of all notes in 24ths of a beat."""
    return Counter((o // 20, d // 20, p) for o, d, _, p in heard(score))


def _aligned(notes: Counter[tuple[int, int, int]]) -> Counter[tuple[int, int, int]]:
    """From the first note on: an upbeat begins at 0 for others."""
    first = min(onset for onset, _, _ in notes)
    return Counter({(o - first, d, p): count for (o, d, p), count in notes.items()})


def _tied(pieces: list[tuple[Any, ...]]) -> Counter[tuple[int, int, int]]:
    """Note heads as notes; music21 itself joins chords only where all of their heads are tied."""
    found: list[list[int]] = []
    held: dict[tuple[int, int], list[int]] = {}
    # Staves of one part are parts to music21: a tie stays on its staff.
    for onset, length, pitch, tie, part in sorted(pieces, key=lambda p: (p[0], p[2])):
        at, long = round(onset * 24), round(length * 24)
        before = held.pop((pitch, part), None)
        if before is not None and before[0] + before[1] == at:
            before[1] += long
            row = before
        else:
            row = [at, long, pitch]
            found.append(row)
        if tie is not None and tie.type in ("start", "continue"):
            held[pitch, part] = row
    return Counter((o, d, p) for o, d, p in found)
