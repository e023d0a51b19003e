"""What is counted of bars, on bars made by hand."""

import pytest
import torch
from torch import Tensor

from segue.models.bar_statistics import STATISTICS, differences, onsets


def bar(*voices: str) -> Tensor:
    """A bar of one column a string, from `.` silent, `x` onset, `-` held."""
    return torch.tensor([[".x-".index(cell) for cell in voice] for voice in voices]).T


def named(before: Tensor, real: Tensor, made: Tensor, symbols: int = 3) -> dict[str, float]:
    return dict(zip(STATISTICS, differences(before, real, made, symbols).tolist(), strict=True))


REAL = torch.stack([bar("x---", "....", "x-x-"), bar("....", "x-x-", "x---")])
NOTHING = torch.zeros_like(REAL)


def test_bars_do_not_differ_from_themselves() -> None:
    assert set(named(REAL, REAL, REAL).values()) == {0}


def test_silence_differs_in_all_there_is_to_hear() -> None:
    found = named(NOTHING, REAL, NOTHING)
    wrong = {"pitches", "onsets", "density", "polyphony", "intervals"}
    assert {name for name in wrong if found[name] == 1} == wrong
    assert found["renewal"] == 0
    assert named(NOTHING, NOTHING, NOTHING) == dict.fromkeys(STATISTICS, 0)


def test_a_rhythm_moved_differs_in_where_notes_start_alone() -> None:
    real, made = (torch.stack([bar(voice)] * 2) for voice in ("x-..", "..x-"))
    found = named(torch.zeros_like(real), real, made)
    assert {name for name, value in found.items() if value} == {"onsets"}
    assert found["onsets"] == 1


def test_other_pitches_differ_in_pitch_and_in_what_sounds_together() -> None:
    real, made = (
        torch.stack([bar(*voices)] * 2) for voices in (("x-", "..", "x-"), ("x-", "x-", ".."))
    )
    found = named(torch.zeros_like(real), real, made)
    assert {name for name, value in found.items() if value} == {"pitches", "intervals"}
    assert found["pitches"] == 0.5
    assert found["intervals"] == 1


def test_one_bar_over_and_over_is_noticed() -> None:
    real = torch.stack([bar("xx..", "...."), bar("....", "..xx")])
    found = named(torch.zeros_like(real), real, torch.stack([real[0]] * 2))
    assert found["likeness"] == 1


def test_a_copy_of_the_bar_before_is_noticed() -> None:
    before = REAL.flip(0)
    assert named(before, REAL, before)["renewal"] == pytest.approx(2 / 3)


def test_where_cells_only_sound_a_note_starts_after_silence() -> None:
    bars = torch.tensor([[[1], [1], [0], [1]]])
    assert onsets(bars, 2)[0, :, 0].tolist() == [True, False, False, True]
    assert onsets(bars, 3)[0, :, 0].tolist() == [True, True, False, True]


@pytest.mark.parametrize("symbols", [2, 3])
def test_every_difference_is_a_share(symbols: int) -> None:
    torch.manual_seed(0)
    one, other, before = (torch.randint(0, symbols, (9, 8, 14)) for _ in range(3))
    found = differences(before, one, other, symbols)
    assert ((found >= 0) & (found <= 1)).all()
