"""Weights on disk: as they are, and in half the bytes, as torch reads and rounds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

from segue.bundles.weights import in_half, read_weights
from segue.errors import BundleError

WEIGHTS = {
    "matrix": np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32),
    # Between two numbers of bfloat16, whose last bits are 0 and 1: ties go to the even one.
    "ties": np.array([1 + 1 / 256, 1 + 3 / 256, -1 - 1 / 256], np.float32),
    "extremes": np.array([3e38, -1e-40, 65504, 0.1], np.float32),
    "one": np.array(1.5, np.float32),
    "none": np.zeros((0, 2), np.float32),
    "count": np.array(4, np.int64),
    "mask": np.array([True, False, True]),
}


def test_half_is_what_torch_rounds_to(tmp_path: Path) -> None:
    (tmp_path / "half").write_bytes(in_half(WEIGHTS))
    read, by_torch = read_weights(tmp_path / "half"), load_file(tmp_path / "half")
    assert set(read) == set(by_torch) == set(WEIGHTS)
    for name, array in WEIGHTS.items():
        rounded = torch.from_numpy(np.array(array))
        if array.dtype == np.float32:
            rounded = rounded.bfloat16()
            assert by_torch[name].dtype == torch.bfloat16
        assert torch.equal(by_torch[name], rounded), name
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert np.array_equal(read[name], rounded.to(torch.from_numpy(np.array(array)).dtype))
    np.testing.assert_array_equal(read["ties"], [1, 1 + 1 / 64, -1])


def test_half_is_the_same_whatever_the_order() -> None:
    assert in_half(WEIGHTS) == in_half(dict(reversed(WEIGHTS.items())))


def test_what_is_whole_stays_so(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "whole")
    read = read_weights(tmp_path / "whole")
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(read[name], array)


def test_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="gone is damaged"):
        read_weights(tmp_path / "gone")
    (tmp_path / "cut").write_bytes(in_half(WEIGHTS)[:-1])
    with pytest.raises(BundleError, match="cut is damaged"):
        read_weights(tmp_path / "cut")
    header = b'{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}      '
    (tmp_path / "eight").write_bytes(len(header).to_bytes(8, "little") + header + b"\0")
    with pytest.raises(BundleError, match="holds x as F8_E4M3; F64, F32"):
        read_weights(tmp_path / "eight")
