"""Bundles of pictures play as many bars as they are asked for, whatever they learned from."""

from __future__ import annotations

import pytest

from music import BEAT, chorale
from segue import bundles, formats, recipes
from segue.bundles import Bundle
from segue.data import Corpus, prepare
from segue.generation import continue_, generate
from segue.training import shipping
from segue.training.export import Exported
from segue.training.run import train

BAR = 4 * BEAT
CHANGES = [
    "model.hidden=4",
    "model.layers=1",
    "data.window=8",
    "train.batch=4",
    "train.accumulate=1",
    "train.max_steps=1",
    "train.sample_rows=0",
    "train.held_out_limit=4",
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Of pieces of 256 beats, so that a row is a sixteenth."""
    root = tmp_path_factory.mktemp("pictures")
    (root / "music").mkdir()
    for seed in range(3):
        formats.write(chorale(seed, bars=64), root / "music" / f"{seed}.mid")
    recipe = recipes.load("aaa-lstm", CHANGES)
    prepare(root / "music", root / "corpus", recipes.build_encoding(recipe), workers=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipping, "export", lambda model: Exported({}))
        train(Corpus.open(root / "corpus"), recipe, root / "run", seed=1)
    return bundles.load(root / "run")


def test_a_take_lasts_the_bars_it_was_asked_for(bundle: Bundle) -> None:
    (take,) = generate(bundle, bars=4, seed=1)
    beats = take.score.notes["onset"] / take.score.ticks_per_beat
    assert 12 < beats.max() < 16
    assert take.score.end_beats <= 16


@pytest.mark.parametrize("bars", [1, 6])
def test_a_prompt_of_any_length_goes_on_for_as_long(bundle: Bundle, bars: int) -> None:
    prompt = chorale(99, bars=bars)
    (take,) = continue_(bundle, prompt, bars=4, seed=1)
    onsets = take.score.notes["onset"]
    assert (take.score.notes[onsets < bars * BAR] == prompt.notes).all()
    new = onsets[onsets >= bars * BAR]
    assert new.min() < (bars + 1) * BAR
    assert (bars + 3) * BAR < new.max() < (bars + 4) * BAR
