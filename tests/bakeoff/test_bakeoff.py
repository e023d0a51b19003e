"""The bake-off: rows that compare, clocks that count once, a section that keeps its place."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bench.bakeoff import plan
from bench.bakeoff.__main__ import _speeds, main
from bench.bakeoff.fit import Cost
from bench.bakeoff.judge import piece_nats
from bench.bakeoff.page import BEGIN, END, section, write

from segue.models.base import SequenceModel, parameter_count
from segue.recipes import build_model


@pytest.fixture(scope="module")
def parameters() -> dict[str, int]:
    found = {}
    for row in plan.ROWS:
        sizes = plan.encoding(row.encoding).layout.sizes
        found[row.name] = parameter_count(build_model(row.recipe(100, 1e-3), sizes, seed=0))
    return found


def test_all_models_are_of_one_size(parameters):
    assert max(parameters.values()) < 1.03 * parameters["transformer"]
    assert min(parameters.values()) > 0.97 * parameters["transformer"]


def test_all_rows_read_as_many_rows_a_step_and_name_rates_that_are_tried():
    for row in plan.ROWS:
        assert row.batch * row.window == plan.ROWS_A_STEP
        assert not (row.rates_of and plan.row(row.rates_of).rates_of)
    assert {*plan.MODELS, *plan.WAYS, plan.OWN} == {row.name for row in plan.ROWS}


def test_models_share_an_encoding_and_encodings_a_model():
    assert {plan.row(name).encoding for name in plan.MODELS} == {"beats"}
    assert {plan.row(name).model["name"] for name in plan.WAYS} == {"note-transformer"}
    assert len({plan.row(name).encoding for name in plan.WAYS}) == len(plan.WAYS)


@pytest.mark.parametrize("steps", [1, 7, 5000])
def test_a_recipe_warms_up_within_its_steps(steps):
    table = plan.row("lstm").recipe(steps, 2e-3).train
    assert table.warmup <= max(steps, 1)
    assert table.validate_every <= steps
    assert (table.max_steps, table.lr) == (steps, 2e-3)


def test_the_clock_goes_on_after_a_cut_and_stands_still_while_looking(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("bench.bakeoff.fit.time.process_time", lambda: now[0])
    cost = Cost()
    cost.on_train_start(None, None)
    now[0] = 103.0
    cost.on_train_batch_end()
    now[0] = 150.0
    cost.on_validation_end(None, None)
    now[0] = 152.0
    cost.on_train_batch_end()
    assert cost.seconds == 5.0

    again = Cost()
    again.load_state_dict(cost.state_dict())
    now[0] = 7.0
    again.on_train_start(None, None)
    now[0] = 8.0
    again.on_train_batch_end()
    assert again.seconds == 6.0
    assert again.peak_mb >= cost.peak_mb > 0


def record(*names: str) -> dict:
    def row(i: int) -> dict:
        note = {"nats": 7.0 + i / 10, "low": 6.0, "high": 8.0}
        judged = {
            "nats_a_note": note,
            "with_loss_a_note": {**note, "nats": note["nats"] + 1},
            "rows": 1200,
            "notes": 1000.0,
            "pieces": 10,
            "weights_mb": 6.1,
            "playing": {"rows_a_second": 900.0, "notes_a_second": 800.0 + i},
        }
        fit = {"steps": 100, "rate": 0.002, "peak_mb": 512.0}
        return {"parameters": 1_500_000, "rows_a_second": 9000.0, "fit": fit, "judged": judged}

    return {
        "minutes": 8.0,
        "date": "2026-01-01",
        "machine": {"processor": "a processor", "cores": 2},
        "versions": {"torch": "1", "onnxruntime": "2"},
        "revision": "abc",
        "parameters": 1_518_824,
        "rows": {name: row(i) for i, name in enumerate(names)},
    }


def test_tables_are_in_the_order_of_nats_and_words_follow_them():
    text = section(record(*[row.name for row in plan.ROWS][::-1]))
    lines = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    models = [line for line in lines if line in {plan.row(name).title for name in plan.MODELS}]
    assert models == [plan.row(name).title for name in plan.MODELS[::-1]]
    assert "In this time the Transformer is best, 0.100 nats a note before the dilated" in text
    assert "It wins here already" in text


def test_a_default_that_does_not_win_says_so():
    text = section(record(*[row.name for row in plan.ROWS]))
    assert "own net and rows are 0.300 nats a note worse than the plain" in text
    assert "In this time the LSTM is best, 0.100 nats a note before the GRU" in text
    assert "It does not win here (0.300 nats a note behind)" in text


def test_a_row_that_comes_later_is_timed_beside_one_that_was_there():
    class Busy:
        """A machine half as fast as it was."""

        def speeds(self, names):
            assert names == ["transformer", "metre"]
            return {name: {"seconds_a_step": 2.0 + i} for i, name in enumerate(names)}

    known = {row.name: {"seconds_a_step": 1.0} for row in plan.ROWS if row.name != "metre"}
    found = _speeds(Busy(), known)
    assert found["metre"]["seconds_a_step"] == 1.5
    assert found["transformer"]["seconds_a_step"] == 1.0


def test_half_a_bake_off_tells_only_what_is_there():
    text = section(record("transformer", "lstm"))
    assert "### Four models" in text
    assert "is best" not in text
    assert "### One model" not in text


def test_the_section_keeps_its_place_and_the_rest_of_the_page(tmp_path):
    page = tmp_path / "models.md"
    page.write_text(f"# Models\n\nBefore.\n\n{BEGIN}\nstale words\n{END}\n\n## After\n", "utf-8")
    write(page, record("transformer"))
    once = page.read_text("utf-8")
    write(page, record("transformer"))
    assert page.read_text("utf-8") == once
    assert once.startswith("# Models\n\nBefore.\n\n" + BEGIN)
    assert once.endswith(f"{END}\n\n## After\n")
    assert "stale words" not in once
    fresh = tmp_path / "fresh.md"
    write(fresh, record("transformer"))
    assert fresh.read_text("utf-8").startswith(f"# Models\n\n{BEGIN}\n")


def test_records_of_another_length_are_not_mixed(tmp_path, capsys):
    results = tmp_path / "bakeoff.json"
    results.write_text(json.dumps({"minutes": 8.0, "rows": {}}), "utf-8")
    words = ["--minutes", "1", "--results", str(results), "--page", str(tmp_path / "page.md")]
    assert main(words) == 1
    assert "8 minutes a row and 1 came" in capsys.readouterr().err


@pytest.mark.parametrize("length", [2, 16, 17, 40, 41, 64])
def test_every_row_is_scored_once_and_from_half_a_window_at_least(length):
    class Counting(SequenceModel):
        """Nats of a row are how many rows before it a window held."""

        endless = False

        def features(self, rows): ...

        def heads(self, features, row): ...

        def start(self, batch): ...

        def step(self, row, *state): ...

        def scores(self, rows, targets, mask):
            assert (rows[0, 1:] == targets[0, :-1]).all()
            here = targets[0, mask[0], 0].tolist(), mask[0].nonzero().ravel().tolist()
            scored.update(zip(*here, strict=True))
            return mask.sum().repeat(2)

    scored: dict[int, int] = {}
    rows = np.repeat(np.arange(length)[:, None], 2, axis=1)
    nats = piece_nats(Counting((99, 99), window=16), rows)
    assert nats.tolist() == [length - 1, length - 1]
    assert sorted(scored) == list(range(1, length))
    assert all(before >= min(row - 1, 8) for row, before in scored.items())
