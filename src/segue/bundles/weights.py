"""The weights of a bundle, by name: read as they are, written so, or rounded to half the bytes.

bfloat16 has the sign and exponent of float32 and seven bits of its fraction. NumPy does not know
it: it is written from, and read back as, float32 that has no more than that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import BundleError

HALF = "BF16"
"""What safetensors calls bfloat16."""
KINDS: dict[str, type[Any]] = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32,
    "I16": np.int16, "I8": np.int8, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file; those in bfloat16 as float32.

    Raises BundleError for a file that is missing, damaged, or of tensors of another kind.
    """
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except (SafetensorError, OSError) as error:
        raise BundleError(f"{path} is damaged: {error}.") from None
    weights = {}
    for name, told in found:
        kind = told["dtype"]
        if kind != HALF and kind not in KINDS:
            raise BundleError(f"{path} holds {name} as {kind}; {', '.join(KINDS)} can be read.")
        flat = np.frombuffer(told["data"], "<u2" if kind == HALF else KINDS[kind])
        weights[name] = (_widened(flat) if kind == HALF else flat).reshape(told["shape"])
    return weights


def in_half(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file of the weights, those in float32 rounded to bfloat16.

    The bytes follow from the weights alone.
    """
    kinds = {np.dtype(kind): name for name, kind in KINDS.items()}
    given = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    halves = {n: _halved(a) for n, a in given.items() if a.dtype == np.float32}
    written = {**given, **halves}
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    at = 0
    # The widest first, as the format wants them aligned.
    for name in sorted(written, key=lambda n: (-written[n].dtype.itemsize, n)):
        content = written[name].tobytes()
        header[name] = {
            "dtype": HALF if name in halves else kinds[given[name].dtype],
            "shape": list(weights[name].shape),
            "data_offsets": [at, at := at + len(content)],
        }
        parts.append(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def _halved(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves, rounded to the nearest, ties to even; numbers, not NaN, come in."""
    bits = array.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def _widened(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    return (halves.astype(np.uint32) << 16).view(np.float32)
