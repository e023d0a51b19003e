from __future__ import annotations

import pytest

from segue.errors import LimitError
from segue.formats import limits
from segue.score import NOTE, TEMPO, Score, Track, events


def test_the_limit_itself_is_allowed() -> None:
    limits.check("notes", limits.NOTES, limits.NOTES, "a.mid")
    with pytest.raises(LimitError, match=r"a\.mid holds 1,000,001 notes; Segue reads up to 1,0"):
        limits.check("notes", limits.NOTES + 1, limits.NOTES, "a.mid")


@pytest.mark.parametrize(
    ("onset", "division", "tempo", "what"),
    [
        (limits.TICKS + 1, 0x7FFF, 1, "ticks"),
        (limits.BEATS + 1, 1, 1, "beats"),
        (limits.SECONDS, 1, 2_000_000, "seconds"),
    ],
)
def test_long_scores_are_refused(onset: float, division: int, tempo: int, what: str) -> None:
    notes = events(NOTE, [(int(onset), 1, 0, 60, 64)])
    score = Score(division, notes, (Track(),), tempi=events(TEMPO, [(0, tempo)]))
    with pytest.raises(LimitError, match=what):
        limits.check_length(score, "it")
