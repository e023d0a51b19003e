"""Take the studio's pictures for docs/gallery from a server that is running.

`.venv/bin/python tools/studio_gallery.py http://127.0.0.1:8765` plays a person: opens the prelude,
continues it with segue-piano, keeps a take, remakes bars of the chorale, looks at the panels. The
server needs a run to be looked at: `segue serve out/demo-run`, after `make demo`.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import Any

GALLERY = Path(__file__).parent.parent / "docs" / "gallery"
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "wide": (1920, 1080)}


def keep(page: Any, name: str) -> None:
    """The page as it is now, as a small picture."""
    from PIL import Image

    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(GALLERY / f"studio-{name}.png", optimize=True)


def until(page: Any, expression: str, seconds: float = 90) -> None:
    """Wait for an expression to hold."""
    last = time.monotonic() + seconds
    while not page.evaluate(f"(({expression}))"):
        if time.monotonic() > last:
            raise SystemExit(f"{expression} does not come to hold")
        time.sleep(0.05)


def made(page: Any) -> None:
    """Wait for takes, and for the pictures on their cards."""
    until(page, "!studio.store.get().job && studio.store.get().takes.some(t => t.status==='done')")
    page.wait_for_timeout(1200)


def story(page: Any, address: str, size: str, scheme: str) -> None:
    """One person's way through the studio."""
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(600)
    keep(page, f"welcome-{size}-{scheme}")
    until(page, "studio.store.get().models")
    page.select_option("#model", "segue-piano")
    page.click(".example >> text=Prelude in C")
    until(page, "studio.player.seconds() > 1")
    page.evaluate("document.querySelector('#go').click()")
    made(page)
    keep(page, f"takes-{size}-{scheme}")
    if size != "laptop":
        return
    page.keyboard.press("2")
    page.click("[data-look=both]")
    page.click("[aria-label='Keep take 2']")
    page.click("#show-keys")
    page.wait_for_timeout(2500)
    keep(page, f"sheet-{size}-{scheme}")
    page.click("#show-keys")
    page.click("[data-look=roll]")
    page.click("#fresh")
    page.click(".example >> text=Bach chorale")
    until(page, "studio.player.seconds() > 3")
    page.click("#play")
    # A chorale is remade by a model that knows voices apart.
    names = page.locator("#model option").evaluate_all("all => all.map(o => o.value)")
    page.select_option("#model", next(name for name in names if name != "segue-piano"))
    page.click("[data-way=infill]")
    page.click("[aria-label='Lock Bass']")
    page.evaluate("studio.store.set({ selection: { first: 4, last: 8, tracks: null } })")
    page.click("#go")
    made(page)
    keep(page, f"remake-{size}-{scheme}")
    for view in ("judge", "train"):
        page.click(f".tabs a[href='#{view}']")
        page.wait_for_timeout(800)
        if view == "judge":
            for verb in ("Examine the piece", "Ask the model", "Measure the piece"):
                page.click(f"#judge >> text={verb}")
            page.wait_for_timeout(4000)
        else:
            page.click("#train >> text=Look at it >> nth=-1")
            page.wait_for_timeout(2000)
        keep(page, f"{view}-{size}-{scheme}")


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    GALLERY.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=asked.chromium, args=["--autoplay-policy=no-user-gesture-required"]
        )
        for size, (width, height) in SIZES.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                story(context.new_page(), asked.address, size, scheme)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
