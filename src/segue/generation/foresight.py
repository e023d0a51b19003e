"""What a model reads before it fills music in, and what it is given while it does.

With an encoding that tells notes ahead, the locked notes from where the gap begins are told so
many steps before they sound, those just behind the gap too: the model knows where it is to arrive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.encodings.compound import Compound
from segue.encodings.compound_variants import STEP
from segue.generation.given import CODE, ONSET, TRACK, bar_lines
from segue.score import Score

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """`prompt` rows to read, the last of them at step `position`; then `given` rows at steps `at`.

    All have shape (rows, 5), `at` (rows,).
    """

    prompt: Ints
    position: int
    given: Ints
    at: Ints


def known(
    encoding: Compound, rows: Ints, music: Score, span: tuple[int, int], about: dict[str, int]
) -> Known:
    """What is known of `music` whose locked notes are `rows`, when steps `span` are filled.

    `about` is what is said of the whole piece, by kind.
    """
    begin, end = span
    at = encoding.positions(rows.astype(np.uint16))
    says = rows[:, ONSET] >= STEP
    events, at = rows[says].copy(), at[says]
    events[:, ONSET] = at
    # What is said of the piece, and its bar lines, are told anew.
    events = events[events[:, CODE] >= encoding.first_tempo]
    if encoding.ahead:
        told = (events[:, CODE] >= encoding.first_pitch) & (events[:, ONSET] >= begin)
        told &= events[:, ONSET] >= encoding.ahead
        events[told, TRACK] += encoding.max_tracks
        events[told, ONSET] -= encoding.ahead
    parts = [events[events[:, ONSET] < end]]
    if encoding.bars:
        parts.append(bar_lines(encoding, music, 0, end))
    if encoding.about:
        parts.append(encoding.about_rows(about))
    every = np.concatenate(parts)
    every = every[np.lexsort((every[:, CODE], every[:, TRACK], every[:, ONSET]))]
    read = every[:, ONSET] < begin
    # What is said of the piece comes first, even where the gap begins with it.
    read |= every[:, CODE] < encoding.first_bar
    position = int(every[read, ONSET].max(initial=0))
    prompt = encoding.laid(every[read].copy())[:-1].astype(np.int64)
    return Known(prompt, position, every[~read], every[~read, ONSET])
