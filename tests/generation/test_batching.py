"""Playing together: a take is the same, note for note, whoever plays beside it."""

from __future__ import annotations

import gc
import itertools
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from music import chorale
from segue import bundles
from segue.bundles import Bundle
from segue.generation import Sampling, Take, batching, continue_, generate
from segue.generation.batching import Ensemble, Ensembles, SharedBundle
from segue.generation.playable import wishes

Asked = Callable[[Bundle], list[Take]]

REQUESTS: list[Asked] = [
    lambda b: generate(b, takes=2, bars=3, seed=1),
    lambda b: generate(b, takes=1, bars=2, seed=5, wishes=wishes(key="D minor", lowest="C3")),
    lambda b: continue_(b, chorale(3, bars=2), takes=2, bars=2, seed=9),
    lambda b: generate(b, takes=1, bars=2, seed=4, sampling=Sampling(temperature=0.8, top_p=0.9)),
    lambda b: generate(b, takes=1, bars=2, seed=8, sampling=Sampling(loop_beats=2.0)),
    lambda b: generate(b, takes=1, bars=2, seed=6, wishes=wishes(ending="own")),
    lambda b: generate(b, takes=3, bars=1, seed=1),
]


@pytest.fixture
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


@pytest.fixture
def shared(bundle: Bundle) -> SharedBundle:
    return SharedBundle(bundle.path, bundle.index)


def together(bundle: Bundle, asked: list[Asked]) -> list[list[Take]]:
    """All requests at once, each from a thread of its own."""
    made: dict[int, list[Take]] = {}
    gate = threading.Barrier(len(asked))

    def ask(i: int) -> None:
        gate.wait()
        made[i] = asked[i](bundle)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [made[i] for i in range(len(asked))]


def test_takes_are_the_same_together_as_alone(bundle: Bundle, shared: SharedBundle) -> None:
    alone = [ask(bundle) for ask in REQUESTS]
    for mine, theirs in zip(alone, together(shared, REQUESTS), strict=True):
        assert [t.score for t in mine] == [t.score for t in theirs]
        assert [t.receipt["checks"] for t in mine] == [t.receipt["checks"] for t in theirs]


def test_one_at_a_time_in_company_of_nobody(bundle: Bundle, shared: SharedBundle) -> None:
    for ask in REQUESTS:
        assert [t.score for t in ask(shared)] == [t.score for t in ask(bundle)]


def test_small_batches_let_others_wait(bundle: Bundle) -> None:
    shared = SharedBundle(bundle.path, bundle.index, Ensembles(most=2))
    asked = [REQUESTS[0], REQUESTS[6], REQUESTS[0]]
    made = together(shared, asked)
    assert [t.score for t in made[0]] == [t.score for t in made[2]]
    assert [t.score for t in made[1]] == [t.score for t in REQUESTS[6](bundle)]


def test_who_goes_away_leaves_the_batch(shared: SharedBundle) -> None:
    class GoneError(Exception):
        pass

    def leave(count: int) -> None:
        raise GoneError

    with pytest.raises(GoneError):
        generate(shared, takes=1, bars=8, seed=1, on_row=leave)
    assert generate(shared, bars=1, seed=2)  # the others play on


def test_an_engine_that_fails_is_told_to_those_who_wait(
    shared: SharedBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = shared.ensembles.of(shared, "auto")

    def fail(self: Ensemble) -> None:
        raise RuntimeError("the engine broke")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="broke"):
        patched.setattr(Ensemble, "_one_row", fail)
        generate(shared, bars=1, seed=1)
    assert ensemble.takes == 0 or generate(shared, bars=1, seed=1)
    assert generate(shared, bars=1, seed=1)


def test_rows_are_told_while_they_are_made(shared: SharedBundle) -> None:
    heard: list[list[int]] = []
    shared.ensembles.telling(lambda _, rows: heard.append([len(r) for r in rows()]))
    generate(shared, takes=2, bars=2, seed=1)
    shared.ensembles.telling(None)
    assert heard
    assert all(a <= b for a, b in itertools.pairwise(heard))


def test_takes_come_and_go_as_they_like(shared: SharedBundle, bundle: Bundle) -> None:
    asked = [(bars, 7 * i) for i, bars in enumerate([1, 3, 2, 1, 4, 1, 2, 3, 1, 1, 2, 1] * 2)]
    waiting, made = list(enumerate(asked)), {}

    def user() -> None:
        while waiting:
            number, (bars, seed) = waiting.pop()
            made[number] = generate(shared, takes=1 + number % 3, bars=bars, seed=seed)

    users = [threading.Thread(target=user) for _ in range(6)]
    for each in users:
        each.start()
    for each in users:
        each.join()
    for number, (bars, seed) in enumerate(asked):
        alone = generate(bundle, takes=1 + number % 3, bars=bars, seed=seed)
        assert [t.score for t in made[number]] == [t.score for t in alone]


def test_a_batch_that_nobody_wants_is_let_go(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PATIENCE", 0.02)
    shared = SharedBundle(bundle.path, bundle.index)
    ensemble = shared.ensembles.of(shared, "auto")
    made = []
    for _ in range(2):  # the second time its thread begins anew
        made.append(generate(shared, bars=1, seed=1)[0].score)
        until = time.monotonic() + 30
        while ensemble._thread is not None:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert made[0] == made[1]
    left = weakref.ref(ensemble)
    del shared, ensemble
    gc.collect()
    assert left() is None


def test_prompts_are_read_beside_takes(shared: SharedBundle, bundle: Bundle) -> None:
    prompts = [chorale(i, bars=n) for i, n in enumerate((2, 6, 1, 9, 3, 2, 4))]
    asked: list[Asked] = [
        lambda b, p=p, s=s: continue_(b, p, takes=1 + s % 2, bars=1 + s % 3, seed=s)
        for s, p in enumerate(prompts)
    ]
    asked += [lambda b, s=s: generate(b, bars=6, seed=s) for s in range(3)]
    alone = [ask(bundle) for ask in asked]
    for mine, theirs in zip(alone, together(shared, asked), strict=True):
        assert [t.score for t in mine] == [t.score for t in theirs]


def test_an_engine_that_fails_is_told_to_those_who_read(
    shared: SharedBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Ensemble) -> None:
        raise RuntimeError("the engine broke")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="broke"):
        patched.setattr(Ensemble, "_one_row", fail)
        continue_(shared, chorale(1, bars=4), bars=1, seed=1)
    assert continue_(shared, chorale(1, bars=4), bars=1, seed=1)


def test_the_bundle_that_ships_plays_alike_in_company() -> None:
    piano = bundles.load(None)
    shared = SharedBundle(piano.path, piano.index)
    asked: list[Asked] = [
        lambda b: generate(b, takes=2, bars=2, seed=3),
        lambda b: continue_(b, chorale(2, bars=2), takes=1, bars=2, seed=9),
        lambda b: continue_(b, chorale(2, bars=6), takes=2, bars=2, seed=9),
        lambda b: generate(b, takes=1, bars=1, seed=4),
    ]
    for mine, ask in zip(together(shared, asked), asked, strict=True):
        assert [t.score for t in mine] == [t.score for t in ask(piano)]
