"""How far one engine is from another: in logits, in greedy music, and in nats."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.errors import BundleError
from segue.generation.engine import Engine, IntRows, make_engine
from segue.generation.scoring import row_nats

STEPS = 500
LOGIT_TOLERANCE = 1e-3
MOST_RISE = 0.01
"""How much of the nats int8 may cost."""
_WINDOWS = 8


@dataclass(frozen=True)
class Parity:
    """An engine beside the reference, the torch model or its fp32 graphs.

    `max_logit_difference` and `greedy_equal` are over 500 steps of the reference's greedy music;
    `nats` and `reference_nats` a row of the bundle's openings, and `rise` their difference as a
    share.
    """

    engine: str
    reference: str
    max_logit_difference: float
    greedy_equal: bool
    nats: float
    reference_nats: float
    rise: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def check(self) -> None:
        """BundleError unless fp32 plays as the reference does, and fewer bits cost at most 1 %."""
        if self.engine in ("int8", "int4"):
            if self.rise > MOST_RISE:
                raise BundleError(
                    f"{self.engine} costs {100 * self.rise:.1f} % more nats than {self.reference}; "
                    f"at most {100 * MOST_RISE:g} % is allowed: export fp32 (--to onnx) instead."
                )
        elif not self.greedy_equal or self.max_logit_difference > LOGIT_TOLERANCE:
            raise BundleError(
                f"the {self.engine} graphs differ from {self.reference} by "
                f"{self.max_logit_difference:.2g} in a logit, or play other music: the bundle's "
                "graphs do not belong to its weights; train or copy it again."
            )


def parity(
    bundle: Bundle, engine: str | Engine, reference: str = "torch", steps: int = STEPS
) -> Parity:
    """Set an engine, one of the bundle by name, beside the reference on a bundle that plays rows.

    Graphs that are in int8 already are told as that, whatever name they were asked for by.
    """
    mine = make_engine(bundle, engine) if isinstance(engine, str) else engine
    theirs = make_engine(bundle, reference)
    worst, equal = _greedy(mine, theirs, steps)
    openings = [o.astype(np.int64) for o in bundle.openings[:_WINDOWS]]
    nats, known = (
        float(np.mean([row_nats(e, o)[1:].mean() for o in openings])) for e in (mine, theirs)
    )
    return Parity(mine.name, reference, worst, equal, nats, known, nats / known - 1)


def _greedy(mine: Engine, theirs: Engine, steps: int) -> tuple[float, bool]:
    """Both follow the reference's likeliest symbols: how far apart, and would it be the same."""
    worst, equal = 0.0, True
    row = np.zeros((1, len(mine.sizes)), np.int64)
    states = [mine.start(1), theirs.start(1)]
    for _ in range(steps):
        states = [e.step(row, s) for e, s in zip((mine, theirs), states, strict=True)]
        chosen: IntRows = np.zeros_like(row)
        asks = [e.columns(s) for e, s in zip((mine, theirs), states, strict=True)]
        for k in range(row.shape[1]):
            a, b = (ask(k, chosen)[0] for ask in asks)
            worst = max(worst, float(np.abs(a - b).max()))
            equal &= int(a.argmax()) == int(b.argmax())
            chosen[0, k] = int(b.argmax())
        row = chosen
    return worst, equal
