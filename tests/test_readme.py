"""The README keeps its word: its commands run, its tree is the disk, its links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# ```sh blocks are run; ```console blocks show set-up commands that CI runs by themselves.
TOUR = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINKS = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README)


@pytest.mark.timeout(600)
def test_the_tour_runs(tmp_path):
    """All ```sh blocks, one after another, in one empty folder."""
    segue = f"{shlex.quote(sys.executable)} -m segue"
    script = f'set -e\nsegue() {{ {segue} "$@"; }}\n' + "\n".join(TOUR)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_there_is_a_tour():
    verbs = set(re.findall(r"^segue (\w+)", "\n".join(TOUR), re.MULTILINE))
    assert {"prepare", "train", "generate", "continue", "convert", "inspect"} <= verbs


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
