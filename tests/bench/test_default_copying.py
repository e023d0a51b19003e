"""Copies: a take out of the training music is found, and counts against the bundle."""

from bench.evaluate_default import copying
from bench.evaluate_default.held_out import Piece
from bench.evaluate_default.learned import new_to

from music import chorale
from segue.evaluation.memorisation import Training
from segue.evaluation.memorisation_steps import steps_of
from segue.score import slice_bars, transpose

NEW = [chorale(seed, bars=16) for seed in range(500, 504)]
COPY = slice_bars(chorale(101, bars=20), 2, 18)


def test_held_out_music_that_was_learned_is_left_out():
    known = Piece("set/known.mid", "a work", chorale(101, bars=20))
    arranged = Piece("other/known.mid", "another work", transpose(known.score, 3))
    new = Piece("set/new.mid", "a third", chorale(550, bars=20))
    training = Training.of([("train/known.mid", steps_of(known.score))])
    assert new_to(training, [arranged, new]) == [new]


def test_new_music_is_no_copy(examined, fixed):
    found = copying.measure(examined(fixed(takes=NEW)))
    assert found["training_pieces"] == 4
    assert found["takes"]["over"] == 0
    assert found["met"]


def test_a_copy_is_found_with_its_piece(examined, fixed):
    found = copying.measure(examined(fixed(takes=[*NEW[:3], COPY])))
    assert found["takes"]["copies"] == {"seed 4": 1.0}
    assert found["takes"]["longest"][1:] == ["seed 4", "odd/101.mid"]
    assert found["real"]["over"] == 0
    assert not found["met"]
    assert any("odd/101.mid" in line for line in copying.tell(found))
