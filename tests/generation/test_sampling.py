"""Sampling: each filter on logits small enough to check by hand."""

import numpy as np
import pytest

from segue.errors import SegueError
from segue.generation.player import only_one
from segue.generation.sampling import Sampling, draw, pick, probabilities, weights

LOGITS = np.log(np.array([[0.5, 0.25, 0.15, 0.1]]))
ALL = np.ones((1, 4), bool)


def kept(how: Sampling, allowed: np.ndarray = ALL) -> list[int]:
    return np.flatnonzero(probabilities(LOGITS, allowed, how)[0]).tolist()


def test_without_filters_the_model_is_sampled_as_it_is() -> None:
    np.testing.assert_allclose(probabilities(LOGITS, ALL, Sampling()), [[0.5, 0.25, 0.15, 0.1]])


def test_temperature_two_takes_square_roots() -> None:
    p = probabilities(LOGITS, ALL, Sampling(temperature=2.0))[0]
    assert p[0] / p[3] == pytest.approx(np.sqrt(5))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (Sampling(temperature=0), [0]),
        (Sampling(top_k=2), [0, 1]),
        (Sampling(top_k=9), [0, 1, 2, 3]),
        (Sampling(top_p=0.5), [0]),
        (Sampling(top_p=0.6), [0, 1]),
        (Sampling(top_p=0.76), [0, 1, 2]),
        (Sampling(min_p=0.4), [0, 1]),
    ],
)
def test_filters_keep_the_likeliest(how: Sampling, expected: list[int]) -> None:
    assert kept(how) == expected


def test_what_is_not_allowed_is_never_drawn() -> None:
    allowed = np.array([[False, False, True, True]])
    assert kept(Sampling(temperature=0), allowed) == [2]
    assert kept(Sampling(top_p=0.1), allowed) == [2]


def test_draws_follow_the_probabilities() -> None:
    p = np.array([[0.5, 0.0, 0.5]])
    assert [int(draw(p, np.array([u]))[0]) for u in (0.0, 0.49, 0.5, 0.99)] == [0, 0, 2, 2]


@pytest.mark.parametrize(
    "settings",
    [{"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}, {"min_p": 1.0}],
)
def test_settings_out_of_range_are_one_sentence(settings: dict[str, float]) -> None:
    with pytest.raises(SegueError, match=r"came as .* is allowed"):
        Sampling(**settings)


def test_typical_drops_what_is_too_sure_and_too_strange() -> None:
    # Surprises 0.69, 1.39, 1.90, 2.30 round a mean of 1.21: the second is the most usual.
    assert kept(Sampling(typical=0.2)) == [1]
    assert kept(Sampling(typical=0.7)) == [0, 1]
    assert kept(Sampling(typical=1.0)) == [0, 1, 2, 3]


def test_a_column_has_a_temperature_of_its_own() -> None:
    how = Sampling(temperature=1.5, heats=(("pitch", 0.0),)).by_column(["onset", "pitch"])
    assert [each.temperature for each in how] == [1.5, 0.0]


def test_heat_for_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(SegueError, match="no column 'pich' to heat; did you mean 'pitch'"):
        Sampling(heats=(("pich", 1.0),)).by_column(["onset", "pitch"])


@pytest.mark.parametrize(
    "how",
    [
        Sampling(),
        Sampling(temperature=0),
        Sampling(temperature=0.8, top_p=0.9),
        Sampling(top_k=5, min_p=0.02),
        Sampling(typical=0.7, top_p=0.95),
    ],
)
@pytest.mark.parametrize("size", [3, 129, 5000])
def test_a_take_is_drawn_alone_as_among_many(how: Sampling, size: int) -> None:
    chance = np.random.default_rng(size)
    logits = chance.normal(0, 3, (20, size)).astype(np.float32)
    allowed = chance.random((20, size)) < 0.7
    allowed[:, 0] = True
    uniform = chance.random(20)
    together = pick(logits, allowed, how, uniform)
    assert together.tolist() == draw(weights(logits, allowed, how), uniform).tolist()
    for i in range(20):
        alone = pick(logits[i : i + 1], allowed[i : i + 1], how, uniform[i : i + 1])
        assert alone.tolist() == together[i : i + 1].tolist()


def plainly(logits: np.ndarray, allowed: np.ndarray, how: Sampling, share: float) -> int:
    """One symbol of one take, by the formulas as they are told, one number after the other."""
    p = np.where(allowed, logits, np.float32(-np.inf))
    if how.temperature == 0:
        return int(p.argmax())
    p = np.exp((p - p.max()) * np.float32(1 / how.temperature))
    p[p < np.float32(how.min_p)] = 0
    if how.top_k:
        p[p < np.sort(p)[::-1][min(how.top_k, len(p)) - 1]] = 0
    if how.top_p < 1:
        ranked = np.sort(p)
        p[p < ranked[reached(ranked, 1 - how.top_p)]] = 0
    return reached(p, share)


def reached(p: np.ndarray, share: float) -> int:
    """The first symbol at which a running sum in single precision is over a share of all."""
    held, total = [], np.float32(0)
    for each in p:
        total = np.float32(total + each)
        held.append(total)
    bound = min(np.float32(share * float(total)), np.float32(total * np.float32(1 - 2**-22)))
    return next(i for i, each in enumerate(held) if each > bound)


@pytest.mark.parametrize(
    "how",
    [
        Sampling(),
        Sampling(temperature=0),
        Sampling(temperature=0.9, top_p=0.98),
        Sampling(temperature=1.3, top_p=1e-7),
        Sampling(top_k=3, min_p=0.01, top_p=0.7),
        Sampling(top_k=40),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9])
@pytest.mark.parametrize(("takes", "size"), [(1, 20), (2, 129), (2, 300), (16, 33), (32, 8)])
def test_symbols_are_drawn_to_the_bit(how: Sampling, share: float, takes: int, size: int) -> None:
    # `share` of the symbols are allowed to all takes, and some more to the first.
    chance = np.random.default_rng(size)
    for _ in range(3):
        logits = chance.normal(0, 4, (takes, size)).astype(np.float32).round(1)  # some are alike
        # Where one is far likelier, or just about likely enough to be all that top-p keeps.
        logits[::3, 0] = logits[::3].max(axis=1) + chance.choice([0, 4, 6, 20], len(logits[::3]))
        allowed = np.repeat(chance.random((1, size)) < share, takes, axis=0)
        allowed[0, ::3] = True
        allowed[:, int(chance.integers(size))] = True
        uniform = chance.random(takes)
        uniform[-1] = np.nextafter(1, 0)
        drawn = pick(logits, allowed, how, uniform)
        rows = zip(logits, allowed, uniform.tolist(), strict=True)
        assert drawn.tolist() == [plainly(x, may, how, u) for x, may, u in rows]


def test_where_one_symbol_is_allowed_there_is_no_need_to_ask() -> None:
    one, more = np.eye(4, dtype=bool)[[2, 0]], np.ones((2, 4), bool)
    found = only_one(one)
    assert found is not None
    assert found.tolist() == [2, 0]
    assert only_one(more) is None
    uneven = np.array([[True, True, False], [False, False, False]])
    assert only_one(uneven) is None  # as many as takes, but not one each
