"""Playing with rows that say more: bar lines are given, what is asked is said, locked notes are
told ahead.

The model is noise that writes down what it has read: what holds for it holds for all.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segue import encodings
from segue.encodings import bar_lines, portrait
from segue.encodings.compound import REST, START, STEP, Compound
from segue.errors import SegueError
from segue.generation import accompany, continue_, fill, generate, infill, ways
from segue.generation.density import Density
from segue.generation.engine import Floats, IntRows, State
from segue.generation.given import Given
from segue.generation.harmony import key
from segue.generation.player import Player
from segue.generation.said import key_number, with_said
from segue.generation.sampling import Sampling
from segue.generation.wishes import Wishes
from segue.recipes.schema import GenerateTable
from segue.score import CONTROL, METRE, NOTE, TEMPO, Score, Track, events

AHEAD = 48
ENCODING = encodings.get(
    "compound", max_tracks=2, drums=False, pedal="shared", tempo="rows", about=True, bars=True,
    ahead=AHEAD,
)  # fmt: skip
assert isinstance(ENCODING, Compound)
HANDS = (Track("Right hand"), Track("Left hand"))
BEAT = 96


class Scribe:
    """An engine of noise that keeps the rows it reads."""

    name = "scribe"
    window = 0
    frames = independent = False

    def __init__(self) -> None:
        self.sizes = ENCODING.layout.sizes
        self.rng = np.random.default_rng(0)
        self.read: list[list[int]] = []
        self.presses = 0.0

    def start(self, batch: int) -> State:
        return State(batch, None, ())

    def step(self, rows: IntRows, state: State) -> State:
        self.read.append(rows[0].tolist())
        return state

    def columns(self, state: State) -> Any:
        def ask(column: int, row: IntRows) -> Floats:
            logits = 2 * self.rng.standard_normal((state.batch, self.sizes[column]))
            if column == 0:
                logits[:, STEP : STEP + 13] += 4
            if column == 2:
                logits[:, ENCODING.first_pitch + 40 :] += 3
                logits[:, ENCODING.first_tempo + 30] += 6
                logits[:, ENCODING.first_pedal + 1] += self.presses
            return logits.astype(np.float32)

        return ask

    def fork(self, state: State, copies: int) -> State:
        return State(state.batch * copies, None, ())

    def playing(self, state: State, copies: int) -> State:
        return self.fork(state, copies)

    def rows(self) -> np.ndarray:
        return np.array(self.read, np.int64)


@pytest.fixture
def scribe(monkeypatch: pytest.MonkeyPatch) -> Scribe:
    engine = Scribe()
    for module in (fill, ways):
        monkeypatch.setattr(module, "make_player", lambda *_: Player(engine, Sampling(), ENCODING))
        monkeypatch.setattr(module, "make_receipt", lambda _b, name, seed, told: {**told})
        monkeypatch.setattr(module, "signed", lambda score, _: score)
    monkeypatch.setattr("segue.generation.carrying.make_receipt", lambda _b, e, s, told: {**told})
    monkeypatch.setattr("segue.generation.carrying.signed", lambda score, _: score)
    return engine


def bundle(**say: str) -> Any:
    header = ENCODING.encode(piece()).header
    used = [list(range(size)) for size in ENCODING.layout.sizes]
    recipe = SimpleNamespace(generate=GenerateTable(say=say))
    return SimpleNamespace(
        name="scribe", encoding=ENCODING, sizes=ENCODING.layout.sizes, plays="rows", openings=[],
        index={"header": header, "used": used, "context": None}, recipe=recipe,
        once=lambda _, make: make(),
    )  # fmt: skip


def piece(beats: int = 36) -> Score:
    """Two hands in 3/4: a note a beat and one a bar."""
    right = [(BEAT * b, 90, 0, 72 + b % 5, 80 + b % 3 * 10) for b in range(beats)]
    left = [(3 * BEAT * b, 280, 1, 48 + b % 4, 60) for b in range(beats // 3)]
    return Score(
        BEAT, events(NOTE, right + left), HANDS,
        tempi=events(TEMPO, [(0, 500_000)]), metres=events(METRE, [(0, 3, 4)]),
    )  # fmt: skip


def bars_read(rows: np.ndarray) -> list[int]:
    """The steps of the bar lines among rows."""
    at = ENCODING.positions(rows.astype(np.uint16))
    code = rows[:, 2]
    is_bar = (rows[:, 0] >= STEP) & (code >= ENCODING.first_bar) & (code < ENCODING.first_tempo)
    return at[is_bar].tolist()


def said_in(rows: np.ndarray) -> list[int]:
    return [int(r[2]) for r in rows if r[0] >= STEP and r[2] < portrait.SIZE]


def heard(score: Score) -> set[tuple[int, ...]]:
    return {tuple(int(v) for v in note) for note in score.notes}


def test_new_music_is_given_its_bars(scribe: Scribe) -> None:
    take = generate(bundle(), bars=6, seed=1)[0]
    assert bars_read(scribe.rows()) == [36 * b for b in range(6)]
    symbols = scribe.rows()[:, 2]
    metres = symbols[(symbols >= ENCODING.first_bar) & (symbols < ENCODING.first_tempo)]
    assert {bar_lines.METRES[m - ENCODING.first_bar] for m in metres} == {(3, 4)}
    assert take.score.end_bars <= 6
    assert len(take.score)


def test_what_is_asked_is_said_before_the_music(scribe: Scribe) -> None:
    wishes = Wishes(
        key=key("D minor"), style="romantic", touch="shaped", density=Density(2), tempo=90
    )
    generate(bundle(touch="pedalled"), bars=4, seed=1, wishes=wishes)
    expected = portrait.symbols({"style": 2, "key": 14, "density": 3, "touch": 1})
    assert said_in(scribe.rows())[:4] == expected.tolist()
    assert scribe.rows()[0, 0] == START
    tempi = scribe.rows()[:, 2]
    tempi = tempi[(tempi >= ENCODING.first_tempo) & (tempi < ENCODING.first_pedal)]
    assert len(tempi) == 1


def test_what_a_recipe_says_holds_until_it_is_asked_otherwise(scribe: Scribe) -> None:
    usual = bundle(touch="pedalled", style="pop")
    generate(usual, bars=2, seed=1)
    pedalled = portrait.FIRST["touch"] + 2
    assert said_in(scribe.rows())[:2] == [5, pedalled]
    scribe.read.clear()
    generate(usual, bars=2, seed=1, wishes=Wishes(style="any", touch="plain"))
    assert said_in(scribe.rows())[0] == portrait.FIRST["touch"]


def test_words_that_a_bundle_was_not_told_are_refused(scribe: Scribe) -> None:
    plain = bundle()
    plain.encoding = encodings.get("compound")
    with pytest.raises(SegueError, match="scribe was told of none: leave it out"):
        generate(plain, bars=2, wishes=Wishes(style="pop"))
    with pytest.raises(SegueError, match="the style came as 'rock'"):
        Wishes(style="rock")


def test_a_tempo_that_is_asked_for_is_kept(scribe: Scribe) -> None:
    take = generate(bundle(), bars=4, seed=3, wishes=Wishes(tempo=93))[0]
    assert take.score.tempi["microseconds"].tolist() == [round(60e6 / 93)]


def test_a_take_lets_the_pedal_go_at_its_end(scribe: Scribe) -> None:
    scribe.presses = 8.0
    ends = []
    for seed in range(8):
        score = generate(bundle(), bars=4, seed=seed)[0].score
        pedal = score.controls[score.controls["number"] == 64]
        assert (pedal["onset"] <= score.end_ticks).all()
        ends += [pedal["value"][pedal["track"] == t][-1] for t in np.unique(pedal["track"])]
    assert len(ends) > 4
    assert max(ends) < 64


def test_a_continuation_goes_on_with_bars_pedal_and_tempo(scribe: Scribe) -> None:
    prompt = piece(12)
    pedal = events(CONTROL, [(0, 0, 64, 127)])
    prompt = prompt.with_(controls=pedal)
    take = continue_(bundle(), prompt, bars=6, seed=2)[0]
    assert bars_read(scribe.rows())[:10] == [36 * b for b in range(10)]
    whole, begin = take.score, prompt.end_ticks
    assert {n for n in heard(whole) if n[0] < begin} == heard(prompt)
    assert whole.tempi["onset"].max() >= begin
    assert take.receipt["carries"] == ["controls", "tempi"]
    new = whole.controls[whole.controls["onset"] >= begin]
    assert (begin, 0) in {(int(c["onset"]), int(c["value"])) for c in new}
    for track in range(2):
        mine = whole.controls[whole.controls["track"] == track]
        assert not len(mine) or mine["value"][-1] < 64
    steady = continue_(bundle(), prompt, bars=4, seed=2, wishes=Wishes(tempo=120))[0]
    assert np.array_equal(steady.score.tempi, prompt.tempi)


def test_infill_reads_what_comes_after_the_gap_before_it_is_filled(scribe: Scribe) -> None:
    music = piece()
    take = infill(bundle(), music, first_bar=4, last_bar=6, seed=1)[0]
    rows = scribe.rows()
    begin, end = 4 * 36, 6 * 36
    at = ENCODING.positions(rows.astype(np.uint16))
    told = (rows[:, 0] >= STEP) & (rows[:, 1] >= 2)
    behind = {(int(a) + AHEAD, int(r[2]) - ENCODING.first_pitch)
              for a, r in zip(at[told], rows[told], strict=True)}  # fmt: skip
    after = {
        (n[0] * 12 // BEAT, n[3]) for n in heard(music) if end <= n[0] * 12 // BEAT < end + AHEAD
    }
    assert behind == after
    assert bars_read(rows) == [36 * b for b in range(6)]
    kept = {n for n in heard(music) if not begin <= n[0] * 12 // BEAT < end}
    assert kept <= heard(take.score)
    new = heard(take.score) - kept
    assert new
    assert all(4 * 3 * BEAT <= n[0] < 6 * 3 * BEAT for n in new)


def test_one_hand_is_filled_with_the_other_told_ahead(scribe: Scribe) -> None:
    music = piece()
    take = infill(bundle(), music, first_bar=4, last_bar=8, tracks=(0,), seed=1)[0]
    rows = scribe.rows()
    told = (rows[:, 0] >= STEP) & (rows[:, 1] >= 2)
    assert set(rows[told, 1]) == {2, 3}
    at = ENCODING.positions(rows.astype(np.uint16))
    left = {(int(a) + AHEAD) // 36 for a, r in zip(at[told], rows[told], strict=True) if r[1] == 3}
    assert left == set(range(4, 10))  # to as far behind the gap as notes are told ahead
    new = heard(take.score) - heard(music)
    assert {n[2] for n in new} == {0}
    locked = {n for n in heard(music) if n[2] == 1}
    assert locked <= heard(take.score)


def test_an_accompaniment_is_told_the_melody_and_not_how_dense_it_is(scribe: Scribe) -> None:
    whole = piece()
    melody = whole.with_(notes=whole.notes[whole.notes["track"] == 0], tracks=whole.tracks[:1])
    take = accompany(bundle(), melody, seed=5)[0]
    assert list(portrait.said(np.array(said_in(scribe.rows())))) == ["key", "touch"]
    rows = scribe.rows()
    told = rows[(rows[:, 0] >= STEP) & (rows[:, 1] >= 2)]
    # The first notes come at their own time: nothing can be told before the music begins.
    assert len(told) == len(melody.notes) - AHEAD // 12
    assert {n for n in heard(take.score) if n[2] == 0} == heard(melody)
    assert (take.score.notes["track"] == 1).any()


def test_wishes_change_what_a_prompt_says() -> None:
    rows = ENCODING.encode(piece()).rows[:-1].astype(np.int64)
    same = with_said(ENCODING, rows, Wishes())
    assert same is rows
    changed = with_said(ENCODING, rows, Wishes(style="modern", touch="plain"))
    assert len(changed) == len(rows) + 1
    assert said_in(changed)[0] == portrait.STYLES.index("modern")
    assert said_in(changed)[-1] == portrait.FIRST["touch"]
    assert said_in(changed)[1:3] == said_in(rows)[:2]


@pytest.mark.parametrize(
    ("name", "number"), [("C major", 0), ("A minor", 21), ("F# dorian", 18), ("G mixolydian", 7)]
)
def test_keys_have_numbers(name: str, number: int) -> None:
    assert key_number(key(name)) == number


def test_given_rows_come_when_it_is_their_time() -> None:
    due = np.array([[0, 0, 50, 0, 0], [0, 0, 51, 0, 0]])
    given = Given(ENCODING, 3, due, np.array([10, 500]))
    drawn = np.array([[STEP + 4, 0, 200, 1, 1], [STEP + 12, 0, 200, 1, 1], [REST, 0, 0, 0, 0]])
    position = np.zeros(3, np.int64)
    settled = given.settle(drawn, position)
    assert settled[0].tolist() == drawn[0].tolist()
    assert settled[1].tolist() == [STEP + 10, 0, 50, 0, 0]
    assert settled[2].tolist() == [STEP + 10, 0, 50, 0, 0]
    assert given.played.tolist() == [0, 1, 1]
    assert given.settle(drawn, position + 10)[1].tolist() == drawn[1].tolist()
    forced = given.settle(drawn, position + 10, np.array([False, True, False]))
    assert forced[1].tolist() == [REST, 0, 0, 0, 0]


def test_takes_that_are_joined_keep_what_they_are_given() -> None:
    row = np.array([[0, 0, 50, 0, 0]])
    one = Given(ENCODING, 1, row, np.array([10]))
    two = Given(
        ENCODING, 2, np.concatenate([row + np.array([0, 0, 1, 0, 0])] * 2), np.array([4, 20])
    )
    drawn = np.tile([STEP + 12, 0, 200, 1, 1], (3, 1))
    position = np.zeros(3, np.int64)
    apart = [one.settle(drawn[:1], position[:1]), two.settle(drawn[1:], position[1:])]
    again = Given(ENCODING, 1, row, np.array([10])).joined(
        Given(ENCODING, 2, np.concatenate([row + np.array([0, 0, 1, 0, 0])] * 2), np.array([4, 20]))
    )
    assert again.settle(drawn, position).tolist() == np.concatenate(apart).tolist()
    assert again.played.tolist() == [1, 1, 1]
    left = again.only(np.array([2, 0]))
    assert left.settle(drawn[:2], np.array([10, 10])).tolist() == [
        [STEP + 10, 0, 51, 0, 0], drawn[0].tolist(),
    ]  # fmt: skip
    assert left.played.tolist() == [2, 1]
    assert again.played.tolist() == [1, 1, 1]
