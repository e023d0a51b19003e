"""The fuzzer's targets work: each takes its seeds and a few bytes of nothing."""

from __future__ import annotations

import pytest

from fuzz.run import SUFFIXES
from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_targets_take_their_seeds(name: str) -> None:
    target = TARGETS[name]
    fuzzed = target.make()
    for data in (b"", b"\x00", bytes(range(256)), *target.seeds()):
        fuzzed(data)


def test_findings_have_a_name_that_a_reader_takes() -> None:
    from segue.formats.table import READABLE

    assert set(SUFFIXES) <= set(TARGETS)
    assert set(SUFFIXES.values()) <= set(READABLE)
