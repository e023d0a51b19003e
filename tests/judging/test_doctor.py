"""Causes made on purpose: takes and trainings that are ill for a known reason, and what is said."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue
from music import TINY, chorale
from segue import bundles, recipes
from segue.cli.main import load as load_verb
from segue.data import Corpus, prepare
from segue.evaluation.doctor import Finding
from segue.generation import Sampling, generate
from segue.judging import doctor
from segue.judging.causes import CAUSES, explain
from segue.judging.facts import Facts
from segue.judging.learning_curve import Curve
from segue.score import NOTE, Score, Track, events
from segue.training.run import Options, train

BEAT = 480


def loop(bars: int = 16) -> Score:
    """Four notes a bar, the same in every two bars."""
    rows = [
        (i * BEAT, BEAT, 0, (60, 64, 67, 65, 62, 69, 71, 72)[i % 8], 70) for i in range(bars * 4)
    ]
    return Score(BEAT, events(NOTE, rows), (Track(),))


def noise(bars: int = 16) -> Score:
    rng = np.random.default_rng(4)
    rows = [(i * 240, 240, 0, int(rng.integers(48, 84)), 70) for i in range(bars * 8)]
    return Score(BEAT, events(NOTE, rows), (Track(),))


def with_hanging(score: Score) -> Score:
    notes = np.concatenate([score.notes, events(NOTE, [(0, 60 * BEAT, 0, 40, 70)])])
    return score.with_(notes=notes)


def learned(bundle: bundles.Bundle, **nats: float) -> bundles.Bundle:
    """The bundle with a story: held-out figures of one that has learned, plenty of music."""
    told = {"model": 2.0, "unigram": 6.0, "bigram": 5.0, **nats}
    index = {
        **bundle.index,
        "held_out": {**bundle.index["held_out"], "nats": told},
        "corpus": {**bundle.index["corpus"], "pieces": 400, "source": ""},
    }
    return replace(bundle, index=index)


def facts(bundle: bundles.Bundle | None, curve: Curve | None = None, **settings: Any) -> Facts:
    made = Facts({"way": "generate", "bars": 16, **settings}, bundle, "runs/mine")
    # As if its run had logged this.
    made.__dict__["curve"] = curve or Curve(((100, 2.5), (200, 2.0), (300, 1.995)))
    return made


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> bundles.Bundle:
    return bundles.load(run_path)


def causes(score: Score, known: Facts) -> dict[str, str]:
    return {d.finding.symptom: d.cause for d in doctor.take(score, facts=known).diagnoses}


# -- one cause after the other -------------------------------------------------------------------


def test_a_real_take_at_temperature_0_is_told_from_its_receipt(
    run_path: Path, tmp_path: Path
) -> None:
    likeliest = Sampling(temperature=0.0)
    (take,) = generate(bundles.load(run_path), bars=32, seed=1, sampling=likeliest)
    paths = take.save(tmp_path / "take", (".mid",))
    patient = doctor.file(paths[0], run_path)
    assert patient.diagnoses
    stuck = [d for d in patient.diagnoses if d.finding.symptom in ("one-note", "loop", "narrow")]
    assert stuck
    assert {d.cause for d in stuck} == {"argmax"}
    assert all("--temperature 1" in d.tries[0] for d in stuck)
    # Eight steps are no training: that is told too.
    assert any(name == "never learned" for name, _ in stuck[0].also)


def test_a_take_without_its_sidecar_is_known_by_its_own_texts(
    run_path: Path, tmp_path: Path
) -> None:
    (take,) = generate(bundles.load(run_path), bars=32, seed=1, sampling=Sampling(temperature=0.0))
    segue.write(take.score, tmp_path / "alone.mid")
    assert "argmax" in {d.cause for d in doctor.file(tmp_path / "alone.mid").diagnoses}


@pytest.mark.parametrize("settings", [{"temperature": 0.3}, {"top_k": 1, "temperature": 1.0}])
def test_a_loop_drawn_cold_is_the_temperatures(
    bundle: bundles.Bundle, settings: dict[str, Any]
) -> None:
    assert causes(loop(), facts(learned(bundle), **settings)) == {"loop": "temperature too low"}


def test_noise_drawn_hot_is_the_temperatures(bundle: bundles.Bundle) -> None:
    assert causes(noise(), facts(learned(bundle), temperature=2.0)) == {
        "wander": "temperature too high"
    }


def test_a_real_take_drawn_hot_wanders_for_its_temperature(bundle: bundles.Bundle) -> None:
    (take,) = generate(bundle, bars=16, seed=3, sampling=Sampling(temperature=8.0))
    known = facts(learned(bundle), temperature=take.receipt["settings"]["temperature"])
    assert causes(take.score, known).get("wander") == "temperature too high"


def test_hanging_notes_in_the_training_music_are_a_data_fault(
    bundle: bundles.Bundle, tmp_path: Path
) -> None:
    for seed in range(6):
        score = chorale(seed, bars=16)
        segue.write(with_hanging(score) if seed % 2 else score, tmp_path / f"{seed}.mid")
    known = learned(bundle)
    known.index["corpus"]["source"] = str(tmp_path)
    (found,) = doctor.take(with_hanging(chorale(9, bars=16)), facts=facts(known)).diagnoses
    assert (found.finding.symptom, found.cause) == ("hanging", "data fault")
    assert "50% of the training pieces" in found.reason
    assert str(tmp_path) in found.tries[0]


def test_a_model_worse_than_a_unigram_has_never_learned(bundle: bundles.Bundle) -> None:
    known = facts(learned(bundle, model=6.5), temperature=1.0)
    assert causes(noise(), known) == {"wander": "never learned"}


def test_a_run_of_eight_steps_has_never_learned(run_path: Path) -> None:
    remarks = doctor.training(doctor.facts_of_run(run_path))
    assert [remark.name for remark in remarks] == ["never learned", "too little data"]
    assert "it learned from 12 pieces" in remarks[1].said
    assert f"--resume {run_path}" in remarks[0].tries[0]


def test_a_run_on_few_pieces_learns_them_by_heart(tmp_path: Path) -> None:
    for seed in range(6):
        segue.write(chorale(seed, bars=4), tmp_path / "music" / f"{seed}.mid")
    overrides = [*TINY, "train.lr=0.03", "model.hidden=96", "train.max_steps=120"]
    overrides += ["train.validate_every=20", "train.sample_rows=0", "data.transpose=[0, 0]"]
    recipe = recipes.load("chorale-lstm", overrides)
    encoding = recipes.build_encoding(recipe)
    prepare(tmp_path / "music", tmp_path / "corpus", encoding, workers=0)
    corpus, run = Corpus.open(tmp_path / "corpus"), tmp_path / "run"
    train(corpus, recipe, run, seed=1, options=Options(ship=False))
    remarks = {r.name: r for r in doctor.run(run).remarks}
    assert "held-out loss has risen" in remarks["overfitting"].said
    assert any("data.transpose" in each for each in remarks["overfitting"].tries)
    assert any(str(tmp_path / "music") in each for each in remarks["overfitting"].tries)


def test_learning_by_heart_explains_a_loop(bundle: bundles.Bundle) -> None:
    risen = Curve(((100, 2.5), (200, 2.0), (300, 2.6)))
    known = facts(learned(bundle), risen, temperature=1.0)
    assert causes(loop(), known) == {"loop": "too little data"}


@pytest.mark.parametrize(
    ("curve", "nats"),
    [
        (Curve(((100, 3.0), (200, 2.0))), {}),
        (Curve(((100, 2.0),)), {}),
        (None, {"model": 5.5}),
    ],
    ids=["still falling", "looked at once", "no better than a bigram"],
)
def test_a_training_that_is_not_over_is_under_trained(
    bundle: bundles.Bundle, curve: Curve | None, nats: dict[str, float]
) -> None:
    known = facts(learned(bundle, **nats), curve, temperature=1.0)
    assert causes(noise(), known) == {"wander": "under-trained"}
    assert "under-trained" in {remark.name for remark in doctor.training(known)}


def test_what_begins_after_the_context_is_the_contexts(bundle: bundles.Bundle) -> None:
    # A window of 16 rows is four beats of four voices.
    early = chorale(1, bars=16)
    drum = [(i * BEAT // 2, BEAT // 2, 0, 60, 70) for i in range(16 * 8, 40 * 8)]
    late = early.with_(notes=np.concatenate([early.notes, events(NOTE, drum)]))
    assert causes(late, facts(learned(bundle), temperature=1.0))["one-note"] == "context too short"


def test_what_nothing_explains_is_chance(bundle: bundles.Bundle) -> None:
    known = facts(learned(bundle), temperature=1.0)
    (found,) = doctor.take(noise(), facts=known).diagnoses
    assert (found.cause, found.also) == ("chance", ())
    assert any("--takes 8" in each for each in found.tries)
    assert any("--key" in each for each in found.tries)


def test_music_without_a_receipt_has_findings_but_no_cause() -> None:
    assert causes(noise(), Facts()) == {"wander": "unknown"}


# -- takes ---------------------------------------------------------------------------------------


def test_of_a_continued_piece_only_the_new_part_is_looked_at(bundle: bundles.Bundle) -> None:
    good, bad = chorale(1, bars=16), noise(16)
    notes = bad.notes.copy()
    notes["onset"] += 16 * 4 * BEAT
    both = good.with_(notes=np.concatenate([good.notes, notes]))
    known = facts(learned(bundle), way="continue", prompt_end=16 * 4 * BEAT, temperature=2.0)
    (found,) = doctor.take(both, facts=known).diagnoses
    assert found.finding.bars[0] > 16
    swapped = facts(learned(bundle), way="continue", prompt_end=0)
    assert doctor.take(chorale(1, bars=16), facts=swapped).diagnoses == ()
    assert "segue continue runs/mine PROMPT.mid" in found.tries[0]


def test_a_take_that_stops_before_its_bars_are_over_ends_early(bundle: bundles.Bundle) -> None:
    known = facts(learned(bundle), temperature=0.5)
    (found,) = doctor.take(chorale(1, bars=8), facts=known).diagnoses
    assert (found.finding.symptom, found.finding.bars) == ("ends-early", (9, 16))
    assert found.cause == "temperature too low"


# -- runs ----------------------------------------------------------------------------------------


def test_a_run_is_told_by_its_log_and_its_takes(run_path: Path) -> None:
    report = doctor.run(run_path, takes=2, bars=8, seed=1)
    assert len(report.patients) == 2
    assert not report.healthy
    assert {"too little data"} <= {remark.name for remark in report.remarks}
    told = json.loads(json.dumps(report.as_dict()))
    assert told["healthy"] is False
    assert len(told["pieces"]) == 2


def test_a_run_without_a_bundle_is_told_by_its_log(tmp_path: Path) -> None:
    lines = [
        {"step": 1, "train/nats": 3.0},
        {"step": 10, "held_out/nats": 3.0},
        {"step": 20, "held_out/nats": 4.0},
        {"step": 21, "train/nats": float("nan")},
    ]
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "metrics.jsonl").write_text(text + "\nhalf a li", encoding="utf-8")
    report = doctor.run(tmp_path)
    assert {"diverged", "overfitting"} <= {remark.name for remark in report.remarks}
    assert report.patients == ()


def test_a_curve_tells_falling_from_risen_from_over() -> None:
    assert Curve(((1, 2.0), (2, 1.0))).falling == pytest.approx(0.5)
    assert Curve(((1, 1.0), (2, 2.0))).falling is None
    assert Curve(((1, 1.0), (2, 2.0))).risen == pytest.approx(1.0)
    assert Curve(((1, 1.0), (2, 0.999))).falling is None
    assert Curve(((1, 1.0), (2, 1.01))).risen is None
    assert Curve().steps == 0


# -- what to try ---------------------------------------------------------------------------------


def parsed(command: Any, name: str, args: list[str]) -> None:
    """A usage error for a verb, an option or a value that the command does not take."""
    context = command.make_context(name, args)
    if hasattr(command, "resolve_command"):
        inner, below, rest = command.resolve_command(context, args)
        parsed(below, inner, rest)


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
@pytest.mark.parametrize("way", ["generate", "continue"])
def test_every_command_to_try_is_one_that_segue_takes(
    bundle: bundles.Bundle, cause: Any, way: str
) -> None:
    for known in (facts(bundle, way=way), facts(None, way=way)):
        for symptom in cause.symptoms:
            finding = Finding(symptom, "", 1.0, 0.0, "", (3, 4))
            for line in cause.tries(known, finding, chorale(1)):
                program, verb, *args = shlex.split(line)
                assert program == "segue"
                parsed(load_verb(verb), verb, args)


def test_every_symptom_has_a_last_cause() -> None:
    last = CAUSES[-1]
    finding = Finding("silence", "", 9.0, 7.0, "seconds", (1, 2))
    assert explain(Facts({"way": "generate"}), finding, chorale(1)).cause == last.name
