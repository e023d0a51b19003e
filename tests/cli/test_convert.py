"""`segue convert` on files and folders: what is written, what is refused, what is said."""

import pytest

import segue as package
from segue.cli.conversion import check_options, plan, suffix_for
from segue.errors import FormatError
from segue.score import NOTE, Score, Track, events


def tune() -> Score:
    notes = events(NOTE, [(480 * i, 480, 0, 60 + i, 80) for i in range(8)])
    return Score(480, notes=notes, tracks=(Track("tune", 0, False),))


@pytest.fixture
def music(tmp_path):
    """A folder with two good files, in two folders, and one that is not music."""
    folder = tmp_path / "music"
    package.write(tune(), folder / "a.mid")
    package.write(tune(), folder / "deep" / "b.mid")
    (folder / "broken.mid").write_bytes(b"not a MIDI file at all")
    (folder / "readme.txt").write_text("words")
    return folder


def test_a_file(segue, music):
    target = music / "new" / "a.mid"
    ran = segue("convert", music / "a.mid", target)
    assert ran.code == 0
    assert ran.out == f"{target}: 8 notes, 4.0 seconds.\n"
    assert package.read(target).music_hash() == tune().music_hash()


def test_a_file_as_json(segue, music):
    target = music / "a.png"
    ran = segue("convert", music / "a.mid", target, "--colour", "velocity", "--json")
    assert ran.json == {
        "file": str(music / "a.mid"),
        "to": str(target),
        "notes": 8,
        "seconds": 4.0,
        "repairs": [],
    }
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_file_by_format_lands_beside_it_or_in_the_folder_named(segue, music, tmp_path):
    assert segue("convert", music / "a.mid", "--to", "png").code == 0
    assert (music / "a.png").is_file()
    assert segue("convert", music / "a.mid", "--to", ".svg", "-o", tmp_path / "x").code == 0
    assert (tmp_path / "x" / "a.svg").is_file()


def test_an_overlay_changes_the_picture(segue, music):
    segue("convert", music / "a.mid", music / "plain.svg")
    ran = segue("convert", music / "a.mid", music / "both.svg", "--overlay", music / "deep/b.mid")
    assert ran.code == 0
    assert (music / "plain.svg").read_bytes() != (music / "both.svg").read_bytes()


def test_a_broken_file_is_one_sentence(segue, music):
    ran = segue("convert", music / "broken.mid", music / "x.mid")
    assert ran.code == 3
    assert ran.err.startswith("Error: ")
    assert ran.err.count("\n") == 1
    assert not (music / "x.mid").exists()


def test_a_folder_goes_through_but_for_what_is_refused(segue, music, tmp_path):
    out = tmp_path / "out"
    ran = segue("convert", music, "--to", "mid", "-o", out, "--workers", 2, "--json")
    assert ran.code == 0
    assert ran.json["counts"] == {
        "done": 2, "refused": 1, "late": 0, "crashed": 0, "bug": 0, "repaired": 0,
    }  # fmt: skip
    rows = {row["file"]: row for row in ran.json["files"]}
    assert rows["deep/b.mid"]["to"] == str(out / "deep" / "b.mid")
    assert rows["deep/b.mid"]["notes"] == 8
    assert rows["broken.mid"]["status"] == "refused"
    assert rows["broken.mid"]["reason"]
    assert str(music) not in rows["broken.mid"]["reason"]
    written = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert written == ["a.mid", "deep/b.mid"]


def test_a_folder_in_words(segue, music, tmp_path):
    ran = segue("convert", music, "--to", "mid", "-o", tmp_path / "out", "--workers", 1)
    assert ran.code == 0
    assert "2" in ran.out
    assert "broken.mid: " in ran.out


def test_a_folder_where_nothing_goes_through_is_an_error(segue, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mid").write_bytes(b"no")
    ran = segue("convert", tmp_path / "in", "--to", "mid", "-o", tmp_path / "out", "--json")
    assert ran.code == 3
    assert ran.json["counts"]["refused"] == 1


def test_a_folder_without_music_is_an_error(segue, tmp_path):
    ran = segue("convert", tmp_path, "--to", "mid", "-o", tmp_path / "out")
    assert ran.code == 4


def test_a_dry_run_writes_nothing(segue, music, tmp_path):
    out = tmp_path / "out"
    ran = segue("convert", music, "--to", "wav", "-o", out, "--dry-run", "--json")
    assert ran.code == 0
    assert {row["to"] for row in ran.json["files"]} == {
        str(out / name) for name in ("a.wav", "broken.wav", "deep/b.wav")
    }
    assert not out.exists()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["a.mid"], 2, "name the file to write"),
        (["a.mid", "deep"], 2, "is a folder: name the format with --to"),
        (["."], 2, "say --to FORMAT and -o FOLDER"),
        ([".", "--to", "png", "-o", "out", "--overlay", "a.mid"], 2, "--overlay is for one file"),
        (["a.mid", "--to", "mp5"], 3, "did you mean"),
        (["a.mid", "a.krn"], 3, "can be read but not written"),
        (["a.mid", "a.wav", "--colour", "track"], 3, "--colour means nothing for a.wav"),
        (["a.mid", "a.png", "--synth", "nes"], 3, "--synth means nothing for a.png"),
        (["missing.mid", "a.png"], 3, "missing.mid does not exist"),
    ],
)
def test_what_cannot_be_asked(segue, music, monkeypatch, args, code, said):
    monkeypatch.chdir(music)
    ran = segue("convert", *args)
    assert ran.code == code
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("wanted", "suffix"),
    [("mid", ".mid"), (".MIDI", ".midi"), ("midi", ".midi"), ("sheet", ".pdf"),
     ("sheet.svg", ".sheet.svg"), ("roll", ".png"), ("audio", ".wav")],
)  # fmt: skip
def test_the_format_by_suffix_or_name(wanted, suffix):
    assert suffix_for(wanted) == suffix


def test_files_that_differ_in_their_suffix_alone_stay_apart(tmp_path):
    names = ["A.abc", "a.mid", "a.mid.wav", "b.mid", "c.tx1.txt"]
    targets = [target.name for _, target in plan(tmp_path, names, tmp_path, ".wav")]
    assert targets == ["A.abc.wav", "a.mid.wav", "a.mid-2.wav", "b.wav", "c.wav"]


def test_an_option_is_refused_with_who_takes_it(tmp_path):
    with pytest.raises(FormatError, match="it is for sound"):
        check_options(tmp_path / "a.pdf", ["soundfont"])


TUNES = """X:1
T:First
M:4/4
L:1/4
K:C
CDEF|

X:7
T:Second
M:4/4
L:1/4
K:G
"G"GABc|
"""


def test_a_tune_of_a_book_and_its_chords(segue, tmp_path):
    book, out = tmp_path / "book.abc", tmp_path / "out.mid"
    book.write_text(TUNES)
    assert segue("convert", book, out, "--tune", "7").code == 0
    assert package.read(out).notes["pitch"].tolist() == [67, 69, 71, 72]
    assert segue("convert", book, out, "--tune", "7", "--chords").code == 0
    assert len(package.read(out)) > 4
    ran = segue("convert", book, out, "--tune", "9")
    assert ran.code != 0
    assert "has no tune X:9" in ran.err


def test_reading_options_are_for_abc(segue, tmp_path):
    book, out = tmp_path / "book.abc", tmp_path / "out.mid"
    book.write_text(TUNES)
    segue("convert", book, out)
    ran = segue("convert", out, tmp_path / "again.mid", "--chords")
    assert "--chords means nothing for out.mid" in ran.err
    assert "--tune is for one file" in segue(
        "convert", tmp_path, "--to", "mid", "-o", tmp_path / "o", "--tune", "1"
    ).err  # fmt: skip
    ran = segue("convert", tmp_path, "--to", "musicxml", "-o", tmp_path / "o", "--chords")
    assert ran.code == 0, ran.err
