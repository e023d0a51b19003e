"""What is no request, or not yet one: told as a problem, and not waited for."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import httpx
import pytest

from segue.server import protocol
from segue.server.protocol import MOST_HEAD
from served import API


def said(client: httpx.Client, *parts: bytes) -> bytes:
    """What the server answers to bytes, until it hangs up."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as line:
        line.settimeout(20)
        answer = b""
        try:
            for part in parts:
                line.sendall(part)
            while got := line.recv(65536):
                answer += got
        except ConnectionError:  # it hangs up on who is not done
            pass
        return answer


def problem_in(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"x-content-type-options: nosniff" in lines
    assert b"connection: close" in lines
    told: dict[str, object] = json.loads(body)
    assert f"HTTP/1.1 {told['status']} ".encode() in head
    return told


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01 is how TLS begins\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZ",
    ],
)
def test_what_is_no_http_is_told_as_all_faults_are(client: httpx.Client, request_: bytes) -> None:
    assert problem_in(said(client, request_))["status"] == 400


def test_a_request_before_the_fault_is_answered(client: httpx.Client) -> None:
    answer = said(client, b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("filler", [b"X: " + b"a" * 60_000, b"\r\n".join([b"X: a"] * 10_000)])
def test_a_head_without_end_is_refused(client: httpx.Client, filler: bytes) -> None:
    begin = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    answer = said(client, begin, *[filler + b"\r\n"] * 40)
    if answer:  # who goes on to send may lose it
        assert problem_in(answer)["status"] == 431


def test_a_url_without_end_is_refused(client: httpx.Client) -> None:
    answer = said(client, b"GET /" + b"a" * (MOST_HEAD // 2), b"a" * 400_000)
    if answer:
        assert problem_in(answer)["status"] == 431


def test_who_says_nothing_is_not_waited_for(
    small: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SECONDS", 0.3)
    client = small()
    assert said(client) == b""
    assert said(client, b"GET / HTTP/1.1\r\nX:") == b""
    lies = b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
    assert said(client, lies) == b""


def test_who_takes_time_between_requests_is_waited_for(
    small: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "SECONDS", 0.2)
    client = small()
    request = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as line:
        line.settimeout(20)
        for _ in range(2):
            line.sendall(request)
            assert line.recv(65536).startswith(b"HTTP/1.1 200 OK")
            with pytest.raises(TimeoutError):
                line.settimeout(0.5)
                line.recv(1)
            line.settimeout(20)


def test_another_protocol_is_answered_in_this_one(client: httpx.Client) -> None:
    asked = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-key": "x"}
    assert client.get(f"{API}/health", headers=asked).status_code == 200


def test_a_head_alone_is_not_to_be_had_of_the_service(client: httpx.Client) -> None:
    answer = client.head(f"{API}/health")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert client.head(f"{API}/nothing").status_code == 404
    assert client.head("/").status_code == 200
