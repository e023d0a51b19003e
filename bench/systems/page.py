"""docs/systems.md, written from the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.systems import plan, records

HEAD = """# Systems

Every recipe that comes with Segue, trained on real music by one command and measured on held-out
pieces. Written by

```console
$ make systems-table DATA=../shared/data
```

which trains what has no record in `bench/results/systems/` yet and leaves the rest
(`ARGS="--again luiss-0"` trains that one anew, `ARGS="--only luiss-0 luiss-1"` looks at no other).
What the recipes are is told by `segue recipes ls` and `segue recipes show NAME`.
"""

READING = """
Losses are nats a row of the recipe's own encoding over held-out rows, beside what guessing gets on
the same rows: every symbol alike (uniform), as often as in training (unigram), or after the one
before (interpolated bigram). Rows of different encodings cannot be compared; nats a note can, where
both keep the same of the music. Minutes are those of the whole command, with validations and the
bundle. Steps are those done of those the recipe asks for, and *all, hours* is what all of them
would take at this pace: most faithful recipes ask for hours or days, and got minutes. A dash stands
where a model gives no likelihood.
"""

TAKES = """
## What repeats

Four takes of 16 bars by each recipe's own sampling, seeds 1 to 4, beside the openings of four
held-out pieces through the same encoding (in brackets). *Top pitch* is the share of the most
frequent pitch, *longest run* how often in a row the same pitches sound, *pitches* how many distinct
ones there are, *alike* the share of notes that two takes have in common.
"""

CHECKS = """
## What the repaired recipes promise

Measured on held-out pieces by `bench/systems/checks/`; *kept* says whether the threshold is met.
"""


def page(found: Sequence[dict[str, Any]]) -> str:
    """The whole page."""
    parts = [HEAD, _conditions(found), READING, "\n## What they learn\n", _learned(found), TAKES]
    parts += [_repeats(found), "\n## What was repaired\n", _repaired(found)]
    if any(record["checks"] for record in found):
        parts += [CHECKS, *(_checks(record) for record in found if record["checks"])]
    missing = sorted(set(plan.names()) - {record["row"] for record in found})
    if missing:
        parts.append(f"\nNot trained yet: {', '.join(missing)}.\n")
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _conditions(found: Sequence[dict[str, Any]]) -> str:
    dates = sorted({record["date"] for record in found})
    machines = sorted({_machine(record) for record in found})
    versions = sorted({f"torch {record['versions']['torch']}" for record in found})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    loads = [record["machine"]["load"] for record in found]
    load = f"load {min(loads):.1f} to {max(loads):.1f} (other work ran beside)"
    return f"{when}; {'; '.join(machines)}, {load}; {', '.join(versions)}.\n"


def _machine(record: dict[str, Any]) -> str:
    machine = record["machine"]
    threads = "thread" if machine["threads"] == 1 else "threads"
    return f"{machine['processor']}, {machine['threads']} {threads} on {machine['cores']} cores"


def _learned(found: Sequence[dict[str, Any]]) -> str:
    head = ["recipe", "family", "music", ">parameters", ">minutes", ">steps", ">all, hours"]
    head += [">model", ">bigram", ">unigram", ">uniform", ">nats a note", "reported by the source"]
    return table(head, [_learned_row(record) for record in found])


def _learned_row(record: dict[str, Any]) -> list[str]:
    held_out, training = record["held_out"], record["training"]
    nats = held_out["nats"] if held_out.get("unit", "nats") == "nats" else {}
    a_note = nats["model"] / held_out["notes_a_row"] if nats and held_out["notes_a_row"] else None
    losses = [_number(nats.get(name)) for name in ("model", "bigram", "unigram", "uniform")]
    step = training["seconds_a_step"]
    stale = records.recipe_hash(plan.row(record["row"]).resolved()) != record["recipe_hash"]
    return [
        _name(record) + (" (changed since)" if stale else ""),
        record["family"],
        record["music"],
        f"{record['parameters']:,}",
        f"{training['minutes']:.1f}",
        f"{training['steps']:,} of {training['of']:,}",
        _number(step and step * training["of"] / 3600, 1),
        *losses,
        _number(a_note),
        plan.row(record["row"]).reported,
    ]


def _name(record: dict[str, Any]) -> str:
    """The row, and the keys in which it differs from its recipe."""
    changes = ", ".join(change.removeprefix("train.") for change in record["set"])
    return f"`{record['row']}`" + (f" ({changes})" if changes else "")


def _repeats(found: Sequence[dict[str, Any]]) -> str:
    head = ["recipe", ">notes", ">top pitch", ">longest run", ">pitches", ">alike"]
    return table(head, [_repeats_row(record) for record in found])


def _repeats_row(record: dict[str, Any]) -> list[str]:
    takes, real = record["takes"], record["real"]
    keys = (("notes", "d"), ("top_pitch", ".0%"), ("longest_run", "d"), ("pitches", "d"))
    both = [
        " ".join((_said(takes[key], form), f"({_said(real[key], form)})"))
        for key, form in (*keys, ("alike", ".0%"))
    ]
    return [f"`{record['row']}`", *both]


def _repaired(found: Sequence[dict[str, Any]]) -> str:
    rows = [(record["row"], plan.row(record["row"]).repaired) for record in found]
    told = [[f"`{name}`", repaired] for name, repaired in rows if repaired != "-"]
    return table(["recipe", "what was repaired"], told)


def _checks(record: dict[str, Any]) -> str:
    head = ["what", ">reached", "wanted", "kept", "note"]
    return f"### {record['row']}\n\n" + table(head, [check_row(c) for c in record["checks"]])


def check_row(told: dict[str, Any]) -> list[str]:
    """A check as a record keeps it, as the cells of a table."""
    kept = {k: v for k, v in told.items() if k != "holds"}
    check = records.checks.Check(**kept)
    verdict = {True: "yes", False: "no", None: ""}[check.holds]
    return [check.what, _number(check.reached), check.wanted, verdict, check.note]


def _number(value: float | None, places: int = 3) -> str:
    return "-" if value is None else f"{value:,.{places}f}"


def _said(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; a column named ">notes" is "notes", set to the right."""
    marks = ["---:" if name.startswith(">") else "---" for name in head]
    lines = [[name.removeprefix(">") for name in head], marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
