"""`segue ...` as a child process that is watched, and ended when its job is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from segue.errors import SegueError

LOOK = 0.2
"""Seconds between looks at the child."""
PATIENCE = 20.0
"""Seconds a child has to end once it is asked to."""


def segue(arguments: Sequence[str], go_on: Callable[[int], None], log: Path | None = None) -> Any:
    """Run `segue ARGUMENTS --json` and give its document.

    `go_on` is called all the while; when it raises, the child is interrupted, as by Ctrl-C, and
    has time to save what it has. Raises SegueError with the child's own sentence where it failed.
    """
    command = [sys.executable, "-m", "segue", *arguments, "--json"]
    with tempfile.TemporaryFile() as out, _errors(log) as errors:
        child = subprocess.Popen(  # noqa: S603 - our own program, and no shell
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")},
        )  # fmt: skip
        try:
            while child.poll() is None:
                go_on(0)
                try:
                    child.wait(LOOK)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            _end(child)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        raise SegueError(
            f"`segue {arguments[0]}` ended with code {child.returncode} and said nothing that can "
            f"be read{f'; {log} has more' if log else ''}."
        ) from None
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        raise SegueError(str(told["error"].get("message", "it failed.")))
    return told


def _errors(log: Path | None) -> Any:
    if log is None:
        return tempfile.TemporaryFile()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupt a child that still runs, and kill it where it does not listen."""
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
