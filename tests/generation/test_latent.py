"""Latent ways: through a latent and back, round it, and from one piece to another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from music import chorale
from segue import bundles, recipes
from segue.bundles import Bundle
from segue.data import Corpus, prepare
from segue.errors import SegueError
from segue.generation import generate
from segue.generation.density import Density
from segue.generation.latent import interpolate, read_latent, reconstruct, slerp, vary
from segue.generation.replay import replay
from segue.generation.wishes import Wishes
from segue.training.run import train

TWIN = (
    *recipes.load("velocity-vae").sizes["tiny"],
    "model.hidden=24",
    "model.width=48",
    "model.latent=8",
    "model.noise=0.0",
    "train.batch=8",
    "train.max_steps=150",
    "train.validate_every=150",
    "train.warmup=5",
    "train.lr=0.004",
    "train.sample_rows=0",
)


@pytest.fixture(scope="module")
def latent(chorales: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny twin of `velocity-vae`, trained for a moment."""
    recipe = recipes.load("velocity-vae", TWIN)
    folder = tmp_path_factory.mktemp("latent")
    prepare(chorales, folder / "corpus", recipes.build_encoding(recipe), workers=0)
    outcome = train(Corpus.open(folder / "corpus"), recipe, folder / "run", seed=1)
    assert outcome.bundle is not None
    return outcome.bundle


def cells(bundle: Bundle, score: object) -> np.ndarray:
    rows = bundle.encoding.encode(score).rows  # type: ignore[arg-type]
    return (rows > 0).astype(float)


def test_a_piece_is_as_long_as_its_reconstruction(latent: Bundle) -> None:
    take = reconstruct(latent, chorale(3))
    assert take.score.end_bars <= np.ceil(chorale(3).end_bars)
    assert take.score.tempi.tolist() == chorale(3).tempi.tolist()


def test_no_change_is_the_reconstruction_and_more_change_is_farther(latent: Bundle) -> None:
    music = chorale(3)
    still = vary(latent, music, amount=0.0, seed=5)[0]
    assert still.score.notes.tolist() == reconstruct(latent, music).score.notes.tolist()
    far = vary(latent, music, amount=1.0, seed=5)[0]
    assert far.score.notes.tolist() != still.score.notes.tolist()


def test_the_same_seed_varies_the_same(latent: Bundle) -> None:
    one, two = vary(latent, chorale(3), amount=0.8, takes=2, seed=5)
    again = vary(latent, chorale(3), amount=0.8, seed=6)[0]
    assert two.score == again.score
    assert one.score != two.score


def test_interpolation_begins_and_ends_as_the_pieces_are_remembered(latent: Bundle) -> None:
    first, second = chorale(3), chorale(4)
    window = int(latent.engine["window"])
    take = interpolate(latent, first, second, steps=5)
    rows = cells(latent, take.score)
    rows = np.pad(rows, ((0, max(5 * window - len(rows), 0)), (0, 0)))
    for piece, at in ((first, 0), (second, 4 * window)):
        remembered = cells(latent, reconstruct(latent, piece).score)[:window]
        np.testing.assert_array_equal(rows[at : at + len(remembered)], remembered)


def test_an_interpolation_replays_from_its_two_pieces(latent: Bundle) -> None:
    first, second = chorale(3), chorale(4)
    take = interpolate(latent, first, second, steps=3, seed=2)
    assert replay(latent, take.score, prompt=first, second=second).same
    with pytest.raises(SegueError, match="from two pieces: give them both"):
        replay(latent, take.score, prompt=first)
    with pytest.raises(SegueError, match="the prompt is not the one"):
        replay(latent, take.score, prompt=second, second=first)


def test_the_way_between_keeps_its_length() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 64)).astype(np.float32)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    path = slerp(a, b, np.linspace(0, 1, 9, dtype=np.float32))
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(path[[0, -1]], [a, b], atol=1e-6)


def test_a_bundle_without_a_latent_is_refused(run_path: Path) -> None:
    with pytest.raises(SegueError, match="has no latent that music can be read into"):
        vary(bundles.load(run_path), chorale(3))


@pytest.mark.parametrize("amount", [-0.1, 1.1])
def test_an_amount_out_of_range_is_refused(latent: Bundle, amount: float) -> None:
    with pytest.raises(SegueError, match="0 to 1 is allowed"):
        vary(latent, chorale(3), amount=amount)


def test_a_take_is_made_again_from_its_latent(latent: Bundle, tmp_path: Path) -> None:
    take = generate(latent, bars=4, seed=5)[0]
    assert np.shape(take.receipt["latent"])[1] == latent.engine["normals"]
    receipt = take.save(tmp_path / "take", (".mid",))[-1]
    again = generate(latent, bars=4, seed=5, latent=read_latent(receipt))[0]
    assert again.score.notes.tolist() == take.score.notes.tolist()
    other = generate(latent, bars=4, seed=6)[0]
    borrowed = generate(latent, bars=4, seed=6, latent=read_latent(receipt))[0]
    assert borrowed.score.notes.tolist() != other.score.notes.tolist()
    assert replay(latent, borrowed.score).same


def test_latents_are_read_from_arrays_and_lists(latent: Bundle, tmp_path: Path) -> None:
    wanted = np.arange(8, dtype=np.float32)
    np.save(tmp_path / "z.npy", wanted)
    (tmp_path / "z.json").write_text(str(wanted.tolist()))
    for name in ("z.npy", "z.json"):
        np.testing.assert_array_equal(read_latent(tmp_path / name), wanted[None])


@pytest.mark.parametrize("text", ["", "{}", "[]", "[[1, 2], [3]]", '"words"', "[[[1]]]"])
def test_files_without_a_latent_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "z.json").write_text(text)
    with pytest.raises(SegueError, match="holds no latent"):
        read_latent(tmp_path / "z.json")


def test_a_latent_of_another_size_is_refused(latent: Bundle, run_path: Path) -> None:
    with pytest.raises(SegueError, match="takes a row of 8 numbers"):
        generate(latent, latent=np.zeros((1, 7), np.float32))
    with pytest.raises(SegueError, match="infinite or none"):
        generate(latent, latent=np.full((1, 8), np.nan, np.float32))
    with pytest.raises(SegueError, match="makes music row by row, from no latent"):
        generate(bundles.load(run_path), latent=np.zeros((1, 8), np.float32))


def test_segments_end_on_the_tonic_and_at_the_second(latent: Bundle) -> None:
    wishes = Wishes(ending="cadence")
    take = generate(latent, seconds=9, seed=3, wishes=wishes)[0]
    if len(take.score):
        assert take.score.end_seconds == pytest.approx(9, abs=0.005)
        assert take.receipt["checks"]["ending"]["kept"]


def test_what_segments_cannot_do_is_one_sentence(latent: Bundle) -> None:
    with pytest.raises(SegueError, match="cannot be counted while"):
        generate(latent, wishes=Wishes(density=Density(2)))
    with pytest.raises(SegueError, match="reads no opening"):
        generate(latent, start="opening")
