"""Piano rolls: what can be read off the picture."""

from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from segue.errors import FormatError
from segue.formats import write
from segue.formats.roll import WIDTH, draw
from segue.formats.roll_legend import OVERLAY, TRACK_COLOURS, Look
from segue.score import METRE, NOTE, TEMPO, Score, Track, events

BAR = 4 * 480


def piece(
    *tracks: tuple[str, bool, list[tuple[int, int, int, int]]], tempi: tuple[int, ...] = (500_000,)
) -> Score:
    """Tracks of (name, drums, notes); a note is (onset, duration, pitch, velocity) in ticks."""
    rows = [
        (onset, duration, number, pitch, velocity)
        for number, (_, _, notes) in enumerate(tracks)
        for onset, duration, pitch, velocity in notes
    ]
    return Score(
        480,
        events(NOTE, rows),
        tuple(Track(name, 0, drums) for name, drums, _ in tracks),
        tempi=events(TEMPO, [(BAR * i, t) for i, t in enumerate(tempi)]),
        metres=events(METRE, [(0, 4, 4)]),
    )


SCALE = [(240 * i, 220, 60 + i, 40 + 5 * i) for i in range(16)]
BEAT = [(480 * i, 60, (36, 38)[i % 2], 100) for i in range(8)]
SONG = piece(("tune", False, SCALE), ("kit", True, BEAT))


def svg(score: Score, folder: Path, **options: object) -> str:
    write(score, folder / "roll.svg", **options)
    return (folder / "roll.svg").read_text(encoding="utf-8")


def words(text: str) -> list[str]:
    """The words a picture shows, in the order they are drawn."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", text)


def png(score: Score, folder: Path, **options: object) -> NDArray[np.float64]:
    write(score, folder / "roll.png", **options)
    return np.asarray(imread(folder / "roll.png"))[:, :, :3]


def share_of(picture: NDArray[np.float64], colour: str, near: float = 0.12) -> float:
    rgb = np.array(mpl.colors.to_rgb(colour))
    return float((np.abs(picture - rgb).max(axis=2) < near).mean())


def test_axes_name_bars_seconds_octaves_drums_and_tracks(tmp_path: Path) -> None:
    shown = words(svg(SONG, tmp_path, title="A song"))
    assert {"bar", "seconds", "C4", "C5", "kick", "snare", "tune", "kit", "A song"} <= set(shown)


def test_seconds_stand_where_the_tempo_puts_them() -> None:
    # A bar of 2 s, then one of 4 s: second 2 is beat 4, second 4 beat 6, second 6 beat 8.
    score = piece(("t", False, [(0, 2 * BAR, 60, 90)]), tempi=(500_000, 1_000_000))
    figure = draw(score, Look("track", None, None, None))
    (seconds,) = figure.axes[0].child_axes
    labels = [t.get_text() for t in seconds.get_xticklabels()]
    marks = dict(zip(labels, seconds.get_xticks(), strict=True))
    assert marks["4"] == 6.0
    assert (marks["2"], marks["6"]) == (4.0, 8.0)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["1", "2", "3"]
    assert list(figure.axes[0].get_xticks()) == [0.0, 4.0, 8.0]


def test_a_note_is_drawn_where_and_as_long_as_it_sounds() -> None:
    score = piece(("t", False, [(480, 960, 64, 90)]))
    figure = draw(score, Look("track", None, None, None))
    boxes = [c for c in figure.axes[0].collections if type(c).__name__ == "PolyCollection"]
    (box,) = boxes[-1].get_paths()
    (left, low), (right, high) = box.get_extents().get_points()
    assert (left, right) == (1.0, 3.0)
    assert low < 64 < high
    assert high - low < 1


def test_the_prompt_is_shaded_and_named(tmp_path: Path) -> None:
    plain = png(SONG, tmp_path)
    prompted = png(SONG, tmp_path, prompt_end_ticks=BAR)
    ground = share_of(plain, "#ffffff", 0.01)
    assert share_of(prompted, "#ffffff", 0.01) < 0.85 * ground
    assert {"prompt", "new"} <= set(words(svg(SONG, tmp_path, prompt_end_ticks=BAR)))
    assert not {"prompt", "new"} & set(words(svg(SONG, tmp_path)))


def test_a_prompts_notes_are_paler_than_what_follows() -> None:
    score = piece(("t", False, [(0, 480, 60, 90), (BAR, 480, 60, 90)]))
    figure = draw(score, Look("track", BAR, None, None))
    boxes = [c for c in figure.axes[0].collections if len(c.get_facecolor()) == 2]
    before, after = boxes[-1].get_facecolor()[:, :3]
    assert after == pytest.approx(mpl.colors.to_rgb(TRACK_COLOURS[0]), abs=1e-6)
    assert np.ptp(before) < 0.6 * np.ptp(after)


def test_a_prediction_lies_in_red_over_the_truth(tmp_path: Path) -> None:
    truth = piece(("tune", False, SCALE))
    guess = Score(240, events(NOTE, [(120, 1200, 0, 72, 90)]), (Track(),))
    assert share_of(png(truth, tmp_path), OVERLAY) == 0
    assert share_of(png(truth, tmp_path, overlay=guess), OVERLAY) > 0.002
    assert "prediction" in words(svg(truth, tmp_path, overlay=guess))
    figure = draw(truth, Look("track", None, guess, None))
    reds = [c for c in figure.axes[0].collections if c.get_zorder() == 4]
    assert reds[0].get_paths()[0].get_extents().x0 == 0.5  # tick 120 of 240 a beat


def test_colour_by_velocity_has_a_scale_and_softer_is_lighter(tmp_path: Path) -> None:
    score = piece(("t", False, [(0, 480, 60, 20), (480, 480, 60, 120)]))
    assert "velocity" in words(svg(score, tmp_path, colour="velocity"))
    figure = draw(score, Look("velocity", None, None, None))
    boxes = [c for c in figure.axes[0].collections if c.get_zorder() == 3]
    soft, loud = boxes[0].get_facecolor()[:, :3].mean(axis=1)
    assert soft > loud + 0.15


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_picture_is_the_same_file_whatever_the_users_style(
    tmp_path: Path, suffix: str
) -> None:
    one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
    write(SONG, one, prompt_end_ticks=BAR, title="A song")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.hashsalt": "x"}):
        write(SONG, other, prompt_end_ticks=BAR, title="A song")
        assert mpl.rcParams["font.size"] == 30
    assert one.read_bytes() == other.read_bytes()


def test_twenty_thousand_notes_are_a_handful_of_artists() -> None:
    rng = np.random.default_rng(3)
    table = np.zeros(20_000, NOTE)
    table["onset"] = np.sort(rng.integers(0, 600 * 480, len(table)))
    table["duration"], table["velocity"] = 100, 80
    table["pitch"] = rng.integers(21, 109, len(table))
    figure = draw(Score(480, table, (Track(),)), Look("track", None, None, None))
    assert len(figure.axes[0].collections) + len(figure.axes[0].patches) < 100


def test_long_pieces_get_wider_up_to_a_limit_and_few_labels() -> None:
    widths = []
    for bars in (4, 40, 40_000):
        score = piece(("t", False, [(0, 480, 60, 90), (bars * BAR, 480, 62, 90)]))
        figure = draw(score, Look("track", None, None, None))
        widths.append(figure.get_figwidth())
        assert len(figure.axes[0].get_xticks()) < 80
        assert len(figure.axes[0].child_axes[0].get_xticks()) < 80
    assert widths == sorted(widths)
    assert WIDTH[1] < widths[-1] < WIDTH[1] + 2


def test_awkward_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    names = ["$x^{2", "_hidden", "旋律", "tab\tand\nline", "", "n" * 60]
    score = piece(*[(name, False, [(0, 480, 60 + i, 90)]) for i, name in enumerate(names)])
    shown = words(svg(score, tmp_path, title="100 % $sure$"))
    assert {"$x^{2", "hidden", "??", "tab and line", "track 5", "100 % $sure$"} <= set(shown)
    assert any(word.endswith("…") for word in shown)


def test_drums_alone_and_one_note_alone_can_be_drawn(tmp_path: Path) -> None:
    assert "kick" in words(svg(piece(("kit", True, BEAT)), tmp_path))
    assert "C-1" in words(svg(piece(("low", False, [(0, 1, 0, 1)])), tmp_path))
    assert "C9" in words(svg(piece(("high", False, [(0, 0, 127, 127)])), tmp_path))


def test_pyplot_keeps_no_figures(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    png(SONG, tmp_path)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("score", "options", "says"),
    [
        (SONG, {"colour": "velocitty"}, "colour came as 'velocitty'; did you mean 'velocity'"),
        (Score(480), {}, "no notes"),
    ],
)
def test_refusals_are_sentences(
    tmp_path: Path, score: Score, options: dict[str, object], says: str
) -> None:
    with pytest.raises(FormatError, match=says):
        write(score, tmp_path / "roll.png", **options)
    assert list(tmp_path.iterdir()) == []


def test_an_overlay_alone_is_enough() -> None:
    buffer = io.BytesIO()
    figure = draw(Score(480, tracks=(Track(),)), Look("track", None, SONG, None))
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_locked_notes_are_paler_and_named(tmp_path: Path) -> None:
    notes = [(i * 480, 480, 60 + i, 80) for i in range(4)]
    score = piece(
        ("High", False, notes), ("Low", False, [(t, d, p - 24, v) for t, d, p, v in notes])
    )
    locked = score.with_(notes=score.notes[score.notes["track"] == 0])
    plain, paler = tmp_path / "plain.svg", tmp_path / "paler.svg"
    write(score, plain)
    write(score, paler, locked=locked)
    before, after = plain.read_text("utf-8"), paler.read_text("utf-8")
    high, low = (c.lower() for c in TRACK_COLOURS[:2])
    # The legend's patch keeps the colour; the four notes of the locked track lose it.
    assert before.lower().count(high) - after.lower().count(high) == 4
    assert before.lower().count(low) == after.lower().count(low)


def test_marked_passages_are_shaded_and_named(tmp_path: Path) -> None:
    plain = png(SONG, tmp_path)
    marks = [(0, BAR, "bwv_1$2$.mid"), (BAR, BAR + 10, "no room for this")]
    marked = png(SONG, tmp_path, marks=marks, marked_as="in the training music")
    text = words(svg(SONG, tmp_path, marks=marks, marked_as="in the training music"))
    assert "bwv_1$2$.mid" in "".join(text)
    assert not any("no room" in word for word in text)
    assert "in the training music" in text
    height = min(len(plain), len(marked))
    changed = (plain[:height] != marked[:height]).any(axis=2)
    left, right = np.array_split(changed, 2, axis=1)
    assert left.sum() > 5 * right.sum()
