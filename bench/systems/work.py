"""Where the table is worked out: corpora prepared once, runs, and takes, by the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.systems import plan

from segue.data import Corpus, prepare
from segue.errors import SegueError
from segue.recipes import build_encoding, build_filters


class CommandError(SegueError):
    """A `segue` command that did not end well; the sentence is its own."""


@dataclass(frozen=True)
class Workplace:
    """`data` is the folder that holds the sets, `root` the one that runs are written to.

    Corpora are kept in `shared`, by default the same as `root`.
    """

    data: Path
    root: Path
    shared: Path | None = None

    @property
    def _store(self) -> Path:
        return self.shared or self.root

    def run_of(self, name: str) -> Path:
        """The folder of a row's run."""
        return self.root / name

    def music_of(self, name: str) -> Path:
        """The folder of music that a row learns from; CommandError where there is none."""
        music = plan.row(name).music
        folder = self.data / music.folder
        if music.corpora:
            folder = self._store / "music" / music.corpora
            if not folder.is_dir():
                segue("corpora", "get", music.corpora, "-o", str(folder))
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder: give the one that holds it with --data.")
        return folder

    def corpus_of(self, name: str) -> Corpus:
        """The corpus of a row, prepared when it is first asked for and shared by alike ones."""
        row = plan.row(name)
        recipe = row.resolved()
        encoding, filters = build_encoding(recipe), build_filters(recipe)
        asked = f"{encoding.state()} {filters} {recipe.data.near_duplicates}"
        key = f"{row.music.name}-{recipe.encoding.name}-{sha256(asked.encode()).hexdigest()[:8]}"
        return prepare(
            self.music_of(name),
            self._store / "corpora" / key,
            encoding,
            filters=filters,
            near_duplicates=recipe.data.near_duplicates,
        )

    def train_command(self, name: str, minutes: float, steps: int | None = None) -> list[str]:
        """The words after `segue` that train a row."""
        row = plan.row(name)
        words = ["train", "--recipe", row.recipe, "--data", str(self.corpus_of(name).root)]
        words += ["--size", row.size] if row.size else []
        words += [word for change in row.set for word in ("--set", change)]
        words += ["--max-steps", str(steps)] if steps else []
        words += ["--max-minutes", f"{minutes:g}", "--seed", "1"]
        return [*words, "--out", str(self.run_of(name))]

    def train(self, name: str, minutes: float, steps: int | None = None) -> dict[str, Any]:
        """A new run in place of any other; what `segue train --json` says of it."""
        shutil.rmtree(self.run_of(name), ignore_errors=True)
        return json.loads(segue(*self.train_command(name, minutes, steps), "--json"))

    def generate(self, name: str, count: int, bars: int, seed: int) -> list[Path]:
        """The MIDI files of takes of a row's run."""
        out = self.run_of(name) / f"takes-{bars}-{seed}"
        shutil.rmtree(out, ignore_errors=True)
        words = ["generate", str(self.run_of(name)), "-n", str(count), "--bars", str(bars)]
        segue(*words, "--seed", str(seed), "--formats", "mid", "-o", str(out))
        return sorted(out.glob("*.mid"), key=lambda path: (len(path.name), path.name))


def segue(*words: str) -> str:
    """What a `segue` command prints; CommandError with its last words if it fails."""
    command = [sys.executable, "-m", "segue", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip().splitlines()
        raise CommandError(f"segue {words[0]} ended with {ran.returncode}: {' '.join(said[-3:])}")
    return ran.stdout
