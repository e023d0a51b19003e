"""Writing a bundle: beside its place first, then renamed, so that it is whole or absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue import __version__
from segue.bundles.bundle import FORMAT_VERSION, HASHED, INDEX, Bundle, load, sha256_of
from segue.encodings.base import Encoding, Rows
from segue.files import write_json, write_text
from segue.recipes.library import to_toml
from segue.recipes.schema import Recipe

Card = Callable[[Recipe, Encoding, Mapping[str, Any]], str]
"""A recipe, its encoding and what bundle.json holds, to the text of CARD.md."""


def save(
    path: str | Path,
    *,
    recipe: Recipe,
    encoding: Encoding,
    weights: Mapping[str, NDArray[Any]] | bytes,
    onnx: Mapping[str, bytes],
    state: Sequence[Mapping[str, Any]],
    openings: Sequence[Rows],
    facts: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
    unhashed: Mapping[str, bytes] | None = None,
    card: Card | None = None,
) -> Bundle:
    """Write a bundle folder, replacing one that is there.

    `weights` may be the bytes of a safetensors file. `onnx` holds the bytes of the graphs by file
    name (`GRAPHS`); `state` the name, dtype and shape of each state tensor without its batch axis;
    `facts` the held-out figures and provenance that go to bundle.json and the card; `beside` the
    bytes of files by name (`BESIDE`), `unhashed` those of files that may change; `card` makes
    another card than the usual one.
    """
    from safetensors.numpy import save_file

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        if isinstance(weights, bytes):
            (draft / "model.safetensors").write_bytes(weights)
        else:
            save_file(dict(weights), draft / "model.safetensors")
        for name, content in onnx.items():
            (draft / name).write_bytes(content)
        for name, content in {**(beside or {}), **(unhashed or {})}.items():
            (draft / name).write_bytes(content)
        arrays: dict[str, Any] = {f"{i:04d}": rows for i, rows in enumerate(openings)}
        np.savez_compressed(draft / "openings.npz", **arrays)
        write_text(draft / "recipe.toml", to_toml(recipe))
        write_json(draft / "encoding.json", encoding.state())
        index = {
            "format_version": FORMAT_VERSION,
            "segue": __version__,
            "sizes": list(encoding.layout.sizes),
            "state": [dict(s) for s in state],
            **facts,
            "sha256": {name: sha256_of(draft / name) for name in (*HASHED, *onnx)},
            "beside": {name: sha256_of(draft / name) for name in beside or {}},
        }
        write_json(draft / INDEX, index)
        (draft / "model.safetensors").chmod(0o644)  # safetensors makes it for its owner alone
        write_text(draft / "CARD.md", (card or usual_card)(recipe, encoding, index))
        draft.chmod(0o755)
        _replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load(target)


def _replace(new: Path, target: Path) -> None:
    """Put folder `new` at `target`; the old one stays until the new one is in place."""
    if target.exists():
        old = target.with_name(f".{target.name}.old-{os.getpid()}")
        target.rename(old)
        new.rename(target)
        shutil.rmtree(old)
    else:
        new.rename(target)


def usual_card(recipe: Recipe, encoding: Encoding, index: Mapping[str, Any]) -> str:
    """The card: what it is, what it learned from, how well, and what it cannot hold."""
    lines = [f"# {recipe.name}", "", recipe.summary + ".", ""]
    if recipe.system:
        lines += [f"System: {recipe.system}.", ""]
    lines += [f"Parameters: {index['parameters']:,}.", "", "## Held-out loss", ""]
    lines += [f"| | {index['held_out'].get('unit', 'nats')} a row |", "|---|---|"]
    lines += [f"| {name} | {value:.4f} |" for name, value in index["held_out"]["nats"].items()]
    lines += [
        "",
        f"Over {index['held_out']['rows']:,} rows of the {index['held_out']['split']} split.",
    ]
    lines += ["", "## Learned from", ""]
    lines += [f"- {key}: {value}" for key, value in index["corpus"].items()]
    lines += ["", "## The encoding keeps", "", *[f"- {kept}" for kept in encoding.keeps]]
    lines += ["", "## and loses", "", *[f"- {lost}" for lost in encoding.loses], ""]
    return "\n".join(lines)
