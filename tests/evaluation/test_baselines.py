import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.evaluation.baselines import baselines


def rows(*symbols):
    return np.array(symbols, np.uint16).reshape(len(symbols), -1)


def test_the_uniform_baseline_is_the_log_of_the_size_and_sums_over_columns():
    piece = np.zeros((5, 2), np.uint16)
    found = baselines([piece], [piece], (8, 2))
    assert found.uniform.by_column == pytest.approx((np.log(8), np.log(2)))
    assert found.uniform.nats == pytest.approx(np.log(16))


def test_the_unigram_counts_every_row_but_the_first_of_each_training_piece():
    # Counted: 1 1 0 from the first piece and 1 from the second: three 1s, one 0, two types of 3.
    # Witten-Bell: P(1) = (3 + 2/3) / (4 + 2), P(0) = (1 + 2/3) / 6, P(2) = (2/3) / 6.
    train = [rows(2, 1, 1, 0), rows(2, 1)]
    held_out = [rows(0, 1, 0, 2)]
    found = baselines(train, held_out, (3,))
    expected = -np.log([11 / 18, 5 / 18, 2 / 18]).mean()
    assert found.rows == 3
    assert found.unigram.nats == pytest.approx(expected)


def test_the_bigram_mixes_in_the_unigram_by_the_count_of_its_context():
    train = [rows(0, 1, 0, 1), rows(0, 1, 0, 1)]
    found = baselines(train, [rows(0, 1, 1)], (2,))
    # 0 came before another row four times and always gave 1; 1 came twice and gave 0.
    share_of_0, share_of_1 = found.weights[0][3], found.weights[0][2]
    unigram = (4 + 1) / (6 + 2)
    expected = -np.log([share_of_0 + (1 - share_of_0) * unigram, (1 - share_of_1) * unigram]).mean()
    assert found.bigram.nats == pytest.approx(expected)


def test_deleted_interpolation_gives_the_hand_computed_weight():
    # Two pieces, so two folds. Left out, each leaves the other's counts: the context 0 once (a
    # class of its own), always followed by 1. Unigram of one 1 among two types: (1 + .5) / 2.
    found = baselines([rows(0, 1), rows(0, 1)], [rows(0, 1)], (2,))
    share = 0.5
    for _ in range(1000):
        owed = 2 * share / (share + (1 - share) * 0.75)
        share = (owed + 0.5) / 3
    assert found.weights[0][1] == pytest.approx(share, abs=1e-5)


def test_each_column_is_scored_by_itself():
    rng = np.random.default_rng(0)
    train = [rng.integers(0, 5, (30, 2)).astype(np.uint16) for _ in range(3)]
    held_out = [rng.integers(0, 5, (20, 2)).astype(np.uint16)]
    both = baselines(train, held_out, (5, 5))
    second = baselines([t[:, 1:] for t in train], [h[:, 1:] for h in held_out], (5,))
    assert both.bigram.by_column[1] == pytest.approx(second.bigram.nats)
    assert both.unigram.nats == pytest.approx(sum(both.unigram.by_column))


def test_alternation_is_learned_by_the_bigram_and_not_by_the_unigram():
    piece = np.tile([0, 1], 500)[:, None].astype(np.uint16)
    found = baselines([piece] * 4, [piece], (2,))
    assert found.unigram.nats == pytest.approx(np.log(2), abs=1e-3)
    assert found.bigram.nats < 0.01


def test_independent_draws_give_the_bigram_nothing_on_the_unigram():
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.ones(50))
    train = [rng.choice(50, (400, 1), p=share).astype(np.uint16) for _ in range(20)]
    held_out = [rng.choice(50, (4000, 1), p=share).astype(np.uint16)]
    found = baselines(train, held_out, (50,))
    assert abs(found.bigram.nats - found.unigram.nats) < 0.02
    entropy = -(share * np.log(share)).sum()
    assert found.unigram.nats == pytest.approx(entropy, abs=0.1)


def test_symbols_and_contexts_never_seen_cost_a_finite_amount():
    found = baselines([rows(0, 0, 0), rows(0, 0)], [rows(0, 4200, 4299, 7)], (4300,))
    assert np.isfinite([found.unigram.nats, found.bigram.nats]).all()
    assert found.unigram.nats > np.log(4300)


def test_one_training_piece_is_enough():
    found = baselines([rows(0, 1, 0, 1, 0, 1, 0, 1)], [rows(0, 1, 0)], (2,))
    assert found.bigram.nats < found.unigram.nats


def test_no_weight_reaches_one_however_regular_the_training():
    piece = np.tile([0, 1], 50)[:, None].astype(np.uint16)
    found = baselines([piece] * 10, [rows(0, 0, 1, 1)], (2,))
    assert max(found.weights[0]) < 1
    assert np.isfinite(found.bigram.nats)


@pytest.mark.parametrize(
    ("train", "held_out", "message"),
    [
        ([rows(0)], [rows(0, 1)], "no training piece has two rows"),
        ([rows(0, 1)], [], "no held-out piece has two rows"),
        ([rows(0, 5)], [rows(0, 1)], "past the sizes"),
        ([np.zeros((4, 2), np.uint16)], [rows(0, 1)], "not \\(rows, 1\\)"),
    ],
)
def test_what_cannot_be_scored_is_refused(train, held_out, message):
    with pytest.raises(ValueError, match=message):
        baselines(train, held_out, (2,))


@given(
    st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=12), min_size=1, max_size=5),
    st.integers(0, 6),
)
def test_the_probabilities_of_all_next_symbols_sum_to_one(pieces, context):
    train = [rows(*piece) for piece in pieces]
    nats = [
        (found.unigram.nats, found.bigram.nats)
        for symbol in range(7)
        for found in [baselines(train, [rows(context, symbol)], (7,))]
    ]
    assert np.exp(-np.array(nats)).sum(axis=0) == pytest.approx([1, 1])


@given(st.permutations(range(4)))
def test_the_order_of_held_out_pieces_does_not_matter(order):
    rng = np.random.default_rng(2)
    pieces = [rng.integers(0, 9, (15, 1)).astype(np.uint16) for _ in range(4)]
    train = [rng.integers(0, 9, (15, 1)).astype(np.uint16) for _ in range(4)]
    plain, shuffled = (
        baselines(train, held_out, (9,)) for held_out in (pieces, [pieces[i] for i in order])
    )
    assert plain.bigram.nats == pytest.approx(shuffled.bigram.nats)
