"""What latents are worth: hand-made posteriors and rolls."""

from __future__ import annotations

import numpy as np
import pytest

from segue.evaluation.latents import active_units, f1, jaccard, mean_jaccard


def roll(*cells: tuple[int, int]) -> np.ndarray:
    """Two rows of three pitches."""
    made = np.zeros((2, 3), bool)
    for cell in cells:
        made[cell] = True
    return made


def test_a_latent_that_moves_with_the_music_is_active() -> None:
    # The second moves by 0.11 either way (a variance of 0.0121), the third by 0.09 (of 0.0081).
    means = np.array([[1.0, 0.11, 0.09, 5.0], [-1.0, -0.11, -0.09, 5.0]])
    assert active_units(means).tolist() == [True, True, False, False]


def test_one_piece_tells_nothing_of_latents() -> None:
    with pytest.raises(ValueError, match=r"2 or more; these \(1, 3\)"):
        active_units(np.zeros((1, 3)))


def test_f1_counts_what_is_missed_and_what_is_made_up() -> None:
    wanted = roll((0, 0), (0, 1), (1, 2))
    assert f1(roll((0, 0), (0, 1), (1, 2)), wanted) == 1
    assert f1(roll((0, 0), (1, 1)), wanted) == pytest.approx(2 * 1 / 5)
    assert f1(roll(), wanted) == 0
    assert f1(roll(), roll()) == 1


def test_jaccard_is_the_share_of_cells_in_common() -> None:
    assert jaccard(roll((0, 0), (1, 1)), roll((0, 0), (1, 2))) == pytest.approx(1 / 3)
    assert jaccard(roll(), roll()) == 1
    rolls = [roll((0, 0)), roll((0, 0)), roll((1, 1))]
    assert mean_jaccard(rolls) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="needs two rolls"):
        mean_jaccard(rolls[:1])
