"""MusicXML files that are damaged, disguised or hostile."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

import segue
from segue.errors import FormatError, LimitError
from segue.formats import musicxml, musicxml_load
from segue.formats.musicxml_load import load, parse

NOTE = (
    "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration>"
    "<lyric><text>é</text></lyric></note>"
)
SCORE = (
    '<score-partwise><part-list><score-part id="P1"><part-name>One</part-name></score-part>'
    f'</part-list><part id="P1"><measure>{NOTE}</measure><measure>{NOTE}</measure></part>'
    "</score-partwise>"
)
CONTAINER = '<container><rootfiles><rootfile full-path="a/b.xml"/></rootfiles></container>'


def zipped(**members: str | bytes) -> bytes:
    """An archive of members; `__` in a name stands for a slash, `_` for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return buffer.getvalue()


def notes(tmp_path: Path, data: bytes, name: str = "a.musicxml") -> int:
    file = tmp_path / name
    file.write_bytes(data)
    return len(musicxml.read(file).score)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>\n'
    assert notes(tmp_path, (head + SCORE).encode(encoding)) == 2


def test_text_in_another_encoding_than_it_claims(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>' + SCORE.encode("latin-1"))
    reading = musicxml.read(file)
    assert len(reading.score) == 2
    assert reading.repairs == ("its text is not in the encoding it claims: read as Latin-1",)


def test_archives_with_and_without_a_container(tmp_path: Path) -> None:
    data = zipped(**{"META-INF__container_xml": CONTAINER, "other_xml": "<no/>", "a__b_xml": SCORE})
    assert notes(tmp_path, data, "a.mxl") == 2
    assert notes(tmp_path, zipped(score_musicxml=SCORE), "b.mxl") == 2
    utf16 = ('<?xml version="1.0" encoding="UTF-16"?>' + SCORE).encode("utf-16")
    assert notes(tmp_path, zipped(score_xml=utf16), "c.mxl") == 2
    broken = zipped(**{"META-INF__container_xml": "", "score_xml": SCORE})
    assert notes(tmp_path, broken, "d.mxl") == 2
    with pytest.raises(FormatError, match="without a MusicXML score"):
        notes(tmp_path, zipped(**{"META-INF__container_xml": CONTAINER, "x_txt": "no"}), "e.mxl")


def test_suffixes_may_lie(tmp_path: Path) -> None:
    assert notes(tmp_path, SCORE.encode(), "plain.mxl") == 2
    assert notes(tmp_path, zipped(score_xml=SCORE), "zipped.xml") == 2


def test_a_score_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    file = tmp_path / "a.musicxml"
    file.write_text(SCORE[: SCORE.rindex("<measure>") + 60])
    reading = musicxml.read(file)
    assert len(reading.score) == 1
    assert "the XML is broken" in reading.repairs[0]


def test_namespaces_do_not_matter() -> None:
    root, _ = parse(b'<a:x xmlns:a="urn:a"><a:y/></a:x>', "it")
    assert [element.tag for element in root.iter()] == ["x", "y"]


# -- what is refused ----------------------------------------------------------------------------


def test_entities_are_refused(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n + 1} "&l{n};&l{n};">' for n in range(30))
    text = f'<!DOCTYPE s [<!ENTITY l0 "ha">{laughs}]>' + SCORE.replace("One", "&l30;")
    with pytest.raises(FormatError, match="declares XML entities"):
        notes(tmp_path, text.encode())
    outside = '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SCORE.replace("One", "&x;")
    with pytest.raises(FormatError, match="declares XML entities"):
        notes(tmp_path, outside.encode())


def test_the_usual_document_type_is_allowed_and_not_fetched(tmp_path: Path) -> None:
    head = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
    )
    assert notes(tmp_path, (head + SCORE).encode()) == 2


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="inflates to"):
        notes(tmp_path, zipped(score_xml=SCORE + " " * (8 << 20)), "bomb.mxl")


def test_a_large_archive_member_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicxml_load, "LARGEST_FILE", 2000)
    with pytest.raises(LimitError, match="bytes once inflated"):
        notes(tmp_path, zipped(score_xml=SCORE + " " * 2000), "big.mxl")


@pytest.mark.parametrize(
    ("inside", "what"),
    [("<a/>" * 1_500_001, "XML tags"), ("<measure/>" * 200_001, "measures")],
)
def test_floods_of_tags_are_refused(inside: str, what: str) -> None:
    with pytest.raises(LimitError, match=what):
        parse(f"<score-partwise>{inside}</score-partwise>".encode(), "flood")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"hello", "is not XML"),
        (b"<html></html>", "outermost element is 'html'"),
        (b"PK\x03\x04 nothing more", "damaged or unusual zip"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "cannot be read as XML"),
        (b"<score-partwise/>", "without notes"),
        (b"<score-partwise>" + b"<a>" * 50_000, "without notes"),
    ],
)
def test_what_is_no_score_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "a.musicxml"
    file.write_bytes(data)
    with pytest.raises(FormatError, match=message):
        segue.read(file)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(score_xml=SCORE * 20))
    for at in range(60, len(data) - 120, 7):
        data[at] ^= 0x55
    file = tmp_path / "a.mxl"
    file.write_bytes(data)
    with pytest.raises(FormatError):
        load(file)
