"""The blocks of docs/api.md run, one after another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from music import chorale

PAGE = Path(__file__).parent.parent / "docs" / "api.md"


def test_every_block_runs(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, Any] = {"run": run_path, "piece": chorale(8)}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert (tmp_path / "out" / "first.mid").is_file()
    assert "the key came as 'H minor'" in capsys.readouterr().out
