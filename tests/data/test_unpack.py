"""Unpacking what strangers packed: music comes out, nothing gets out."""

import io
import tarfile
import zipfile

import pytest

from segue.data.unpack import unpack
from segue.errors import DataError


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


SET = {
    "set-1.0/2004/a.midi": b"a",
    "set-1.0/b.mid": b"b",
    "set-1.0/set.csv": b"c",
    "set-1.0/LICENSE": b"d",
    "set-1.0/sound.wav": b"no",
    "set-1.0/.git/x.mid": b"no",
    "__MACOSX/set-1.0/._b.mid": b"no",
    "set-1.0/run.sh": b"no",
}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_music_tables_and_terms_come_out_without_the_top_folder(tmp_path, pack):
    archive = pack(tmp_path / "archive", SET)
    assert unpack(archive, tmp_path / "out") == 2
    assert files(tmp_path / "out") == ["2004/a.midi", "LICENSE", "b.mid", "set.csv"]
    assert (tmp_path / "out" / "b.mid").read_bytes() == b"b"


def test_a_pattern_chooses_members(tmp_path):
    archive = zipped(
        tmp_path / "a.zip", {"x/1/1.mid": b"", "x/1/versions/1-v1.mid": b"", "x/R": b""}
    )
    assert unpack(archive, tmp_path / "out", keep=r"/(\d+)/\1\.mid$") == 1
    assert files(tmp_path / "out") == ["1/1.mid"]


@pytest.mark.parametrize(
    "name", ["../out.mid", "/etc/x.mid", "a/../../x.mid", "..\\x.mid", "C:x.mid"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_path_that_leads_out_is_refused_before_anything_is_written(tmp_path, pack, name):
    archive = pack(tmp_path / "archive", {"good.mid": b"good", name: b"bad"})
    with pytest.raises(DataError, match="leads out of its folder"):
        unpack(archive, tmp_path / "in" / "out")
    assert files(tmp_path) == ["archive"]


def test_links_are_passed_over(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("hard.mid", tarfile.LNKTYPE), ("soft.mid", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("real.mid")
        archive.addfile(info, io.BytesIO())
    unpack(tmp_path / "a.tar", tmp_path / "out")
    assert files(tmp_path / "out") == ["real.mid"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("soft.mid")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("real.mid", b"")
    unpack(tmp_path / "a.zip", tmp_path / "zip")
    assert files(tmp_path / "zip") == ["real.mid"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_is_stopped_at_the_limit(tmp_path, pack):
    archive = pack(tmp_path / "archive", {"a.mid": bytes(10_000), "b.mid": bytes(10_000)})
    with pytest.raises(DataError, match="more than 15,000 bytes"):
        unpack(archive, tmp_path / "out", limit=15_000)


def test_what_is_no_archive_or_holds_no_music_is_told(tmp_path):
    (tmp_path / "a").write_bytes(b"<html>sign in to download</html>")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(tmp_path / "a", tmp_path / "out")
    whole = zipped(tmp_path / "b", {"a.mid": bytes(10**5)}).read_bytes()
    (tmp_path / "b").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(tmp_path / "b", tmp_path / "out")
    with pytest.raises(DataError, match="holds no music"):
        unpack(zipped(tmp_path / "c", {"readme.txt": b""}), tmp_path / "out")
