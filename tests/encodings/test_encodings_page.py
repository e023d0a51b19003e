"""docs/encodings.md says what the encodings say of themselves."""

from pathlib import Path

import pytest

from segue.encodings import ENCODINGS, get, options_of

PAGE = (Path(__file__).parents[2] / "docs" / "encodings.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}


def test_every_encoding_has_a_section_and_no_other_thing_has():
    assert list(SECTIONS) == list(ENCODINGS)


@pytest.mark.parametrize("name", ENCODINGS)
def test_its_row_tells_its_columns_and_symbols(name):
    sizes = get(name).layout.sizes
    symbols = f"{sizes[0]} each" if len(sizes) > 5 else ", ".join(map(str, sizes))
    row = f"| [`{name}`](#{name}) | {ENCODINGS[name][1]} | {len(sizes)} | {symbols} |"
    assert row in PAGE.splitlines()


@pytest.mark.parametrize("name", ENCODINGS)
def test_its_section_tells_its_options_and_what_it_keeps_and_loses(name):
    encoding = get(name)
    pairs = [f"`{k}` = {v!r}".replace("'", '"') for k, v in options_of(name).items()]
    lines = SECTIONS[name].splitlines()
    assert f"- Options: {', '.join(pairs)}" in lines
    assert f"- Keeps: {'; '.join(encoding.keeps)}." in lines
    assert f"- Loses: {'; '.join(encoding.loses)}." in lines
