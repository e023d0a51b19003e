"""Fuzz the readers: no crash, no hang over 5 seconds, no memory over 1 GiB.

    python tests/fuzz/run.py [--minutes 10] [--only midi,abc] [--folder scratch/fuzz]

Every target of `targets.py` gets an equal share of the time, in a process of its own, so that one
that dies is seen for what it is. atheris drives the bytes by coverage of Segue's own code; for
targets that are Hypothesis tests the bytes choose the examples. Findings are copied into
`tests/formats/regressions/`, where `test_regressions.py` reads them for ever after; the exit code
says whether there were any.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

SECONDS_AN_INPUT, MEMORY_MB, LONGEST = 5, 1024, 1 << 16

SUFFIXES = {
    "midi": ".mid",
    "abc": ".abc",
    "musicxml": ".musicxml",
    "mxl": ".mxl",
    "tx1": ".tx1.txt",
    "tx2": ".tx2.txt",
}
"""What a finding of a reader is called, so that a reader takes it; others stay where they are."""


def fuzz_one(name: str, folder: Path, seconds: int) -> None:
    """Fuzz one target in this process, until libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["segue"]):
        from fuzz.targets import TARGETS

        target = TARGETS[name]
        fuzzed = target.make()
        corpus = folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in target.seeds():
            (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "timeout": SECONDS_AN_INPUT,
        "rss_limit_mb": MEMORY_MB,
        "max_len": LONGEST,
        "artifact_prefix": f"{folder}/finding-",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    arguments = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items())]
    atheris.Setup([*arguments, str(corpus)], fuzzed)
    atheris.Fuzz()


def fuzz(names: list[str], folder: Path, minutes: float) -> int:
    """Fuzz targets one after the other; the number of findings."""
    seconds = max(int(60 * minutes / len(names)), 5)
    found = 0
    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        before = set(place.glob("finding-*"))
        command = [sys.executable, __file__, "--one", name, "--folder", str(place)]
        began = time.monotonic()
        with (place / "log").open("w") as log:
            code = subprocess.run(
                [*command, "--seconds", str(seconds)],
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        new = sorted(set(place.glob("finding-*")) - before)
        runs = _number(place / "log", "number_of_executed_units")
        took = time.monotonic() - began
        print(f"{name}: {runs:,} inputs in {took:.0f} s, {len(new)} findings", flush=True)
        if code and not new:
            print(f"  it ended with {code}: see {place / 'log'}")
        for finding in new:
            print(f"  {_kept(name, finding)}")
        found += max(len(new), bool(code))
    return found


def _kept(name: str, finding: Path) -> Path:
    """The finding where tests will read it, if a reader takes it."""
    from fuzz.targets import REGRESSIONS

    suffix = SUFFIXES.get(name)
    if suffix is None:
        return finding
    digest = hashlib.sha256(finding.read_bytes()).hexdigest()[:12]
    kept = REGRESSIONS / f"{finding.name.split('-')[1]}-{digest}{suffix}"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(finding.read_bytes())
    return kept


def _number(log: Path, name: str) -> int:
    for line in log.read_text(errors="replace").splitlines():
        if name in line:
            return int(line.split()[-1])
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", help="targets, separated by commas")
    parser.add_argument("--folder", type=Path, default=Path("scratch/fuzz"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=60, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        fuzz_one(args.one, args.folder, args.seconds)
        return
    try:
        import atheris  # noqa: F401
    except ImportError:
        sys.exit("Error: fuzzing needs atheris: run `pip install 'segue[fuzz]'` and try again.")
    from fuzz.targets import TARGETS

    names = args.only.split(",") if args.only else list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        sys.exit(f"Error: no target {', '.join(unknown)}; there are {', '.join(TARGETS)}.")
    sys.exit(1 if fuzz(names, args.folder, args.minutes) else 0)


if __name__ == "__main__":
    main()
