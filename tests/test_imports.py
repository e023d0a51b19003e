"""What start-up imports is on a list, and the base install needs no torch to be imported."""

import pkgutil
import subprocess
import sys

import pytest

import segue

# Third-party packages that `segue --help` may import, and our own modules.
ALLOWED = {"typer", "annotated_doc", "shellingham", "typing_extensions"}
OURS = {"segue", "segue.cli", "segue.cli.main", "segue.cli.console", "segue.errors"}
# Never at start-up, and never where playing is enough.
TRAINING = ("torch", "lightning", "pytorch_lightning", "optuna", "tensorboard")
NEEDS_TRAINING = (
    "segue.models",
    "segue.training",
    "segue.search",
    "segue.generation.torch_engine",
    "segue.generation.torch_scoring",
)

SHOW = """
import sys
before = set(sys.modules)
from segue.cli.main import main
main({args!r})
print("LOADED", *sorted(set(sys.modules) - before), file=sys.stderr)
"""

HIDDEN = """
import importlib, sys
for name in {hidden!r}:
    sys.modules[name] = None
for name in {names!r}:
    importlib.import_module(name)
"""


def loaded(*args):
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(args=list(args))],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split("LOADED")[1].split())


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_start_up_imports_are_on_the_list(args):
    modules = loaded(*args)
    ours = {m for m in modules if m.split(".")[0] == "segue"}
    theirs = {m.split(".")[0] for m in modules - ours}
    theirs = {m for m in theirs if m not in sys.stdlib_module_names and not m.startswith("_")}
    assert ours <= OURS
    assert theirs <= ALLOWED


def test_every_module_of_the_base_install_imports_without_torch():
    names = [
        module.name
        for module in pkgutil.walk_packages(segue.__path__, "segue.", onerror=lambda name: None)
        if not module.name.startswith(NEEDS_TRAINING) and module.name != "segue.__main__"
    ]
    assert len(names) > 20
    code = HIDDEN.format(hidden=TRAINING, names=names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
