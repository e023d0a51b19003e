"""Copies are found in any key, tempo and with a pianist's timing; commonplaces are not copies."""

from __future__ import annotations

import numpy as np
import pytest

from music import BEAT
from segue.evaluation import memorisation
from segue.evaluation.memorisation import LONG, Training, memorised
from segue.evaluation.memorisation_steps import ANY, RHYTHM_AN_OCTAVE, Steps, steps_of
from segue.score import NOTE, Score, Track, edit, events


def tune(seed: int, beats: int = 64) -> Score:
    """A melody of eighths, quarters and halves in leaps and steps, over a bass of its own."""
    rng = np.random.default_rng(seed)
    rows, tick = [], 0
    while tick < beats * BEAT:
        length = int(rng.choice([BEAT // 2, BEAT, 2 * BEAT], p=[0.5, 0.4, 0.1]))
        rows.append((tick, length - 5, 0, int(rng.integers(60, 84)), 80))
        tick += length
    for beat in range(0, beats, 2):
        rows.append((beat * BEAT, 2 * BEAT - 5, 1, int(rng.integers(36, 55)), 70))
    return Score(BEAT, events(NOTE, rows), (Track("tune"), Track("bass")))


def played(score: Score, seed: int, stretch: float = 1.0, jitter: float = 0.0) -> Score:
    """In another tempo, every note up to `jitter` seconds early or late (120 beats a minute)."""
    rng = np.random.default_rng(seed)
    notes = score.notes.copy()
    late = rng.uniform(-jitter, jitter, len(notes)) * 2 * BEAT
    notes["onset"] = np.maximum(np.rint(notes["onset"] * stretch + late), 0)
    notes["duration"] = np.maximum(np.rint(notes["duration"] * stretch), 1)
    return score.with_(notes=notes)


def line(pitches: list[int]) -> Score:
    """Sixteenths, one after the other."""
    step = BEAT // 4
    return Score(BEAT, events(NOTE, [(i * step, step, 0, p, 80) for i, p in enumerate(pitches)]),
                 (Track(),))  # fmt: skip


@pytest.fixture(scope="module")
def training() -> Training:
    return Training.of((f"tune {seed}", steps_of(tune(seed))) for seed in range(20))


def score_of(training: Training, music: Score) -> float:
    return memorised(training, [steps_of(music)])[0].score


def test_a_step_is_how_the_outer_voices_move_and_how_the_wait_changes() -> None:
    chords = [(0, (60, 64, 67)), (BEAT, (62, 65, 69)), (3 * BEAT, (60, 64, 67))]
    rows = [(tick, BEAT, 0, p, 80) for tick, chord in chords for p in chord]
    steps = steps_of(Score(BEAT, events(NOTE, rows), (Track(),)))
    assert steps.notes.tolist() == [3, 3, 3]
    assert steps.onsets.tolist() == [0, BEAT, 3 * BEAT]
    assert steps.rhythm.tolist() == [ANY, RHYTHM_AN_OCTAVE]  # twice the time
    higher = steps_of(Score(BEAT, events(NOTE, [(o, d, t, p + 5, v) for o, d, t, p, v in rows]),
                            (Track(),)))  # fmt: skip
    assert np.array_equal(steps.moves, higher.moves)
    assert steps.moves[0] != steps.moves[1]  # up is not down


def test_notes_of_a_hand_that_come_a_little_apart_are_one_slice() -> None:
    rows = [(0, BEAT, 0, 60, 80), (20, BEAT, 0, 64, 80), (BEAT, BEAT, 0, 62, 80)]
    assert steps_of(Score(BEAT, events(NOTE, rows), (Track(),))).notes.tolist() == [2, 1]


def test_drums_count_where_there_is_nothing_else() -> None:
    rows = [(i * BEAT, BEAT, 1, 36 + i % 2, 80) for i in range(4)]
    drums = Score(BEAT, events(NOTE, rows), (Track("piano"), Track("drums", is_drum=True)))
    assert steps_of(drums).notes.sum() == 4
    both = drums.with_(notes=events(NOTE, [*rows, (0, BEAT, 0, 60, 80)]))
    assert steps_of(both).notes.sum() == 1


@pytest.mark.parametrize("by", [0, 5, -7])
@pytest.mark.parametrize("stretch", [1.0, 0.8, 1.5])
def test_a_copy_in_another_key_and_tempo_is_whole(
    training: Training, by: int, stretch: float
) -> None:
    copy = played(edit.transpose(tune(3), by), 0, stretch)
    found = memorised(training, [steps_of(copy)])[0]
    assert found.score == 1.0
    assert found.longest is not None
    assert (found.longest.piece, found.longest.place) == ("tune 3", 0)
    assert found.longest.notes == found.notes == len(copy)


def test_a_played_copy_with_wrong_notes_is_found(training: Training) -> None:
    copy = played(tune(3), 1, 1.1, jitter=0.008)
    copy = copy.with_(notes=np.delete(copy.notes, [20, 60]))
    found = memorised(training, [steps_of(edit.transpose(copy, 2))])[0]
    assert found.score > 0.8
    assert {match.piece for match in found.matches} == {"tune 3"}


def test_other_music_and_the_same_pitches_in_another_rhythm_are_no_copies(
    training: Training,
) -> None:
    assert score_of(training, tune(99)) == 0
    original = tune(3)
    onsets = np.unique(original.notes["onset"])
    waits = np.random.default_rng(5).permutation(np.diff(onsets))
    moved = np.append(0, np.cumsum(waits))
    notes = original.notes.copy()
    notes["onset"] = moved[np.searchsorted(onsets, notes["onset"])]
    assert score_of(training, original.with_(notes=notes)) < 0.5


def test_only_the_copied_part_counts_and_is_told(training: Training) -> None:
    copied = edit.slice_ticks(tune(7), 16 * BEAT, 32 * BEAT)
    mixed = edit.join(tune(98, 32), copied, 32 * BEAT)
    found = memorised(training, [steps_of(mixed)])[0]
    longest = found.longest
    assert longest is not None
    assert longest.piece == "tune 7"
    steps = steps_of(mixed)
    assert int(steps.onsets[longest.first]) >= 31 * BEAT
    assert found.score == pytest.approx(len(copied) / len(mixed), abs=0.05)
    assert memorised(training, [steps_of(mixed, 32 * BEAT)])[0].score == 1.0
    assert 0.2 < longest.place / longest.slices < 0.3  # a quarter into the piece


def test_scales_trills_and_alberti_basses_are_short_however_long() -> None:
    major = [0, 2, 4, 5, 7, 9, 11]
    up = [48 + 12 * (i // 7) + major[i % 7] for i in range(22)]
    figures = {
        "scales": (up + up[-2:0:-1]) * 6,
        "trill": [72, 74] * 100,
        "alberti": [60, 67, 64, 67] * 60,
    }
    for pitches in figures.values():
        training = Training.of([("exercise", steps_of(line(pitches)))])
        assert score_of(training, line(pitches)) == 0


def test_a_piece_is_left_out_of_its_own_search(training: Training) -> None:
    own = [steps_of(tune(seed)) for seed in (3, 4)]
    alone, other = memorised(training, own, without=[3, None])
    assert (alone.score, other.score) == (0.0, 1.0)


def test_windows_do_not_run_from_piece_to_piece() -> None:
    whole = tune(3)
    half = whole.end_ticks // 2
    parts = [edit.slice_ticks(whole, 0, half), edit.slice_ticks(whole, half, whole.end_ticks)]
    pieces = [*parts, line([60, 61, 63]), line([])]
    training = Training.of((str(i), steps_of(each)) for i, each in enumerate(pieces))
    found = memorised(training, [steps_of(whole)])[0]
    assert {match.piece for match in found.matches} == {"0", "1"}
    assert all(match.last - match.first <= match.slices for match in found.matches)


def test_a_phrase_under_the_length_is_none() -> None:
    training = Training.of([("a", steps_of(tune(3)))])
    steps = steps_of(tune(3))

    def first(count: int) -> Steps:
        return Steps(
            steps.moves[:count],
            steps.rhythm[:count],
            steps.onsets[: count + 1],
            steps.ends[: count + 1],
            steps.notes[: count + 1],
        )

    assert memorised(training, [first(LONG)])[0].score == 0  # a pair fewer than steps
    assert memorised(training, [first(LONG + 1)])[0].score == 1


def test_nothing_is_no_copy_of_nothing(training: Training) -> None:
    empty = Score(BEAT)
    assert memorised(training, [steps_of(empty)])[0] == memorisation.Memorised(0.0, 0, ())
    assert memorised(Training.of([]), [steps_of(tune(1))])[0].score == 0
    assert memorised(training, []) == []


def test_the_limit_is_what_held_out_music_stays_under(training: Training) -> None:
    assert training.limit == memorisation.LEAST_LIMIT
    told = Training(training.moves, training.rhythm, training.lengths, training.names,
                    tuple(np.linspace(0, 1, 101)))  # fmt: skip
    assert told.limit == pytest.approx(0.95)


def test_arrays_hold_all_of_it(training: Training) -> None:
    arrays = training.arrays()
    again = Training.from_arrays(arrays)
    assert again.names == training.names
    assert memorised(again, [steps_of(tune(3))]) == memorised(training, [steps_of(tune(3))])
    with pytest.raises(ValueError, match="do not fit"):
        Training.from_arrays({**arrays, "lengths": arrays["lengths"][:-1]})


def test_steps_of_many_pieces_are_searched_as_one_by_one(training: Training) -> None:
    takes = [steps_of(played(tune(seed), seed, 1.0 + seed / 50)) for seed in range(15, 25)]
    together = memorised(training, takes)
    assert together == [memorised(training, [take])[0] for take in takes]
    assert [round(each.score) for each in together] == [1] * 5 + [0] * 5
