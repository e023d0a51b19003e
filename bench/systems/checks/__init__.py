"""What the repaired recipes promise, measured: one file a recipe.

A file is named after its recipe, with underscores: `checks/note_chord_lstm.py` is asked about
`note-chord-lstm`. It has one function,

    def measure(case: Case) -> list[Check]: ...

which is called after the recipe was trained for the table (`python -m bench.systems --data DATA
--only NAME`), on a run that `segue train` made elsewhere (`--adopt NAME RUN`), or again on the run
that is there (`--measure NAME`). What it gives is kept in the recipe's record, printed as
"reached / wanted" and written to docs/systems.md.

How long the recipe is trained and on which music stands in `bench/systems/plan.toml`.

`case` has what a check needs, all of it in the encoding of the recipe:

    case.recipe, case.bundle, case.run      what was trained, and the folder of the run
    case.corpus, case.held_out              the corpus, and the split that was not trained on
    case.model()                            the torch model with its trained weights, in eval mode
    case.takes(4, bars=16, seed=1)          Scores, made by `segue generate` and read from MIDI
    case.real(4, bars=16)                   openings of as many held-out pieces, likewise
    case.other("luiss-3b")                  the case of another recipe that was trained, or None
    case.folder("maestro-v2")               a folder of the data, where a check needs another

A `Check` is one number and its threshold: `Check("nats under the bigram", 0.61, at_least=0.5)`.
`note` says in a sentence how it was measured, or why the threshold differs from what was asked.
A check that was not possible has `reached=None` and says why in its note.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.systems.case import Case


@dataclass(frozen=True)
class Check:
    """One measured number beside what is wanted of it: `at_least`, `at_most`, or both.

    With neither it is told and nothing is wanted of it.
    """

    what: str
    reached: float | None
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the threshold is met; None where nothing is wanted."""
        if self.at_least is None and self.at_most is None:
            return None
        if self.reached is None:
            return False
        low = self.at_least is None or self.reached >= self.at_least
        high = self.at_most is None or self.reached <= self.at_most
        return low and high

    @property
    def wanted(self) -> str:
        """The threshold in words."""
        least = "" if self.at_least is None else f"at least {self.at_least:g}"
        most = "" if self.at_most is None else f"at most {self.at_most:g}"
        return " and ".join(filter(None, (least, most)))

    def told(self) -> dict[str, Any]:
        """What a record keeps."""
        return {**asdict(self), "holds": self.holds}


def exists(recipe: str) -> bool:
    """Whether a recipe has a file of checks."""
    return importlib.util.find_spec(_module(recipe)) is not None


def measure(recipe: str, case: Case) -> list[Check]:
    """What the recipe's checks come to; none where it has no file."""
    if not exists(recipe):
        return []
    found: list[Check] = importlib.import_module(_module(recipe)).measure(case)
    return found


def _module(recipe: str) -> str:
    return f"bench.systems.checks.{recipe.replace('-', '_')}"
