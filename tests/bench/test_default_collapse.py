"""Collapse: real music is let go, a note for ever and silence are not."""

import numpy as np
import pytest
from bench.evaluate_default import collapse
from bench.evaluate_default.collapse import BARS, PROMPT_BARS, QUARTER, between, fewest
from bench.evaluate_default.playing import Continued

from music import BEAT, chorale
from segue.score import Track, join, slice_bars, slice_ticks

LONG = chorale(700, bars=BARS)


def then(tail):
    """What goes on from a prompt with `tail`."""

    def carry_on(prompt):
        begin = prompt.end_ticks
        whole = join(prompt, tail, begin)
        end = begin + BARS * 4 * BEAT
        return Continued(whole, begin, end, {"prompt_end": begin, "bars": BARS})

    return carry_on


def same_note(bars):
    notes = LONG.notes[: 4 * bars].copy()
    notes["onset"], notes["duration"] = np.arange(4 * bars) * BEAT, BEAT
    notes["pitch"], notes["track"] = 60, 0
    return LONG.with_(notes=notes, tracks=(Track("Soprano"),))


def test_ninety_of_a_hundred_is_what_real_music_keeps():
    assert fewest(100) == 90
    assert fewest(1) == 0
    assert fewest(20) == 17


def test_the_interval_is_between_percentiles():
    low, high = between(np.append(np.arange(101.0), np.nan))
    assert (low, high) == (pytest.approx(2.5), pytest.approx(97.5))


def test_music_that_is_like_itself_does_not_collapse(examined, fixed):
    tails = [then(slice_bars(chorale(s, bars=72), PROMPT_BARS, 68)) for s in range(300, 306)]
    found = collapse.measure(examined(fixed(continued=tails), takes=6))
    assert found["prompts"] == 6
    assert found["clean"] == found["real_clean"]
    for row in found["looks"].values():
        assert row["inside"] >= 4
        assert row["low"] <= row["real_median"] <= row["high"]


def test_one_note_for_ever_is_a_collapse(examined, fixed):
    found = collapse.measure(examined(fixed(continued=[then(same_note(BARS))])))
    assert found["clean"] == 0
    assert found["symptoms"]["one-note"] == 4
    assert found["looks"]["entropy"]["inside"] == 0
    assert not found["met"]
    assert "one-note 4" in collapse.tell(found)[0]


def test_a_silent_last_quarter_is_outside(examined, fixed):
    short = slice_bars(LONG, 0, BARS - QUARTER)
    found = collapse.measure(examined(fixed(continued=[then(short)])))
    assert [row["inside"] for row in found["looks"].values()] == [0, 0, 0]
    assert found["looks"]["entropy"]["median"] is None
    assert found["looks"]["density"]["median"] == 0
    assert found["symptoms"]["ends-early"] == 4
    assert not found["met"]
    assert sum("0 of 4" in line for line in collapse.tell(found)) == 3


def test_a_last_quarter_begins_at_a_bar_line():
    prompt = slice_bars(LONG, 0, 4)
    # Ends a sixteenth before its last bar does, as prompts do.
    prompt = slice_ticks(prompt, 0, 16 * BEAT - BEAT // 4)
    last = then(LONG)(prompt).last(QUARTER)
    assert last.end_bars == pytest.approx(QUARTER, abs=0.1)
    assert len(last) == pytest.approx(16 * QUARTER, abs=8)
