"""The published measure: no padding in it, the first row only read, one look at the test split."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from bench.published import figures, page, records, rows, sets
from bench.published.fit import Slots, Training
from bench.published.grams import Grams
from bench.published.protocol import measure, padded

from segue import recipes
from segue.models.echo_chain import EchoChain
from segue.models.echo_roll import EchoRoll
from segue.models.frame_rnn import FrameRNN
from segue.models.note_lstm import NoteLSTM

KEYS = 88


def music(lengths: tuple[int, ...] = (3, 17, 9, 30), seed: int = 0) -> list[sets.Rows]:
    rng = np.random.default_rng(seed)
    return [(rng.random((n, KEYS)) < 0.05).astype(np.int16) for n in lengths]


def net(kind: type = FrameRNN, **options: int) -> FrameRNN:
    torch.manual_seed(0)
    return kind((2,) * KEYS, window=8, **options)


@pytest.mark.parametrize("kind", [FrameRNN, EchoRoll, EchoChain])
def test_neither_batch_nor_padding_nor_stretch_changes_the_figure(kind: type) -> None:
    """One piece at a time there is no padding at all."""
    model = net(kind, hidden=6)
    pieces = music()
    alone = [measure(model, [piece]) for piece in pieces]
    nats = sum(each.nats * each.rows for each in alone) / sum(each.rows for each in alone)
    for most, stretch in ((8192, 512), (1, 512), (40, 4), (8192, 1)):
        together = measure(model, pieces, most=most, stretch=stretch)
        assert together.nats == pytest.approx(nats, rel=1e-6)
        assert together.rows == 3 + 17 + 9 + 30 - 4
        assert together.piece_mean == pytest.approx(np.mean([each.nats for each in alone]))


def test_a_silent_piece_of_any_length_beside_it_changes_nothing_in_a_piece() -> None:
    """The mean over padding, which is wrong, would fall."""
    model, (piece,) = net(hidden=6), music((12,))
    beside = np.zeros((400, KEYS), np.int16)
    own, other = measure(model, [piece]), measure(model, [beside])
    both = measure(model, [piece, beside])
    assert both.nats == pytest.approx((own.nats * 11 + other.nats * 399) / 410, rel=1e-6)


def test_even_odds_cost_88_ln_2_a_frame() -> None:
    model = net(hidden=6)
    with torch.no_grad():
        model.out.weight.zero_()
        model.out.bias.zero_()
    assert measure(model, music()).nats == pytest.approx(KEYS * math.log(2), rel=1e-6)


def test_the_first_frame_is_read_and_never_scored() -> None:
    model, (piece,) = net(hidden=6), music((2,))
    model.eval()
    first, second = torch.from_numpy(piece.astype(np.int64))
    logits = model.frame(model.features(first[None, None]), second)[0, 0]
    wanted = -logits.log_softmax(-1)[torch.arange(KEYS), second].sum()
    assert measure(model, [piece]).nats == pytest.approx(wanted.item(), rel=1e-5)


def test_a_model_that_carries_no_state_reads_whole_pieces() -> None:
    torch.manual_seed(0)
    model = NoteLSTM((5,) * 4, 8, embedding=4, hidden=6)
    rng = np.random.default_rng(0)
    pieces = [rng.integers(0, 5, (n, 4)).astype(np.int16) for n in (4, 11)]
    own, other = measure(model, pieces[:1]), measure(model, pieces[1:])
    assert measure(model, pieces).nats == pytest.approx((own.nats * 3 + other.nats * 10) / 13)


def test_padding_counts_nowhere() -> None:
    frames, counts = padded(music((3, 5)))
    assert frames.shape == (2, 5, KEYS)
    assert counts.tolist() == [[True, True, False, False], [True] * 4]


# -- training ------------------------------------------------------------------------------------


def slots(pieces: list[sets.Rows], length: int = 6) -> Slots:
    return Slots(pieces, 2, length, (0, 0), sets.keys_moved, np.random.default_rng(1))


def test_every_row_but_the_first_is_a_target_once_an_epoch() -> None:
    """Each row of each piece has a number of its own."""
    pieces = [np.arange(first, first + n)[:, None] for first, n in ((0, 5), (100, 8), (200, 21))]
    given = slots([piece.astype(np.int16) for piece in pieces])
    seen: list[int] = []
    while given.epochs < 4:
        before, targets, counts, _ = given.segment()
        assert torch.equal(targets[counts], before[counts] + 1), "the row after, of one piece"
        seen += targets[counts].flatten().tolist()
    times = {int(n): seen.count(n) for piece in pieces for n in piece[1:, 0]}
    assert set(seen) == set(times), "no first row, and nothing of the padding"
    assert set(times.values()) <= {2, 3, 4}


def test_keys_are_moved_unless_a_note_would_leave() -> None:
    frames = np.zeros((2, KEYS), np.int16)
    frames[0, 0] = frames[1, 40] = 1
    up = sets.keys_moved(frames, 3)
    assert np.argwhere(up).tolist() == [[0, 3], [1, 43]]
    assert np.array_equal(sets.keys_moved(frames, -1), frames)


def test_voices_are_moved_unless_one_would_leave() -> None:
    rest, begin = 46, 47
    row = np.array([[begin] * 4, [40, 20, 10, rest]], np.int16)
    assert sets.voices_moved(row, 5).tolist() == [[begin] * 4, [45, 25, 15, rest]]
    assert np.array_equal(sets.voices_moved(row, 6), row)


SMALL = (
    "model.hidden=6",
    "train.batch=2",
    "train.max_steps=6",
    "train.validate_every=3",
    "data.window=8",
)


def test_a_cut_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    recipe = recipes.load("poly-gru", SMALL)
    kind = sets.SETS["jsb"]
    splits = music(), music(seed=1)

    def training(name: str) -> Training:
        return Training(recipe, kind, splits, 1, tmp_path / name, lambda line: None)

    whole = training("whole").run()
    cut = training("cut")
    while cut.done < 3:
        cut._step()
    cut._cut()
    again = training("cut").run()
    assert again.steps == whole.steps == 6
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


# -- rows, figures, records ----------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """A set of made-up music, of which each split is counted as it is opened."""
    opened: list[str] = []

    def read(data: Path, split: str) -> list[sets.Rows]:
        opened.append(split)
        return music(seed=len(split))

    made_up = sets.Set((2,) * KEYS, "a frame", 1, read, sets.keys_moved, one_key=True)
    monkeypatch.setitem(sets.SETS, "jsb", made_up)
    row = rows.Row("jsb", "poly-lstm", "factorised", SMALL)
    monkeypatch.setattr(rows, "ROWS", (row,))
    return argparse.Namespace(
        row=row,
        opened=opened,
        words=["--work", str(tmp_path / "w"), "--results", str(tmp_path / "r.json")],
    )


def test_the_test_split_is_opened_once_a_row(
    asked: argparse.Namespace, tmp_path: Path, command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    main = command.main  # type: ignore[attr-defined]
    assert main(["--rows", "jsb-lstm", *asked.words]) == 0
    assert asked.opened == ["train", "valid", "test"]
    assert main(["--rows", "jsb", *asked.words]) == 0
    assert asked.opened.count("test") == 1, "there is a row: nothing is opened"
    assert main(["--rows", "jsb", "--again", "jsb-lstm", *asked.words]) == 0
    (record,) = records.load(tmp_path / "r.json").values()
    assert asked.opened.count("test") == 2
    assert len(record["test_looks"]) == 2
    assert "test opened 2 times" in capsys.readouterr().out
    assert record["steps"] == 6
    assert record["parameters"] > 0


def test_n_grams_are_a_row_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: object
) -> None:
    rng = np.random.default_rng(0)
    songs = [rng.integers(0, 3, (20, 1)).astype(np.int16) for _ in range(3)]
    made_up = sets.Set(
        (4,), "an event", 1, lambda data, split: songs, sets.keys_moved, one_key=False
    )
    monkeypatch.setitem(sets.SETS, "nes", made_up)
    row = rows.Row("nes", "3-gram", "events", grams=3)
    monkeypatch.setattr(rows, "ROWS", (row,))
    words = ["--rows", "nes", "--results", str(tmp_path / "r.json")]
    assert command.main(words) == 0  # type: ignore[attr-defined]
    record = records.load(tmp_path / "r.json")["nes-3-gram"]
    assert (
        record["test"] == record["valid"] == pytest.approx(Grams(songs, 3, 4).nats(songs), abs=1e-5)
    )
    assert record["test_rows"] == 57


def test_another_rows_record_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    records.save({"row": "b", "test": 1.0}, path)
    records.save({"row": "a", "test": 2.0}, path)
    assert list(records.load(path)) == ["a", "b"]


def test_the_page_sets_ours_among_the_published() -> None:
    """From the record that is kept: ours stands where its figure puts it."""
    kept = records.load()
    record = kept["jsb-lstm"]
    (table,) = [t for t in page.document({"jsb-lstm": record}).split("## ") if t[:3] == "jsb"]
    cells = [line.split("|")[1].strip(" *") for line in table.splitlines() if line[:1] == "|"]
    nats = [float(cell) for cell in cells[2:]]
    assert nats == sorted(nats, reverse=True)
    assert f"**{record['test']:.3f}**" in table
    assert any(line.startswith(">") for line in page.lines({"jsb-lstm": record}))


def test_an_unknown_row_is_refused() -> None:
    with pytest.raises(SystemExit, match="there is no row 'jbs'; there are poly4"):
        rows.chosen(["jbs"])


def test_groups_sets_and_names_are_rows() -> None:
    assert {row.kind for row in rows.chosen(["poly4"])} <= set(sets.GROUPS["poly4"])
    assert {"jsb-lstm", "nottingham-echo"} <= {row.name for row in rows.chosen(["poly4"])}
    assert [row.name for row in rows.chosen(["jsb-lstm"])] == ["jsb-lstm"]


def test_every_row_has_a_name_and_a_recipe_of_its_own() -> None:
    names = [row.name for row in rows.ROWS]
    assert len(set(names)) == len(names)
    for row in rows.ROWS:
        assert row.grams or recipes.load(row.recipe, row.changes).train.max_steps > 0


def test_no_unverified_figure_is_printed_without_saying_so() -> None:
    unsure = [each for each in figures.FIGURES if each.flag == "M"]
    assert unsure
    for figure in unsure:
        for kind in figure.nats:
            assert "[M] (unverified)" in page.published(figure, kind).source
    assert all(each.flag in figures.FLAGS for each in figures.FIGURES)


# -- the sets' own readers -----------------------------------------------------------------------


def test_rolls_are_read_by_split(tmp_path: Path) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    (tmp_path / "poly4").mkdir()
    given = music((4, 6))
    cells = np.empty((1, 2), object)
    cells[0, :] = [piece.astype(np.uint8) for piece in given]
    names = ("traindata", "validdata", "testdata")
    savemat(tmp_path / "poly4/JSB_Chorales.mat", dict.fromkeys(names, cells))
    found = sets.SETS["jsb"].read(tmp_path, "valid")
    assert [np.array_equal(a, b) for a, b in zip(found, given, strict=True)] == [True, True]
    with pytest.raises(SystemExit, match="does not exist"):
        sets.SETS["muse"].read(tmp_path, "valid")


def test_chorales_begin_with_a_row_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "jsb-czhuang").mkdir()
    piece = [[74, 70, 65, 58], [74, -1, 36, 81]]
    path = tmp_path / "jsb-czhuang/Jsb16thSeparated.json"
    path.write_text(json.dumps({"test": [piece]}), "utf-8")
    (found,) = sets.chorales(tmp_path, "test")
    assert found.tolist() == [[47] * 4, [38, 34, 29, 22], [38, 46, 0, 45]]


def test_events_are_moved_unless_a_key_would_leave() -> None:
    """On of the lowest key, off of the highest, a shift and a velocity."""
    low, high = np.array([[0], [176], [290]]), np.array([[175], [176]])
    assert sets.performances_moved(low, 2).tolist() == [[2], [176], [290]]
    assert sets.performances_moved(low, -1) is low
    assert sets.performances_moved(high, 1) is high
    assert sets.performances_moved(np.array([[87]]), 1).tolist() == [[87]], "no on becomes an off"


def test_a_piano_has_310_events() -> None:
    assert sets.SETS["maestro"].sizes == (310,)
    assert sets._EVENTS[[21, 108, 128 + 21, 128 + 108, 256, 387]].tolist() == [
        0, 87, 88, 175, 176, 307,
    ]  # fmt: skip
