"""The section of docs/models.md that tells what the judge found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.evaluate_default.records import PARTS

from segue.files import write_text

PAGE = Path("docs/models.md")
TITLE = "# Models\n"
BEGIN = "<!-- evaluate-default: written by bench/evaluate_default, from here -->"
END = "<!-- evaluate-default: to here -->"


def section(record: dict[str, Any], gallery: list[str]) -> str:
    """The section, without its markers."""
    parts = record["parts"]
    lines = [
        "## The default model, judged",
        "",
        f"`{record['bundle']}` (recipe `{record['recipe']}`, {record['parameters']:,} parameters, "
        f"bundle {record['hash'][:12]}) on the {record['music']['test_pieces']} pieces of the test "
        f"split, works that it was neither trained nor chosen on{_left_out(record)}. Written by "
        "`make evaluate-default`; all numbers are in "
        "[bench/results/default.json](../bench/results/default.json).",
        "",
        "| | what | wanted | reached | |",
        "|---|---|---|---|---|",
    ]
    for letter in PARTS:
        if letter in parts:
            each = parts[letter]
            met = {True: "met", False: "**missed**", None: "not judged"}[each["met"]]
            cells = (letter, each["title"], each["wanted"], each["reached"], met)
            lines.append(f"| {' | '.join(cells)} |")
        else:
            lines.append(f"| {letter} | {PARTS[letter].title} | | not measured yet | |")
    for letter, each in parts.items():
        lines += ["", f"### ({letter}) {each['title']}", "", *PARTS[letter].tell(each)]
        lines += ["", _conditions(each)]
    return "\n".join([*lines, *gallery]) + "\n"


def _left_out(record: dict[str, Any]) -> str:
    names = record["music"]["left_out"]
    return f" (left out, since training music holds the same: {', '.join(names)})" if names else ""


def _conditions(part: dict[str, Any]) -> str:
    machine = part["machine"]
    threads = f"{machine['threads']} thread{'s' * (machine['threads'] != 1)}"
    return (
        f"{part['date']}, {machine['processor']}, {threads} on {machine['cores']} cores, load "
        f"{machine['load']}; onnxruntime {part['versions']['onnxruntime']}, revision "
        f"{part['revision']}; seed {part['seed']}; {part['minutes']:.1f} minutes. "
        f"`{part['command']}`"
    )


def write(text: str, page: Path = PAGE) -> None:
    """Put the section between its markers, at the end of the page if it has none yet."""
    marked = f"{BEGIN}\n\n{text}\n{END}"
    old = page.read_text("utf-8") if page.is_file() else TITLE
    before, found, rest = old.partition(BEGIN)
    _, closed, after = rest.partition(END)
    new = f"{before}{marked}{after}" if found and closed else f"{old.rstrip()}\n\n{marked}\n"
    write_text(page, new)
