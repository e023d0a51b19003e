"""The paths a verb of playing is given: music, and before it a bundle that may be left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.errors import BundleError, FormatError

if TYPE_CHECKING:
    from segue.bundles import Bundle

BUNDLE = "A bundle, or the run that made one (default: segue-piano, which comes with Segue)"
BEFORE_IT = BUNDLE.replace("A bundle", "before it a bundle")

OneBundle = Annotated[Path | None, typer.Argument(help=f"{BUNDLE}.")]


def bundle_and(paths: Sequence[Path], *names: str) -> tuple[Bundle, tuple[Path, ...]]:
    """The bundle, the default one where none is named, and a path of music for each of `names`.

    Raises BadParameter where there are too few or too many, FormatError for music that is not
    there, BundleError for a bundle that is none.
    """
    from segue import bundles

    count, wanted = len(names), " and ".join(names)
    if len(paths) == count + 1:
        if paths[0].is_file():
            raise BundleError(
                f"{paths[0]} is a file, not a bundle: give {wanted} alone, for "
                f"{bundles.DEFAULT} to play, or the folder of a bundle first."
            )
        return bundles.load(paths[0]), tuple(paths[1:])
    if _is_bundle(paths[0]):
        raise typer.BadParameter(f"the bundle {paths[0]} came without {wanted}: give that as well.")
    if len(paths) != count:
        came = "1 path" if len(paths) == 1 else f"{len(paths)} paths"
        raise typer.BadParameter(f"{came} came; give {wanted}, or a bundle and {wanted}.")
    for path in paths:
        if not path.is_file():
            what = "is a folder, and no bundle" if path.is_dir() else "does not exist"
            raise FormatError(f"{path} {what}: give {wanted}, or a bundle and {wanted}.")
    return bundles.load(), tuple(paths)


def _is_bundle(path: Path) -> bool:
    """Whether a bundle is there, or one that comes with Segue is meant."""
    from segue import bundles

    try:
        bundles.locate(path)
    except BundleError:
        return str(path) == bundles.DEFAULT
    return True
