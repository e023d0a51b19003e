"""(a) Nats a note on held-out works, of the bundle and of its rivals."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from bench.evaluate_default.examination import Candidate, Examination, Part
from bench.evaluate_default.held_out import Piece
from numpy.typing import NDArray

from segue.errors import SegueError
from segue.evaluation.bootstrap import interval
from segue.judging.likelihood import evaluate
from segue.judging.material import Material, encoded

WANTED = 0.25
AT_ONCE = 64
"""Pieces that are read side by side, and kept together."""

Floats = NDArray[np.float64]


def measure(asked: Examination) -> dict[str, Any]:
    """Of each bundle what the test split costs it; how much less that is than any rival's."""
    pieces = asked.test
    costs = {each.name: _costs(each, pieces) for each in (asked.own, *asked.rivals)}
    readable = {name for name, cost in costs.items() if cost["pieces"]}
    shared = [p for p in pieces if all(p.name in costs[name]["pieces"] for name in readable)]
    tables = {name: _table(costs[name], shared) for name in readable}
    rows = [
        _row(each, tables.get(each.name), costs[each.name], len(pieces))
        for each in (asked.own, *asked.rivals)
    ]
    rivals = [each for each in asked.rivals if each.name in tables]
    if asked.own.name in tables:
        for each in rivals:
            row = next(row for row in rows if row["name"] == each.name)
            row["fewer"] = _fewer(tables[asked.own.name], tables[each.name], each, asked.own)
    fewer = {row["name"]: row["fewer"]["decides"] for row in rows if row.get("fewer")}
    least = min(fewer, key=lambda name: fewer[name]) if fewer else None
    told = next(row for row in rows if row["name"] == asked.own.name)
    reached = f"{told['nats']:.3f} nats a note" if told["nats"] else "no likelihood"
    if least is not None:
        share = fewer[least]
        reached += f", {abs(share):.1%} {'fewer' if share >= 0 else 'more'} than {least}'s"
    return {
        "reached": reached,
        "wanted": f"{WANTED:.0%} fewer than the best rival's",
        "met": bool(fewer[least] >= WANTED) if least is not None else None,
        "pieces": len(shared),
        "of": len(pieces),
        "notes": sum(len(piece.score) for piece in shared),
        "rows": rows,
    }


def _costs(candidate: Candidate, pieces: Sequence[Piece]) -> dict[str, Any]:
    """By piece (nats, notes, nats lost by the encoding), kept block by block."""
    players, store = candidate.players, candidate.players.store
    known: dict[str, Any] = {"pieces": {}, "left_out": {}, "kind": "", "engine": ""}
    known |= store.part("likelihood", {"engine": players.engine}) or {}
    key = {piece.name: f"{piece.name} {piece.score.music_hash()[:12]}" for piece in pieces}
    due: list[Material] = []
    for piece in pieces:
        if key[piece.name] in known["pieces"]:
            continue
        try:
            due.append(encoded(players.bundle, key[piece.name], piece.score))
        except SegueError as error:
            known["left_out"][piece.name] = str(error)
    due.sort(key=lambda each: -len(each.rows))
    for at in range(0, len(due), AT_ONCE):
        block, began = due[at : at + AT_ONCE], time.monotonic()
        try:
            told = evaluate(players.bundle, block, engine=players.engine, baselines=False, draws=1)
        except SegueError as error:
            known["left_out"] |= {each.name.rpartition(" ")[0]: str(error) for each in block}
            continue
        for each in told.pieces:
            lost = None if each.charge is None else each.charge * each.notes
            known["pieces"][each.name] = [each.total, each.notes, lost]
        known |= {"kind": told.kind, "engine": told.engine}
        store.keep("likelihood", {"engine": players.engine}, known)
        store.spend("likelihood", time.monotonic() - began)
        done = min(at + AT_ONCE, len(due))
        players.say(f"likelihood of {candidate.name}: {done} of {len(due)} pieces")
    own = {name: known["pieces"].get(k) for name, k in key.items()}
    return {**known, "pieces": {name: cost for name, cost in own.items() if cost is not None}}


def _table(cost: dict[str, Any], shared: Sequence[Piece]) -> Floats:
    """(pieces, 3): nats, notes, nats lost; NaN where what is lost is not known."""
    return np.array([cost["pieces"][piece.name] for piece in shared], np.float64).reshape(-1, 3)


def _a_note(table: Floats) -> float:
    return float(table[:, 0].sum() / max(table[:, 1].sum(), 1e-9))


def _with_lost(table: Floats) -> float:
    return float((table[:, 0] + table[:, 2]).sum() / max(table[:, 1].sum(), 1e-9))


def _row(
    candidate: Candidate, table: Floats | None, cost: dict[str, Any], of: int
) -> dict[str, Any]:
    """What is told of one bundle."""
    bundle = candidate.players.bundle
    row: dict[str, Any] = {
        "name": candidate.name,
        "hash": bundle.hash[:12],
        "recipe": bundle.name,
        "parameters": bundle.index["parameters"],
        "encoding": bundle.encoding.name,
        "keeps": list(bundle.encoding.keeps),
        "kind": cost["kind"],
        "engine": cost["engine"],
        "seconds": candidate.players.store.spent("likelihood"),
        "left_out": of - len(cost["pieces"]),
        "why": next(iter(cost["left_out"].values()), ""),
        "nats": None,
    }
    if table is None or not len(table):
        return row
    low, high = interval(table, _a_note)
    return {**row, "nats": _a_note(table), "between": [low, high], "with_lost": _with_lost(table)}


def _fewer(own: Floats, rival: Floats, theirs: Candidate, ours: Candidate) -> dict[str, Any]:
    """By how much the nats of `own` are fewer, as a share; which number decides, and how far it
    would move with other pieces.

    Encodings that differ keep different things of a note, so there what each loses is counted in.
    """
    alike = _state(theirs) == _state(ours)
    nats_of = _a_note if alike else _with_lost
    both = np.concatenate([own, rival], axis=1)

    def share(rows: Floats) -> float:
        return 1 - nats_of(rows[:, :3]) / nats_of(rows[:, 3:])

    low, high = interval(both, share)
    plain, lost = 1 - _a_note(own) / _a_note(rival), 1 - _with_lost(own) / _with_lost(rival)
    return {
        "nats": plain,
        "with_lost": lost,
        "decides": plain if alike else lost,
        "alike": alike,
        "between": [low, high],
    }


def _state(candidate: Candidate) -> tuple[str, dict[str, Any]]:
    state = candidate.players.bundle.encoding.state()
    return state["name"], state["options"]


def tell(found: dict[str, Any]) -> list[str]:
    """The table of bundles."""
    lines = [
        f"{found['pieces']} of {found['of']} test pieces, those that every bundle reads, "
        f"{found['notes']:,} notes; each row told from all rows before it. *With what is lost* "
        "adds the nats that [the encoding's losses](evaluation.md#comparing-encodings) cost; "
        f"*fewer* says by how much {found['rows'][0]['name']}'s nats are fewer than the rival's; "
        "what decides is bold: nats a note where both encodings are the same, else with what is "
        "lost. Intervals are bootstrapped over pieces.",
        "",
        "| bundle | parameters | nats a note | fewer | with what is lost | fewer | "
        "encoding keeps |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in found["rows"]:
        keeps = f"{row['encoding']}: {'; '.join(row['keeps'])}"
        if row["nats"] is None:
            cells = ["-", "-", "-", "-"]
        else:
            bound = "at most " if row["kind"] == "bound" else ""
            low, high = row["between"]
            plain, lost = _both_fewer(row.get("fewer"))
            cells = [
                f"{bound}{row['nats']:.3f} ({low:.2f} to {high:.2f})",
                plain,
                f"{bound}{row['with_lost']:.3f}",
                lost,
            ]
        out = f" ({row['left_out']} pieces left out: {row['why']})" if row["left_out"] else ""
        head = f"| {row['name']}{out} | {row['parameters']:,} "
        lines.append(head + f"| {' | '.join(cells)} | {keeps} |")
    return lines


def _both_fewer(fewer: dict[str, Any] | None) -> tuple[str, str]:
    """The cells of how much fewer, by nats a note and with what is lost."""
    if fewer is None:
        return "", ""
    low, high = fewer["between"]
    bold = f"**{fewer['decides']:.1%}** ({low:.0%} to {high:.0%})"
    if fewer["alike"]:
        return bold, f"{fewer['with_lost']:.1%}"
    return f"{fewer['nats']:.1%}", bold


PART = Part(
    "a",
    "Nats a note",
    measure,
    tell,
    lambda asked: {"rivals": asked.rival_hashes},
    lambda asked: asked.spent("likelihood"),
)
