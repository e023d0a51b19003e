"""Where the likeliest symbols hold no note at all, takes are drawn, and their receipts say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue import bundles
from segue.generation import Sampling, generate
from segue.generation.engine import IntRows
from segue.generation.player import Player
from segue.generation.replay import replay


def test_a_silent_take_is_drawn_and_replayed(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles.load(run_path)
    play, heats = Player.play, []

    def waiting(self: Player, *args: Any) -> list[IntRows]:
        """Nothing of the likeliest symbols sounds."""
        heats.append(self.sampling.temperature)
        return [rows[: len(rows) * bool(heats[-1])] for rows in play(self, *args)]

    monkeypatch.setattr(Player, "play", waiting)
    likeliest = Sampling(temperature=0.0, top_k=50)
    first, second = generate(bundle, takes=2, bars=4, seed=3, sampling=likeliest)
    assert heats == [0.0, 1.0, 1.0]
    assert len(first.score)
    assert [t.receipt["seed"] for t in (first, second)] == [3, 4]
    settings = first.receipt["settings"]
    assert (settings["temperature"], settings["top_k"]) == (1.0, 50)
    assert replay(bundle, first.score).same
