"""Every recipe trains a few steps on real music, and plays: the shortest proof that all work.

    python -m bench.systems.every --data ../shared/data [--only NAME ...] [--again NAME ...]
        [--steps 50] [--minutes 2] [--work runs/every]

For each recipe R: `segue train --recipe R --data CORPUS --max-steps 50 --max-minutes 2 --out
runs/every/R`, at the recipe's own sizes, then `segue generate runs/every/R -n 1 --seed 1`. Its MIDI
has to hold notes and to be read back as it was made. What is done is not done again, until the
recipe changes. Exits with 1 if one recipe fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench.systems import plan
from bench.systems.page import table
from bench.systems.records import recipe_hash
from bench.systems.work import CommandError, Workplace

from segue import formats, recipes
from segue.errors import SegueError
from segue.files import write_json

NOTE = "every.json"


def main(words: list[str] | None = None) -> int:
    asked = _arguments().parse_args(words)
    workplace = Workplace(Path(asked.data), Path(asked.work), Path(asked.shared))
    told = []
    for name in asked.only or asked.again or recipes.names():
        known = None if name in asked.again else _known(workplace, name)
        told.append(known or _tried(workplace, name, asked.steps, asked.minutes))
        print(f"{name}: {told[-1]['verdict']}", flush=True)
    print(
        "\n"
        + table(["recipe", "music", ">steps", ">minutes", ">notes", "verdict"], map(_line, told))
    )
    failed = [each["recipe"] for each in told if not each["fine"]]
    print(f"{len(told) - len(failed)} of {len(told)} recipes train and play.")
    return 1 if failed else 0


def _known(workplace: Workplace, name: str) -> dict[str, Any] | None:
    """What was found before, of a recipe that has not changed and did not fail."""
    path = workplace.run_of(name) / NOTE
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    same = found["recipe_hash"] == recipe_hash(plan.row(name).resolved())
    return found if same and found["fine"] else None


def _tried(workplace: Workplace, name: str, steps: int, minutes: float) -> dict[str, Any]:
    """Train and play one recipe; what came of it, which is kept in its run."""
    began = time.monotonic()
    found: dict[str, Any] = {
        "recipe": name,
        "music": plan.row(name).music.name,
        "recipe_hash": recipe_hash(plan.row(name).resolved()),
        "steps": 0,
        "notes": 0,
        "fine": False,
    }
    try:
        trained = workplace.train(name, minutes, steps)
        early = f", stopped early ({trained['reason']})" if trained["steps"] < steps else ""
        notes = notes_of(workplace.generate(name, 1, 16, 1)[0])
        if not notes:
            raise CommandError(f"its take holds no notes after {trained['steps']} steps.")
        found |= {"fine": True, "verdict": f"trains and plays{early}"}
        found |= {"steps": trained["steps"], "notes": notes}
    except SegueError as error:
        found["verdict"] = f"failed: {error}"
    found["minutes"] = (time.monotonic() - began) / 60
    write_json(workplace.run_of(name) / NOTE, found)
    return found


def notes_of(path: Path) -> int:
    """How many notes a take's MIDI file holds; CommandError for one that is damaged."""
    receipt = json.loads(path.with_suffix(".json").read_text("utf-8"))["checks"]
    reading = formats.read_reported(path)
    notes = len(reading.score)
    if notes != receipt["notes"] or reading.repairs:
        raise CommandError(
            f"{path} is not read back as it was made: {notes} notes of {receipt['notes']}, "
            f"repairs: {'; '.join(map(str, reading.repairs)) or 'none'}."
        )
    return notes


def _line(told: dict[str, Any]) -> list[str]:
    numbers = [str(told["steps"]), f"{told['minutes']:.1f}", str(told["notes"])]
    return [told["recipe"], told["music"], *numbers, told["verdict"]]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", required=True, help="the folder that holds the sets")
    parser.add_argument("--only", nargs="+", default=[], help="recipes to try; all without it")
    parser.add_argument("--again", nargs="+", default=[], help="recipes to try although known")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=2.0, help="most that training may take")
    parser.add_argument("--work", default="runs/every", help="where runs are kept")
    parser.add_argument("--shared", default="runs/systems", help="where corpora are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
