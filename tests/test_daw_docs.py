"""docs/daw.md: every command on the page is one that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from segue.cli.main import VERBS, load

PAGE = Path(__file__).parent.parent / "docs" / "daw.md"
COMMANDS = re.findall(r"^    segue (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_taken(line: str) -> None:
    verb, *words = shlex.split(line)
    assert verb in VERBS
    load(verb).make_context(verb, words)  # an unknown option or a wrong value raises


def test_the_page_shows_every_way_to_a_daw() -> None:
    assert {line.split()[0] for line in COMMANDS} == {"studio", "watch-folder", "generate"}
