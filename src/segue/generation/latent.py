"""The ways of latent families: `reconstruct` a piece, `vary` it, `interpolate` between two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation.engine import IntRows
from segue.generation.segment_engines import Composer, make_composer
from segue.generation.take import Take, checks, make_receipt, signed
from segue.score import Score, tidy

Floats = NDArray[np.float32]


def reconstruct(bundle: Bundle, music: Score, *, seed: int = 0, engine: str = "auto") -> Take:
    """The music as the model remembers it: through its latent and back, its likeliest notes."""
    return vary(bundle, music, amount=0.0, seed=seed, engine=engine)[0]


def vary(
    bundle: Bundle,
    music: Score,
    *,
    amount: float = 0.3,
    takes: int = 1,
    seed: int = 0,
    engine: str = "auto",
) -> list[Take]:
    """Takes like `music`: its latent moved by `amount`, from 0 (none) to 1 (all is drawn anew).

    Raises SegueError for a bundle without a latent, or an amount out of range.
    """
    if not 0 <= amount <= 1:
        raise SegueError(f"the amount came as {amount:g}; 0 to 1 is allowed.")
    composer = _latent(bundle, engine)
    rows, header = _rows(bundle, music)
    windows = _windows(rows, int(composer.facts["window"]))
    known = composer.encode(windows)
    made = []
    for own in range(seed, seed + takes):
        rng = np.random.default_rng(own)
        fresh = rng.standard_normal(known.shape, np.float32)
        moved = ((1 - amount**2) ** 0.5 * known + amount * fresh).astype(np.float32)
        new = _composed(composer, moved, rng, rows.shape[1])[: len(rows)]
        settings = {"way": "vary", "amount": amount, "prompt": music.content_hash()}
        made.append(_take(bundle, new, header, composer.name, own, settings))
    return made


def interpolate(
    bundle: Bundle, first: Score, second: Score, *, steps: int = 8, seed: int = 0,
    engine: str = "auto",
) -> Take:  # fmt: skip
    """One take of `steps` segments that leads from the opening of one piece to that of another.

    Between them the latent is turned along the great circle, which keeps its length that of a
    latent (White, "Sampling generative networks", 2016). Raises SegueError as `vary`.
    """
    if not 2 <= steps <= 256:
        raise SegueError(f"steps came as {steps}; 2 to 256 is allowed.")
    composer = _latent(bundle, engine)
    window = int(composer.facts["window"])
    (one, header), (other, _) = _rows(bundle, first), _rows(bundle, second)
    ends = composer.encode(np.stack([_windows(one, window)[0], _windows(other, window)[0]]))
    path = slerp(ends[0], ends[1], np.linspace(0, 1, steps, dtype=np.float32))
    rows = _composed(composer, path, np.random.default_rng(seed), one.shape[1])
    settings = {
        "way": "interpolate",
        "steps": steps,
        "prompts": [first.content_hash(), second.content_hash()],
    }
    return _take(bundle, rows, header, composer.name, seed, settings)


def read_latent(path: Path) -> Floats:
    """The latent that a file holds: an array (.npy), lists of numbers, or a take's receipt (.json).

    Raises SegueError for a file without one.
    """
    refused = SegueError(
        f"{path} holds no latent: give a .npy array or a .json of numbers, a row a segment, or the "
        "receipt of a take that was made from one."
    )
    try:
        if path.suffix.lower() == ".npy":
            found = np.load(path, allow_pickle=False)
        else:
            found = json.loads(path.read_text(encoding="utf-8"))
            found = found.get("latent") if isinstance(found, dict) else found
        array = np.asarray(found, np.float32)
    except (OSError, ValueError, TypeError, EOFError):
        raise refused from None
    if array.ndim not in (1, 2) or not array.size:
        raise refused
    return np.atleast_2d(array)


def slerp(first: Floats, second: Floats, shares: Floats) -> Floats:
    """Shape (shares, Z): points from `first` (0) to `second` (1) along the great circle."""
    lengths = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    cosine = float(first @ second) / max(lengths, 1e-12)
    angle = np.arccos(np.clip(cosine, -1, 1))
    t = shares[:, None]
    if np.sin(angle) < 1e-4:
        return np.asarray((1 - t) * first + t * second, np.float32)
    turned = np.sin((1 - t) * angle) * first + np.sin(t * angle) * second
    return np.asarray(turned / np.sin(angle), np.float32)


def _latent(bundle: Bundle, engine: str) -> Composer:
    if bundle.plays != "segments" or not bundle.engine.get("encodes"):
        raise SegueError(
            f"{bundle.name} has no latent that music can be read into: use a bundle of a latent "
            "recipe, such as velocity-vae."
        )
    return make_composer(bundle, engine)


def _rows(bundle: Bundle, music: Score) -> tuple[IntRows, dict[str, Any]]:
    encoded = bundle.encoding.encode(music)
    rows = encoded.rows.astype(np.int64)
    if not len(rows):
        raise SegueError(
            f"the encoding {bundle.encoding.name} can hold nothing of the music: give another."
        )
    return rows, encoded.header


def _windows(rows: IntRows, window: int) -> IntRows:
    """Shape (windows, window, columns); the last filled up with symbol 0."""
    padded = np.pad(rows, ((0, -len(rows) % window), (0, 0)))
    return padded.reshape(-1, window, rows.shape[1])


def _composed(
    composer: Composer, normal: Floats, rng: np.random.Generator, columns: int
) -> IntRows:
    """A segment for each latent, one after another, each likeliest."""
    facts = composer.facts
    before = np.zeros((1, int(facts["window"]), columns), np.int64)
    laid = []
    for one in normal:
        uniform = rng.random((1, facts["uniforms"]), np.float32)
        before = composer.compose(one[None], uniform, before, 0.0)
        laid.append(before[0])
    return np.concatenate(laid)


def _take(
    bundle: Bundle,
    rows: IntRows,
    header: dict[str, Any],
    engine: str,
    seed: int,
    settings: dict[str, Any],
) -> Take:
    score = tidy(bundle.encoding.decode(rows.astype(np.uint16), header))
    receipt = make_receipt(bundle, engine, seed, settings)
    receipt["checks"] = checks(score)
    return Take(signed(score, receipt), receipt)
