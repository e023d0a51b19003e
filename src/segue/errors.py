"""The exception tree: every message says what came, what is allowed and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SegueError(Exception):
    """Something a user can act on; the command line prints it as one sentence.

    `exit_code` is what `segue` leaves with; the table is in `docs/help.md`.
    """

    exit_code = 1


class FormatError(SegueError):
    """A file that cannot be read or written in the format it claims."""

    exit_code = 3


class LimitError(FormatError):
    """A file that goes past a limit that no real piece of music meets."""


class DataError(SegueError):
    """A folder or corpus with nothing usable in it, or one that does not fit the request."""

    exit_code = 4


class RecipeError(SegueError):
    """A recipe with an unknown key, a wrong value, or parts that do not fit together."""

    exit_code = 5


class BundleError(SegueError):
    """A bundle or run that is missing, damaged or made for something else."""

    exit_code = 6


class TrainingError(SegueError):
    """A training that cannot start or had to stop; the message names the cause."""

    exit_code = 7


class MissingExtraError(SegueError):
    """A part of Segue that needs an optional dependency which is not installed."""

    exit_code = 8

    def __init__(self, job: str, package: str, extra: str) -> None:
        super().__init__(
            f"{job} needs the package {package!r}, which is not installed: "
            f"run `pip install 'segue[{extra}]'` and try again."
        )


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The end of an "unknown name" sentence: a suggestion if one is near, else the whole list."""
    choices = sorted(allowed)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    listing = ", ".join(choices)
    return f"did you mean {close[0]!r}? (allowed: {listing})" if close else f"allowed: {listing}"
