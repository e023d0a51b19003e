"""A recipe may heat single columns; what the user asks for stands over it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from segue import recipes
from segue.cli.playing import sampling_of
from segue.generation.ways import own_sampling

WARM: Any = SimpleNamespace(
    recipe=recipes.load("chorale-lstm", ["generate.heats={'pitch': 0.5, 'duration': 0.8}"])
)


def test_a_recipe_heats_its_columns() -> None:
    assert dict(own_sampling(WARM).heats) == {"pitch": 0.5, "duration": 0.8}


def test_a_column_that_the_user_heats_counts_instead() -> None:
    asked = sampling_of(WARM, None, None, None, None, heat=["pitch=1.5"])
    assert dict(asked.heats) == {"pitch": 1.5, "duration": 0.8}


def test_a_temperature_of_the_user_is_that_of_every_column() -> None:
    asked = sampling_of(WARM, 0.0, None, None, None, heat=["pitch=1.5"])
    assert asked.temperature == 0
    assert dict(asked.heats) == {"pitch": 1.5}
