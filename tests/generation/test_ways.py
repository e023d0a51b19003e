"""Playing: reproducible, within its bars, without overlap, prompt kept, and without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import segue
from music import BEAT, chorale
from segue import bundles
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import Sampling, continue_, generate
from segue.score import Score, slice_bars


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def test_the_same_seed_gives_the_same_music(bundle: Bundle) -> None:
    first = generate(bundle, takes=2, bars=4, seed=5)
    again = generate(bundle, takes=2, bars=4, seed=5)
    assert [t.score for t in first] == [t.score for t in again]
    assert first[0].score != first[1].score


def test_a_take_does_not_depend_on_those_beside_it(bundle: Bundle) -> None:
    together = generate(bundle, takes=3, bars=4, seed=5)
    alone = generate(bundle, bars=4, seed=6)
    assert together[1].score == alone[0].score


def test_takes_fill_their_bars_and_end(bundle: Bundle) -> None:
    for take in generate(bundle, takes=4, bars=4, seed=1, sampling=Sampling(temperature=2.0)):
        notes = take.score.notes
        assert len(notes)
        assert take.score.end_bars <= 4
        assert take.receipt["checks"]["overlapping_notes"] == 0
        assert take.receipt["checks"]["empty_notes"] == 0
        assert notes["onset"].max() >= 2 * 4 * BEAT, "it ended long before its bars were over"


def test_both_engines_play_the_same(bundle: Bundle) -> None:
    by_onnx = generate(bundle, takes=2, bars=4, seed=5, engine="onnx")
    by_torch = generate(bundle, takes=2, bars=4, seed=5, engine="torch")
    assert [t.score.notes.tolist() for t in by_onnx] == [t.score.notes.tolist() for t in by_torch]


@pytest.mark.parametrize("shift", [0, 1, BEAT // 3])
def test_the_prompt_is_kept_note_for_note(bundle: Bundle, shift: int) -> None:
    prompt = slice_bars(chorale(99), 0, 3)
    off_grid = prompt.notes.copy()
    off_grid["onset"] += shift
    prompt = prompt.with_(notes=off_grid)
    for take in continue_(bundle, prompt, takes=3, bars=2, seed=1):
        notes = take.score.notes
        assert take.prompt_end == prompt.end_ticks
        before = notes[notes["onset"] < prompt.end_ticks]
        np.testing.assert_array_equal(before, prompt.notes)
        assert len(notes) > len(prompt.notes)
        last = prompt.metre_map.bars(prompt.end_ticks) + 2
        assert take.score.end_bars <= last + 1e-6
        assert take.score.tempi.tolist() == prompt.tempi.tolist()
        assert take.score.metres.tolist() == prompt.metres.tolist()
        assert take.score.tracks == prompt.tracks


def test_new_notes_go_to_the_tracks_of_the_prompt(bundle: Bundle) -> None:
    whole = chorale(98)
    two = whole.with_(notes=whole.notes[np.isin(whole.notes["track"], (1, 3))])
    take = continue_(bundle, slice_bars(two, 0, 2), bars=2, seed=1)[0]
    assert take.score.tracks[:4] == two.tracks


def test_a_prompt_of_another_resolution_goes_on_in_time(bundle: Bundle) -> None:
    prompt = slice_bars(chorale(97), 0, 2)
    coarse = prompt.notes.copy()
    coarse["onset"] //= 5
    coarse["duration"] = np.maximum(coarse["duration"] // 5, 1)
    score = Score(BEAT // 5, coarse, prompt.tracks, metres=prompt.metres)
    fine = continue_(bundle, prompt, bars=2, seed=3)[0].score
    other = continue_(bundle, score, bars=2, seed=3)[0].score
    assert fine.end_beats == pytest.approx(other.end_beats, abs=0.1)


def test_an_empty_prompt_is_one_sentence(bundle: Bundle) -> None:
    with pytest.raises(SegueError, match="the prompt has no notes"):
        continue_(bundle, Score(480))


def test_an_unknown_engine_gets_the_nearest(bundle: Bundle) -> None:
    with pytest.raises(SegueError, match="did you mean 'torch'"):
        generate(bundle, engine="torhc")


def test_saved_takes_can_be_heard_and_seen(bundle: Bundle, tmp_path: Path) -> None:
    take = continue_(bundle, slice_bars(chorale(99), 0, 2), bars=2, seed=1)[0]
    files = take.save(tmp_path / "take")
    assert [f.suffix for f in files] == [".mid", ".wav", ".png", ".json"]
    assert segue.read(files[0]).notes.tolist() == take.score.notes.tolist()
    receipt = json.loads(files[3].read_text())
    assert receipt["seed"] == 1
    assert receipt["bundle_hash"] == bundle.hash
    import soundfile

    sound, rate = soundfile.read(files[1])
    assert len(sound) / rate >= take.score.end_seconds
    assert 0.01 < np.abs(sound).max() < 1.0


WITHOUT_TORCH = """
import sys
for name in ("torch", "lightning", "onnx"):
    sys.modules[name] = None
from segue.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_bundle_plays_where_torch_is_not_installed(run_path: Path, tmp_path: Path) -> None:
    segue.write(slice_bars(chorale(99), 0, 2), tmp_path / "prompt.mid")
    for words in (["generate", run_path], ["continue", run_path, tmp_path / "prompt.mid"]):
        arguments = [*map(str, words), "--bars", "2", "--seed", "1", "-o", str(tmp_path)]
        ran = subprocess.run(
            [sys.executable, "-c", WITHOUT_TORCH, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
    assert len(list(tmp_path.glob("*.wav"))) == 2


def test_training_without_torch_says_what_to_install(chorales: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "train", str(chorales), "-o", str(tmp_path / "run")],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 8
    assert "pip install 'segue[train]'" in ran.stderr
    assert "Traceback" not in ran.stderr
