"""Drift: none where there is none, an alarm where there is some, a refusal of what is foreign."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue as package
from music import chorale, folder_of_chorales
from segue import bundles
from segue.bundles import Bundle
from segue.cli import learning, updating
from segue.data import Corpus
from segue.errors import BundleError, DataError
from segue.evaluation.profile import distance, mean
from segue.judging import profile
from segue.judging.drift import NAMES, drift, limits_for, references
from segue.judging.material import corpus_of_run
from segue.judging.pictures import drift_pictures
from segue.judging.profile import Profile
from segue.score import Score, Track, transpose
from segue.training.run import Outcome


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


@pytest.fixture(scope="module")
def known(bundle: Bundle) -> Profile:
    return profile.load(bundle)


@pytest.fixture(scope="module")
def wide(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """Of forty pieces, none of which it has learned from."""
    folder = folder_of_chorales(tmp_path_factory.mktemp("wide") / "music", 40)
    return profile.profile_of(bundle, folder)


def moved(folder: Path, semitones: int = 0, program: int = 0, drums: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(200, 212):
        score = transpose(chorale(seed), semitones)
        tracks = tuple(Track(t.name, program, drums) for t in score.tracks)
        package.write(score.with_(tracks=tracks), folder / f"{seed}.mid")
    return folder


# -- profiles ------------------------------------------------------------------------------------


def test_a_run_keeps_a_profile(known: Profile, run_path: Path) -> None:
    splits = corpus_of_run(run_path).splits
    assert len(known.names) == splits["train"] + splits["valid"]
    assert known.held_out.sum() == splits["valid"]
    assert known.families == ("piano",)
    assert known.heard == "files"
    surprised = ~np.isnan(known.histograms["surprise"][:, 0])
    np.testing.assert_array_equal(surprised, known.held_out)


def test_it_is_no_part_of_the_bundles_hash(bundle: Bundle, tmp_path: Path) -> None:
    copy = bundles.load(shutil.copytree(bundle.path, tmp_path / "bundle"))
    (copy.path / profile.FILE).unlink()
    assert bundles.load(copy.path).hash == bundle.hash
    with pytest.raises(BundleError, match="--profile-from"):
        profile.load(copy)


@pytest.mark.parametrize("how", ["garbage", "truncated", "foreign"])
def test_a_damaged_profile_says_what_to_do(
    how: str, bundle: Bundle, known: Profile, tmp_path: Path
) -> None:
    copy = bundles.load(shutil.copytree(bundle.path, tmp_path / "bundle"))
    file = copy.path / profile.FILE
    if how == "garbage":
        file.write_bytes(b"PK but no archive")
    elif how == "truncated":
        file.write_bytes(file.read_bytes()[:-200])
    else:
        copy.index["sha256"]["model.safetensors"] = "another"
    with pytest.raises(BundleError, match="--profile-from"):
        profile.load(copy)


def test_without_files_it_hears_the_rows(bundle: Bundle, run_path: Path) -> None:
    corpus = corpus_of_run(run_path)
    corpus.facts["source"] = "/nowhere"
    made = profile.profile_of(bundle, corpus)
    assert made.heard == "rows"
    found = drift(bundle, [chorale(300), chorale(301)], profile=made)
    # Both were heard through the encoding, which gives every note one of its velocities.
    assert next(m.distance for m in found.measures if m.name == "velocity") == 0


# -- drift ---------------------------------------------------------------------------------------


def test_the_reference_itself_has_not_moved(bundle: Bundle, wide: Profile) -> None:
    found = drift(bundle, [chorale(seed) for seed in range(40)], profile=wide)
    assert not found.alarm
    assert all(m.distance == pytest.approx(0, abs=1e-6) for m in found.measures)
    assert tuple(m.name for m in found.measures) == NAMES


def test_music_of_the_same_kind_is_quiet(bundle: Bundle, wide: Profile) -> None:
    found = drift(bundle, [chorale(seed) for seed in range(400, 440)], profile=wide)
    assert not found.alarm, found.alarms


def test_an_octave_higher_raises_an_alarm(bundle: Bundle, wide: Profile, tmp_path: Path) -> None:
    found = drift(bundle, moved(tmp_path / "high", 12), profile=wide)
    assert found.alarm and "pitch" in found.alarms
    quiet = {m.name for m in found.measures} - set(found.alarms)
    assert {"duration", "inter-onset", "velocity", "density", "interval"} <= quiet


def test_other_instruments_are_refused(bundle: Bundle, wide: Profile, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="drums play in it, and the bundle was trained on piano"):
        drift(bundle, moved(tmp_path / "drums", drums=True), profile=wide)
    mixed = moved(tmp_path / "mixed", program=40)
    package.write(chorale(1), mixed / "piano.mid")
    found = drift(bundle, mixed, profile=wide)
    assert found.pieces == ("piano.mid",)
    assert len(found.refused) == 12
    assert "strings play in it" in next(iter(found.refused.values()))


def test_what_it_learned_from_surprises_it_no_more(bundle: Bundle, known: Profile) -> None:
    corpus = corpus_of_run(bundle.path.parent)
    learned = [p.path for p in corpus.pieces("train")][:3]
    music = [package.read(Path(corpus.facts["source"]) / path) for path in learned]
    found = drift(bundle, music, profile=known)
    assert "surprise" not in {m.name for m in found.measures}


def test_limits_widen_with_fewer_pieces(wide: Profile) -> None:
    few, many = limits_for(wide, 3, 0.02, seed=0), limits_for(wide, 60, 0.02, seed=0)
    assert (few >= many).all() and (few[[0, 6]] > many[[0, 6]]).all()
    rare, often = limits_for(wide, 20, 0.01, seed=0), limits_for(wide, 20, 0.2, seed=0)
    assert (rare >= often).all() and (rare > often).any()
    np.testing.assert_array_equal(limits_for(wide, 9, 0.1, 3), limits_for(wide, 9, 0.1, 3))


def test_false_alarms_are_rare(wide: Profile) -> None:
    rng = np.random.default_rng(5)
    known, limits = references(wide), limits_for(wide, 40, 0.02, seed=0)
    picked = rng.integers(0, 40, (200, 40))
    apart = [
        [distance(mean(wide.histograms[name][pick]), known[name]) for name in NAMES]
        for pick in picked
    ]
    assert (np.array(apart) > limits).any(axis=1).sum() <= 10


def test_pictures_are_one_a_measure(bundle: Bundle, wide: Profile, tmp_path: Path) -> None:
    found = drift(bundle, [chorale(500)], profile=wide)
    drawn = drift_pictures(found, tmp_path, ".svg")
    assert [p.stem for p in drawn] == ["drift", *NAMES]
    assert all("<svg" in p.read_text()[:400] for p in drawn)


# -- the verb ------------------------------------------------------------------------------------


def test_the_verb(segue: Callable[..., Any], run_path: Path, tmp_path: Path) -> None:
    folder = moved(tmp_path / "same")
    ran = segue("drift", run_path, folder, "-o", tmp_path / "pictures", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json["measures"]) == set(NAMES)
    assert ran.json["alarm"] is any(m["alarm"] for m in ran.json["measures"].values())
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 8
    shown = segue("drift", run_path, folder)
    assert "false alarm" in shown.out and "distance" in shown.out
    refused = segue("drift", run_path, moved(tmp_path / "drums", drums=True))
    assert refused.code == 4 and "drums" in refused.err


def test_the_verb_makes_profiles(
    segue: Callable[..., Any], bundle: Bundle, corpus_path: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle.path, tmp_path / "bundle")
    (copy / profile.FILE).unlink()
    folder = moved(tmp_path / "music")
    assert segue("drift", copy, folder).code == 6
    assert segue("drift", copy).code == 4
    ran = segue("drift", copy, "--profile-from", corpus_path, "--json")
    assert ran.code == 0 and ran.json["profile_pieces"] == len(profile.load(bundle).names)
    assert segue("drift", copy, folder).code == 0
    assert segue("drift", copy, folder, "--profile-from", folder, "--json").json["alarm"] is False


def test_an_update_is_adopted_only_where_nothing_falls_behind(
    segue: Callable[..., Any], run_path: Path, corpus_path: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(run_path, tmp_path / "run")
    before = bundles.load(run)
    folder = moved(tmp_path / "new", 7)
    package.write(_drummed(chorale(1)), folder / "drums.mid")
    args = ("drift", run, folder, "--update", "--json", "--set", "train.max_steps=4")
    ran = segue(*args, "--set", "train.lr=0.003", "--slack", "1.0")
    assert ran.code == 0, ran.err
    told = ran.json["update"]
    assert told["adopted"], told
    assert set(told["before"]) == set(told["after"]) == {"old music", "new music"}
    after = bundles.load(run)
    assert after.hash != before.hash
    kept = bundles.load(told["kept"])
    assert kept.hash == before.hash
    both = profile.load(after)
    assert both.names[: len(profile.load(kept).names)] == profile.load(kept).names
    assert not any("drums" in name for name in both.names)
    assert (~np.isnan(both.histograms["surprise"][:, 0])).sum() == both.held_out.sum()


@pytest.mark.parametrize("behind", ["old music", "new music", None])
def test_what_falls_behind_is_not_adopted(
    behind: str | None, run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(run_path, tmp_path / "run")
    other = bundles.load(shutil.copytree(run_path, tmp_path / "run-update-1") / "bundle")
    folder = moved(tmp_path / "new")
    corpus_of = {"old music": corpus_of_run(run).root, "new music": corpus_path_of(other)}

    def begun(*_: Any) -> Outcome:
        shutil.copytree(corpus_of["new music"], tmp_path / "run-update-2" / "corpus")
        return Outcome(tmp_path / "run-update-2", 1, "done", False, None, other)

    def loss(bundle: Bundle, corpus: Corpus) -> float:
        worse = bundle.path == other.path and behind is not None
        return 2.0 if worse and (corpus.root == corpus_of["old music"]) == (behind[0] == "o") else 1

    monkeypatch.setattr(learning, "begin", begun)
    monkeypatch.setattr(updating, "_loss", loss)
    found = drift(bundles.load(run), folder)
    done = updating.update(run, folder, found)
    assert done.adopted is (behind is None)
    if behind:
        assert done.reason == f"it fell behind on the {behind}" and done.kept is None
        assert not list(run.glob("bundle.before-*"))
    else:
        assert done.kept is not None and bundles.load(done.kept).hash == found.hash


def corpus_path_of(bundle: Bundle) -> Path:
    return corpus_of_run(bundle.path.parent).root


def _drummed(score: Score) -> Score:
    return score.with_(tracks=tuple(Track(t.name, 0, True) for t in score.tracks))
