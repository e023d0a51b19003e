"""Downloads from a server on this machine that cuts off, starts over, lies or stays away."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from segue.data import download as module
from segue.data.download import download
from segue.errors import DataError

MUSIC = bytes(range(256)) * 4000
SHA = hashlib.sha256(MUSIC).hexdigest()


class Server(HTTPServer):
    """Serves MUSIC; `cut` bytes at a time, if set, and then hangs up."""

    cut = 0
    ranges = True
    status = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/music.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        first = int(wanted.split("=")[1].rstrip("-")) if wanted and self.server.ranges else 0
        if first >= len(MUSIC):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(MUSIC) - first))
        self.end_headers()
        self.wfile.write(MUSIC[first : first + self.server.cut if self.server.cut else None])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_a_file_comes_whole_with_progress(server, tmp_path):
    told = []
    url, digest = download(
        [server.url],
        tmp_path / "new" / "a",
        size=len(MUSIC),
        sha256=SHA.upper(),
        progress=lambda *now: told.append(now),
    )
    assert (url, digest) == (server.url, SHA)
    assert (tmp_path / "new" / "a").read_bytes() == MUSIC
    assert told[-1] == (len(MUSIC), len(MUSIC))


def test_a_cut_connection_goes_on_where_it_was(server, tmp_path):
    server.cut = 300_000
    download([server.url], tmp_path / "a", sha256=SHA)
    assert (tmp_path / "a").read_bytes() == MUSIC
    assert server.asked == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_a_beginning_from_an_earlier_command_is_not_asked_for_again(server, tmp_path):
    (tmp_path / "a").write_bytes(MUSIC[:1000])
    download([server.url], tmp_path / "a", size=len(MUSIC), sha256=SHA)
    assert server.asked == ["bytes=1000-"]
    assert (tmp_path / "a").read_bytes() == MUSIC
    download([server.url], tmp_path / "a", size=len(MUSIC), sha256=SHA)
    assert len(server.asked) == 1, "what is there whole is not asked for"


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.ranges = False
    (tmp_path / "a").write_bytes(b"half of something")
    download([server.url], tmp_path / "a", sha256=SHA)
    assert (tmp_path / "a").read_bytes() == MUSIC


def test_a_whole_file_of_unknown_size_is_known_by_its_checksum(server, tmp_path):
    (tmp_path / "a").write_bytes(MUSIC)
    assert download([server.url], tmp_path / "a", sha256=SHA)[1] == SHA
    assert server.asked == [f"bytes={len(MUSIC)}-"]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"sha256": "0" * 64}, f"with SHA-256 {SHA}, not as .*0000"),
        ({"size": len(MUSIC) + 1}, "1,024,000 bytes .* not as 1,024,001 bytes"),
        ({"size": 5000}, "sends more than the 5,000 bytes expected"),
    ],
)
def test_another_file_than_expected_is_refused(server, tmp_path, expected, said):
    with pytest.raises(DataError, match=said):
        download([server.url], tmp_path / "a", **expected)
    assert not (tmp_path / "a").exists() or (tmp_path / "a").stat().st_size <= 5000


def test_the_second_address_is_tried(server, tmp_path):
    with Server() as other:
        gone = other.url
    url, _ = download([gone, server.url], tmp_path / "a", sha256=SHA)
    assert url == server.url


def test_a_server_that_refuses_is_asked_once(server, tmp_path):
    server.status = 404
    with pytest.raises(DataError, match=r"nothing could be downloaded .*Not Found.*goes on where"):
        download([server.url], tmp_path / "a")
    assert len(server.asked) == 1


def test_a_server_that_gets_nowhere_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(Server, "cut", 1)
    monkeypatch.setattr(Handler, "do_GET", lambda self: self.server.asked.append("hung up"))
    with pytest.raises(DataError, match="nothing could be downloaded"):
        download([server.url], tmp_path / "a")
    assert len(server.asked) == 4


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a"])
def test_other_schemes_are_refused(url, tmp_path):
    with pytest.raises(DataError, match="only http and https"):
        download([url], tmp_path / "a")
