"""A musical measure: a number for a Score, with its unit, definition and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segue.score import Score

MUSPY = "MusPy (Dong et al., ISMIR 2020)"
MGEVAL = "mgeval (Yang and Lerch, 2020)"
MUSDR = "MusDr (Wu and Yang, ISMIR 2020)"
OWN = "Segue"


@dataclass(frozen=True)
class Measure:
    """A row of the table `MEASURES`.

    `function(score)` gives a float, NaN where the measure is not defined for that Score; `what`
    says in one line what it counts, `source` whose definition it is.
    """

    name: str
    unit: str
    what: str
    source: str
    function: Callable[[Score], float]
