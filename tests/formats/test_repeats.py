"""Repeats unfolded: the signs of a page on the left, the bars as played on the right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.formats.repeats import MOST_TIMES, Signs, play_order


def bars(text: str) -> list[Signs]:
    """`|: a b :| [1 c :| [2 d` as signs; `||` opens a section, `S Q F` are segno, coda, fine."""
    found: list[Signs] = []
    forward = section = False
    endings: frozenset[int] = frozenset()
    for word in text.split():
        if word == "|:":
            forward, endings = True, frozenset()
        elif word == "||":
            section, endings = True, frozenset()
        elif word.startswith(":|"):
            found[-1].times = int(word[2:] or 2)
            section, endings = True, frozenset()
        elif word[0] == "[":
            endings = frozenset(int(n) for n in word[1:].split(","))
        elif word in ("DC", "DS"):
            found[-1].jump = "capo" if word == "DC" else "segno"
        elif word in ("Fine", "ToCoda"):
            setattr(found[-1], "fine" if word == "Fine" else "to_coda", True)
        else:
            found.append(
                Signs(
                    forward=forward,
                    section=section,
                    endings=endings,
                    segno="S" in word,
                    coda="Q" in word,
                )
            )
            forward = section = False
    return found


@pytest.mark.parametrize(
    ("page", "played"),
    [
        ("a b c", "0 1 2"),
        ("a b :| c", "0 1 0 1 2"),
        ("|: a :| |: b :|", "0 0 1 1"),
        ("a |: b :| c", "0 1 1 2"),
        ("a :| b :|", "0 0 1 1"),  # no sign to begin it: from the end of the last repeat
        ("a || b :|", "0 1 1"),  # or from the double bar line
        ("|: a || b :|", "0 1 0 1"),  # which an opening sign overrules
        ("a :|3 b", "0 0 0 1"),
        ("|: a [1 b :| [2 c || d", "0 1 0 2 3"),
        ("|: a [1 b :| [2 c :| d", "0 1 0 2 3"),  # a sign after the last ending too
        ("|: a [1,3 b :| [2 c :| d", "0 1 0 2 0 1 3"),
        ("|: a [1,2 b :| [3 c || d", "0 1 0 1 0 2 3"),
        ("|: a [1 b :| [2 c || d [1 e :| [2 f", "0 1 0 2 3 4 3 5"),
        ("|: a [1 b :| c d :|", "0 1 0 2 3 2 3"),  # a first ending alone
        ("a Fine b DC", "0 1 0"),
        ("a S b Fine c DS d", "0 1 2 3 1 2"),
        ("a ToCoda b DC Q c", "0 1 0 2 3"),
        ("|: a :| b DC c", "0 0 1 0 1 2"),  # repeats are not taken after a jump
        ("|: a [1 b :| [2 c DC", "0 1 0 2 0 2"),
    ],
)
def test_the_order_of_playing(page: str, played: str) -> None:
    assert play_order(bars(page)) == [int(n) for n in played.split()]


signs = st.builds(
    Signs,
    forward=st.booleans(),
    section=st.booleans(),
    times=st.sampled_from([0, 0, 0, 2, 3, 99]),
    endings=st.sampled_from([frozenset(), frozenset(), frozenset({1}), frozenset({2, 3})]),
    segno=st.booleans(),
    coda=st.booleans(),
    to_coda=st.booleans(),
    fine=st.booleans(),
    jump=st.sampled_from(["", "", "capo", "segno"]),
)


@given(st.lists(signs, max_size=30))
def test_any_signs_end(page: list[Signs]) -> None:
    order = play_order(page)
    assert all(0 <= i < len(page) for i in order)
    assert len(order) <= len(page) * (MOST_TIMES + 1)


@given(st.lists(st.just(Signs()), max_size=30))
def test_without_signs_bars_are_played_as_they_stand(page: list[Signs]) -> None:
    assert play_order(page) == list(range(len(page)))
