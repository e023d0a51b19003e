"""`bench` is no part of the package: its folder is found beside `tests`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
