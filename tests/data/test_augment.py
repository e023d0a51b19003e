"""Augmentation: drawn by seed and step, refused where it cannot be done, masks that follow rows."""

import re
from pathlib import Path

import numpy as np
import pytest

from segue.data import Augmentation, Augmenter, Batch
from segue.encodings import ENCODINGS, get
from segue.errors import DataError
from segue.score import NOTE, Score, Track, events

NES = get("nes_events", end=True)
VOICES = tuple(Track(name) for name in ("p1", "p2", "tr", "no"))
ALL = Augmentation(
    transpose=(-6, 6), stretch=(0.95, 1.05), drop_voices=0.5, swap_pulses=0.5
)  # fmt: skip


def song(seed, notes=12):
    rng = np.random.default_rng(seed)
    rows = [
        (100 * n, int(rng.integers(10, 100)), int(rng.integers(4)), int(rng.integers(40, 90)), 9)
        for n in range(notes)
    ]
    rows = [(o, d, v, p if v < 3 else p % 16 + 1, level) for o, d, v, p, level in rows]
    return NES.encode(Score(22_050, events(NOTE, rows), VOICES)).rows


def batch_of(*pieces, length=64, before=1):
    """A batch of windows that each hold a piece, as `Windows` gathers it."""
    rows = np.stack([np.pad(p, ((0, length + before - len(p)), (0, 0)), "edge") for p in pieces])
    mask = np.arange(length) < np.array([[len(p) - before] for p in pieces])
    if before:
        return Batch(rows[:, :-1], rows[:, 1:], mask)
    rows[~mask] = 0
    return Batch(rows, rows, mask)


PIECES = [song(seed) for seed in range(8)]


def augmenter(how, batch=8, objective="every", encoding=NES, seed=0):
    return Augmenter(how, encoding, seed, batch, objective)


def same(one, two):
    return all(np.array_equal(getattr(one, n), getattr(two, n)) for n in ("inputs", "mask"))


def test_nothing_asked_is_nothing_changed():
    batch = batch_of(*PIECES)
    assert augmenter(Augmentation())(batch, 3) is batch
    assert Augmentation().asked == ()


def test_draws_are_of_seed_and_step():
    batch = batch_of(*PIECES)
    one = augmenter(ALL)(batch, 3)
    assert same(one, augmenter(ALL)(batch, 3))
    assert not same(one, augmenter(ALL)(batch, 4))
    assert not same(one, augmenter(ALL, seed=1)(batch, 3))
    assert np.array_equal(batch.inputs, batch_of(*PIECES).inputs), "the batch itself stays"


def test_a_share_of_a_step_is_changed_as_the_whole_is():
    whole = augmenter(ALL)(batch_of(*PIECES), 5)
    for first in (0, 3, 6):
        share = augmenter(ALL)(batch_of(*PIECES[first : first + 2]), 5, first)
        assert same(share, whole.part(slice(first, first + 2)))


def test_one_change_does_not_move_another():
    plain = augmenter(Augmentation(transpose=(-6, 6)))(batch_of(*PIECES), 2)
    both = augmenter(Augmentation(transpose=(-6, 6), swap_pulses=1.0))(batch_of(*PIECES), 2)
    swapped = augmenter(Augmentation(swap_pulses=1.0))(plain, 2)
    assert same(both, swapped)


def test_what_counts_is_what_was_made_of_rows_that_count():
    batch = batch_of(*PIECES)
    for step in range(6):
        changed = augmenter(Augmentation(drop_voices=1.0))(batch, step)
        for piece, inputs, targets, mask in zip(
            PIECES, changed.inputs, changed.targets, changed.mask, strict=True
        ):
            size = int(mask.sum())
            assert mask[:size].all(), "rows that do not count come last"
            assert targets[size - 1, 0] == piece[-1, 0], "END is the last that counts"
            assert np.array_equal(inputs[1:], targets[:-1])
            assert size < len(piece)


def test_shares_of_windows_are_about_those_asked_for():
    rows = batch_of(*PIECES * 50)
    dropped = augmenter(Augmentation(drop_voices=0.5), 400)(rows, 0).mask.sum(axis=1)
    part = (dropped < rows.mask.sum(axis=1)).mean()
    assert 0.4 < part < 0.55, "half, less those that would fall silent"
    moved = augmenter(Augmentation(swap_pulses=0.25), 400)(rows, 0).inputs != rows.inputs
    assert 0.18 < moved.any(axis=(1, 2)).mean() < 0.32


def test_evenly_spaced_factors():
    five = Augmentation(stretch=(0.95, 1.05), stretch_factors=5)
    encoding = get("note_time")
    rows = np.zeros((200, 9, 3), np.uint8)
    rows[:, 1:, 2] = 100
    batch = Batch(rows[:, :-1], rows[:, 1:], np.ones((200, 8), bool))
    times = augmenter(five, 200, encoding=encoding)(batch, 0).targets[..., 2].mean(axis=1)
    assert set(np.unique(np.rint(times * 10) / 10)) == {95, 97.5, 100, 102.5, 105}
    free = augmenter(Augmentation(stretch=(0.95, 1.05)), 200, encoding=encoding)
    assert len(np.unique(free(batch, 0).targets[..., 2].mean(axis=1))) > 20


def test_segments_stay_their_own_targets_and_end_in_nothing():
    batch = batch_of(*PIECES, before=0)
    changed = augmenter(ALL, objective="segment")(batch, 1)
    assert changed.targets is changed.inputs
    assert (changed.inputs[~changed.mask] == 0).all()
    sizes = changed.mask.sum(axis=1)
    for rows, size, mask in zip(changed.inputs, sizes, changed.mask, strict=True):
        assert mask[:size].all()
        assert rows[size - 1, 0] == PIECES[0][-1, 0]


def test_pieces_of_a_window_stay_apart():
    two = np.concatenate(PIECES[:2])
    one, last = len(PIECES[0]), len(two) - 1
    batch = Batch(
        two[None, :-1],
        two[None, 1:],
        (np.arange(1, last + 1) != one)[None],
        (np.arange(last) >= one).astype(np.int16)[None],
    )
    changed = augmenter(ALL, 1)(batch, 3)
    starts = np.flatnonzero(changed.inputs[0, :, 0] == PIECES[0][0, 0])
    assert len(starts) == 2
    assert changed.segments is not None
    size = int(changed.mask[0].nonzero()[0].max()) + 1
    assert np.array_equal(changed.segments[0, :size] == 1, np.arange(size) >= starts[1])
    assert not changed.mask[0, starts[1] - 1], "no START is told from the piece before"


def test_the_one_row_that_is_learned_is_transposed_with_its_window():
    encoding = get("performance")
    rows = np.full((4, 9, 1), 60, np.uint16)
    batch = Batch(rows[:, :-1], rows[:, -1], np.ones((4, 8), bool))
    changed = augmenter(Augmentation(transpose=(3, 3)), 4, "last", encoding)(batch, 0)
    assert (changed.inputs == 63).all()
    assert (changed.targets == 63).all()
    assert changed.targets.shape == (4, 1)


@pytest.mark.parametrize(
    ("how", "encoding", "objective", "said"),
    [
        (Augmentation(transpose=(0, 1)), get("abc_text"), "every", "transpose .* abc_text cannot"),
        (Augmentation(stretch=(0.9, 1.1)), get("compound"), "every", "stretch .* compound cannot"),
        (Augmentation(velocity=(-9, 9)), NES, "every", "velocity .* nes_events cannot"),
        (Augmentation(drop_voices=0.5), get("performance"), "every", "leave drop_voices out"),
        (Augmentation(drop_voices=0.5), NES, "last", 'or set objective to "every"'),
    ],
)
def test_what_cannot_be_done_is_refused(how, encoding, objective, said):
    with pytest.raises(DataError, match=said):
        Augmenter(how, encoding, 0, 8, objective)


def test_ranges_that_are_none_are_refused():
    with pytest.raises(DataError, match=r"\[3, 1\]; the lower number comes first"):
        Augmentation(transpose=(3, 1))
    with pytest.raises(DataError, match=r"0\.5 to 2 is allowed"):
        Augmentation(stretch=(0.1, 1.0))


def test_the_page_says_which_encodings_offer_what():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    section = page.split("\n## Augmentation")[1].split("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if " = " in line and line[0] == "|"]
    told = {row[1].split("`")[1].split()[0]: set(re.findall(r"`(\w+)`", row[3])) for row in rows}
    told["louder"] = told.pop("velocity") - {"piano_roll"}  # only one of its kinds of cells has any
    compounds = get("compound", unit="seconds"), get("compound", about=True, bars=True, ahead=48)
    offered = {"compound": {name for each in compounds for name in each.variants}}
    for name in ENCODINGS:
        offered.setdefault(name, getattr(get(name), "variants", ()))
    for variant, names in told.items():
        assert names == {name for name, variants in offered.items() if variant in variants}
