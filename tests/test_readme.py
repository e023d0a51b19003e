"""The README keeps its word: its commands run, its tree is the disk, its links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import segue
from music import TINY, folder_of_chorales

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# ```sh blocks are run; ```console blocks show set-up commands that CI runs by themselves.
TOUR = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINKS = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)
# The tour as it stands, but for the size of the model: a reader's takes minutes, a test's seconds.
SEGUE = """
set -e
segue() {
    case $1 in train) set -- "$@" --max-steps 8 $SMALLER ;; esac
    "$PYTHON" -m segue "$@"
}
"""


# The two tests of the tour share one folder: pytest-xdist keeps them in one worker.
ONE_WORKER = pytest.mark.xdist_group("tour")


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """A folder in which all ```sh blocks were run, one after another."""
    folder = tmp_path_factory.mktemp("tour")
    music = folder_of_chorales(folder / "my-music")
    (music / "chorale-00.mid").rename(music / "song.mid")
    song = segue.read(music / "song.mid")
    melody = song.with_(notes=song.notes[song.notes["track"] == 0], tracks=song.tracks[:1])
    segue.write(melody, music / "melody.mid")
    smaller = " ".join(f"--set {each}" for each in TINY)
    done = subprocess.run(
        ["bash", "-c", SEGUE + "\n".join(TOUR)],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, "SMALLER": smaller},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@ONE_WORKER
@pytest.mark.timeout(600)
def test_the_tour_leaves_music(toured):
    takes = sorted(path.name for path in (toured / "out").iterdir())
    assert sum(name.endswith(".mid") for name in takes) == 8
    assert sum(name.endswith(".wav") for name in takes) == 8
    assert (toured / "song.musicxml").is_file()
    assert len(list((toured / "sound").iterdir())) == 13


@ONE_WORKER
@pytest.mark.timeout(600)
def test_the_python_blocks_run(toured):
    for block in PYTHON:
        subprocess.run([sys.executable, "-c", block], cwd=toured, check=True)
    assert (toured / "song.png").is_file()
    assert (toured / "out" / "mine.mid").is_file()


def test_there_is_a_tour():
    verbs = set(re.findall(r"^segue (\w+)", "\n".join(TOUR), re.MULTILINE))
    assert {
        "prepare",
        "train",
        "generate",
        "continue",
        "infill",
        "accompany",
        "convert",
        "inspect",
    } <= verbs


def test_the_tree_is_the_disk():
    check = [sys.executable, ROOT / "tools" / "tree.py", "--check", ROOT / "README.md"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_new_file_is_missed_in_the_tree(tmp_path):
    stale = tmp_path / "README.md"
    stale.write_text(README.replace("errors.py", "mistakes.py"), encoding="utf-8")
    check = [sys.executable, ROOT / "tools" / "tree.py", "--check", stale]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make tree" in done.stderr


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_a_link_leads_somewhere(link):
    assert (ROOT / link).exists()
