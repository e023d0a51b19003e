"""How fast music is read and written, beside named peers in the same run.

    python bench/formats.py FOLDER [--files 48] [--rounds 7] [--json] [--skip-audio]

FOLDER holds MIDI files, such as MAESTRO's; `--files` of them, spread evenly, are taken. Each is
read in turn by every reader, `--rounds` times over, so that a busy moment of the machine meets all
alike; what is timed is the processor, not the clock. A ratio is the median over the files of the
ratio of a file's median times.

`segue` stands for bytes to Score: arrays of notes, controllers, bends, tempi, metres, keys and
texts, checked. symusic is timed twice: `parse` stops at its own lists, and `parse to arrays` goes
on to its NumPy columns, which is where an encoder can start. mido and pretty_midi parse the same
files, fewer of them. Salvage reads the same files damaged in four ways. The audio part is
`bench/formats_audio.py`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import symusic

from segue.formats import midi, midi_write, smf
from segue.formats.smf_events import events_of

Reader = Callable[[bytes], object]

SLOW_FILES = 6


def symusic_arrays(data: bytes) -> list[dict[str, Any]]:
    """What symusic parses as its NumPy columns, list by list."""
    score = symusic.Score.from_midi(data)
    columns = [score.tempos.numpy(), score.time_signatures.numpy(), score.key_signatures.numpy()]
    for track in score.tracks:
        columns += [track.notes.numpy(), track.controls.numpy(), track.pitch_bends.numpy()]
    return columns


def mido_file(data: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(data))


def pretty_midi_file(data: bytes) -> pretty_midi.PrettyMIDI:
    return pretty_midi.PrettyMIDI(io.BytesIO(data))


READERS: dict[str, Reader] = {
    "segue": midi.read_bytes,
    "symusic parse": symusic.Score.from_midi,
    "symusic parse to arrays": symusic_arrays,
}
SLOW_READERS: dict[str, Reader] = {"mido": mido_file, "pretty_midi": pretty_midi_file}


# -- damage ------------------------------------------------------------------------------------


def cut_off(data: bytes) -> bytes:
    return data[: len(data) * 9 // 10]


def wrong_length(data: bytes) -> bytes:
    """The last track claims a gigabyte."""
    at = data.rfind(b"MTrk")
    return data[: at + 4] + b"\x40\x00\x00\x00" + data[at + 8 :]


def in_riff(data: bytes) -> bytes:
    return b"RIFF\0\0\0\0RMIDdata" + len(data).to_bytes(4, "little") + data


def too_loud(data: bytes) -> bytes:
    """Three notes of the longest track louder than there is: data bytes over 127."""
    longest = max(smf.chunks(data) or [], key=lambda chunk: chunk.end - chunk.start)
    found = events_of(data, longest.start, longest.end)
    notes = np.flatnonzero(((found.status & 0xF0) == smf.NOTE_ON) & (found.second > 0))
    broken = bytearray(data)
    for index in notes[len(notes) // 4 :: len(notes) // 4][:3].tolist():
        stated = data[int(found.body[index])] >= 0x80
        broken[int(found.body[index]) + 1 + stated] = 200
    return bytes(broken)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": cut_off,
    "wrong length": wrong_length,
    "RIFF-wrapped": in_riff,
    "three values over 127": too_loud,
}


# -- timing ------------------------------------------------------------------------------------


def timed(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median processor seconds of each job; they take turns."""
    took: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            began = time.process_time()
            job()
            took[name].append(time.process_time() - began)
    return {name: statistics.median(times) for name, times in took.items()}


def jobs_for(data: bytes, readers: dict[str, Reader]) -> dict[str, Callable[[], object]]:
    return {name: partial(reader, data) for name, reader in readers.items()}


def reading(files: list[bytes], rounds: int) -> dict[str, Any]:
    """Seconds of every reader a file, salvage among them."""
    rows = []
    for index, data in enumerate(files):
        jobs = jobs_for(data, READERS)
        score = midi.read_bytes(data).score
        jobs |= {name: partial(midi.read_bytes, damage(data)) for name, damage in DAMAGE.items()}
        jobs["segue write"] = partial(midi_write.to_bytes, score)
        row = timed(jobs, rounds)
        if index % max(len(files) // SLOW_FILES, 1) == 0:
            row |= timed(jobs_for(data, SLOW_READERS), 1)
        rows.append(row | {"bytes": len(data), "notes": len(score)})
    return {"rows": rows}


def ratio(rows: list[dict[str, float]], above: str, below: str) -> float:
    """The median over the files that have both of one time over the other."""
    return statistics.median(r[above] / r[below] for r in rows if above in r and below in r)


def midi_report(rows: list[dict[str, float]]) -> dict[str, Any]:
    seconds = sum(r["segue"] for r in rows)
    report: dict[str, Any] = {
        "files": len(rows),
        "notes a second": sum(r["notes"] for r in rows) / seconds,
        "MB a second": sum(r["bytes"] for r in rows) / seconds / 1e6,
        "times as fast as": {
            name: ratio(rows, name, "segue")
            for name in (*READERS, *SLOW_READERS)
            if name != "segue"
        },
        "salvage, times as long as a sound file": {
            name: ratio(rows, name, "segue") for name in DAMAGE
        },
        "write, times as long as read": ratio(rows, "segue write", "segue"),
    }
    return report


def spread(folder: Path, count: int) -> list[bytes]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
    if not found:
        sys.exit(f"{folder} holds no MIDI files.")
    step = max(len(found) // count, 1)
    return [path.read_bytes() for path in found[::step][:count]]


def machine() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "symusic", "mido", "pretty_midi")},
        "machine": platform.machine(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def show(report: dict[str, Any], indent: str = "") -> None:
    for name, value in report.items():
        if isinstance(value, dict):
            print(f"{indent}{name}:")
            show(value, indent + "  ")
        else:
            print(
                f"{indent}{name}: {value:,.2f}"
                if isinstance(value, float)
                else f"{indent}{name}: {value}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--skip-audio", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = reading(spread(args.folder, args.files), args.rounds)["rows"]
    report = {"machine": machine(), "MIDI": midi_report(rows)}
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    audio = Path(__file__).with_name("formats_audio.py")
    if audio.is_file() and not args.skip_audio:
        print(flush=True)
        command = [sys.executable, str(audio), str(args.folder), *["--json"][: args.json]]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
