"""Files that broke a reader once: each is read or refused in one sentence, and quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

import segue
from segue.errors import FormatError

FILES = sorted((Path(__file__).parent / "regressions").glob("*.*"))


@pytest.mark.timeout(10)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_finding_stays_found(path: Path) -> None:
    try:
        score = segue.read(path)
    except FormatError as refused:
        assert str(path) in str(refused)
        assert "\n" not in str(refused)
        return
    assert len(score) >= 0
