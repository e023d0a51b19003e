"""What is said of a piece before it begins."""

import numpy as np
import pytest

from segue.encodings import get, portrait
from segue.encodings.compound import STEP
from segue.errors import SegueError
from segue.score import CONTROL, NOTE, Score, Track, events

# A C major chord on each of eight beats, in 96 ticks a beat.
CHORDS = [(96 * b, 90, 0, p, 60 + 8 * (b % 2)) for b in range(8) for p in (60, 64, 67)]


def piece(rows=CHORDS, **fields):
    return Score(96, events(NOTE, rows), (Track("Piano"), Track("Kit", 0, True)), **fields)


def said_of(score, **options):
    """What an encoding says of a piece, by kind."""
    encoding = get("compound", about=True, pedal="rows", **options)
    codes = encoding.encode(score).rows
    codes = codes[(codes[:, 0] >= STEP) & (codes[:, 2] < portrait.SIZE), 2]
    return portrait.said(codes.astype(np.int64))


def test_key_density_and_touch_are_heard():
    said = said_of(piece())
    assert said == {"key": 0, "density": portrait.density(24 / 7), "touch": 1}
    minor = [(o, d, t, p + (-1 if p == 64 else 0), 80) for o, d, t, p, _ in CHORDS]
    assert said_of(piece(minor)) == said | {"key": 12, "touch": 0}


def test_the_pedal_is_a_touch_and_drums_are_no_key():
    pedal = events(CONTROL, [(0, 0, 64, 127)])
    assert said_of(piece(controls=pedal))["touch"] == 2
    drums = [(48 * b, 10, 1, 37, 100) for b in range(64)]
    assert said_of(piece([*CHORDS, *drums])) == said_of(piece())
    assert said_of(piece(drums)) == {}


def test_the_style_is_told_by_a_text():
    told = piece(texts=(portrait.style_text("romantic"),))
    assert said_of(told)["style"] == portrait.STYLES.index("romantic")
    assert "style" not in said_of(piece())
    with pytest.raises(SegueError, match=r"the style came as 'romantik'.*romantic"):
        portrait.style_text("romantik")
    with pytest.raises(SegueError, match="the touch came as 'soft'"):
        portrait.asked(touch="soft")
    assert portrait.asked(style="pop", touch="plain") == {"style": 5, "touch": 0}


def test_symbols_stand_in_the_order_of_kinds():
    said = {"touch": 1, "style": 2}
    assert portrait.symbols(said).tolist() == [2, portrait.FIRST["touch"] + 1]
    assert portrait.said(portrait.symbols(said)) == said
    every = [portrait.FIRST[kind] + n for kind, size in portrait.KINDS.items() for n in range(size)]
    assert every == list(range(portrait.SIZE))


def test_keys_move_with_the_music_and_nothing_else_does():
    codes = np.arange(portrait.SIZE)[None]
    moved = portrait.moved(codes, np.array([[3]]))[0]
    first = portrait.FIRST["key"]
    assert moved[first + 10] == first + 1
    assert moved[first + 12 + 10] == first + 12 + 1
    others = np.r_[:first, first + 24 : portrait.SIZE]
    assert (moved[others] == others).all()
    encoding = get("compound", about=True)
    rows = encoding.encode(piece()).rows[None]
    up = encoding.transpose(rows, np.array([2]))[0]
    again = encoding.encode(encoding.decode(up)).rows
    assert np.array_equal(up, again)


def test_rows_of_it_come_first():
    encoding = get("compound", about=True, tempo="rows")
    rows = encoding.encode(piece()).rows
    assert rows[1:4, 0].tolist() == [STEP] * 3
    assert rows[1:4, 2].tolist() == portrait.symbols(said_of(piece())).tolist()
    assert rows[4, 2] >= portrait.SIZE
