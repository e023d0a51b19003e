"""Which SoundFont is played, and whether a file is one."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from segue.errors import FormatError

SOUNDFONT_VARIABLE = "SEGUE_SOUNDFONT"
_PACKAGED = "TimGM6mb.sf2"


def default_soundfont() -> Path:
    """The SoundFont played when none is given.

    It is the one that the environment variable SEGUE_SOUNDFONT names, else `TimGM6mb.sf2` out of
    the installed pretty_midi package. Fonts that a system happens to have are never picked up by
    themselves, so that the same Score gives the same sound on every machine. Raises FormatError
    if neither is there.
    """
    named = os.environ.get(SOUNDFONT_VARIABLE)
    if named:
        return Path(named)
    # find_spec looks for the package without importing it (and all that it imports).
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _PACKAGED
        if path.is_file():
            return path
    raise FormatError(
        f"no SoundFont was given and the default, {_PACKAGED} of the pretty_midi package, is not "
        f"installed: run `pip install pretty_midi`, or give one by --soundfont or by setting "
        f"{SOUNDFONT_VARIABLE}."
    )


def checked_soundfont(soundfont: str | Path | None) -> Path:
    """`soundfont`, or the default, if it is a SoundFont by its header; FormatError if not."""
    path = default_soundfont() if soundfont is None else Path(soundfont)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FormatError(f"the SoundFont {path} {what}: give the path of an .sf2 or .sf3 file.")
    try:
        with path.open("rb") as file:
            header = file.read(12)
    except OSError as error:
        raise FormatError(f"the SoundFont {path} cannot be read: {error.strerror}.") from error
    if header[:4] != b"RIFF" or header[8:] != b"sfbk":
        raise FormatError(
            f"{path} is not a SoundFont (its header is {header!r}, not RIFF....sfbk): "
            "give an .sf2 or .sf3 file, or none for the default one."
        )
    return path
