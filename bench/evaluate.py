"""Bundles of different encodings on the same held-out pieces, in nats that can be compared.

    python bench/evaluate.py RUN [RUN ...] [--context window]

Each run is scored on what its own corpus holds out; only pieces that every run could read count.
Prints a table in Markdown and writes bench/results/evaluate.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

from segue import bundles
from segue.files import write_json
from segue.judging.likelihood import Evaluation, evaluate
from segue.judging.material import corpus_of_run

RESULTS = Path(__file__).parent / "results" / "evaluate.json"


def row(found: Evaluation) -> dict[str, Any]:
    charge = found.nats("note", plus_charge=True) - found.nats("note")
    low, high = found.between("note", plus_charge=True)
    return {
        "bundle": found.bundle,
        "encoding": found.encoding,
        "kind": found.kind,
        "pieces": len(found.pieces),
        "rows": found.rows,
        "notes": found.notes,
        "nats_a_row": found.nats("row"),
        "nats_a_note": found.nats("note"),
        "nats_a_second": found.nats("second"),
        "charge_a_note": charge,
        "comparable_a_note": found.nats("note", plus_charge=True),
        "low": low,
        "high": high,
        "baselines_a_note": {name: found.nats("note", name) for name in found.baselines},
        "calibration": {head: each.error for head, each in found.reliability.items()},
        "seconds": round(found.took, 1),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    asked.add_argument("runs", type=Path, nargs="+")
    asked.add_argument("--context", choices=("piece", "window"), default="piece")
    args = asked.parse_args()
    every = []
    for run in args.runs:
        began = time.perf_counter()
        every.append(evaluate(bundles.load(run), corpus_of_run(run), context=args.context))
        print(f"{run.name}: {time.perf_counter() - began:.1f} s", flush=True)
    shared = set.intersection(*({p.name for p in found.pieces} for found in every))
    rows = [
        row(dataclasses.replace(e, pieces=tuple(p for p in e.pieces if p.name in shared)))
        for e in every
    ]
    print(
        "| bundle | encoding | a row | a note | bigram a note | charge a note | comparable a note |"
    )
    print("|---|---|---|---|---|---|---|")
    for each in sorted(rows, key=lambda r: r["comparable_a_note"]):
        most = "at most " if each["kind"] == "bound" else ""
        print(
            f"| `{each['bundle']}` | {each['encoding']} | {most}{each['nats_a_row']:.3f} "
            f"| {most}{each['nats_a_note']:.3f} | {each['baselines_a_note']['bigram']:.3f} "
            f"| {each['charge_a_note']:.3f} | {most}{each['comparable_a_note']:.2f} "
            f"({each['low']:.2f} to {each['high']:.2f}) |"
        )
    write_json(RESULTS, {"context": args.context, "shared_pieces": len(shared), "rows": rows})


if __name__ == "__main__":
    main()
