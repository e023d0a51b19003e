"""`generate` and `continue_` for models that make whole segments from random numbers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation.carrying import facts_of, longer
from segue.generation.engine import IntRows
from segue.generation.lengths import Length
from segue.generation.players import own_sampling
from segue.generation.sampling import Sampling
from segue.generation.segment_engines import make_composer
from segue.generation.segments import last_window, lay
from segue.generation.take import Take, checks, make_receipt, signed
from segue.generation.timing import in_time_of, lasting, steps_at, ticks_at
from segue.generation.wishes import Wishes
from segue.score import Score, slice_ticks, tidy

Floats = NDArray[np.float32]
OnRow = Callable[[int], None]


def generate_segments(
    bundle: Bundle,
    seeds: Sequence[int],
    length: Length,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes,
    *,
    latent: Floats | None = None,
    on_row: OnRow | None = None,
) -> list[Take]:
    """As `ways.generate`; `latent`, (segments, Z), are the numbers of the first segments."""
    _refuse_density(bundle, wishes)
    header = wishes.header(bundle.index["header"])
    encoding, composer = bundle.encoding, make_composer(bundle, engine)
    how = sampling or own_sampling(bundle)
    columns = len(bundle.sizes)
    given = _checked(bundle, latent, int(composer.facts["normals"]))
    empty = encoding.decode(np.zeros((0, columns), np.uint16), header)
    end_ticks = length.end(empty, 0)
    header = lasting(header, end_ticks)
    rows = steps_at(encoding, empty, end_ticks) if encoding.timed else 1
    laid = lay(
        composer,
        seeds,
        -(-rows // composer.facts["window"]),
        columns,
        heat=how.temperature,
        walk=bundle.recipe.generate.walk,
        given=given,
        on_row=on_row,
    )
    settings = {"way": "generate", **length.settings(), "temperature": how.temperature}
    if given is not None:
        settings["latent"] = packed(given)
    made = []
    for one, own in zip(laid, seeds, strict=True):
        score = encoding.decode(one.rows.astype(np.uint16), header)
        score = length.filled(tidy(slice_ticks(score, 0, end_ticks)), 0, end_ticks)
        score, proof = wishes.fitted(score, 0, end_ticks)
        receipt = make_receipt(bundle, composer.name, own, {**settings, **wishes.settings()})
        receipt["checks"] = {**checks(score), **length.proof(score, 0), **proof}
        score = signed(score, receipt)
        if one.normals.shape[1]:
            receipt["latent"] = one.normals.tolist()
        made.append(Take(score, receipt))
    return made


def continue_segments(
    bundle: Bundle,
    prompt: Score,
    rows: IntRows,
    seeds: Sequence[int],
    length: Length,
    sampling: Sampling | None,
    engine: str,
    wishes: Wishes,
    *,
    on_row: OnRow | None = None,
) -> list[Take]:
    """As `ways.continue_`; `rows` are the prompt's."""
    _refuse_density(bundle, wishes)
    encoding, composer = bundle.encoding, make_composer(bundle, engine)
    facts, walk = composer.facts, bundle.recipe.generate.walk
    if not encoding.timed or not (facts["looks_back"] or (facts["encodes"] and walk)):
        raise SegueError(
            f"{bundle.name} makes music whole, and none that goes on from other music: use "
            "`segue generate`, or continue with a bundle of another family."
        )
    how = sampling or own_sampling(bundle)
    begin = prompt.end_ticks
    end = length.end(prompt, begin)
    first, last = steps_at(encoding, prompt, begin), steps_at(encoding, prompt, end)
    # The prompt's rows up to the step where its last note ends, and no further.
    rows = np.pad(rows[:first], ((0, max(first - len(rows), 0)), (0, 0)))
    laid = lay(
        composer,
        seeds,
        -(-(last - first) // facts["window"]),
        rows.shape[1],
        heat=how.temperature,
        walk=walk,
        before=last_window(rows, facts["window"]),
        on_row=on_row,
    )
    settings = {"way": "continue", **length.settings(), "temperature": how.temperature}
    settings |= facts_of(prompt)
    at = ticks_at(encoding, prompt, first)
    made = []
    for one, own in zip(laid, seeds, strict=True):
        tail = encoding.decode(one.rows.astype(np.uint16), bundle.index["header"])
        tail = in_time_of(encoding, tail, prompt, at)
        made.append(longer(bundle, prompt, tail, end, composer.name, own, settings, wishes, length))
    return made


def _refuse_density(bundle: Bundle, wishes: Wishes) -> None:
    if wishes.density is not None:
        raise SegueError(
            f"{bundle.name} makes whole segments at once, whose notes cannot be counted while "
            "they are drawn: leave the density out, or use a bundle that plays row by row."
        )


def _checked(bundle: Bundle, latent: Floats | None, size: int) -> Floats | None:
    """The latent as (segments, Z) of float32; SegueError for one of another size or kind."""
    if latent is None:
        return None
    given = np.atleast_2d(np.asarray(latent, np.float32))
    if not size:
        raise SegueError(f"{bundle.name} makes segments from no latent: leave it out.")
    if given.ndim != 2 or given.shape[1] != size or not len(given):
        raise SegueError(
            f"the latent came with shape {given.shape}; {bundle.name} takes a row of {size} "
            "numbers for each segment."
        )
    if not np.isfinite(given).all():
        raise SegueError("the latent holds numbers that are infinite or none at all.")
    return given


def packed(latent: Floats) -> dict[str, Any]:
    """A latent as a receipt holds it, exactly."""
    data = base64.b64encode(latent.astype("<f4").tobytes()).decode()
    return {"shape": list(latent.shape), "float32": data}


def unpacked(told: dict[str, Any]) -> Floats:
    """The latent that a receipt holds."""
    data = np.frombuffer(base64.b64decode(told["float32"]), "<f4")
    return data.reshape(told["shape"]).astype(np.float32)
