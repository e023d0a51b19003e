"""ABC text cut into tunes: which lines are header, which are body, and what had to be mended."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from segue.errors import LimitError

MOST_LINES = 100_000
_FILE_HEADER = 100_000  # characters looked through for defaults before the first tune
_LONGEST_FIELD = 2_000
_MOST_REPAIRS = 40

_FIELD = re.compile(r"^\s*([A-Za-z+])\s*:(?![|:\]])(.*)$")
_NUMBER = re.compile(r"^[ \t]*X[ \t]*:([^\r\n]*)", re.MULTILINE)
_MARKUP = re.compile(r"^\s*</?[A-Za-z][^<>|]*>\s*$")


@dataclass
class Line:
    """A line of a tune: its number in the file, the letter of a field ("" for music), its text."""

    number: int
    letter: str
    text: str


@dataclass
class Tune:
    """One tune: header lines up to and with `K:`, then body lines."""

    header: list[Line] = field(default_factory=list)
    body: list[Line] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)

    def value(self, letter: str) -> str:
        """The first header field of that letter, "" if there is none."""
        return next((line.text for line in self.header if line.letter == letter), "")

    @property
    def label(self) -> str:
        """How messages name the tune: `X:12 'As Luck Will Have It'`."""
        title = self.value("T")
        return f"X:{self.value('X') or '?'}" + (f" {title!r}" if title else "")


def decoded(data: bytes) -> tuple[str, list[str]]:
    """The text of an ABC file: UTF-8, else Latin-1 as older files are, with a line saying so."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace"), ["read as UTF-16 text"]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["is not UTF-8 text: read as Latin-1"]


@dataclass(frozen=True)
class Source:
    """A tune's text in its file, not yet looked into: a collection may hold thousands."""

    text: str
    first_line: int
    shared: tuple[Line, ...] = ()
    alone: bool = True  # in its file: blank lines do not end it

    @property
    def number(self) -> str:
        """The tune's `X:`, "" without one."""
        found = _NUMBER.match(self.text)
        return _uncommented(found[1]) if found else ""

    def tune(self) -> Tune:
        """The tune, cut into lines. Raises LimitError for one of too many."""
        lines = re.split(r"\r\n|\r|\n", self.text)
        if len(lines) > MOST_LINES:
            raise LimitError(
                f"X:{self.number or '?'} has {len(lines):,} lines; up to {MOST_LINES:,} are read, "
                "which is more than any tune has."
            )
        tune = _tune(list(self.shared), list(enumerate(lines, self.first_line)), alone=self.alone)
        if not self.number:
            tune.repairs.insert(0, "has no X: field: read as one tune")
        return tune


def sources(text: str) -> list[Source]:
    """The tunes of a file in order; a file without any `X:` is taken for one tune."""
    starts = [found.start() for found in _NUMBER.finditer(text)]
    if not starts:
        return [Source(text, 1)]
    shared = tuple(_file_header(text[: min(starts[0], _FILE_HEADER)].splitlines()))
    alone = len(starts) == 1
    found: list[Source] = []
    line = 1 + text.count("\n", 0, starts[0])
    for start, past in pairwise([*starts, len(text)]):
        found.append(Source(text[start:past], line, shared, alone))
        line += text.count("\n", start, past)
    return found


def tunes(text: str) -> list[Tune]:
    """All tunes of a text, cut into lines."""
    return [source.tune() for source in sources(text)]


def _file_header(lines: list[str]) -> list[Line]:
    """Fields before the first tune, which are defaults for every tune."""
    found = [(number, _FIELD.match(line)) for number, line in enumerate(lines, 1)]
    return [Line(n, m[1], _uncommented(m[2])) for n, m in found if m and m[1] in "LMQ"]


def _uncommented(text: str) -> str:
    """Without a trailing `%` comment; `\\%` is a percent sign."""
    if "%" not in text:
        return text.strip()
    return re.split(r"(?<!\\)%", text, maxsplit=1)[0].replace("\\%", "%").strip()


def _tune(shared: list[Line], lines: list[tuple[int, str]], *, alone: bool) -> Tune:
    """A tune from its lines. In a file with one tune only, blank lines do not end it."""
    tune = Tune(header=list(shared))
    in_body = False
    blank = False
    for number, raw in lines:
        text = _uncommented("I:" + raw[2:] if raw.startswith("%%") else raw)
        if not text:
            # A comment line is not a blank one.
            blank = blank or not raw.strip()
            if blank and in_body and tune.body and not alone:
                break
            continue
        if _MARKUP.match(text):
            _tell(tune, f"line {number}: the markup {text[:40]!r} is not ABC and was left out")
            continue
        found = _FIELD.match(text)
        letter, value = (found[1], found[2].strip()[:_LONGEST_FIELD]) if found else ("", text)
        if in_body and blank and tune.body:
            _tell(tune, f"line {number}: a blank line inside the tune was passed over")
        blank = False
        if not in_body and (letter in ("", "V")):
            in_body = letter == "" or _has_key(tune)
            if in_body and not _has_key(tune):
                tune.repairs.append(f"line {number}: music starts without a K: field; read in C")
        (tune.body if in_body else tune.header).append(Line(number, letter, value))
        in_body = in_body or letter == "K"
    return tune


def _tell(tune: Tune, repair: str) -> None:
    if len(tune.repairs) < _MOST_REPAIRS:
        tune.repairs.append(repair)


def _has_key(tune: Tune) -> bool:
    return any(line.letter == "K" for line in tune.header)
