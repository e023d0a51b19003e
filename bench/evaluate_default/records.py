"""What each part came to, with where, when, by which command and seed, as one record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.evaluate_default import collapse, copying, kinship, likelihood, likeness
from bench.evaluate_default.examination import Examination, Part
from bench.evaluate_default.held_out import Piece
from bench.systems.records import machine, revision, versions

FILE = Path("bench/results/default.json")
PARTS: dict[str, Part] = {
    each.letter: each
    for each in (likelihood.PART, likeness.PART, copying.PART, collapse.PART, kinship.PART)
}
"""The five, by letter."""


def part(letter: str, asked: Examination, command: str) -> dict[str, Any]:
    """What a part came to: measured now, or as it was kept."""
    own, row = asked.own.players.store, PARTS[letter]
    by = {**asked.asked, **row.depends(asked)}
    kept = own.part(letter, by)
    if kept is not None:
        return kept
    began, before = time.monotonic(), row.spent(asked)
    found = row.measure(asked)
    taken = before + time.monotonic() - began
    found |= {
        "letter": letter,
        "title": row.title,
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "versions": versions(),
        "revision": revision(),
        "seed": asked.seed,
        "minutes": round(taken / 60, 2),
    }
    return own.keep(letter, by, found)


def known(asked: Examination) -> dict[str, dict[str, Any]]:
    """The parts that are kept, by letter."""
    own = asked.own.players.store
    found = {
        letter: own.part(letter, {**asked.asked, **row.depends(asked)})
        for letter, row in PARTS.items()
    }
    return {letter: each for letter, each in found.items() if each is not None}


def record(asked: Examination, parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """All of it, as `bench/results/default.json` holds it."""
    bundle = asked.own.players.bundle
    return {
        "bundle": asked.own.name,
        "hash": bundle.hash,
        "recipe": bundle.name,
        "parameters": bundle.index["parameters"],
        "music": {
            "hash": asked.music.hash,
            "test_pieces": len(asked.test),
            "left_out": sorted({p.name for p in asked.music.pieces("test")} - _names(asked.test)),
        },
        "parts": parts,
    }


def _names(pieces: Sequence[Piece]) -> set[str]:
    return {piece.name for piece in pieces}


def verdict(part: dict[str, Any]) -> str:
    """One line for the terminal."""
    met = {True: "met", False: "MISSED", None: "not judged"}[part["met"]]
    told = f"({part['letter']}) {part['title']}: {part['reached']} (wanted: {part['wanted']})"
    return f"{told}: {met}, {part['minutes']:.1f} min"
