"""The table of systems: its plan names every recipe, its records and its page say what was done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.systems import __main__ as table_of_systems
from bench.systems import checks, every, page, plan, records
from bench.systems.case import Case
from bench.systems.checks import Check, note_chord_lstm
from bench.systems.work import CommandError, Workplace

import segue as music
from music import TINY
from segue import encodings, recipes
from segue.score import Score


def test_every_recipe_has_a_row_and_every_row_a_recipe() -> None:
    assert set(recipes.names()) <= set(plan.names())
    for name in recipes.names():
        row = plan.row(name)
        assert (row.recipe, row.minutes > 0) == (name, True)
    changed = plan.row("note-chord-lstm-symbols").resolved()
    assert recipes.build_encoding(changed).layout.sizes[1:] == ()


@pytest.mark.parametrize(
    ("check", "holds", "wanted"),
    [
        (Check("x", 0.5, at_least=0.5), True, "at least 0.5"),
        (Check("x", 0.4, at_least=0.5), False, "at least 0.5"),
        (Check("x", 3, at_most=2), False, "at most 2"),
        (Check("x", 1.5, at_least=1, at_most=2), True, "at least 1 and at most 2"),
        (Check("x", None, at_least=1), False, "at least 1"),
        (Check("x", 7), None, ""),
    ],
)
def test_a_check_says_whether_it_holds(check: Check, holds: bool | None, wanted: str) -> None:
    assert (check.holds, check.wanted) == (holds, wanted)


def test_a_recipe_without_checks_has_none() -> None:
    assert not checks.exists("skuldur-2017")
    assert checks.exists("note-chord-lstm")


def test_the_hash_follows_what_decides_the_numbers() -> None:
    base = recipes.load("luiss-3")
    told = base.model_copy(update={"summary": "other words", "notes": ""})
    assert records.recipe_hash(told) == records.recipe_hash(base)
    changed = recipes.load("luiss-3", ["model.hidden=64"])
    assert records.recipe_hash(changed) != records.recipe_hash(base)


def test_a_step_is_timed_between_lines_of_training(tmp_path: Path) -> None:
    lines = [
        {"step": 10, "time": 100.0, "train/nats": 5.0},
        {"step": 20, "time": 105.0, "train/nats": 4.0},
        {"step": 20, "time": 165.0, "held_out/nats": 4.5},
        {"step": 30, "time": 170.0, "train/nats": 4.0},
        {"step": 40, "time": 176.0, "train/nats": 4.0},
    ]
    log = tmp_path / "metrics.jsonl"
    log.write_text("\n".join(map(json.dumps, lines)))
    assert records.seconds_a_step(log) == pytest.approx(0.55)
    log.write_text(json.dumps(lines[0]))
    assert records.seconds_a_step(log) is None


def test_marks_are_the_rows_that_open_and_close_a_piece() -> None:
    fitted = encodings.get("note_chord", rhythm=True).with_vocabulary(["C4", "E4", "START", "END"])
    names = [fitted.names()[i] for i in note_chord_lstm._marks(fitted)]
    assert sorted(names) == ["END", "START"]
    assert len(note_chord_lstm._marks(encodings.get("note_chord"))) == 0


def test_a_take_that_is_damaged_is_refused(tmp_path: Path, chorales: Path) -> None:
    score = music.read(next(chorales.iterdir()))
    path = tmp_path / "take.mid"
    music.write(score, path)
    receipt = path.with_suffix(".json")
    receipt.write_text(json.dumps({"checks": {"notes": len(score)}}))
    assert every.notes_of(path) == len(score)
    receipt.write_text(json.dumps({"checks": {"notes": len(score) + 1}}))
    with pytest.raises(CommandError, match="not read back as it was made"):
        every.notes_of(path)
    receipt.write_text(json.dumps({"checks": {"notes": 0}}))
    music.write(Score(480, score.notes[:0], score.tracks), path)
    assert every.notes_of(path) == 0


def test_a_silent_recipe_fails(here: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "notes_of", lambda path: 0)
    told = every._tried(here, "small", 2, 1.0)
    assert not told["fine"]
    assert told["verdict"] == "failed: its take holds no notes after 2 steps."


@pytest.fixture
def here(
    segue: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, chorales: Path, tmp_path: Path
) -> Workplace:
    """A workplace with chorales for all music, whose commands run in this process."""

    def run(*words: str) -> str:
        ran = segue(*words)
        if ran.code:
            raise CommandError(ran.err)
        return str(ran.out)

    tunes = {"folder": chorales.name, "what": "chorales"}
    small = {"recipe": "chorale-lstm", "set": list(TINY), "music": "here", "minutes": 1}
    broken = {**small, "set": ["model.hiden=3"]}
    wider = {**small, "set": [*TINY, "model.hidden=24"]}
    written = {
        "defaults": {"minutes": 1},
        "music": {"here": tunes},
        "encodings": {"compound": "here"},
        "recipes": {"small": small, "broken": broken, "wider": wider},
    }
    monkeypatch.setattr("bench.systems.work.segue", run)
    monkeypatch.setattr(plan, "_plan", lambda: written)
    monkeypatch.setattr(plan, "names", lambda: ["small"])
    return Workplace(chorales.parent, tmp_path / "work")


def test_a_row_is_trained_measured_kept_and_shown(
    here: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--data",
        str(here.data),
        "--work",
        str(here.root),
        "--results",
        str(tmp_path / "kept"),
    ]
    words += ["--page", str(tmp_path / "systems.md"), "--minutes", "0.05"]
    assert table_of_systems.main(words) == 0
    record = records.load("small", tmp_path / "kept")
    assert record is not None
    assert record["training"]["steps"] > 0
    assert record["held_out"]["nats"]["unigram"] > 0
    assert (record["takes"]["takes"], record["takes"]["silent"]) == (4, 0)
    assert record["real"]["takes"] == 1, "one of twelve pieces is held out"
    shown = (tmp_path / "systems.md").read_text("utf-8")
    assert f"| recurrent | here | {record['parameters']:,} |" in shown
    assert "`small` (model.hidden=16, " in shown
    assert f"{record['held_out']['nats']['model']:.3f}" in shown
    made = here.run_of("small") / "recipe.toml"
    before = made.stat().st_mtime_ns
    capsys.readouterr()
    assert table_of_systems.main(words) == 0
    assert made.stat().st_mtime_ns == before, "a row that is there is not trained anew"
    adopted = records.adopt("small", here, here.run_of("small"))
    alike = ("parameters", "held_out", "recipe_hash", "takes", "real")
    assert [adopted[key] for key in alike] == [record[key] for key in alike]
    assert adopted["training"]["steps"] == record["training"]["steps"]
    with pytest.raises(CommandError, match="differs from the row wider in: model"):
        records.adopt("wider", here, here.run_of("small"))
    case = Case("small", here)
    assert [take.end_bars <= 2 for take in case.takes(2, 2)] == [True, True]
    assert case.other("small") == case
    assert case.other("broken") is None


def test_every_recipe_is_tried_once_and_a_failure_is_told(
    here: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(here.data), "--work", str(here.root), "--shared", str(here.root)]
    words += ["--steps", "2", "--only", "small", "broken"]
    assert every.main(words) == 1
    out = capsys.readouterr().out
    assert "| small | here | 2 |" in out
    assert "| trains and plays |" in out
    assert "broken: failed: " in out
    assert "did you mean 'hidden'" in " ".join(out.split())
    assert "1 of 2 recipes train and play." in out
    before = (here.run_of("small") / "recipe.toml").stat().st_mtime_ns
    assert every.main(words) == 1
    assert (here.run_of("small") / "recipe.toml").stat().st_mtime_ns == before


def test_a_number_that_is_not_there_is_a_dash() -> None:
    told = Check("x", None, at_least=1, note="why").told()
    assert page.check_row(told) == ["x", "-", "at least 1", "no", "why"]
    assert page.table(["a", ">b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"
