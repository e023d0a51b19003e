"""What a bundle was trained on, piece by piece: the reference that new music is held against.

A profile holds, of training and held-out pieces, the histogram of each measure of
`evaluation.profile`, of held-out pieces the model's own surprise, and which instruments played.
It travels in the bundle as `profile.npz`, and is no part of what the bundle plays nor of its hash.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.data import Corpus
from segue.data.traits import FAMILIES, traits
from segue.errors import BundleError, DataError, SegueError
from segue.evaluation.profile import MEASURES, Floats, histograms, shares
from segue.files import written_whole
from segue.judging import floor
from segue.judging.floor import UNREADABLE
from segue.judging.likelihood import evaluate
from segue.judging.material import Material, Music, material, watched_split
from segue.score import Score

FILE = "profile.npz"
VERSION = 1
PIECES = 1000
"""Of larger splits so many pieces are kept, drawn by the seed."""
SURPRISE_BINS = 100
SURPRISE_ROWS = 100_000
"""Rows read for it, in windows evenly spread over the pieces."""
SURPRISE = "surprise"
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Profile:
    """P pieces: `histograms` by measure, (P, bins), NaN where a piece has no such value.

    `held_out`, (P,), are those the model has not learned from, which alone have a surprise;
    `groups` are pieces that belong together, such as the movements of a work. `top` is the
    nats a row at which the range of surprise ends, 0 where the model has no such nats. `families`
    are the families of instruments that played. `heard` says what the measures were taken from:
    the "files" as written, or the "rows" that are left of them.
    """

    names: tuple[str, ...]
    hashes: tuple[str, ...]
    groups: tuple[str, ...]
    held_out: NDArray[np.bool_]
    histograms: dict[str, Floats]
    top: float
    families: tuple[str, ...]
    heard: str = "files"

    @property
    def learned(self) -> set[str]:
        """The hashes of the music the model has learned from, which no longer surprises it."""
        return {h for h, out in zip(self.hashes, self.held_out, strict=True) if not out}

    @property
    def reference(self) -> NDArray[np.bool_]:
        """The pieces that new music is compared with: those it learned from, if they are known."""
        return ~self.held_out if (~self.held_out).any() else self.held_out

    def together(self, other: Profile, surprise: tuple[float, Floats]) -> Profile:
        """Of both corpora as one; `surprise` is the range and (P, bins) of all their pieces."""
        top, told = surprise
        both = {
            name: np.concatenate([self.histograms[name], other.histograms[name]])
            for name in self.histograms
            if name != SURPRISE
        }
        return Profile(
            self.names + other.names,
            self.hashes + other.hashes,
            self.groups + other.groups,
            np.append(self.held_out, other.held_out),
            {**both, SURPRISE: told},
            top,
            tuple(sorted({*self.families, *other.families}, key=FAMILIES.index)),
            self.heard if self.heard == other.heard else "rows",
        )


# -- made ----------------------------------------------------------------------------------------


def profile_of(
    bundle: Bundle, music: Music, *, engine: str = "auto", told: Told | None = None
) -> Profile:
    """The profile of a corpus, from its training and held-out pieces, or of a folder, all of
    which then counts as held out. DataError if nothing of it can be read."""
    path = Path(music) if isinstance(music, str | Path) else None
    if path is not None and (path / "corpus.json").is_file() and (path / "pieces.npy").is_file():
        music = Corpus.open(path)
    if not isinstance(music, Corpus):
        kept = material(bundle, music, most=PIECES, told=told).pieces
        return _profile(bundle, list(kept), np.ones(len(kept), bool), engine)
    watched = watched_split(music)
    pieces: list[Material] = []
    held_out: list[bool] = []
    for split in ("train", watched):
        if music.splits.get(split):
            found = material(bundle, music, split=split, most=PIECES, told=told).pieces
            pieces += found
            held_out += [split == watched] * len(found)
    return _profile(bundle, pieces, np.array(held_out), engine)


def _profile(
    bundle: Bundle, pieces: list[Material], held_out: NDArray[np.bool_], engine: str
) -> Profile:
    heard = "files" if all(piece.score is not None for piece in pieces) else "rows"
    scores = [as_heard(bundle, piece, heard) for piece in pieces]
    each = [histograms(score) for score in scores]
    told = {m.name: np.array([one[m.name] for one in each]) for m in MEASURES}
    new = [piece for piece, out in zip(pieces, held_out, strict=True) if out]
    nats = surprises(bundle, new, engine)
    top = surprise_top(nats)
    surprise = np.full((len(pieces), SURPRISE_BINS), np.nan)
    surprise[held_out] = surprise_histograms(nats, top)
    played: set[str] = set()
    for score in scores:
        played |= families_of(score)
    return Profile(
        tuple(piece.name for piece in pieces),
        tuple(piece.hash for piece in pieces),
        tuple(piece.group or piece.name for piece in pieces),
        held_out,
        {**told, SURPRISE: surprise},
        top,
        tuple(sorted(played, key=FAMILIES.index)),
        heard,
    )


def as_heard(bundle: Bundle, piece: Material, heard: str) -> Score:
    """A piece as its file has it, or, from "rows", as the encoding gives it back."""
    if heard == "files" and piece.score is not None:
        return piece.score
    header = bundle.encoding.encode(piece.score).header if piece.score is not None else {}
    return bundle.encoding.decode(piece.rows.astype(np.uint16), header)


def families_of(score: Score) -> set[str]:
    """The families of instruments with notes in a Score, drums among them."""
    counts = traits(score)[0]["family"]
    return {FAMILIES[i] for i in np.flatnonzero(counts)}


# -- surprise ------------------------------------------------------------------------------------


def surprises(bundle: Bundle, pieces: Sequence[Material], engine: str) -> list[Floats]:
    """The nats of each row of each piece, none where it was not scored; read as windows, as the
    model was trained, and as many as training watches."""
    if bundle.plays != "rows" or not pieces:
        return [np.zeros(0) for _ in pieces]
    try:
        found = evaluate(
            bundle,
            pieces,
            engine=engine,
            context="window",
            reading=SURPRISE_ROWS,
            charge=False,
            baselines=False,
            draws=1,
        )
    except DataError:
        return [np.zeros(0) for _ in pieces]
    by_place = {piece.place: piece.row_nats for piece in found.pieces}
    nothing = np.zeros(0)
    told = [by_place.get(place) for place in range(len(pieces))]
    return [nothing if nats is None else nats for nats in told]


def surprise_top(nats: Sequence[Floats]) -> float:
    """Where the range ends: twice what 99 of 100 rows stay under; 0 without rows."""
    every = np.concatenate([*nats, np.zeros(0)])
    return float(2 * np.quantile(every, 0.99)) if len(every) else 0.0


def surprise_histograms(nats: Sequence[Floats], top: float) -> Floats:
    """Shape (P, SURPRISE_BINS): nats a row from 0 to `top`; NaN for pieces without rows."""
    if not top:
        return np.full((len(nats), SURPRISE_BINS), np.nan)
    places = [
        np.clip((each / top * SURPRISE_BINS).astype(np.int64), 0, SURPRISE_BINS - 1)
        for each in nats
    ]
    return np.array([shares(place, SURPRISE_BINS) for place in places]).reshape(
        len(nats), SURPRISE_BINS
    )


# -- on disk -------------------------------------------------------------------------------------


def keep(bundle: Bundle, profile: Profile) -> Path:
    """Write the profile into its bundle."""
    target = bundle.path / FILE
    told = {f"histogram-{name}": each for name, each in profile.histograms.items()}
    arrays: dict[str, Any] = {name: each.astype(np.float32) for name, each in told.items()}
    arrays |= {
        "version": np.array(VERSION),
        "bundle": np.array(bundle.hash),
        "names": np.array(profile.names),
        "hashes": np.array(profile.hashes),
        "groups": np.array(profile.groups),
        "held_out": profile.held_out,
        "top": np.array(profile.top),
        "families": np.array(profile.families),
        "heard": np.array(profile.heard),
    }
    with written_whole(target) as beside, beside.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
    return target


def has_profile(bundle: Bundle) -> bool:
    """Whether a profile lies in the bundle."""
    return (bundle.path / FILE).is_file()


def load(bundle: Bundle) -> Profile:
    """The bundle's profile; BundleError if it has none, or one of another bundle or version."""
    file = bundle.path / FILE
    again = f"make it with `segue drift {bundle.path} --profile-from CORPUS`"
    if not file.is_file():
        raise BundleError(f"{bundle.path} has no profile of what it was trained on: {again}.")
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            held = dict(arrays)
            profile = _read(held)
            of = str(held["bundle"])
            version = int(held["version"])
    except UNREADABLE as error:
        raise BundleError(f"{file} cannot be read ({error}): {again}.") from None
    if version != VERSION or of != bundle.hash:
        raise BundleError(f"{file} is of another bundle, or another version: {again}.")
    return profile


def _read(arrays: dict[str, NDArray[Any]]) -> Profile:
    wanted = [*(m.name for m in MEASURES), SURPRISE]
    told = {name: arrays[f"histogram-{name}"].astype(np.float64) for name in wanted}
    pieces = len(arrays["names"])
    sizes = {**{m.name: len(m.centres) for m in MEASURES}, SURPRISE: SURPRISE_BINS}
    for name, each in told.items():
        if each.shape != (pieces, sizes[name]):
            raise ValueError(f"{name} has shape {each.shape}")
    if not pieces or {len(arrays[n]) for n in ("hashes", "groups", "held_out")} != {pieces}:
        raise ValueError("its parts are not of one length")
    return Profile(
        tuple(arrays["names"].tolist()),
        tuple(arrays["hashes"].tolist()),
        tuple(arrays["groups"].tolist()),
        arrays["held_out"].astype(bool),
        told,
        float(arrays["top"]),
        tuple(arrays["families"].tolist()),
        str(arrays["heard"]),
    )


def keep_for_run(bundle: Bundle, corpus: Corpus) -> None:
    """Keep the profile and the tallies of the corpus a bundle was trained on.

    A corpus of which neither can be made (with next to no music) leaves the bundle as it is.
    """
    with suppress(SegueError, ValueError):
        floor.keep(bundle, floor.tally(corpus))
        keep(bundle, profile_of(bundle, corpus))


def joined(bundle: Bundle, old: Profile, new: Profile, corpora: tuple[Corpus, Corpus]) -> Profile:
    """The profile of a bundle that learned from both corpora: theirs, and its own surprise."""
    pieces = [
        piece
        for corpus in corpora
        for piece in material(
            bundle, corpus, split=watched_split(corpus), scores=False, most=PIECES
        ).pieces
    ]
    nats = surprises(bundle, pieces, "auto")
    top = surprise_top(nats)
    known = {
        piece.hash: each for piece, each in zip(pieces, surprise_histograms(nats, top), strict=True)
    }
    nothing = np.full(SURPRISE_BINS, np.nan)
    out = np.append(old.held_out, new.held_out)
    told = [
        known.get(key, nothing) if held else nothing
        for key, held in zip(old.hashes + new.hashes, out, strict=True)
    ]
    return old.together(new, (top, np.array(told)))
