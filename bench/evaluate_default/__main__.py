"""Judge the default model by what is wanted of it, beside its rivals.

    python -m bench.evaluate_default --bundle BUNDLE [--music runs/default/music]
        [--against NAME=PATH ...] [--only a,b,c,d,e] [--seeds 100] [--prompts 200] [--seed 1]
        [--engine auto] [--work runs/default/evaluation] [--gallery docs/gallery/piano]
        [--write bench/results/default.json] [--page docs/models.md]

(a) nats a note on the test split, (b) overlapped area of ten measures of takes with held-out music,
(c) memorised runs, (d) whether long continuations collapse, (e) whether continuations are of the
prompt's piece. Parts and takes are kept under --work, by the bundle's hash: a cut evaluation goes
on, and one that is given again prints what it found. `--write` also writes the record, and the
section of the page, from all parts that are known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.evaluate_default import gallery, page, records
from bench.evaluate_default.examination import Candidate, Examination
from bench.evaluate_default.held_out import Music
from bench.evaluate_default.playing import Players
from bench.evaluate_default.store import ROOT, Store

from segue import bundles
from segue.errors import SegueError
from segue.files import write_json


def main(words: Sequence[str] | None = None) -> int:
    """Judge, print, write; 0 whatever is missed, for that is what it is to find out."""
    words = list(sys.argv[1:] if words is None else words)
    told = _arguments().parse_args(words)
    try:
        asked = examination(told)
        _judge(asked, told, _from_here(words))
    except SegueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def examination(told: argparse.Namespace) -> Examination:
    """What the arguments ask for; SegueError for names that are not well given."""
    rivals = dict(_named(each) for each in told.against)
    if told.name in rivals or len(rivals) != len(told.against):
        raise SegueError("each bundle needs a name of its own: --against NAME=PATH.")
    return Examination(
        music=Music(told.music),
        own=_candidate(told.name, told.bundle, told),
        rivals=tuple(_candidate(name, path, told) for name, path in rivals.items()),
        takes=told.seeds,
        prompts=told.prompts,
        seed=told.seed,
    )


def _judge(asked: Examination, told: argparse.Namespace, command: str) -> None:
    wanted = [letter for letter in told.only.split(",") if letter]
    unknown = [letter for letter in wanted if letter not in records.PARTS]
    if unknown:
        raise SegueError(f"--only came as {told.only!r}; {', '.join(records.PARTS)} are allowed.")
    for letter in wanted:
        print(records.verdict(records.part(letter, asked, command)), flush=True)
    if told.gallery:
        chosen = gallery.write_gallery(asked, told.gallery)
        print(f"{told.gallery}: best seed {chosen['best']}, worst {chosen['worst']}", flush=True)
    if told.write:
        record = records.record(asked, records.known(asked))
        write_json(told.write, record)
        folder = told.gallery or gallery.FOLDER
        hung = gallery.kept(asked, folder)
        shown = gallery.lines(hung, folder, told.page) if hung else []
        page.write(page.section(record, shown), told.page)
        print(f"written: {told.write}, {told.page}")


def _candidate(name: str, path: Path, told: argparse.Namespace) -> Candidate:
    bundle = bundles.load(path)
    return Candidate(name, Players(bundle, Store(bundle, told.work), told.engine, _say))


def _named(word: str) -> tuple[str, Path]:
    name, equals, path = word.partition("=")
    if not (name and equals and path):
        raise SegueError(f"--against came as {word!r}; write it as NAME=PATH.")
    return name, Path(path)


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _from_here(words: Sequence[str]) -> str:
    """The command with paths from this folder on: a record is read on other machines."""
    whole = " ".join(["python -m bench.evaluate_default", *words])
    return whole.replace(f"{Path.cwd()}/", "").replace(f"{Path.cwd().parent}/", "../")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.evaluate_default",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--bundle", type=Path, required=True, help="the bundle, or the run of it")
    parser.add_argument("--name", default="segue-piano", help="what it is called in tables")
    parser.add_argument("--music", type=Path, default=Path("runs/default/music"))
    parser.add_argument("--against", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--only", default=",".join(records.PARTS), help="letters, with commas")
    parser.add_argument("--seeds", type=int, default=100, help="takes of (b), (c) and (d)")
    parser.add_argument("--prompts", type=int, default=200, help="prompts of (e)")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--engine", default="auto", help="auto, onnx, int8 or torch")
    parser.add_argument("--work", type=Path, default=ROOT, help="where parts and takes are kept")
    parser.add_argument("--gallery", type=Path, help="where the best and the worst take go")
    parser.add_argument("--write", type=Path, help="the record, such as bench/results/default.json")
    parser.add_argument(
        "--page", type=Path, default=page.PAGE, help="what --write puts tables into"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
