"""What is fuzzed: a row a target, each a function of bytes that may refuse them and do no worse.

Two kinds: readers that get the bytes as a file, and Hypothesis tests that get them as the source
of their examples. Anything but a SegueError, and any wrong answer, is a finding.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
REGRESSIONS = TESTS / "formats" / "regressions"

Fuzzed = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """A row: how to make the function, and files that it may start from."""

    make: Callable[[], Fuzzed]
    seeds: Callable[[], Iterator[bytes]]


# -- readers -------------------------------------------------------------------------------------


def file_reader(suffix: str) -> Callable[[], Fuzzed]:
    """The reader of a suffix, given the bytes as a file."""

    def make() -> Fuzzed:
        from segue.errors import SegueError
        from segue.formats import read_reported

        path = Path(tempfile.mkdtemp(prefix="segue-fuzz-")) / f"it{suffix}"

        def fuzzed(data: bytes) -> None:
            path.write_bytes(data)
            with contextlib.suppress(SegueError):
                read_reported(path)

        return fuzzed

    return make


def midi_reader() -> Fuzzed:
    """The MIDI reader; what it reads is written and read back as well."""
    from segue.errors import FormatError, LimitError, SegueError
    from segue.formats.midi import read_bytes
    from segue.formats.midi_write import to_bytes

    def fuzzed(data: bytes) -> None:
        try:
            score = read_bytes(data, "it").score
        except SegueError as refused:
            assert isinstance(refused, FormatError) and str(refused)
            return
        try:
            again = read_bytes(to_bytes(score), "it")
        except (FormatError, LimitError) as refused:
            # Metres that MIDI has no number for cannot come from MIDI.
            raise AssertionError(f"read but not written: {refused}") from refused
        assert again.repairs == ()
        assert len(again.score) == len(score)

    return fuzzed


def bundle_reader() -> Fuzzed:
    """A bundle one of whose files is the bytes: the first byte says which."""
    from segue import bundles
    from segue.bundles.bundle import HASHED, INDEX
    from segue.errors import SegueError

    names = (INDEX, *HASHED)
    folder = Path(tempfile.mkdtemp(prefix="segue-fuzz-")) / "bundle"
    whole = folder.parent / "whole"
    _write_bundle(whole)

    def fuzzed(data: bytes) -> None:
        if not data:
            return
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        (folder / names[data[0] % len(names)]).write_bytes(data[1:])
        with contextlib.suppress(SegueError):
            bundles.describe(folder)
        with contextlib.suppress(SegueError):
            bundle = bundles.load(folder, verify=False)
            for part in ("recipe", "encoding", "openings"):
                with contextlib.suppress(SegueError):
                    getattr(bundle, part)
            with contextlib.suppress(SegueError):
                bundle.weights()

    return fuzzed


def _write_bundle(folder: Path) -> None:
    """The least that is a bundle: a recipe, an encoding, weights and an index with hashes."""
    import json

    import numpy as np
    from safetensors.numpy import save_file

    from segue import recipes
    from segue.bundles.bundle import FORMAT_VERSION, HASHED, INDEX, sha256_of
    from segue.recipes.library import to_toml

    folder.mkdir(parents=True)
    recipe = recipes.load("chorale-lstm")
    (folder / "recipe.toml").write_text(to_toml(recipe))
    (folder / "encoding.json").write_text(json.dumps({"name": recipe.encoding.name}))
    save_file({"w": np.zeros(3, np.float32)}, folder / "model.safetensors")
    np.savez(folder / "openings.npz", a=np.zeros((2, 2), np.int32))
    for name in ("model.onnx", "heads.onnx"):
        (folder / name).write_bytes(b"\x08\x07")
    hashes = {name: sha256_of(folder / name) for name in HASHED}
    index = {"format_version": FORMAT_VERSION, "sizes": [3], "sha256": hashes}
    (folder / INDEX).write_text(json.dumps(index))


# -- Hypothesis ----------------------------------------------------------------------------------


def hypothesis_test(module: str, name: str) -> Callable[[], Fuzzed]:
    """A Hypothesis test, its examples drawn from the bytes."""

    def make() -> Fuzzed:
        import importlib

        test = getattr(importlib.import_module(module), name)
        one: Callable[[bytes], object] = test.hypothesis.fuzz_one_input

        def fuzzed(data: bytes) -> None:
            one(data)

        return fuzzed

    return make


# -- seeds ---------------------------------------------------------------------------------------


def some_scores() -> Iterator[object]:
    from music import chorale

    for seed in range(3):
        yield chorale(seed, bars=1)


def written(suffix: str) -> Callable[[], Iterator[bytes]]:
    """Small pieces in a format, and what was found before."""

    def seeds() -> Iterator[bytes]:
        import segue

        with tempfile.TemporaryDirectory() as place:
            for score in some_scores():
                path = Path(place) / f"seed{suffix}"
                segue.write(score, path)  # type: ignore[arg-type]
                yield path.read_bytes()
        for found in sorted(REGRESSIONS.glob(f"*{suffix}")):
            yield found.read_bytes()

    return seeds


def nothing() -> Iterator[bytes]:
    yield from ()


def bundle_seeds() -> Iterator[bytes]:
    from segue.bundles.bundle import HASHED, INDEX

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "bundle"
        _write_bundle(folder)
        for index, name in enumerate((INDEX, *HASHED)):
            yield bytes([index]) + (folder / name).read_bytes()


TARGETS: dict[str, Target] = {
    "midi": Target(midi_reader, written(".mid")),
    "abc": Target(file_reader(".abc"), written(".abc")),
    "musicxml": Target(file_reader(".musicxml"), written(".musicxml")),
    "mxl": Target(file_reader(".mxl"), written(".mxl")),
    "tx1": Target(file_reader(".tx1.txt"), nothing),
    "tx2": Target(file_reader(".tx2.txt"), nothing),
    "bundle": Target(bundle_reader, bundle_seeds),
    "midi-round-trip": Target(
        hypothesis_test("formats.test_midi_write", "test_what_is_written_is_read_back"), nothing
    ),
    "midi-damage": Target(
        hypothesis_test("formats.test_salvage", "test_no_damage_is_too_much"), nothing
    ),
}
