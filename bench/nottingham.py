"""How far the ABC reader agrees with the MIDI twins of the Nottingham collection, and why not.

    python bench/nottingham.py FOLDER [--write docs/abc-nottingham.md]

FOLDER holds `ABC_cleaned/*.abc` and `MIDI/*.mid`. Each tune's melody (pitch, onset, length) is
compared with its twin's. Where they differ, the tune is read again as the program that made the
twins read it, one known habit at a time, so that every difference falls into a class or is listed.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import symusic

from segue.files import write_text
from segue.formats.abc_body import Body
from segue.formats.abc_play import played
from segue.formats.abc_tune import tunes
from segue.formats.repeats import Signs, play_order
from segue.score import Score

TICKS = 1024  # the twins' ticks a beat
TOLERANCE = 4  # ticks: the twins add up rounded triplets

Notes = list[tuple[int, int, int]]
Unfold = Callable[[Sequence[Signs]], list[int]]


def _in_music(text: str, change: Callable[[str], str]) -> str:
    lines = text.split("\n")
    return "\n".join(x if re.match("[A-Za-z]:|%", x) else change(x) for x in lines)


def _struck_again(text: str) -> str:
    return _in_music(text, lambda line: line.replace("-", ""))


def _one_note_signs(text: str) -> str:
    return text.replace("\nK:", "\n%%propagate-accidentals not\nK:", 1)


def _first_part(text: str) -> str:
    """Only the music before the second part begins, unless Y: gives an order."""
    if "\nY:" in text:
        return text
    kept: list[str] = []
    music = False
    for line in re.sub(r"\nP:[A-Z]{2,}(?=\n)", "", text).split("\n"):
        if line.startswith("P:") and music:
            break
        music = music or (bool(line) and not re.match("[A-Za-z]:|%", line))
        kept.append(line)
    return "\n".join(kept)


def _highest(text: str) -> str:
    """The highest note of each chord."""
    rank = "CDEFGABcdefgab"

    def top(found: re.Match[str]) -> str:
        notes = re.findall(r"[_^=]*[A-Ga-g][',]*[\d/]*-?", found[1])
        return max(notes, key=lambda note: rank.index(note.strip("_^=")[0]))

    chord = r"\[((?:[_^=]*[A-Ga-g][',]*[\d/]*-? *)+)\]?"
    return _in_music(text, lambda line: re.sub(chord, top, line))


def _first_only(signs: Sequence[Signs], *, to_top: bool) -> list[int]:
    """A repeat without an opening sign of its own goes back to an earlier one, or the top.

    What lies between is copied as it was unfolded, with the repeats in it.
    """
    order: list[int] = []
    starts: list[int] = []
    last = ending = 0
    for i, sign in enumerate(signs):
        if sign.forward:
            last = len(order)
            starts.append(last)
        if 1 in sign.endings and (i == 0 or signs[i - 1].endings != sign.endings):
            ending = len(order)
        order.append(i)
        if sign.times and (not sign.endings or 1 in sign.endings):
            start = (starts.pop() if starts else 0) if to_top else last
            order += order[start : ending if sign.endings else len(order)]
        if len(order) > 20_000:
            break
    return order


@dataclass(frozen=True)
class Habit:
    """A way in which the twins' program reads ABC, as an edit of the text or of the order."""

    name: str
    why: str
    edit: Callable[[str], str] = str
    unfold: Unfold = field(default=play_order)


HABITS = (
    Habit(
        "ties struck again",
        "the twin strikes a tied note a second time; a tie makes one note (standard 4.11)",
        _struck_again,
    ),
    Habit(
        "signs for one note",
        "the twin ends a sharp, flat or natural with its note; it holds to the bar line "
        "(standard 4.2 and 11.3)",
        _one_note_signs,
    ),
    Habit(
        "first part only",
        "the tune names parts (P:) without an order of parts, and the twin stops after the first; "
        "without an order a tune is played as written (standard 3.1.9)",
        _first_part,
    ),
    Habit(
        "repeat from further back",
        "a passage ends in `:|` but has no `|:`: it begins at the last double bar line or repeat "
        "(standard 4.8), but the twin goes back to an earlier `|:`",
        unfold=lambda signs: _first_only(signs, to_top=False),
    ),
    Habit(
        "repeat from the top",
        "as before, but the twin goes back to the top of the tune, repeats and all",
        unfold=lambda signs: _first_only(signs, to_top=True),
    ),
    Habit(
        "highest note of a chord",
        "the twin keeps one note of a chord written in brackets",
        _highest,
    ),
)


@dataclass
class Tally:
    """What came of the comparison; `unexplained` holds (tune, notes in twin, notes read)."""

    tunes: int = 0
    seconds: float = 0.0
    classes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    examples: dict[tuple[str, ...], str] = field(default_factory=dict)
    unexplained: list[tuple[str, int, int]] = field(default_factory=list)
    repaired: list[tuple[str, str]] = field(default_factory=list)
    twin_notes: int = 0
    same_notes: int = 0
    largest_gap: int = 0


def _melody(score: Score) -> Notes:
    scale = TICKS / score.ticks_per_beat
    notes = score.notes
    rows = zip(notes["onset"], notes["duration"], notes["pitch"], strict=True)
    return sorted((round(o * scale), round(d * scale), int(p)) for o, d, p in rows)


def _twin(path: Path) -> Notes:
    midi = symusic.Score(str(path))
    scale = TICKS / midi.ticks_per_quarter
    notes = midi.tracks[0].notes
    return sorted((round(n.time * scale), round(n.duration * scale), n.pitch) for n in notes)


def _gap(ours: Notes, twin: Notes) -> int | None:
    """The largest difference in time if the notes are the same ones, else None."""
    if len(ours) != len(twin) or [n[2] for n in ours] != [n[2] for n in twin]:
        return None
    pairs = zip(ours, twin, strict=True)
    largest = max((max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in pairs), default=0)
    return largest if largest <= TOLERANCE else None


def _read(text: str, unfold: Unfold = play_order) -> tuple[Score, list[str]]:
    tune = tunes(text)[0]
    body = Body(tune)
    body.read()
    return played(tune, body, unfold=unfold), tune.repairs


def _as_twin(text: str, twin: Notes) -> tuple[str, ...] | None:
    """The fewest habits with which the tune becomes its twin."""
    for count in range(1, 4):
        for habits in itertools.combinations(HABITS, count):
            edited = text
            for habit in habits:
                edited = habit.edit(edited)
            unfolds = [h.unfold for h in habits if h.unfold is not play_order]
            score, _ = _read(edited, unfolds[0] if unfolds else play_order)
            if _gap(_melody(score), twin) is not None:
                return tuple(habit.name for habit in habits)
    return None


def _collection(folder: Path) -> Iterator[tuple[str, str, Path]]:
    for file in sorted((folder / "ABC_cleaned").glob("*.abc")):
        text = file.read_text(encoding="utf-8", errors="replace")
        for tune in re.split(r"(?m)^(?=X:)", text)[1:]:
            number = tune.split("\n", 1)[0][2:].strip()
            yield f"{file.stem} {number}", tune, folder / "MIDI" / f"{file.stem}{number}.mid"


def compare(folder: Path) -> Tally:
    """Read every tune and hold it against its twin."""
    tally = Tally()
    for name, text, path in _collection(folder):
        tally.tunes += 1
        begun = time.perf_counter()
        score, repairs = _read(text)
        tally.seconds += time.perf_counter() - begun
        tally.repaired += [(name, repair) for repair in repairs]
        ours, twin = _melody(score), _twin(path)
        tally.twin_notes += len(twin)
        gap = _gap(ours, twin)
        if gap is not None:
            tally.same_notes += len(twin)
            tally.largest_gap = max(tally.largest_gap, gap)
            tally.classes[()] += 1
            continue
        common = Counter((o // 8, d // 8, p) for o, d, p in ours)
        tally.same_notes += (common & Counter((o // 8, d // 8, p) for o, d, p in twin)).total()
        habits = _as_twin(text, twin)
        if habits is None:
            tally.unexplained.append((name, len(twin), len(ours)))
        else:
            tally.classes[habits] += 1
            tally.examples.setdefault(habits, name)
    return tally


def report(tally: Tally) -> str:
    """The page `docs/abc-nottingham.md`."""
    agree = tally.classes[()]
    explained = sum(tally.classes.values())
    lines = [
        "# The ABC reader against the Nottingham collection",
        "",
        "Made by `python bench/nottingham.py FOLDER --write docs/abc-nottingham.md`. Each tune of",
        "the cleaned collection (Jukedeck's) is compared with its MIDI twin: pitch, onset and",
        f"length of every melody note, to {TOLERANCE}/{TICKS} of a beat.",
        "",
        "| | tunes | share |",
        "|---|---|---|",
        f"| in the collection | {tally.tunes} | 100 % |",
        f"| read | {tally.tunes} | 100 % |",
        f"| equal to the twin as read | {agree} | {agree / tally.tunes:.1%} |",
        f"| equal once read with the twin's habits below | {explained} "
        f"| {explained / tally.tunes:.1%} |",
        f"| not explained by a habit | {len(tally.unexplained)} "
        f"| {len(tally.unexplained) / tally.tunes:.1%} |",
        "",
        f"Notes in all twins: {tally.twin_notes:,}; found at the same place by our reading: "
        f"{tally.same_notes:,} ({tally.same_notes / tally.twin_notes:.1%}). Largest difference in",
        f"time inside of equal tunes: {tally.largest_gap}/{TICKS} of a beat. "
        f"Reading took {1000 * tally.seconds / tally.tunes:.1f} ms a tune.",
        "",
        "The twins were made by a program that reads some of ABC otherwise than the standard says.",
        "We keep to the standard; each habit is told here, with the number of tunes that need it",
        "(alone or with others) to become equal to their twins.",
        "",
        "| the twin's habit | what it does, and what the standard says | tunes |",
        "|---|---|---|",
    ]
    for habit in HABITS:
        count = sum(n for names, n in tally.classes.items() if habit.name in names)
        why = habit.why.replace("|", "\\|")
        lines.append(f"| {habit.name} | {why} | {count} |")
    lines += ["", "| habits needed together | tunes | for example |", "|---|---|---|"]
    for names, count in tally.classes.most_common():
        example = tally.examples.get(names, "")
        lines.append(f"| {', '.join(names) or 'none'} | {count} | {example} |")
    lines += ["", "Not explained by a habit:", ""]
    lines += [
        f"- {name}: {twin} notes in the twin, {ours} read" for name, twin, ours in tally.unexplained
    ] or ["- none"]
    lines += ["", "Repairs that reading reported:", ""]
    lines += [f"- {name}: {repair}" for name, repair in tally.repaired] or ["- none"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, help="also write the report here")
    options = parser.parse_args()
    if not (options.folder / "ABC_cleaned").is_dir():
        print(f"{options.folder} holds no ABC_cleaned folder", file=sys.stderr)
        return 2
    text = report(compare(options.folder))
    print(text)
    if options.write:
        write_text(options.write, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
