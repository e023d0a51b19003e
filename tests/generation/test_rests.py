"""Rests that are no longer than a recipe allows, from a model that loves silence."""

from __future__ import annotations

import numpy as np
import pytest

from noise import Noise
from segue import encodings
from segue.encodings.compound import Compound
from segue.generation.engine import Floats, State
from segue.generation.guides import Steps
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.steering import steering
from segue.generation.wishes import Wishes
from segue.score import Score, tidy


class Silence(Noise):
    """The farther a symbol moves on, the likelier it is, and a rest most of all."""

    def lean(self, column: int, logits: Floats) -> Floats:
        if column == 0:
            logits += np.linspace(0, 8, self.sizes[0], dtype=np.float32)
            logits[:, 2] += 9  # a rest
        return logits


def longest_gap(encoding: Compound, rest: float, wishes: Wishes) -> float:
    """The most beats between two notes, or from the start to the first, over four takes."""
    empty = Score(480)
    first = encoding.opening().astype(np.int64)
    told = steering(wishes, encoding, empty, (0, 64 * 480), 4, rest)
    guide = Steps(encoding, 4, first, most_rows=4000, **told)
    gaps = []
    for rows in Player(Silence(encoding, 2), Sampling(), encoding).play(
        State(4, None, ()), guide, [1, 2, 3, 4]
    ):
        whole = np.concatenate([first, rows]).astype(np.uint16)
        onsets = np.unique(tidy(encoding.decode(whole)).notes["onset"]) / 480
        gaps.append(np.diff(np.append(0, onsets)).max())
    return float(max(gaps))


@pytest.mark.parametrize("options", [{}, {"pedal": "shared", "tempo": "rows"}])
@pytest.mark.parametrize("rest", [1.5, 6.0])
def test_no_rest_is_longer_than_is_allowed(options: dict[str, str], rest: float) -> None:
    encoding = encodings.get("compound", max_tracks=2, drums=False, **options)
    assert isinstance(encoding, Compound)
    assert longest_gap(encoding, 0, Wishes()) > 8
    assert longest_gap(encoding, rest, Wishes()) <= rest + 1e-9
