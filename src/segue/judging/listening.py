"""What listeners chose on the blind page: their files read, checked against the key, counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segue.errors import DataError
from segue.evaluation.votes import Duel, Vote, duels, strengths

CHOICES = ("first", "second", "neither")
MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class Result:
    """Who won over whom, and how strong each is: its chance against the others, low and high."""

    votes: int
    listeners: int
    duels: tuple[Duel, ...]
    strengths: dict[str, tuple[float, float, float]]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "votes": self.votes,
            "listeners": self.listeners,
            "duels": [
                {**asdict(d), "share": d.share, "interval": list(d.interval), "p": d.p}
                for d in self.duels
            ],
            "strengths": {
                name: {"chance": chance, "low": low, "high": high}
                for name, (chance, low, high) in self.strengths.items()
            },
        }


def counted(report: Path, files: Sequence[Path]) -> Result:
    """The votes in `files` by the key in the report's `compare.json`.

    Raises DataError for a report without a listening, a file that is none of its votes, and the
    same file given twice.
    """
    key = _key(report)
    votes: list[Vote] = []
    seen: dict[str, Path] = {}
    for file in files:
        told = _json(file, "the votes of a listener")
        if told.get("listening") != key["listening"]:
            raise DataError(
                f"{file} holds votes of another listening than that of {report}: "
                "give the report that the page came from with --out."
            )
        content = json.dumps(told.get("choices"), sort_keys=True)
        if content in seen:
            raise DataError(f"{file} and {seen[content]} are the same votes: give them once.")
        seen[content] = file
        votes += [_vote(file, choice, key["key"]) for choice in _choices(file, told)]
    if not votes:
        raise DataError("there are no votes in these files: listen to a pair first.")
    return Result(len(votes), len(files), tuple(duels(votes)), strengths(votes))


def _key(report: Path) -> dict[str, Any]:
    file = report / "compare.json"
    told = _json(file, "a report of `segue compare`").get("listening")
    if not isinstance(told, dict) or not isinstance(told.get("key"), dict):
        raise DataError(f"{file} has no listening: make the report with `segue compare` first.")
    return told


def _json(file: Path, what: str) -> dict[str, Any]:
    try:
        if file.stat().st_size > 16 * MOST_BYTES:
            raise DataError(f"{file} is too large to be {what}.")
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file} cannot be read as {what}: {error}.") from None
    if not isinstance(told, dict):
        raise DataError(f"{file} is not {what}: it holds a {type(told).__name__}.")
    return told


def _choices(file: Path, told: dict[str, Any]) -> list[dict[str, Any]]:
    choices = told.get("choices")
    if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
        raise DataError(f"{file} lists no choices: save them from the listening page again.")
    return choices


def _vote(file: Path, choice: dict[str, Any], key: dict[str, str]) -> Vote:
    first, second, preferred = (choice.get(name) for name in ("first", "second", "choice"))
    if first not in key or second not in key or preferred not in CHOICES:
        raise DataError(
            f"{file} has a choice that the listening page cannot have made: {choice!r}; "
            f"choices are {', '.join(CHOICES)}."
        )
    one, other = key[str(first)], key[str(second)]
    if one == other:
        raise DataError(f"{file} has a choice between two samples of {one}, which was not asked.")
    winner = {"first": one, "second": other, "neither": None}[str(preferred)]
    return Vote(one, other, winner)
