"""Who may ask, from where, and what browsers are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from segue.errors import SegueError
from segue.server import Settings
from served import API, MODEL

TOKEN = "correct-horse-battery"


def test_a_token_is_asked_for(small: Callable[..., httpx.Client]) -> None:
    client = small(token=TOKEN)
    assert client.get(f"{API}/health").status_code == 200
    refused = client.get(f"{API}/models")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    wrong = client.get(f"{API}/models", headers={"authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    right = client.get(f"{API}/models", headers={"authorization": f"Bearer {TOKEN}"})
    assert right.status_code == 200
    assert client.get("/metrics").status_code == 401


def test_a_cookie_carries_the_token(small: Callable[..., httpx.Client]) -> None:
    client = small(token=TOKEN)
    assert client.post(f"{API}/session", json={"token": "wrong"}).status_code == 401
    answer = client.post(f"{API}/session", json={"token": TOKEN})
    assert answer.status_code == 204
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert client.get(f"{API}/models").status_code == 200


def test_beyond_this_machine_a_token_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="give a --token"):
        Settings(work=tmp_path, host="0.0.0.0")
    with pytest.raises(SegueError, match="16 or more"):
        Settings(work=tmp_path, host="0.0.0.0", token="short")
    assert not Settings(work=tmp_path, host="0.0.0.0", token=TOKEN).is_local


def test_other_names_and_other_pages_are_refused(client: httpx.Client) -> None:
    answer = client.get(f"{API}/health", headers={"host": "evil.example"})
    assert answer.status_code == 403
    asked = {"model": MODEL, "bars": 1}
    other = {"origin": "http://evil.example"}
    assert client.post(f"{API}/generate", json=asked, headers=other).status_code == 403
    assert (
        client.get(f"{API}/health", headers=other).headers.get("access-control-allow-origin")
        is None
    )


@pytest.mark.parametrize("path", ["/", f"{API}/health", f"{API}/nothing", "/docs"])
def test_browsers_are_told_to_be_careful(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_what_is_too_long_is_refused(small: Callable[..., httpx.Client]) -> None:
    client = small({"body_bytes": 1000})
    answer = client.post(f"{API}/generate", content=b"{" + b" " * 2000)
    assert answer.status_code == 413

    def pieces() -> object:
        yield b"{"
        for _ in range(10):
            yield b" " * 500

    answer = client.post(f"{API}/generate", content=pieces())  # type: ignore[arg-type]
    assert answer.status_code == 413
    answer = client.post(
        f"{API}/generate", content=b"{", headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422


def test_an_unknown_path_is_a_problem_document(client: httpx.Client) -> None:
    answer = client.get(f"{API}/nothing")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith(f"there is nothing at {API}/nothing")
    assert client.put(f"{API}/health").status_code == 405


def test_metrics_are_counted(client: httpx.Client) -> None:
    client.get(f"{API}/health")
    text = client.get("/metrics").text
    assert 'segue_requests_total{method="GET",route="/api/v1/health",status="200"}' in text
    assert "segue_jobs_running" in text
