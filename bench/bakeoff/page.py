"""The section of docs/models.md that shows the bake-off, written between two markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.bakeoff import plan

from segue.files import write_text

BEGIN = "<!-- bake-off: written by python -m bench.bakeoff, from here -->"
END = "<!-- bake-off: to here -->"
TITLE = "# Models\n"

_WAYS = {
    "beats": ("compound in beats", ", 24 steps a beat, with rows of tempo"),
    "seconds": ("compound in seconds", ", steps of 10 ms"),
    "events": ("performance events", ""),
    "bars": ("the default's own net", ": compound in beats, bar lines, one pedal, heads in time"),
}
"""Of each encoding its name and what else is to be said of it."""


def write(page: Path, record: dict[str, Any]) -> None:
    """Put the section into the page, in place of the one that is there."""
    old = page.read_text("utf-8") if page.is_file() else TITLE
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2].strip()
    marked = f"{BEGIN}\n\n{section(record)}\n{END}"
    write_text(page, "\n\n".join(filter(None, (before.rstrip(), marked, after))) + "\n")


def section(record: dict[str, Any]) -> str:
    """The section: two tables, what was alike, and what follows."""
    rows = record["rows"]
    parts = [_opening(record)]
    models = [name for name in plan.MODELS if name in rows]
    if models:
        parts += ["### Four models, one encoding\n", _models(rows, models)]
    if len(models) == len(plan.MODELS):
        parts.append(_who_wins(rows))
    ways = [name for name in plan.WAYS if name in rows]
    if len(ways) > 1:
        own = [plan.OWN] * (plan.OWN in rows)
        parts += ["### One model, three encodings\n", _ways(rows, ways + own), _READING]
    if len(ways) == len(plan.WAYS):
        parts.append(_which_way(rows))
    if len(models) == len(plan.MODELS) and len(ways) == len(plan.WAYS):
        parts.append(_default(rows))
    return "\n".join(parts)


def _opening(record: dict[str, Any]) -> str:
    machine, versions = record["machine"], record["versions"]
    test = next(iter(record["rows"].values()))["judged"]
    return f"""\
## Why the default is what it is: a bake-off on a laptop's budget

Every model has about {record["parameters"] / 1e6:.1f} million parameters (within 3 %) and as many
steps as fit into {record["minutes"]:g} minutes of processor time on one thread, batch loading
included and looks at held-out music not. Steps of all models were timed in turn beforehand, so what
else the machine did meanwhile cost none of them any. All learn from the same pieces (`python -m
tools.default.gather`), {plan.ROWS_A_STEP:,} rows a step, transposed into all keys, with AdamW and a
cosine fall of a learning rate that was the best of {", ".join(f"{rate:g}" for rate in plan.RATES)}
in trials of a sixteenth of the steps on the valid split. Nats are those of the test split,
{test["pieces"]} pieces of {test["notes"]:,.0f} notes that no choice was made on, each piece told
from its first row to its last (by Transformers from at least half a window); intervals are 95 %,
drawn over pieces, of one seed. Playing is ONNX Runtime in float32, a take at a time, one thread,
masks and draws included; memory is the peak of the training process.

Written by `python -m bench.bakeoff` from `bench/results/bakeoff.json` ({record["date"]},
{machine["processor"]}, one thread of {machine["cores"]} cores, shared with other work; torch
{versions["torch"]}, onnxruntime {versions["onnxruntime"]}; revision {record["revision"]}; seed
{plan.SEED}).
"""


_HEAD = (
    "nats a note", "95 %", "parameters", "rate", "steps", "rows a second, training",
    "notes a second, playing", "weights, MB", "memory, MB",
)  # fmt: skip


def _models(rows: dict[str, Any], names: list[str]) -> str:
    lines = [_line(("model", *_HEAD)), _line(("---",) * (len(_HEAD) + 1))]
    for name in sorted(names, key=lambda name: _nats(rows[name])):
        lines.append(_line((plan.row(name).title, *_cells(rows[name]))))
    return "\n".join(lines) + "\n"


def _ways(rows: dict[str, Any], names: list[str]) -> str:
    head = ("encoding", "rows a note", "nats a note", "with what is lost", *_HEAD[2:])
    lines = [_line(head), _line(("---",) * len(head))]
    for name in sorted(names, key=lambda name: _whole(rows[name])):
        own, judged = rows[name], rows[name]["judged"]
        cells = _cells(own)
        rate = f"{judged['rows'] / judged['notes']:.2f}"
        whole = f"{_whole(own):.3f}"
        what = "".join(_WAYS[plan.row(name).encoding])
        lines.append(_line((what, rate, cells[0], whole, *cells[2:])))
    return "\n".join(lines) + "\n"


def _cells(own: dict[str, Any]) -> tuple[str, ...]:
    judged, fit = own["judged"], own["fit"]
    note = judged["nats_a_note"]
    return (
        f"{note['nats']:.3f}",
        f"{note['low']:.2f} to {note['high']:.2f}",
        f"{own['parameters']:,}",
        f"{fit['rate']:g}",
        f"{fit['steps']:,}",
        f"{own['rows_a_second']:,.0f}",
        f"{judged['playing']['notes_a_second']:,.0f}",
        f"{judged['weights_mb']:.1f}",
        f"{fit['peak_mb']:,.0f}",
    )


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _nats(own: dict[str, Any]) -> float:
    return float(own["judged"]["nats_a_note"]["nats"])


def _whole(own: dict[str, Any]) -> float:
    return float(own["judged"]["with_loss_a_note"]["nats"])


def _who_wins(rows: dict[str, Any]) -> str:
    """In words what the first table says."""
    order = sorted(plan.MODELS, key=lambda name: _nats(rows[name]))
    best, second, last = order[0], order[1], order[-1]
    ahead = _nats(rows[second]) - _nats(rows[best])
    speed = {name: rows[name]["judged"]["playing"]["notes_a_second"] for name in order}
    learns = {name: rows[name]["rows_a_second"] for name in order}
    quickest, busiest = max(order, key=speed.__getitem__), max(order, key=learns.__getitem__)
    plays = (
        "it also plays fastest"
        if quickest == best
        else f"the {_short(quickest)} plays fastest, {speed[quickest] / speed[best]:.1f} times the "
        f"notes a second of the {_short(best)}"
    )
    return (
        f"In this time the {_short(best)} is best, {ahead:.3f} nats a note before the "
        f"{_short(second)} and {_nats(rows[last]) - _nats(rows[best]):.3f} before the "
        f"{_short(last)}. The {_short(busiest)} reads most rows while it trains, and {plays}.\n"
    )


def _short(name: str) -> str:
    return plan.row(name).title.partition(",")[0]


_READING = """\
Encodings that keep different things are different tasks, so their nats compare only roughly. Rows
in beats say the tempo, and with that when a note is heard; rows in seconds and events say only when
it is heard, and not on which beat. Events know one keyboard, not two hands, and rows with two hands
say the pedal of each. "With what is lost" adds what it costs to say, in one simple code for all,
what a piece lost in the encoding (`docs/evaluation.md`): hands, beats and tempi are not in it.
"""


def _which_way(rows: dict[str, Any]) -> str:
    order = sorted(plan.WAYS, key=lambda name: _whole(rows[name]))
    told = [f"{_WAYS[plan.row(name).encoding][0]} ({_whole(rows[name]):.3f})" for name in order]
    text = f"By nats with what is lost: {', then '.join(told)}."
    if plan.OWN in rows:
        better = _whole(rows["transformer"]) - _whole(rows[plan.OWN])
        text += (
            f" The default's own net and rows are {abs(better):.3f} nats a note "
            f"{'better' if better > 0 else 'worse'} than the plain Transformer in beats."
        )
    return f"{text}\n"


def _default(rows: dict[str, Any]) -> str:
    """Why the default is what it is, whatever won here."""
    behind = _nats(rows["transformer"]) - min(_nats(rows[name]) for name in plan.MODELS)
    here = (
        f"It does not win here ({behind:.3f} nats a note behind): minutes are not what it is meant "
        "for. The default is trained for far longer, and whether it is then ahead of the best LSTM "
        "is asked of it each time it is judged."
        if behind > 0
        else "It wins here already, in minutes; whether the default is ahead of the best LSTM by "
        "what was promised is asked of it each time it is judged."
    )
    return f"{_DEFAULT}{here}\n"


_DEFAULT = """\
The default is a decoder Transformer over compound rows in beats. Beats are what a player asks for:
bars to fill, a metre to keep, a tempo to set, hands apart, a score to print, and none of that is in
seconds or events. A compound row is one step of the network a note, where events take several. And
attention looks a theme up where a state of fixed size has to remember it.
"""
