"""The studio on the service itself, with a bundle that was trained for eight steps."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from studio_page import Studio

from segue.server.app import make_app
from segue.server.settings import Settings

TOKEN = "a-token-for-this-test-alone"


@pytest.fixture
def address(run_path: Path, tmp_path: Path) -> Iterator[str]:
    """Where the service listens; it wants a token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = Settings(bundles=(run_path,), work=tmp_path / "work", port=port, token=TOKEN)
    config = uvicorn.Config(make_app(settings), port=port, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    last = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < last, "the service does not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


def test_token_open_hear_and_continue(browser: Any, address: str, tune: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    studio = Studio(context.new_page(), address).open()
    page = studio.page
    page.fill("#token", "the wrong one")
    page.click("text=Go on")
    page.wait_for_selector("text=this is not the token")
    page.fill("#token", TOKEN)
    page.click("text=Go on")
    studio.until("state.models && state.models.length === 1")
    page.set_input_files("#file", str(tune))
    studio.until("state.music.notes.length === 20")
    page.click("#play")
    studio.until("studio.player.requests > 0 && studio.player.seconds() > 0.05")
    page.click("#play")
    page.fill("#wish-bars", "1")
    page.click("#go")
    studio.until("!state.job && state.takes.length === 4")
    assert studio.ask("state.takes.every(t => t.status === 'done' && t.receipt.seed === t.seed)")
    given = "t.music.notes.filter(n => !n.fresh).length"
    assert studio.ask(f"state.takes.map(t => {given})") == [20, 20, 20, 20]
    page.click("[data-look=sheet]")
    page.wait_for_selector("#sheet img[alt^='Sheet music']")
    context.close()
    assert studio.troubles == []
