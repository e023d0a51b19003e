"""The bundles that come with Segue, by name; the one that plays where none is named."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from segue.errors import BundleError

DEFAULT = "segue-piano"
"""Solo piano: see its CARD.md, and docs/models.md."""


def folder() -> Path:
    """Where they lie, in the package."""
    return Path(str(files("segue.bundles"))) / "shipped"


def shipped() -> dict[str, Path]:
    """Their folders by name, the default first; none in a package that was built without."""
    found = [path.parent for path in folder().glob("*/bundle.json")]
    return {each.name: each for each in sorted(found, key=lambda f: (f.name != DEFAULT, f.name))}


def default() -> Path:
    """The folder of the default bundle; BundleError where the package was built without."""
    try:
        return shipped()[DEFAULT]
    except KeyError:
        raise BundleError(
            f"this Segue came without {DEFAULT}, the bundle that plays where none is named: "
            "name one, the folder of a run or bundle that `segue train` wrote."
        ) from None


def comes_with_segue(path: Path) -> bool:
    """Whether this is the folder of one of them, which nothing may write into."""
    return path.resolve().parent == folder().resolve()
