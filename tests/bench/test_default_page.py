"""The section of the page: between its markers, whole, and nobody else's."""

from bench.evaluate_default import page

OTHERS = "# Models\n\nA page.\n\n<!-- bake-off -->\ntable\n<!-- bake-off end -->\n"


def test_a_page_is_begun(tmp_path):
    target = tmp_path / "models.md"
    page.write("## Judged", target)
    assert target.read_text() == f"# Models\n\n{page.BEGIN}\n\n## Judged\n{page.END}\n"


def test_what_others_wrote_stays_and_the_section_is_replaced(tmp_path):
    target = tmp_path / "models.md"
    target.write_text(OTHERS)
    page.write("## First", target)
    target.write_text(target.read_text() + "\nAfter it.\n")
    page.write("## Second", target)
    text = target.read_text()
    assert text.startswith(OTHERS.rstrip())
    assert text.rstrip().endswith("After it.")
    assert text.count(page.BEGIN) == text.count(page.END) == 1
    assert "## Second" in text
    assert "## First" not in text


def test_parts_that_are_missing_are_said_to_be():
    record = {
        "bundle": "x", "hash": "0" * 64, "recipe": "r", "parameters": 1, "parts": {},
        "music": {"test_pieces": 3, "left_out": ["set/twin.mid"]},
    }  # fmt: skip
    text = page.section(record, ["", "the gallery"])
    assert text.count("not measured yet") == 5
    assert text.endswith("the gallery\n")
    assert "training music holds the same: set/twin.mid" in text
