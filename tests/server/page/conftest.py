"""A browser and a page for the studio's tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_studio import Fake, skip_or_fail
from studio_page import Studio

CHROMIUM = os.environ.get("SEGUE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, or another that SEGUE_CHROMIUM names.

    While it is there its event loop runs, and tests of other modules want one of their own.
    """
    if not Path(CHROMIUM).exists():
        skip_or_fail(f"no Chromium at {CHROMIUM}: `apt install chromium`, or set SEGUE_CHROMIUM.")
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


@pytest.fixture
def fake() -> Iterator[Fake]:
    """The stand-in for the service, running."""
    server = Fake()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def studio(browser: Any, fake: Fake) -> Iterator[Studio]:
    """The studio at 1280 by 800, open."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(15_000)
    studio = Studio(context.new_page(), fake.address).open()
    yield studio
    context.close()
    assert not studio.troubles


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    """Four bars on two tracks as a MIDI file."""
    from segue import formats
    from segue.score import NOTE, Score, Track, events

    melody = [(480 * i, 480, 0, 60 + (i * 5) % 12, 80) for i in range(16)]
    bass = [(1920 * i, 1920, 1, 40 + i, 80) for i in range(4)]
    path = tmp_path / "tune.mid"
    tracks = (Track("Melody", 0), Track("Bass", 32))
    formats.write(Score(480, events(NOTE, melody + bass), tracks), path)
    return path
