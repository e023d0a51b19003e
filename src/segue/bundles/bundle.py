"""A bundle on disk: loaded without pickle, checked against the hashes it carries.

bundle/
  model.safetensors   the weights, in float32 or bfloat16
  model.onnx          one step of the model: a row and the state to features and the state;
                      of a model that plays segments: random numbers to a segment's rows
  heads.onnx          features to logits, of one column or of all of a frame
  head_K.onnx         in its place, where there are more: features and a row to logits of column K
  column.onnx         in its place, where columns are a chain: one column's logits, and the chain
  encoder.onnx        a segment's rows to the numbers it is made from, where there is such a way
  openings.npz        a few training windows that takes may start from
  recipe.toml         resolved: every default written out
  encoding.json       the encoding's name, options and vocabulary
  tallies.npz         what its training music counted, for the baselines of `segue evaluate`
  profile.npz         what its music was like, for `segue drift`
  bundle.json         format version, state shapes, held-out figures, provenance, SHA-256s
  memorisation.npz    the steps of the training music, two bytes each, to tell takes from copies
  SOURCES.csv         each piece it learned from, its licence and whom it is owed to
  CARD.md             the same for people
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from segue import encodings
from segue.bundles import own
from segue.bundles.weights import read_weights
from segue.encodings.base import Encoding, Rows
from segue.errors import BundleError
from segue.evaluation.memorisation import Training
from segue.recipes.library import load as load_recipe
from segue.recipes.schema import Recipe

T = TypeVar("T")

FORMAT_VERSION = 1
INDEX = "bundle.json"
MAX_JSON_BYTES = 64 * 2**20
"""No vocabulary or manifest comes near this; a larger file is not a bundle's."""
_UNREADABLE = (
    OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error, struct.error,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What NumPy and zipfile raise for damaged archives, found by fuzzing."""
HASHED = ("model.safetensors", "openings.npz", "recipe.toml", "encoding.json")
"""What every bundle holds."""
MEMORISATION = "memorisation.npz"
SOURCES = "SOURCES.csv"
BESIDE = (MEMORISATION, SOURCES)
"""What it may hold that does not decide what it plays: hashed, but not part of its own hash."""
MOST_HEADS = 64
"""With more columns all heads are one graph."""
HEADS = tuple(f"head_{k}.onnx" for k in range(MOST_HEADS))
GRAPHS = ("model.onnx", "heads.onnx", *HEADS, "column.onnx", "encoder.onnx")
"""What it may hold besides, to be played without torch."""
PRECISIONS = ("fp32", "int8")
"""The numbers that the graphs multiply with."""
MOST_KEPT = 16
"""How much of what a bundle has worked out for its takes stays; states may be a megabyte each."""


@dataclass(frozen=True)
class Bundle:
    """A checked bundle; heavy parts are read when asked for."""

    path: Path
    index: dict[str, Any]

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the hashes of its files: two bundles that play alike have the same."""
        return bundle_hash(self.index["sha256"])

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, worked out when `key` is asked for first: for all takes the same."""
        kept = self._kept
        found: T | None = kept.pop(key, None)
        if found is None:
            found = make()
        kept[key] = found  # as the one that was asked for last
        for oldest in list(kept)[:-MOST_KEPT]:
            kept.pop(oldest, None)
        return found

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe it was trained with."""
        return load_recipe(self.path / "recipe.toml")

    @cached_property
    def encoding(self) -> Encoding:
        """The fitted encoding."""
        return encodings.from_state(_json(self.path / "encoding.json"))

    @cached_property
    def openings(self) -> list[Rows]:
        """Training windows, each (rows, columns), that a take may start from."""
        try:
            with np.load(self.path / "openings.npz", allow_pickle=False) as arrays:
                return [arrays[key] for key in sorted(arrays.files)]
        except _UNREADABLE as error:
            raise BundleError(f"{self.path / 'openings.npz'} cannot be read: {error}.") from None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The vocabulary size of each column."""
        return tuple(self.index["sizes"])

    @property
    def graphs(self) -> tuple[str, ...]:
        """The ONNX graphs it holds."""
        return tuple(name for name in GRAPHS if name in self.index["sha256"])

    @property
    def precision(self) -> str:
        """Whether the graphs are "fp32", as they are exported, or "int8" already."""
        return str(self.index.get("precision", "fp32"))

    @property
    def plays(self) -> str:
        """How it makes music: "rows", one at a time, or whole "segments"."""
        return str(self.index.get("plays", "rows"))

    @property
    def engine(self) -> dict[str, Any]:
        """What an engine must know to play it."""
        return dict(self.index.get("engine", {}))

    @cached_property
    def training_steps(self) -> Training | None:
        """The steps of the music it learned from; None if it does not carry them."""
        if MEMORISATION not in self.index.get("beside", {}):
            return None
        file = self.path / MEMORISATION
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return Training.from_arrays(dict(arrays))
        except _UNREADABLE as error:
            raise BundleError(f"{file} cannot be read: {error}.") from None

    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights by name; those that are kept in bfloat16 as float32."""
        return read_weights(self.path / "model.safetensors")


def bundle_hash(sha256: dict[str, str]) -> str:
    """One hash for the files' hashes."""
    listing = "\n".join(f"{name} {sha256[name]}" for name in sorted(sha256))
    return hashlib.sha256(listing.encode()).hexdigest()


def locate(path: str | Path | None = None) -> Path:
    """The bundle folder for a path to it, or to the run that holds it.

    Where nothing lies at the path it may be the name of a bundle that comes with Segue; without
    one it is the default bundle. BundleError if there is none.
    """
    if path is None:
        return own.default()
    folder = Path(path)
    for candidate in (folder, folder / "bundle"):
        if (candidate / INDEX).is_file():
            return candidate
    if not folder.exists():
        if str(path) == own.DEFAULT:
            return own.default()
        if str(path) in own.shipped():
            return own.shipped()[str(path)]
    if (folder / "checkpoints").is_dir():
        raise BundleError(
            f"{folder} is a run that has not made its bundle yet: "
            f"finish it with `segue train --resume {folder}`."
        )
    what = "does not exist"
    if folder.exists():
        what = "holds no bundle" if folder.is_dir() else "is a file, not a bundle"
    named = "".join(f", or {name}" for name in own.shipped())
    raise BundleError(
        f"{folder} {what}: give the folder of a run or bundle that `segue train` wrote{named}."
    )


def load(path: str | Path | None = None, *, verify: bool = True) -> Bundle:
    """Open a bundle (or the one in a run) and compare its files with their hashes.

    A name of one that comes with Segue will do, and None is the default bundle. Raises BundleError
    for a missing, damaged, changed or newer bundle.
    """
    folder = locate(path)
    index = _json(folder / INDEX)
    version = index.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{folder} has bundle format {version!r}; this Segue reads {FORMAT_VERSION}: "
            "use the version of Segue that made it, or train again."
        )
    if index.get("precision", "fp32") not in PRECISIONS:
        raise BundleError(
            f"{folder} has graphs in {index['precision']!r}; this Segue plays "
            f"{' and '.join(PRECISIONS)}: use the version of Segue that made it."
        )
    hashes = index.get("sha256")
    if not isinstance(hashes, dict) or not isinstance(index.get("sizes"), list):
        raise BundleError(f"{folder / INDEX} lacks its hashes or sizes; train again or copy anew.")
    missing = [name for name in HASHED if name not in hashes]
    if missing:
        raise BundleError(f"{folder / INDEX} says nothing of {', '.join(missing)}; copy it anew.")
    if verify:
        for name in (*HASHED, *(graph for graph in GRAPHS if graph in hashes)):
            _check(folder / name, hashes[name])
        beside = index.get("beside", {})
        for name in (name for name in BESIDE if name in beside):
            _check(folder / name, beside[name])
    return Bundle(folder, index)


def _check(file: Path, expected: str) -> None:
    if not file.is_file():
        raise BundleError(f"{file} is missing; copy the whole bundle folder again.")
    if sha256_of(file) != expected:
        raise BundleError(f"{file} is not the file the bundle was made with; copy it again.")


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, as hex."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _json(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise BundleError(f"{file} is over {MAX_JSON_BYTES >> 20} MiB; it is not a bundle's.")
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{file} cannot be read: {error}.") from None
    if not isinstance(value, dict):
        raise BundleError(f"{file} holds a {type(value).__name__}, not an object.")
    return value


def describe(path: str | Path) -> dict[str, Any]:
    """What `segue inspect` shows of a bundle or run, as plain values."""
    bundle = load(path)
    untold = ("sha256", "beside", "format_version", "used")
    beside = [name for name in BESIDE if name in bundle.index.get("beside", {})]
    return {
        "bundle": str(bundle.path),
        "hash": bundle.hash,
        "recipe": bundle.name,
        "summary": bundle.recipe.summary,
        "encoding": {
            "name": bundle.encoding.name,
            "columns": {c.name: c.size for c in bundle.encoding.layout.columns},
            "keeps": list(bundle.encoding.keeps),
            "loses": list(bundle.encoding.loses),
        },
        **{k: v for k, v in bundle.index.items() if k not in untold},
        "bytes": {n: (bundle.path / n).stat().st_size for n in (*HASHED, *bundle.graphs, *beside)},
    }
