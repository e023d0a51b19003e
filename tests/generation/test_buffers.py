"""Playing in fixed memory: the same numbers as with new arrays, however far it goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from segue import bundles
from segue.bundles import Bundle
from segue.generation import generate
from segue.generation.engine import State, make_engine, read
from segue.generation.int8 import quantised, watched
from segue.generation.onnx_buffers import SLOTS
from segue.generation.onnx_engine import OnnxEngine, session
from segue.generation.player import FETCHED, Chance
from segue.generation.torch_engine import TorchEngine
from segue.models.note_transformer import NoteTransformer
from segue.training.export import export

SIZES = (7, 5)
WINDOW = SLOTS + 30


@pytest.fixture(scope="module", params=["in one", "round and round"])
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A Transformer whose cache grows once and is then full; as it is, and of older bundles."""
    torch.manual_seed(0)
    model = NoteTransformer(SIZES, WINDOW, width=16, layers=2, heads_per_layer=2).eval()
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "round and round":
            patched.setattr(torch.onnx, "is_in_onnx_export", lambda: False)
            patched.setattr(NoteTransformer, "rows_read", None)
        exported = export(model)
    folder = tmp_path_factory.mktemp("transformer")
    for name, graph in exported.onnx.items():
        (folder / name).write_bytes(graph)
    hashes = dict.fromkeys(exported.onnx, "")
    np.savez(folder / "openings.npz", *rows(4, 40).astype(np.uint16))
    index = {"sizes": list(SIZES), "state": exported.state, "sha256": hashes}
    return Bundle(folder, index)


@pytest.fixture(scope="module")
def caching(shipped: Bundle) -> OnnxEngine:
    return OnnxEngine(shipped)


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def rows(batch: int, length: int) -> np.ndarray:
    chance = np.random.default_rng(0)
    return np.stack([chance.integers(0, v, (batch, length)) for v in SIZES], axis=2)


def test_caches_grow_and_wrap_without_changing_what_is_told(caching: OnnxEngine) -> None:
    given = rows(3, WINDOW + 20)
    plain, played = caching.start(3), caching.playing(caching.start(3), 1)
    slots = []
    for t in range(given.shape[1]):
        row = np.ascontiguousarray(given[:, t])
        plain, played = caching.step(row, plain), caching.step(row, played)
        slots.append(played.tensors[1].shape[2])
        for k in range(2):
            np.testing.assert_allclose(
                caching.logits(played, k, row), caching.logits(plain, k, row), atol=1e-5
            )
    assert sorted(set(slots)) == [SLOTS, WINDOW]


def test_caches_tell_what_the_model_itself_tells(caching: OnnxEngine) -> None:
    given = rows(2, 2 * WINDOW + 9)
    torch.manual_seed(0)
    model = NoteTransformer(SIZES, WINDOW, width=16, layers=2, heads_per_layer=2).eval()
    theirs = TorchEngine(model)
    known, played = theirs.start(2), caching.playing(caching.start(2), 1)
    for t in range(given.shape[1]):
        row = np.ascontiguousarray(given[:, t])
        known, played = theirs.step(row, known), caching.step(row, played)
    for k in range(2):
        np.testing.assert_allclose(
            caching.logits(played, k, row), theirs.logits(known, k, row), atol=1e-4
        )


def test_takes_of_any_length_play_side_by_side(caching: OnnxEngine) -> None:
    prompts = [rows(1, length) for length in (3, SLOTS + 5, WINDOW + 7)]
    states = [read(caching, prompt) for prompt in prompts]
    together = put_into(caching.playing(caching.start(3), 1), states)
    row = rows(1, 1)[:, 0]
    together = caching.step(np.repeat(row, 3, axis=0), together)
    told = caching.logits(together, 0, np.repeat(row, 3, axis=0))
    for i, state in enumerate(states):
        alone = caching.step(row, state)
        np.testing.assert_allclose(told[i], caching.logits(alone, 0, row)[0], atol=1e-5)


@pytest.mark.parametrize("before", [5, SLOTS + 5, WINDOW + 5])
def test_a_lane_put_to_other_use_forgets(caching: OnnxEngine, before: int) -> None:
    long, short = read(caching, rows(1, before)), read(caching, rows(1, 4))
    fresh = put_into(caching.playing(caching.start(2), 1), [short, short])
    used = put_into(caching.playing(caching.start(2), 1), [long, long])
    row = np.repeat(rows(1, 1)[:, 0], 2, axis=0)
    for _ in range(3):
        used = caching.step(row, used)
    used = put_into(used, [short, short])
    for _ in range(SLOTS):
        fresh, used = caching.step(row, fresh), caching.step(row, used)
    for k in range(2):
        np.testing.assert_array_equal(caching.logits(used, k, row), caching.logits(fresh, k, row))


def put_into(played: State, states: list[State]) -> State:
    """`states`, each of one take, in the lanes of a batch."""
    counts = [each.rows for each in states]
    most = None if None in counts else max(n for n in counts if n is not None)
    buffers, one = played.buffers, np.zeros(1, np.int64)
    for lane, state in enumerate(states):
        buffers.put(np.array([lane]), state, one, most)
    return State(len(states), buffers.features, buffers.tensors, most, buffers)


def test_a_fork_of_what_is_played_goes_on_alike(caching: OnnxEngine) -> None:
    prompt, more = rows(1, SLOTS - 1), rows(1, 5)
    state = read(caching, prompt)
    assert state.tensors[1].shape[2] == SLOTS
    twice = caching.playing(state, 2)
    for t in range(5):
        row = np.ascontiguousarray(more[:, t])
        state = caching.step(row, state)
        twice = caching.step(np.repeat(row, 2, axis=0), twice)
    told, alone = caching.logits(twice, 1, np.repeat(row, 2, axis=0)), caching.logits(state, 1, row)
    np.testing.assert_allclose(told, np.repeat(alone, 2, axis=0), atol=1e-5)


def test_a_state_that_is_played_on_leaves_the_old_one(bundle: Bundle) -> None:
    engine = make_engine(bundle, "onnx")
    row = np.ones((1, len(bundle.sizes)), np.int64)
    state = engine.step(row, engine.start(1))
    before = [t.copy() for t in state.tensors]
    played = engine.playing(state, 1)
    for _ in range(3):
        played = engine.step(row, played)
    for old, now in zip(before, state.tensors, strict=True):
        np.testing.assert_array_equal(old, now)


@pytest.mark.parametrize("engine", ["onnx", "int8", "int4"])
def test_a_take_does_not_depend_on_those_beside_it(bundle: Bundle, engine: str) -> None:
    together = generate(bundle, takes=4, bars=2, seed=5, engine=engine)
    for i, take in enumerate(together):
        alone = generate(bundle, bars=2, seed=5 + i, engine=engine)[0]
        assert alone.score.content_hash() == take.score.content_hash()


def test_int8_knows_what_its_matrices_are_given(bundle: Bundle) -> None:
    spans, small = watched(bundle), quantised(bundle)
    assert set(spans) == set(small) == set(bundle.graphs)
    for name, found in spans.items():
        assert all(least <= 0 < most for least, most in found.values())
        rounded = [n.op_type for n in onnx.load_from_string(small[name]).graph.node]
        assert rounded.count("QuantizeLinear") == len(found)
    assert spans["model.onnx"]


def test_int8_tells_nearly_the_same_past_a_full_cache(shipped: Bundle) -> None:
    graphs = quantised(shipped)
    small = OnnxEngine(shipped, opened=lambda path: session(path, graph=graphs[path.name]))
    known = OnnxEngine(shipped)
    given = rows(2, WINDOW + 20)
    states = [each.playing(each.start(2), 1) for each in (small, known)]
    for t in range(given.shape[1]):
        row = np.ascontiguousarray(given[:, t])
        states = [e.step(row, s) for e, s in zip((small, known), states, strict=True)]
    appends = any("after" in each for each in shipped.index["state"])
    expected = np.int8 if appends else np.float32
    assert states[0].tensors[1].dtype == expected
    told, theirs = (e.logits(s, 0, row) for e, s in zip((small, known), states, strict=True))
    np.testing.assert_allclose(told, theirs, atol=0.1)
    assert np.abs(told - theirs).max() > 0


def test_random_numbers_are_those_of_each_generator() -> None:
    chance = Chance([3, 4])
    told: list[list[float]] = [[], []]
    for i in range(2 * FETCHED):
        wanted = np.array([True, i % 3 > 0])
        for own, numbers, used in zip(told, chance.next(2, wanted), wanted, strict=True):
            own.extend(numbers if used else [])
    for seed, own in zip((3, 4), told, strict=True):
        np.testing.assert_array_equal(own, np.random.default_rng(seed).random(len(own)))
