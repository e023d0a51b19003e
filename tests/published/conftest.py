"""`bench` is no part of the package: its folder is found beside `tests`."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


@pytest.fixture
def command() -> ModuleType:
    """The command, which has the name of the folder beside it."""
    spec = importlib.util.spec_from_file_location("published_command", ROOT / "bench/published.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
