"""Frames a second of the studio's piano roll with 10,000 notes, while it scrolls and zooms.

`python bench/studio.py [--notes 10000] [--seconds 3]` serves the page's files, opens them in
headless Chromium (`--chromium`, by default /usr/bin/chromium), fills the roll and prints, for each
movement, frames a second and the longest time between two frames. With `--address` of a running
`segue studio` it also tells how long after "Continue" the first note is drawn and first sounds.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import itertools
import json
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "src" / "segue" / "server" / "page"
TRACKS = 8
BARS = 400

MOVES = {
    "scroll": "roll.scroll(Math.sin(i / 20) * 40, Math.cos(i / 15) * 6)",
    "zoom": "roll.zoom(i % 120 < 60 ? 1.03 : 1 / 1.03)",
    "zoom rows": "roll.zoomRows(i % 80 < 40 ? 1.02 : 1 / 1.02)",
    "all in view, scroll": "roll.scroll(i % 40 < 20 ? 3 : -3, 0)",
}
BEFORE = {"all in view, scroll": "roll.showAll()"}


def piece(notes: int, seed: int = 0) -> dict[str, object]:
    """Music of so many notes on eight tracks."""
    rng = random.Random(seed)
    return {
        "ticks_per_quarter": 480,
        "tracks": [{"name": f"Track {i + 1}", "program": 0, "drums": False} for i in range(TRACKS)],
        "notes": [
            {
                "track": i % TRACKS,
                "onset": rng.randrange(BARS * 16) * 120,
                "duration": rng.choice((120, 240, 480, 960)),
                "pitch": rng.randrange(28, 100),
                "velocity": rng.randrange(40, 120),
            }
            for i in range(notes)
        ],
    }


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def script(before: str, move: str, seconds: float) -> str:
    """Moves the roll once a frame, and gives the times of the frames in milliseconds."""
    return f"""(async () => {{
        const {{ roll }} = window.studio;
        {before};
        const times = [];
        const end = performance.now() + {seconds * 1000};
        for (let i = 0; performance.now() < end; i += 1) {{
            {move};
            times.push(await new Promise(requestAnimationFrame));
        }}
        return times;
    }})()"""


FIRST = """(() => {
    const { player, store } = window.studio;
    return [Math.max(0, ...store.get().takes.map((take) => take.arrived)) > 0,
            player.playing && player.spans.length > 0, store.get().job === null];
})()"""


def first_note(page: Any, address: str) -> dict[str, float]:
    """Seconds from the press of the button to the first note drawn, first sound, last take."""
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.click(".example >> nth=0")
    page.wait_for_timeout(2000)
    page.click("#play")
    began = time.monotonic()
    page.click("#go")
    told: dict[str, float] = {}
    while len(told) < 3 and time.monotonic() - began < 60:
        for name, there in zip(("drawn", "sounding", "done"), page.evaluate(FIRST), strict=True):
            if there and name not in told and (name != "done" or "drawn" in told):
                told[name] = round(time.monotonic() - began, 2)
        time.sleep(0.01)
    return told


def main() -> None:
    """Print the table, and one line of JSON with the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--address", help="of a running `segue studio`")
    asked = parser.parse_args()
    handler = functools.partial(Quiet, directory=str(PAGE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=asked.chromium, args=["--autoplay-policy=no-user-gesture-required"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        page.wait_for_selector("html[data-ready]")
        path = Path(tempfile.mkdtemp()) / "studio-bench.json"
        path.write_text(json.dumps(piece(asked.notes)))
        page.set_input_files("#file", str(path))
        page.wait_for_function("window.studio.store.get().music.notes.length > 0")
        told: dict[str, Any] = {}
        for name, move in MOVES.items():
            before = BEFORE.get(name, "roll.showAll(); roll.zoom(12)")
            times = page.evaluate(script(before, move, asked.seconds))
            gaps = [b - a for a, b in itertools.pairwise(times)]
            told[name] = {
                "frames_a_second": round(1000 * len(gaps) / sum(gaps), 1),
                "longest_ms": round(max(gaps), 1),
            }
            print(f"{name:<22}{told[name]['frames_a_second']:>8} frames/s"
                  f"{told[name]['longest_ms']:>10} ms at the longest")  # fmt: skip
        if asked.address:
            told["continue"] = [first_note(browser.new_page(), asked.address) for _ in range(3)]
            for seconds in told["continue"]:
                print("seconds after Continue:", *(f"{k} {v}" for k, v in seconds.items()))
        browser.close()
    server.shutdown()
    print(json.dumps({"notes": asked.notes, **told}))


if __name__ == "__main__":
    main()
