"""Whatever is said while the service runs is a line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys

SAYS = """
import logging, threading, warnings
from segue.server.logs import adopt_others, make_logger
make_logger().info("ours", extra={"a": 1})
adopt_others()
logging.getLogger("python_multipart").warning("Found %r", "x")
logging.getLogger("uvicorn.error").warning("Invalid")
warnings.warn("old")
def fall(): raise ValueError("why")
thread = threading.Thread(target=fall, name="it"); thread.start(); thread.join()
"""


def test_every_line_is_json() -> None:
    said = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    assert [line["event"] for line in lines[:3]] == ["ours", "Found 'x'", "Invalid"]
    assert lines[0]["a"] == 1
    assert "old" in lines[3]["event"]
    assert lines[4]["thread_name"] == "it"
    assert "ValueError: why" in lines[4]["traceback"]
    assert len(lines) == 5
