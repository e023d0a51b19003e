"""docs/python-client.md: every block of Python on the page runs, in order."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

PAGE = Path(__file__).parents[2] / "docs" / "python-client.md"


def test_the_page_runs_from_top_to_bottom(client: httpx.Client) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 6
    known: dict[str, object] = {"address": str(client.base_url).rstrip("/")}
    try:
        exec(compile("\n".join(blocks), str(PAGE), "exec"), known)
    finally:
        opened = known.get("segue")
        if isinstance(opened, httpx.Client):
            opened.close()
    assert known["longer"]
