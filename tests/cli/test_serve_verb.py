"""`segue serve`: what it refuses before it listens, and what it then is asked for."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segue.server import Settings


def test_beyond_this_machine_it_needs_a_token(segue: Callable[..., Any], tmp_path: Path) -> None:
    ran = segue("serve", tmp_path, "--host", "0.0.0.0", "--work", tmp_path / "work")
    assert ran.code == 1
    assert "give a --token too" in ran.err
    assert not (tmp_path / "work").exists()


def test_a_port_that_is_taken_is_told(segue: Callable[..., Any], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = segue("serve", tmp_path, "--port", port, "--work", tmp_path / "work")
    assert ran.code == 1
    assert f"cannot listen at 127.0.0.1:{port}" in ran.err


def test_with_no_folder_what_comes_with_segue_is_first(
    segue: Callable[..., Any], shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []
    monkeypatch.setattr("segue.server.run.serve", lambda settings, ready: asked.append(settings))
    assert segue("serve", "--work", tmp_path).code == 0
    assert asked[0].bundles == (shipped, Path("runs"), Path("out"))


def test_options_reach_the_service(
    segue: Callable[..., Any], shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []
    opened: list[str] = []

    def serve(settings: Settings, ready: Callable[[str], None]) -> None:
        asked.append(settings)
        ready("http://127.0.0.1:1/")

    monkeypatch.setattr("segue.server.run.serve", serve)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("SEGUE_TOKEN", "a-token-of-the-environment")
    monkeypatch.delenv("SEGUE_DATABASE", raising=False)
    options = ("--bundles", tmp_path / "b", "--running", 3, "--waiting", 5, "--name", "music.local")
    ran = segue("serve", tmp_path / "a", *options, "--work", tmp_path)
    assert ran.code == 0, ran.err
    (settings,) = asked
    assert settings.bundles == (tmp_path / "a", tmp_path / "b", shipped)
    assert settings.token == "a-token-of-the-environment"
    assert (settings.limits.running, settings.limits.waiting) == (3, 5)
    assert settings.hosts == ("music.local",)
    assert settings.database_url == f"sqlite:///{(tmp_path / 'segue.sqlite').resolve()}"
    assert not opened
    segue("studio", tmp_path, "--work", tmp_path)
    assert opened == ["http://127.0.0.1:1/"]
    assert asked[1].is_local
