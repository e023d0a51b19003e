"""Write the studio's example pieces: public-domain music, as the JSON that the page opens.

`.venv/bin/python tools/studio_examples.py` writes src/segue/server/page/examples. The prelude and
the jig are written out here, the chorale comes out of music21's corpus, the blues is ours.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from segue import formats
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Track, events
from segue.server.wire import of_score

FOLDER = Path(__file__).parent.parent / "src" / "segue" / "server" / "page" / "examples"
BEAT = 480

JIG = """X:1
T:The Kesh Jig
M:6/8
L:1/8
Q:3/8=112
K:G
|:G3 GAB|A3 ABd|edd gdd|edB dBA|
G3 GAB|A3 ABd|edd gdB|AGF G3:|
|:B2B d2d|ege dBG|B2B dBG|ABA AGA|
B2B d2d|ege dBd|gfg aga|bgf g3:|
"""

PRELUDE = (
    (60, 64, 67, 72, 76), (60, 62, 69, 74, 77), (59, 62, 67, 74, 77), (60, 64, 67, 72, 76),
    (60, 64, 69, 76, 81), (60, 62, 66, 69, 74), (59, 62, 67, 74, 79), (59, 60, 64, 67, 72),
    (57, 60, 64, 67, 72), (50, 57, 62, 66, 72), (55, 59, 62, 67, 71),
)  # fmt: skip
"""The chords of the Prelude in C, from its first bar to where it has reached G."""

ROOTS = (43, 43, 43, 43, 48, 48, 43, 43, 50, 48, 43, 50)
"""The twelve bars of a blues in G: the bass note of each."""
WALK = (0, 4, 7, 9)
"""What the bass adds to the root, beat by beat."""
CHORD = (16, 21, 22)
"""Third, sixth and seventh over the root, an octave up."""


def chorale() -> Score:
    """Bach's BWV 66.6, in four voices, its upbeat at the end of the first bar."""
    from music21 import corpus

    score = formats.read(str(corpus.getWork("bach/bwv66.6")))
    names = ("Soprano", "Alto", "Tenor", "Bass")
    tracks = tuple(Track(name, 19, False) for name in names[: len(score.tracks)])
    notes = score.notes.copy()
    notes["velocity"] = 80  # the score names no dynamics
    return score.with_(
        notes=notes,
        tracks=tracks,
        tempi=events(TEMPO, [(0, round(60e6 / 84))]),
        controls=score.controls[:0],
        texts=(),
    )


def prelude() -> Score:
    """The first bars of Bach's BWV 846: each bar is one chord, broken the same way twice."""
    sixteenth = BEAT // 4
    notes = []
    for half in range(2 * len(PRELUDE)):
        low, second, *high = PRELUDE[half // 2]
        begin = half * 2 * BEAT
        notes.append((begin, 8 * sixteenth, 0, low, 66))
        notes.append((begin + sixteenth, 7 * sixteenth, 0, second, 62))
        for i in range(6):
            notes.append((begin + (2 + i) * sixteenth, sixteenth, 0, high[i % 3], 70 - 3 * (i % 3)))
    return Score(
        BEAT,
        events(NOTE, sorted(notes)),
        (Track("Piano", 0),),
        tempi=events(TEMPO, [(0, round(60e6 / 72))]),
        metres=events(METRE, [(0, 4, 4)]),
        keys=events(KEY, [(0, 0, False)]),
    )


def jig() -> Score:
    """A traditional jig, from ABC."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kesh.abc"
        path.write_text(JIG)
        score = formats.read(path)
    return score.with_(tracks=(Track("Fiddle", 40, False),), texts=())


def blues() -> Score:
    """Twelve bars: walking bass, off-beat chords, a ride and a snare."""
    notes = []
    for bar, root in enumerate(ROOTS):
        for beat, step in enumerate(WALK):
            onset = (4 * bar + beat) * BEAT
            notes.append((onset, BEAT - 40, 0, root - 12 + step, 92))
            notes.append((onset, BEAT // 4, 2, 51, 78 if beat % 2 else 62))
            notes.append((onset + BEAT * 2 // 3, BEAT // 4, 2, 51, 50))
            if beat % 2:
                notes.append((onset, BEAT // 4, 2, 38, 70))
                swung = onset + BEAT * 2 // 3
                notes += [(swung, BEAT // 3, 1, root + step, 66) for step in CHORD]
        notes.append((4 * bar * BEAT, BEAT // 4, 2, 36, 80))
    return Score(
        BEAT,
        events(NOTE, notes),
        (Track("Bass", 32), Track("Electric piano", 4), Track("Drums", 0, True)),
        tempi=events(TEMPO, [(0, round(60e6 / 132))]),
        metres=events(METRE, [(0, 4, 4)]),
        keys=events(KEY, [(0, 1, False)]),
    )


PIECES = (
    ("prelude", "Prelude in C", "Piano, Bach, BWV 846", prelude),
    ("chorale", "Bach chorale", "Four voices, BWV 66.6", chorale),
    ("jig", "The Kesh Jig", "A traditional tune, one line", jig),
    ("blues", "Twelve-bar blues", "Bass, electric piano, drums", blues),
)


def main() -> None:
    """Write each piece and their list."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    told = []
    for name, title, about, make in PIECES:
        (FOLDER / f"{name}.json").write_text(json.dumps(of_score(make()), separators=(",", ":")))
        told.append({"file": f"{name}.json", "title": title, "about": about})
    (FOLDER / "index.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
