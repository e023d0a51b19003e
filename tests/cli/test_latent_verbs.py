"""The verbs of loops and latents: what they write, and their refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import formats


def test_loop_writes_takes_that_replay(segue: Any, run_path: Path, tmp_path: Path) -> None:
    ran = segue(
        "loop", run_path, "--bars", 2, "--candidates", 2, "--seed", 1, "-n", 2, "-o", tmp_path,
        "--formats", "mid",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    takes = sorted(tmp_path.glob("*-loop-*.mid"))
    assert len(takes) == 2
    assert segue("replay", *takes).code == 0


@pytest.mark.parametrize("verb", ["vary", "reconstruct", "interpolate"])
def test_bundles_without_a_latent_are_one_sentence(
    segue: Any, run_path: Path, tmp_path: Path, verb: str
) -> None:
    formats.write(chorale(1), tmp_path / "a.mid")
    music = [tmp_path / "a.mid"] * (2 if verb == "interpolate" else 1)
    ran = segue(verb, run_path, *music, "-o", tmp_path)
    assert ran.code != 0
    assert "has no latent" in ran.err
    assert "velocity-vae" in ran.err
