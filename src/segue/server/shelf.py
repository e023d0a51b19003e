"""The bundles that the service plays, by name, each with what can be done with it."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from segue import bundles
from segue.bundles import Bundle
from segue.errors import BundleError, SegueError, nearest
from segue.generation.batching import MOST_TAKES, Ensembles, SharedBundle
from segue.generation.players import own_sampling
from segue.server.problems import RefusedError

FILLED = (
    "compound", "piano_roll", "velocity_image", "performance", "note_time", "nes_events"
)  # fmt: skip
"""Encodings that can be played round music that is there, as `segue.generation.fill` says."""
FEW = 12
"""Models that are told by name where one is asked for that there is not."""
DEEPEST = 3
"""Folders below those given in which bundles are looked for."""
Mark = tuple[int, int, int]
"""A file's number, its size, when it changed."""


class Shelf:
    """Finds bundles in folders; a folder may be a bundle, a run, or hold many of either."""

    def __init__(self, folders: Sequence[Path], batch: int = MOST_TAKES) -> None:
        self._folders = tuple(folders)
        self._lock = threading.Lock()
        self._opened = Opened(batch)
        self._paths: dict[str, Path] = {}
        self.empty: tuple[Path, ...] = ()
        """The folders that hold no bundle."""
        self.refresh()

    def refresh(self) -> None:
        """Look again, as after a training."""
        found: dict[str, Path] = {}
        empty = []
        for folder in self._folders:
            there = _bundles_in(folder, DEEPEST)
            if not there:
                empty.append(folder)
            for path in there:
                if path not in found.values():
                    found[_free_name(path, found)] = path
        with self._lock:
            self._paths = found
            self.empty = tuple(empty)
        self._opened.keep(found.values())

    def names(self) -> list[str]:
        """The names, in the order of the folders."""
        with self._lock:
            return list(self._paths)

    @property
    def first(self) -> Path | None:
        """The folder of the first bundle there is."""
        with self._lock:
            return next(iter(self._paths.values()), None)

    def get(self, name: str) -> SharedBundle:
        """A bundle by name, its files checked when it is first asked for."""
        with self._lock:
            path = self._paths.get(name)
        if path is None:
            raise RefusedError(404, f"there is no model {name!r}; {_meant(name, self.names())}.")
        if _mark(path) is None:
            raise RefusedError(404, f"the model {name!r} is no longer there: ask for another one.")
        return self._opened.get(path)

    @property
    def takes(self) -> int:
        """How many takes are being played in this process, of all bundles."""
        return sum(bundle.ensembles.takes for bundle in self._opened.all())

    def described(self) -> list[dict[str, Any]]:
        """All bundles that can be played, as the service tells of them."""
        told = []
        for name in self.names():
            try:
                told.append(self.describe(name))
            except (BundleError, RefusedError):
                continue
        with self._lock:
            own = {n for n, path in self._paths.items() if bundles.comes_with_segue(path)}
        chosen = _default(told, own)
        for each in told:
            each["default"] = each is chosen
        return told

    def describe(self, name: str) -> dict[str, Any]:
        """A bundle, as the service tells of it."""
        bundle = self.get(name)
        encoding = bundle.encoding
        return {
            "name": name,
            "hash": bundle.hash,
            "recipe": bundle.name,
            "summary": bundle.recipe.summary,
            "encoding": encoding.name,
            "plays": bundle.plays,
            "ways": ways_of(bundle),
            "columns": [c.name for c in encoding.layout.columns][:64],
            "tracks": [
                {"slot": int(t[0]), "name": str(t[1]), "program": int(t[2]), "drums": bool(t[3])}
                for t in bundle.index.get("header", {}).get("tracks", [])
                if len(t) == 4
            ],
            "sampling": own_sampling(bundle).settings(),
            "default": False,
            "loses": list(encoding.loses),
            "told": bool(getattr(encoding, "about", False)),
            "licence": _licence(bundle),
        }


class Opened:
    """Bundles by folder, each opened once, and anew where another has taken its place.

    With `most` those stay that were asked for last, so many; one that is let go plays on until who
    has it is done.
    """

    def __init__(self, batch: int, most: int | None = None) -> None:
        self._batch, self._most = batch, most
        self._lock = threading.Lock()
        self._bundles: dict[Path, tuple[Mark | None, SharedBundle]] = {}

    def get(self, path: Path) -> SharedBundle:
        """The bundle in a folder. BundleError for one that is damaged or not there."""
        with self._lock:
            mark = _mark(path)
            known = self._bundles.pop(path, None)
            if known is None or known[0] != mark:
                known = mark, shared(path, self._batch)
            self._bundles[path] = known  # as the one that was asked for last
            if self._most is not None:
                for oldest in list(self._bundles)[: -self._most]:
                    del self._bundles[oldest]
            return known[1]

    def keep(self, paths: Iterable[Path]) -> None:
        """Let go of all others."""
        kept = set(paths)
        with self._lock:
            self._bundles = {path: each for path, each in self._bundles.items() if path in kept}

    def all(self) -> list[SharedBundle]:
        """Those that are open."""
        with self._lock:
            return [bundle for _, bundle in self._bundles.values()]


def _mark(path: Path) -> Mark | None:
    """What tells a bundle from another one that takes its place; None where there is none."""
    try:
        found = (path / "bundle.json").stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def shared(path: Path, batch: int) -> SharedBundle:
    """A bundle that many requests are played from, of which up to `batch` takes at a time."""
    found = bundles.load(path)
    return SharedBundle(found.path, found.index, Ensembles(batch))


def _meant(name: str, names: list[str]) -> str:
    """Which model may have been meant, or where all are told; there may be very many."""
    if len(names) <= FEW:
        return nearest(name, names)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}GET /api/v1/models tells all {len(names)}"


def ways_of(bundle: Bundle) -> list[str]:
    """How a bundle can be played."""
    if bundle.plays == "rows":
        ways = ["generate", "continue", "loop"]
        return [*ways, "infill", "accompany"] if bundle.encoding.name in FILLED else ways
    engine = bundle.engine
    walks = engine.get("encodes") and bundle.recipe.generate.walk
    ways = ["generate"]
    if bundle.encoding.timed and (engine.get("looks_back") or walks):
        ways.append("continue")
    return [*ways, "vary"] if engine.get("encodes") else ways


def require_way(bundle: Bundle, name: str, way: str) -> None:
    """SegueError for a way that a bundle cannot be played in."""
    ways = ways_of(bundle)
    if way not in ways:
        raise RefusedError(
            409,
            f"{name} cannot {way}: it can {', '.join(ways)}. GET /api/v1/models tells which models "
            f"can {way}.",
        )


def _default(told: list[dict[str, Any]], shipped: set[str]) -> dict[str, Any] | None:
    """What comes with Segue where it stands first; else, of the others, the first that can do most.

    Who names folders wants the bundles in them.
    """
    if told and told[0]["name"] in shipped:
        return told[0]
    others = [each for each in told if each["name"] not in shipped] or told
    return max(others, key=lambda each: len(each["ways"]), default=None)


def _licence(bundle: Bundle) -> str | None:
    corpus = bundle.index.get("corpus")
    found = corpus.get("licence") if isinstance(corpus, dict) else None
    return str(found) if found else None


def _bundles_in(folder: Path, depth: int) -> list[Path]:
    """Bundle folders in a folder, sorted by path."""
    try:
        return [bundles.bundle.locate(folder)]
    except SegueError:
        pass
    if not depth or not folder.is_dir():
        return []
    found = []
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith("."):
            found += _bundles_in(each, depth - 1)
    return found


def _free_name(path: Path, taken: dict[str, Path]) -> str:
    """The name of the run, or a longer one where another has it."""
    path = path.absolute()
    name = path.parent.name if path.name == "bundle" else path.name
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
