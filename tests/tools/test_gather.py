"""The music of the default bundle: what is taken, how it is cleaned, that it comes out alike."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tools.default.gather import gather, main
from tools.default.hands import hands
from tools.default.pop_beats import on_the_beat
from tools.default.sources import halved, sources

import segue
from music import BEAT, chorale
from segue.errors import DataError
from segue.score import CONTROL, METRE, NOTE, TEMPO, Score, Track, events


def scale(track: int, pitch: int, notes: int = 40, velocity: int = 70) -> list[tuple[int, ...]]:
    """Rows of quarter notes on one track."""
    return [(i * BEAT, BEAT, track, pitch + i % 5, velocity) for i in range(notes)]


def score(*tracks: Track, rows: list[tuple[int, ...]], **tables: object) -> Score:
    return Score(BEAT, events(NOTE, rows), tracks, **tables)


# -- hands ---------------------------------------------------------------------------------------


def test_the_higher_of_two_staves_is_the_right_hand():
    played = hands(score(Track("low"), Track("high"), rows=scale(0, 40) + scale(1, 70)))
    assert [track.name for track in played.tracks] == ["Right hand", "Left hand"]
    assert played.track_notes(0)["pitch"].min() == 70
    assert played.track_notes(1)["pitch"].max() == 44


def test_one_staff_stays_one():
    played = hands(score(Track("organ pedal", 3), rows=scale(0, 60)))
    assert played.tracks == (Track("Right hand"),)


def test_voices_are_cut_in_two_where_they_lie_apart():
    rows = scale(0, 72) + scale(1, 45) + scale(2, 67, 8) + scale(3, 50, 8)
    played = hands(score(*[Track("Piano")] * 4, rows=rows))
    assert len(played.track_notes(0)) == 48
    assert len(played.track_notes(1)) == 48
    assert played.track_notes(0)["pitch"].min() == 67


def test_drums_go_and_silent_tracks_with_them():
    rows = scale(0, 60) + scale(1, 36)
    played = hands(score(Track("a"), Track("kit", 0, True), Track("empty"), rows=rows))
    assert len(played.tracks) == 1
    assert len(played) == 40


def test_the_pedal_of_any_track_is_that_of_both_hands():
    #       one track: 0 down, 960 up;  the other: 480 down, 1440 up  ->  down from 0 to 1440
    pedal = [(0, 0, 64, 127), (480, 2, 64, 100), (960, 0, 64, 0), (1440, 2, 64, 0), (0, 1, 7, 99)]
    tracks = (Track("right"), Track("left"), Track("Pedale"))
    rows = scale(0, 70) + scale(1, 40)
    played = hands(score(*tracks, rows=rows, controls=events(CONTROL, pedal)))
    for track in (0, 1):
        mine = played.controls[played.controls["track"] == track]
        assert mine["onset"].tolist() == [0, 960, 1440]
        assert mine["value"].tolist() == [127, 100, 0]


def test_bars_of_silence_before_the_first_note_go():
    rows = [(onset + 5 * BEAT, *rest) for onset, *rest in scale(0, 60)]
    metres = events(METRE, [(0, 4, 4)])
    assert hands(score(Track(), rows=rows, metres=metres)).notes["onset"][0] == BEAT


@pytest.mark.parametrize(
    ("tracks", "says"),
    [
        ((Track("violin", 40), Track("piano")), "programs 40"),
        ((Track("PriUp:"), Track("secDown:")), "four hands"),
    ],
)
def test_what_one_pianist_does_not_play_is_refused(tracks, says):
    with pytest.raises(DataError, match=says):
        hands(score(*tracks, rows=scale(0, 60) + scale(1, 40)))


def test_hardly_any_notes_are_refused():
    with pytest.raises(DataError, match="31 notes; 32"):
        hands(score(Track(), rows=scale(0, 60, 31)))


# -- the beat of pop songs -----------------------------------------------------------------------


def song(offset: int, division: int = 4, metres: tuple[tuple[int, int, int], ...] = ((0, 1, 4),)):
    """Eight bars: a tune in steps of the grid, a long bass note on each downbeat, all `offset`."""
    step = BEAT // division
    tune = [(i * step + offset, step, 0, 72 + i % 7, 90) for i in range(8 * 4 * division)]
    bass = [(i * 4 * BEAT + offset, 3 * BEAT, 1, 36, 80) for i in range(8)]
    tracks = (Track("MELODY"), Track("PIANO"))
    tempi = events(TEMPO, [(0, 500_000)])
    return Score(BEAT, events(NOTE, tune + bass), tracks, tempi=tempi, metres=events(METRE, metres))


@pytest.mark.parametrize("division", [3, 4, 8])
@pytest.mark.parametrize("offset", [0, 37, 1000])
def test_bars_begin_where_the_bass_is_struck(offset, division):
    found = on_the_beat(song(offset, division))
    assert found.metres.tolist() == [(0, 4, 4)]
    assert found.tempi.tolist() == [(0, 500_000)]
    assert set(found.track_notes(1)["onset"] % (4 * BEAT)) == {0}


def test_a_metre_that_can_be_true_stays():
    assert on_the_beat(song(5, metres=((0, 3, 4), (0, 1, 4)))).metres.tolist() == [(0, 3, 4)]


def test_the_rounding_of_the_set_is_taken_back():
    made = song(0)
    notes = made.notes.copy()
    notes["onset"][1::3] += 2
    notes["duration"][1::3] -= 2
    found = on_the_beat(made.with_(notes=notes))
    assert np.array_equal(found.notes["onset"], made.notes["onset"])
    assert np.array_equal(found.notes["duration"], made.notes["duration"])


def test_notes_off_every_grid_are_refused():
    made = song(0)
    notes = made.notes.copy()
    notes["onset"] += np.random.default_rng(0).integers(0, BEAT, len(notes))
    with pytest.raises(DataError, match="no grid"):
        on_the_beat(made.with_(notes=notes))


# -- the sets ------------------------------------------------------------------------------------

MUTOPIA = (
    # file, composer, instrument, licence, split, work
    ("pd/keyboard/a.mid", "BachJS", "Piano", "Public Domain", "train", "bwv1"),
    ("pd/keyboard/b.mid", "BachJS", "Harpsichord,Clavichord", "cc-by-sa", "valid", "bwv2"),
    ("cc-by/keyboard/b.mid", "ChopinFF", "Piano", "Creative Commons Attribution 3.0", "valid", "1"),
    ("pd/organ/d.mid", "FranckC", "Organ", "Public Domain", "train", "3"),
    (
        "nc/keyboard/e.mid",
        "LisztF",
        "Piano",
        "Creative Commons Attribution-NonCommercial 3.0",
        "train",
        "4",
    ),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The four sets with a few pieces, in the layout of the real ones."""
    root = tmp_path / "data"
    rows = []

    def add(name: str, file: str, group: str, split: str, licence: str, music: Score) -> None:
        place = root / name / file
        place.parent.mkdir(parents=True, exist_ok=True)
        segue.write(music, place)
        rows.append((name, f"{name}/{file}", group, split, licence, 0.1, len(music)))

    def index(name: str, header: tuple[str, ...], *lines: tuple[object, ...]) -> None:
        table(
            root / name / ("metadata.csv" if name == "piano-midi-de" else "INDEX.csv"),
            header,
            lines,
        )

    add(
        "piano-midi-de", "midis/Chopin/op1.mid", "Chopin/op", "train", "CC BY-SA 3.0 DE", chorale(1)
    )
    index("piano-midi-de", ("composer", "title", "midi"), ("Chopin", "A_B", "midis/Chopin/op1.mid"))
    for seed, (file, _, _, licence, split, work) in enumerate(MUTOPIA):
        add("mutopia", file, work, split, licence, chorale(10 + seed))
    index(
        "mutopia",
        ("file", "composer", "title", "opus", "instrument", "licence", "typesetter", "mutopia_id"),
        *(
            (file, by, "T", "op 1", for_, licence, "Ann Typesetter", "M-1")
            for file, by, for_, licence, _, _ in MUTOPIA
        ),
    )
    add("openscore-lieder", "piano/Wolf__Lied.mid", "Wolf/Songs", "valid", "CC0 1.0", chorale(30))
    lied = ("Wolf__Lied.mid", "scores/Wolf,_Hugo/Mörike-Lieder/12_Lied/lc1.mxl", "Wolf, Hugo")
    index("openscore-lieder", ("file", "source", "composer"), lied)
    add("pop909", "001.mid", "001.mid", "train", "MIT", song(37))
    add("groove", "x.mid", "x", "train", "CC BY 4.0", chorale(50))
    columns = ("dataset", "file", "group", "split", "licence", "hours", "notes")
    table(root / "splits.csv", columns, rows)
    return root


def table(path: Path, header: tuple[str, ...], lines: object) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])


def test_licences_and_instruments_decide(data):
    taken, refused = sources(data)
    assert {source.file for source in taken} == {
        "piano-midi-de/midis/Chopin/op1.mid",
        "mutopia/pd/keyboard/a.mid",
        "mutopia/pd/keyboard/b.mid",
        "mutopia/cc-by/keyboard/b.mid",
        "openscore-lieder/piano/Wolf__Lied.mid",
        "pop909/001.mid",
    }
    why = {one.file: one.reason for one in refused}
    assert why["mutopia/pd/organ/d.mid"] == "it is for Organ"
    assert "NonCommercial" in why["mutopia/nc/keyboard/e.mid"]


def test_each_piece_says_whose_it_is(data):
    by_file = {source.file: source for source in sources(data)[0]}
    lied = by_file["openscore-lieder/piano/Wolf__Lied.mid"]
    assert (lied.composer, lied.title) == ("Wolf, Hugo", "Mörike-Lieder/12 Lied")
    assert (lied.style, lied.licence) == ("song", "CC0 1.0")
    mazurka = by_file["mutopia/cc-by/keyboard/b.mid"]
    assert mazurka.attribution == "Ann Typesetter, M-1"
    assert (mazurka.style, mazurka.title) == ("romantic", "T op 1")
    # Two files of one name in a set get two.
    assert {by_file[f"mutopia/{part}/keyboard/b.mid"].name for part in ("pd", "cc-by")} == {
        "b",
        "b-2",
    }


def test_held_out_works_stay_whole_and_the_halves_are_alike():
    rows = [
        {"dataset": "s", "group": f"w{i // 3}", "split": "valid", "notes": "100"} for i in range(60)
    ]
    rows.append({"dataset": "s", "group": "other", "split": "train", "notes": "9000"})
    found = halved(rows)
    assert sorted(found.values()).count("test") == 10
    assert found == halved(rows[::-1])
    assert "s/other" not in found


def test_gathering_again_gives_the_same_bytes_and_writes_nothing(data, tmp_path, capsys):
    first, second = tmp_path / "one", tmp_path / "two"
    made = gather(data, first)
    gather(data, second)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) == len(made) + 1 == 7
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes()

    stale = first / "train" / "mutopia" / "gone.mid"
    stale.write_bytes(b"x")
    kept = next(first.rglob("op1.mid"))
    before = kept.stat().st_mtime_ns
    gather(data, first)
    assert kept.stat().st_mtime_ns == before
    assert not stale.exists()
    assert "left out mutopia/pd/organ/d.mid: it is for Organ" in capsys.readouterr().out


def test_a_gathered_file_says_its_style_and_the_table_its_licence(data, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([str(data), str(out)]) == 0
    piece = segue.read(out / "train" / "pop909" / "001.mid")
    assert [text.text for text in piece.texts if text.kind == "text"] == ["style: pop"]
    assert [track.name for track in piece.tracks] == ["Right hand", "Left hand"]
    with (out / "SOURCES.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["path"] for row in rows} == {
        path.relative_to(out).as_posix() for path in out.rglob("*.mid")
    }
    assert all(row["licence"] and row["attribution"] and row["work"] for row in rows)
    told = capsys.readouterr().out
    assert "pop909           train        1" in told


def test_a_folder_without_the_sets_is_said(tmp_path, capsys):
    assert main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "splits.csv cannot be read" in capsys.readouterr().err
    assert main([]) == 2
