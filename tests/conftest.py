"""What every test may use: the command line as a function, and settings that keep runs alike."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings

# Two pytest workers with two threads each on two cores are slower than one thread each.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine is not a failing test.
settings.register_profile("segue", deadline=None, print_blob=True)
settings.load_profile("segue")


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as its one JSON document."""
        return json.loads(self.out)


@pytest.fixture
def segue(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """`segue("convert", "a.mid", "a.wav")` runs the command in this process."""
    from segue.cli.main import main

    monkeypatch.delenv("SEGUE_DEBUG", raising=False)

    def run(*args: object) -> Ran:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run
