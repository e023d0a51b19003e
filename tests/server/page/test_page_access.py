"""The studio for everybody: axe finds no serious fault, and it fits phones."""

from __future__ import annotations

import os
from importlib import resources, util
from pathlib import Path
from typing import Any

import pytest
from fake_studio import Fake, skip_or_fail
from studio_page import Studio


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script, from the package axe-playwright-python or from SEGUE_AXE."""
    if named := os.environ.get("SEGUE_AXE"):
        return Path(named).read_text()
    if util.find_spec("axe_playwright_python") is None:
        skip_or_fail("axe is missing: `pip install axe-playwright-python`, or set SEGUE_AXE.")
    folder = resources.files("axe_playwright_python")
    return (folder / "axe.min.js").read_text()


def _faults(studio: Studio, axe: str) -> list[str]:
    """What axe finds serious or critical."""
    # Put in from outside, as the page's own rules allow no script of others.
    session = studio.page.context.new_cdp_session(studio.page)
    session.send("Runtime.evaluate", {"expression": axe})
    found = studio.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{fault['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, fake: Fake, axe: str, scheme: str) -> None:
    # Without motion: halfway from one colour to another has a contrast of its own.
    context = browser.new_context(
        color_scheme=scheme, reduced_motion="reduce", viewport={"width": 1280, "height": 800}
    )
    studio = Studio(context.new_page(), fake.address).open()
    page = studio.page
    faults = _faults(studio, axe)
    page.click(".example")
    studio.until("state.music.notes.length > 0")
    page.click("#go")
    studio.until("state.takes.length && state.takes.every(t => t.status === 'done')")
    page.click("#show-keys")
    page.click("summary")
    faults += _faults(studio, axe)
    page.click("[data-look=list]")
    faults += _faults(studio, axe)
    page.click("#away")
    faults += _faults(studio, axe)
    page.keyboard.press("Escape")
    for view in ("judge", "listen", "train"):
        page.click(f".tabs a[href='#{view}']")
        studio.until(f"document.querySelector('#{view} h2')")
        faults += _faults(studio, axe)
    context.close()
    assert faults == []


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_sticks_out_on_small_screens(browser: Any, fake: Fake, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, has_touch=True)
    studio = Studio(context.new_page(), fake.address).open()
    studio.page.click(".example")
    studio.until("state.music.notes.length > 0")
    assert studio.ask("document.documentElement.scrollWidth") <= width
    for selector in ("#go", "#play", "#open", "#field"):
        studio.page.locator(selector).scroll_into_view_if_needed()
        box = studio.page.locator(selector).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    context.close()


def test_the_theme_is_kept(studio: Studio) -> None:
    assert studio.ask("document.documentElement.dataset.theme") == "light"
    studio.page.click("#theme")
    assert studio.ask("document.documentElement.dataset.theme") == "dark"
    studio.page.wait_for_timeout(500)
    studio.page.reload()
    studio.ready()
    assert studio.ask("document.documentElement.dataset.theme") == "dark"


def test_the_list_holds_the_same_notes(studio: Studio) -> None:
    studio.page.click(".example")
    studio.until("state.music.notes.length > 0")
    studio.page.click("[data-look=list]")
    rows = studio.page.locator("#list tbody tr")
    assert rows.count() == studio.ask("state.music.notes.filter(n => n.onset < 4 * 4 * 480).length")
    velocity = rows.nth(0).locator("input").nth(1)
    velocity.fill("33")
    velocity.press("Tab")
    assert studio.ask("state.music.notes.filter(n => n.velocity === 33).length") == 1


def test_panels_show_what_the_service_finds(studio: Studio) -> None:
    page = studio.page
    page.click(".example")
    studio.until("state.music.notes.length > 0")
    page.click(".tabs a[href='#judge']")
    for verb, told in (
        ("Examine the piece", "a loop goes on and on"),
        ("Ask the model", "2.5"),
        ("Search", "4 notes of bwv1"),
        ("Measure the piece", "from lowest to highest pitch"),
        ("Compare", "like the training music"),
    ):
        page.click(f"#judge >> text={verb}")
        page.wait_for_selector(f"#judge >> text={told}")
    page.click(".tabs a[href='#train']")
    page.click("text=Look at it")
    page.wait_for_selector("svg.chart[aria-label*='ends at 1.5']")
