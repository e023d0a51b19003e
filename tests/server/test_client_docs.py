"""docs/python-client.md and docs/javascript-client.md: every block runs, in order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import client_page
import httpx
import pytest

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


def test_the_page_of_javascript_runs_in_node(client: httpx.Client, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on the path: `apt install nodejs`; the page was not run in Node.")
    address = str(client.base_url).rstrip("/")
    lines = [
        f"const address = {json.dumps(address)};",
        client_page.script("node"),
        f"console.log(JSON.stringify({client_page.kept()}));",
    ]
    (tmp_path / "page.mjs").write_text("\n".join(lines), encoding="utf-8")
    ran = subprocess.run(
        [node, "page.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    client_page.check(json.loads(ran.stdout.splitlines()[-1]))
    assert (tmp_path / "take.mid").read_bytes()[:4] == b"MThd"
