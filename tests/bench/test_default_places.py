"""Where held-out music is cut: other works first, then other pieces, then other bars."""

import itertools

import pytest
from bench.evaluate_default.hearing import heard
from bench.evaluate_default.held_out import Music, Piece, pieces_of, places

from music import BEAT, chorale
from segue.errors import DataError, SegueError
from segue.score import CONTROL, NOTE, SUSTAIN_PEDAL, Score, Track, events


def pieces(*lengths, work=None):
    return [
        Piece(f"set/{i}.mid", work or f"work {i}", chorale(i, bars=bars))
        for i, bars in enumerate(lengths)
    ]


def test_the_folder_says_what_is_of_one_work(judged_music):
    music = Music(judged_music)
    found = {piece.name: piece for piece in music.pieces("test")}
    assert len(found) == 6
    assert found["even/300.mid"].work == "even/work-100"
    assert found["even/300.mid"].kind == "even"
    assert found["even/300.mid"].bars == 72
    assert music.pieces("none") == []


def test_other_files_are_other_music(judged_music, tmp_path):
    (tmp_path / "test" / "set").mkdir(parents=True)
    file = tmp_path / "test" / "set" / "a.mid"
    file.write_bytes((judged_music / "test/even/300.mid").read_bytes())
    before = Music(tmp_path).hash
    assert Music(tmp_path).hash == before
    file.write_bytes((judged_music / "test/even/302.mid").read_bytes())
    assert Music(tmp_path).hash != before


def test_a_folder_without_a_test_split_is_refused(tmp_path):
    with pytest.raises(DataError, match="gather"):
        Music(tmp_path)


def test_each_piece_is_taken_once_before_any_is_taken_twice():
    found = places(pieces(40, 40, 40), 5, 16, seed=1, anywhere=False)
    assert pieces_of(found[:3]) == 3
    assert [place.first for place in found] == [0, 0, 0, 16, 16]


def test_other_works_come_before_other_pieces_of_the_same():
    same = pieces(20, 20, 20, work="suite")
    other = Piece("set/other.mid", "other", chorale(9, bars=20))
    for seed in range(5):
        found = places([*same, other], 2, 16, seed, anywhere=False)
        assert {place.piece.work for place in found} == {"suite", "other"}


def test_places_of_a_piece_do_not_overlap_wherever_they_begin():
    for seed in range(5):
        found = places(pieces(70), 9, 16, seed, anywhere=True)
        first = sorted(place.first for place in found)
        assert len(first) == 4
        assert all(b - a >= 16 for a, b in itertools.pairwise(first))
        assert first[0] >= 0 and first[-1] + 16 <= 70


def test_a_place_is_cut_by_its_own_bars():
    (piece,) = pieces(40)
    place = places([piece], 2, 16, seed=1, anywhere=False)[1]
    cut = place.cut(4, 6)
    at = 4 * BEAT * (16 + 4)
    expected = piece.score.notes[(piece.score.notes["onset"] >= at)]["pitch"][: len(cut)]
    assert cut.end_bars == pytest.approx(2, abs=0.01)
    assert (cut.notes["pitch"] == expected).all()


def test_silent_prompts_are_no_places():
    score = chorale(1, bars=20)
    late = score.with_(notes=score.notes[score.notes["onset"] >= 4 * 4 * BEAT])
    quiet = Piece("set/quiet.mid", "quiet", late)
    with pytest.raises(SegueError, match="16 bars"):
        places([quiet], 1, 16, seed=1, anywhere=False, prompt=4)
    assert places([quiet], 1, 16, seed=1, anywhere=False)


def test_short_music_has_no_places():
    with pytest.raises(SegueError, match="16 bars"):
        places(pieces(8), 1, 16, seed=1, anywhere=False)


def test_two_hands_and_a_pedal_are_heard_as_one_piano():
    notes = [(0, BEAT, 0, 60, 80), (0, BEAT, 1, 48, 80), (4 * BEAT, BEAT, 1, 50, 80)]
    pedal = [(0, t, SUSTAIN_PEDAL, 127) for t in (0, 1)]
    pedal += [(2 * BEAT, t, SUSTAIN_PEDAL, 0) for t in (0, 1)]
    score = Score(
        BEAT, events(NOTE, notes), (Track("R"), Track("L")), controls=events(CONTROL, pedal)
    )
    told = heard(score)
    assert len(told.tracks) == 1
    assert told.notes["duration"].tolist() == [2 * BEAT, 2 * BEAT, BEAT]
    assert len(told.controls) == 0
