"""The table of corpora, and bringing one to disk."""

import hashlib
import io
import json
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tunes import tune

from segue.data.corpora import TABLE, find, get, sources
from segue.data.origin import origin_of
from segue.errors import DataError
from segue.formats.table import read, write


def test_every_row_says_what_it_is_and_on_what_terms():
    known = sources()
    assert {"bach-chorales", "maestro-v2", "maestro-v3", "pop909", "nes-mdb"} <= set(known)
    for source in known.values():
        assert source.files > 0
        assert source.licence
        assert source.home.startswith("https://")
        assert bool(source.package) != bool(source.urls)
        assert not source.sha256 or len(bytes.fromhex(source.sha256)) == 32
    assert known["bach-chorales"].how == "from the installed music21"
    assert known["maestro-v2"].how == "download, checksum known"


def test_the_table_refuses_what_it_does_not_know(tmp_path):
    table = tmp_path / "own.toml"
    for text, said in (
        ("[a]\nmusic = 'x'\nlicense = 'x'\n", "unknown key 'license'; did you mean 'licence'"),
        ("[a]\nmusic = 'x'\n", "a is not a corpus"),
        ("a = 1\n", "a is not a corpus"),
        ("no toml", "cannot be read as a table"),
        ("[a]\nmusic=''\nfiles=1\nsize=1\nlicence=''\nhome=''\n", "neither urls nor a package"),
    ):
        table.write_text(text)
        with pytest.raises(DataError, match=said):
            sources(table)
    with pytest.raises(DataError, match="no corpus 'maestro'; did you mean 'maestro-v"):
        find("maestro")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def table(tmp_path):
    """A table with one corpus, served from this machine: three pieces split by a CSV."""
    shelf = tmp_path / "shelf"
    write(tune(1), shelf / "tune.mid")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("one", "two", "three"):
            archive.write(shelf / "tune.mid", f"small-1.0/{name}.mid")
        archive.writestr("small-1.0/small.csv", "split,midi_filename\n")
    (shelf / "small.zip").write_bytes(packed.getvalue())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=shelf)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        row = f"""
            [small]
            music = "three tunes"
            files = 3
            size = {len(packed.getvalue())}
            licence = "CC0"
            home = "https://example.org/"
            urls = ["http://127.0.0.1:{server.server_port}/small.zip"]
            sha256 = "{hashlib.sha256(packed.getvalue()).hexdigest()}"
        """
        (tmp_path / "table.toml").write_text(row)
        yield tmp_path / "table.toml"
        server.shutdown()
        thread.join()


def test_get_brings_music_and_leaves_a_record(table, tmp_path):
    told = []
    record = get(find("small", table), tmp_path / "out", lambda *now: told.append(now))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["SOURCE.json", "one.mid", "small.csv", "three.mid", "two.mid"]
    assert read(tmp_path / "out" / "two.mid").music_hash() == tune(1).music_hash()
    assert json.loads((tmp_path / "out" / "SOURCE.json").read_text()) == record
    assert (record["files"], record["licence"]) == (3, "CC0")
    assert told[-1][:1] == ("Downloading",)
    assert origin_of(tmp_path / "out") == {
        "name": "small",
        "licence": "CC0",
        "home": "https://example.org/",
    }
    assert origin_of(tmp_path) is None


def test_get_twice_does_nothing_more(table, tmp_path):
    first = get(find("small", table), tmp_path / "out")
    (tmp_path / "out" / "one.mid").unlink()
    assert get(find("small", table), tmp_path / "out") == first
    assert not (tmp_path / "out" / "one.mid").exists()


def test_get_leaves_other_folders_alone(table, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="is not empty: give a new folder"):
        get(find("small", table), tmp_path / "out")


def test_a_wrong_checksum_leaves_no_music(table, tmp_path):
    text = table.read_text()
    table.write_text(text.replace('sha256 = "', 'sha256 = "00')[:-70] + '"')
    table.write_text(text.split("sha256")[0] + f'sha256 = "{"0" * 64}"\n')
    with pytest.raises(DataError, match="not as"):
        get(find("small", table), tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.mid"))


def test_without_a_checksum_the_first_one_is_recorded(table, tmp_path):
    text = table.read_text()
    known = text.split('sha256 = "')[1][:64]
    table.write_text(text.split("sha256")[0])
    source = find("small", table)
    assert source.how == "download, checksum recorded"
    assert get(source, tmp_path / "out")["sha256"] == known


def test_the_table_is_part_of_the_package():
    assert TABLE.is_file()
