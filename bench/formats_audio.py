"""How fast a piano piece becomes sound on one core, beside named peers, and in how much memory.

    python bench/formats_audio.py [FILE_OR_FOLDER] [--fluidsynth COMMAND] [--json]
    python bench/formats_audio.py --programs        # how near the sound is to FluidSynth's

The piece is the first three minutes of FILE (of a folder, its first MIDI file), or without one a
made-up piece with the pedal and 12 notes a second. Every time is the median processor time of five
runs pinned to one core (what else the machine does stretches the clock, not that), in units of
real time: 300 means that three minutes take 0.6 s. Peers: FluidSynth's command (its reverb and
chorus off, as ours has none) and symusic's synthesiser (which ignores velocity, pedal and
controllers, and is timed without loudness or file).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from segue.formats import read, write
from segue.formats.soundfont import default_soundfont
from segue.formats.synth import render
from segue.score import CONTROL, NOTE, Score, Track, events, join, slice_seconds

SECONDS = 180.0
RUNS = 5
RATE = 44_100
LONG_REPEATS = 5

Row = dict[str, Any]


def made_up_piece(seed: int = 0) -> Score:
    """Three minutes of piano, 12 notes a second (concert pianists play ten), much pedal."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(int(12 * SECONDS), NOTE)
    notes["onset"] = np.arange(len(notes)) * 80  # 960 ticks a second
    notes["duration"] = rng.integers(48, 600, len(notes))
    notes["pitch"] = np.clip(rng.normal(62, 13, len(notes)), 21, 108).astype(int)
    notes["velocity"] = rng.integers(30, 110, len(notes))
    pedal = [(960 * n + d, 0, 64, v) for n in range(int(SECONDS)) for d, v in ((40, 127), (900, 0))]
    return Score(480, notes, (Track("Piano"),), controls=events(CONTROL, pedal))


def piece_of(source: Path | None) -> tuple[str, Score]:
    if source is None:
        return "made-up piece", made_up_piece()
    found = sorted(source.rglob("*.mid*")) if source.is_dir() else [source]
    if not found:
        sys.exit(f"{source} holds no MIDI files.")
    return found[0].name, slice_seconds(read(found[0]), 0, SECONDS)


@contextmanager
def one_core() -> Iterator[None]:
    """This process, and what it starts, on one core; as before afterwards."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds() -> float:
    """Seconds of processor that this process and those it waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(work: Callable[[], object], runs: int = RUNS) -> dict[str, float]:
    """The median processor and clock seconds of `runs`, after one that warms up."""
    work()
    took: list[tuple[float, float]] = []
    for _ in range(runs):
        processor, clock = processor_seconds(), time.perf_counter()
        work()
        took.append((processor_seconds() - processor, time.perf_counter() - clock))
    medians = [statistics.median(column) for column in zip(*took, strict=True)]
    return {"seconds": medians[0], "clock_seconds": medians[1]}


def peak_memory(work: Callable[[], object]) -> float:
    """MiB that `work` adds to this process at its highest, seen every 5 ms."""
    page = os.sysconf("SC_PAGE_SIZE")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    start, highest, done = resident(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            highest[0] = max(highest[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return max(0, highest[0] - start) / 2**20


def _play(score: Score) -> None:
    for _ in render(score, RATE):
        pass


def symusic_row(score: Score, folder: Path) -> Row:
    import symusic

    write(score, folder / "piece.mid")
    parsed = symusic.Score(folder / "piece.mid")
    player = symusic.Synthesizer(str(default_soundfont()), RATE)
    return {"name": "symusic synthesiser", **timed(lambda: player.render(parsed, True))}


def fluidsynth_row(score: Score, folder: Path, command: str) -> Row:
    found = shutil.which(command)
    if found is None:
        print(f"SKIPPED: {command} is not installed, so there is no ratio to it.", file=sys.stderr)
        return {"name": "fluidsynth", "skipped": f"{command} is not installed"}
    write(score, folder / "piece.mid")
    line = [found, "-ni", "-q", "-R", "0", "-C", "0", "-r", str(RATE)]
    line += ["-F", str(folder / "fluid.wav"), str(default_soundfont()), str(folder / "piece.mid")]

    def run() -> None:
        subprocess.run(line, check=True, capture_output=True)

    return {"name": "fluidsynth to WAV", **timed(run, 3)}


def _levels(sound: np.ndarray, step: int = RATE // 10) -> np.ndarray:
    """Decibels in each tenth of a second."""
    whole = sound[: len(sound) // step * step].astype(np.float64)
    return 10 * np.log10(np.square(whole).reshape(-1, step * 2).mean(axis=1) + 1e-14)


def _centre(sound: np.ndarray) -> float:
    """The centre of a spectrum in hertz: what sounds bright has a high one."""
    power = np.square(np.abs(np.fft.rfft(sound.sum(axis=1)[: 2 * RATE])))
    return float((power * np.fft.rfftfreq(2 * RATE, 1 / RATE)[: len(power)]).sum() / power.sum())


def compare_programs(command: str) -> int:
    """Middle C for two seconds on each of the 128 programs, ours beside FluidSynth's."""
    import soundfile

    found = shutil.which(command)
    if found is None:
        print(f"SKIPPED: {command} is not installed.", file=sys.stderr)
        return 0
    differences: list[np.ndarray] = []
    centres: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        wav, mid = Path(place) / "fluid.wav", Path(place) / "note.mid"
        for program in range(128):
            note = Score(480, events(NOTE, [(0, 1920, 0, 60, 100)]), (Track("", program),))
            write(note, mid)
            line = [found, "-ni", "-q", "-R", "0", "-C", "0", "-g", "1", "-r", str(RATE)]
            line += ["-O", "float", "-F", str(wav), str(default_soundfont()), str(mid)]
            subprocess.run(line, check=True, capture_output=True)
            theirs = soundfile.read(wav, dtype="float32")[0]
            ours = np.concatenate(list(render(note, RATE)))
            one, other = _levels(ours), _levels(theirs)
            shared = min(len(one), len(other), 30)
            audible = other[:shared] > -80
            differences.append((one[:shared] - other[:shared])[audible])
            if len(ours) > 2 * RATE < len(theirs):
                centres.append(_centre(ours) / _centre(theirs))
    off = np.concatenate(differences)
    off = np.abs(off - np.median(off))
    print(f"level by tenths of a second, apart from one gain: {np.median(off):.2f} dB off in the")
    print(f"median, {np.quantile(off, 0.9):.2f} dB at the 90th percentile, {len(off)} tenths;")
    print(
        f"spectral centre: {100 * np.median(np.abs(np.array(centres) - 1)):.1f} % off in the median"
    )
    return 0


def rows(source: Path | None = None, fluidsynth: str = "fluidsynth") -> list[Row]:
    """One row a measurement: name, seconds (of processor), times_real_time, the piece; or MiB."""
    name, score = piece_of(source)
    length = score.end_seconds
    long = score
    for _ in range(LONG_REPEATS - 1):
        long = join(long, score, long.end_ticks)
    with tempfile.TemporaryDirectory() as place, one_core():
        folder = Path(place)
        write(slice_seconds(score, 0, 5), folder / "m.wav")
        # Memory first: later the process holds on to what earlier runs had.
        memory = [
            {
                "name": f"memory, {label}",
                "mib": peak_memory(lambda s=what: write(s, folder / "m.wav")),
            }
            for label, what in (("segue to WAV", score), (f"{LONG_REPEATS} times as long", long))
        ]
        found: list[Row] = [{"name": "segue, sound alone", **timed(lambda: _play(score))}]
        for suffix in ("wav", "flac"):
            path = folder / f"piece.{suffix}"
            label = f"segue to {suffix.upper()}"
            found.append({"name": label, **timed(lambda p=path: write(score, p))})
        found.append(fluidsynth_row(score, folder, fluidsynth))
        found.append(symusic_row(score, folder))
        found += memory
    for row in found:
        row |= {"piece": name, "piece_seconds": length, "notes": len(score)}
        if "seconds" in row:
            row["times_real_time"] = length / row["seconds"]
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", nargs="?", type=Path, help="a MIDI file, or a folder of them")
    parser.add_argument("--fluidsynth", default="fluidsynth", help="FluidSynth's command")
    parser.add_argument("--programs", action="store_true", help="compare the sound, not the speed")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    options = parser.parse_args(argv)
    if options.programs:
        return compare_programs(options.fluidsynth)
    found = rows(options.source, options.fluidsynth)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    first = found[0]
    print(f"{first['piece']}: {first['notes']} notes, {first['piece_seconds']:.0f} s; one core,")
    print(f"processor time, medians of {RUNS}, load {os.getloadavg()[0]:.1f}\n")
    wav = next(row for row in found if row["name"] == "segue to WAV")
    for row in found:
        if "mib" in row:
            print(f"{row['name']:<24} {row['mib']:8.0f} MiB over the start")
        elif "seconds" in row:
            print(
                f"{row['name']:<24} {row['seconds']:8.3f} s {row['times_real_time']:7.0f} x real "
                f"time   segue to WAV is {row['seconds'] / wav['seconds']:.2f} times as fast"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
