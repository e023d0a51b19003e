"""The blocks of docs/javascript-client.md, each with what it says it is for."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "javascript-client.md"

KEPT = {
    "model": "model", "key": "take.receipt.checks.key.kept", "added": "added",
    "filled": "filled.music.notes.length", "status": "problem.answer.status",
    "sentence": "problem.message", "likely": "howLikely", "measures": "measures.length",
    "ills": "ills.length",
}  # fmt: skip
"""What the page comes to, by the names that it gives things."""


def script(*kinds: str) -> str:
    """The blocks for all, and those for these kinds, in the order of the page."""
    blocks = re.findall(r"```js ?(\w*)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert {kind for kind, _ in blocks} == {"", "node", "browser"}
    return "\n".join(block for kind, block in blocks if kind in ("", *kinds))


def kept(**more: str) -> str:
    """A JavaScript object of what the page came to."""
    return "({" + ", ".join(f"{name}: {value}" for name, value in {**KEPT, **more}.items()) + "})"


def check(found: dict[str, object]) -> None:
    """What has to hold wherever the page ran."""
    assert found["model"] == "tiny"
    assert found["key"] is True
    for count in ("filled", "measures"):
        assert isinstance(found[count], int)
        assert found[count]
    assert isinstance(found["likely"], float)
    assert isinstance(found["added"], int)
    assert isinstance(found["ills"], int)
    assert found["status"] == 422
    assert "H minor" in str(found["sentence"])
