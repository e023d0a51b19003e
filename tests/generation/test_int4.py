"""Four bits a weight: what is packed, what it tells, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from segue import bundles
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import int4
from segue.generation.engine import make_engine
from segue.generation.parity import parity


@pytest.fixture
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def unpacked(numbers: np.ndarray, scales: np.ndarray, inputs: int) -> np.ndarray:
    both = np.stack([numbers & 15, numbers >> 4], axis=-1).astype(np.float32) - 8
    blocks = both.reshape(*numbers.shape[:2], -1) * scales[..., None]
    return blocks.reshape(len(numbers), -1)[:, :inputs].T


def test_weights_are_within_half_a_step_of_their_block() -> None:
    weight = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32)
    numbers, scales = int4.packed(weight)
    assert numbers.shape == (5, 2, int4.BLOCKS[-1] // 2)
    assert numbers.dtype == np.uint8
    off = np.abs(unpacked(numbers, scales, 100) - weight)
    # A weight as far from 0 as the farthest, on the other side, has no number of its own.
    assert (off[:64] <= np.abs(scales[:, 0]) * 1.001).all()
    assert np.median(off[:64] / np.abs(scales[:, 0])) < 0.5


def test_the_farthest_weight_of_a_block_is_kept() -> None:
    weight = np.zeros((64, 2), np.float32)
    weight[3] = (-2.0, 2.0)
    np.testing.assert_array_equal(unpacked(*int4.packed(weight), 64), weight)


@pytest.mark.parametrize(("inputs", "block"), [(512, 256), (384, 128), (192, 64), (100, 64)])
def test_as_many_weights_share_a_scale_as_a_column_has_whole_blocks_of(
    inputs: int, block: int
) -> None:
    numbers, scales = int4.packed(np.ones((inputs, 3), np.float32))
    assert numbers.shape == (3, -(-inputs // block), block // 2)
    np.testing.assert_array_equal(unpacked(numbers, scales, inputs), np.ones((inputs, 3)))


def test_a_bundle_tells_nearly_what_it_tells_in_fp32(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int4, "LEAST_WEIGHTS", 64)  # the bundle of the tests is small
    graphs = int4.in_four_bits(bundle)
    kinds = [n.op_type for n in onnx.load_from_string(graphs["model.onnx"]).graph.node]
    assert "MatMulNBits" in kinds
    found = parity(bundle, "int4", "onnx", steps=20)
    assert found.engine == "int4"
    assert 0 < found.max_logit_difference < 1
    assert abs(found.rise) < 0.05


def test_graphs_in_int8_are_refused(bundle: Bundle) -> None:
    shipped = replace(bundle, index={**bundle.index, "precision": "int8"})
    with pytest.raises(SegueError, match="in int8, which cannot be rounded to int4"):
        make_engine(shipped, "int4")
