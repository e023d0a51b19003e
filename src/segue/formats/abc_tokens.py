"""ABC music text as tokens: one pattern, an alternative a kind, and the lengths written in it."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

FINEST = 1024
_DIVIDERS = frozenset(
    2**two * odd
    for two in range(11)
    for odd in (1, 3, 5, 7, 9, 15, 21, 25, 27, 35, 45)
    if 2**two * odd <= FINEST
)

_NUMBERS = r"\d{1,3}(?:[ \t]*[,-][ \t]*\d{1,3})*"
_PITCH = r"(?P<sign>\^\^?|__?|=)?(?P<micro>\d{0,2}/\d{0,2})?(?P<letter>[A-Ga-g])(?P<octave>[',]*)"

_BARE_PITCH = r"(?:\^\^?|__?|=)?[A-Ga-g][',]*"


def _length_pattern(prefix: str) -> str:
    return rf"(?P<{prefix}over>\d{{0,6}})(?P<{prefix}slash>/{{0,8}})(?P<{prefix}under>\d{{0,6}})"


# Printed tunes set bar lines, their colons and their endings apart ("| :", "| 1"): no other
# reading of these exists, so spaces are allowed there.
TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<note>{_PITCH}{_length_pattern("")})
  | (?P<bar>(?P<line>\.?(?:\[\||[|:])(?:[ \t]*(?:\[(?=\|)|[|:]|\](?!\w))){{0,16}})
        (?:[ \t]*(?P<after>{_NUMBERS})(?![\d/]))?)
  | (?P<inline>\[(?P<field>[A-Za-z]):(?P<value>[^\]]{{0,200}})\])
  | (?P<ending>\[[ \t]*(?P<numbers>{_NUMBERS}))
  | (?P<chord>\[(?P<inside>[^\]\[|]*)\]{_length_pattern("c_")})
  | (?P<unclosed>\[(?P<open_inside>(?:{_BARE_PITCH}[\d/]*){{2,}}))
  | (?P<named_ending>\["[^"]*")
  | (?P<rest>[zx]{_length_pattern("r_")})
  | (?P<bars_rest>[ZX](?P<count>\d{{0,6}}))
  | (?P<tie>\.?-)
  | (?P<broken>>{{1,6}}|<{{1,6}})
  | (?P<tuplet>\((?P<p>[2-9]|1[0-9])(?::(?P<q>\d{{0,2}})(?::(?P<r>\d{{0,2}}))?)?)
  | (?P<text>"(?P<words>[^"]*)"?)
  | (?P<grace>\{{(?P<graced>[^}}]*)\}}?)
  | (?P<decoration>!(?P<bang>[^!|\s]*)!|\+(?P<plus>[^+|\s]+)\+)
  | (?P<overlay>&)
  | (?P<ignored>[~.H-Wh-w`\\$*;!()\]]|[yY]\d*)
  | (?P<unknown>.)
    """,
    re.VERBOSE,
)

INSIDE = re.compile(
    rf"""(?P<note>{_PITCH}{_length_pattern("")}(?P<tie>\.?-)?)
      | (?P<skipped>![^!]*!|"[^"]*"|[~.()/\sH-Wh-w])
      | (?P<unknown>.)""",
    re.VERBOSE,
)
"""What stands inside of a chord's brackets or a grace group's braces."""


@lru_cache(maxsize=4096)
def factor(over: str, slash: str, under: str) -> Fraction | None:
    """`3/2`, `/`, `//` or `2` as a factor of the unit length; None for none that can be played."""
    top = int(over or 1)
    halvings = len(slash)
    bottom = int(under) * 2 ** (halvings - 1) if slash and under else 2**halvings
    return Fraction(top, bottom) if top and playable(bottom) else None


def playable(divider: int) -> bool:
    """Whether a length may be divided by this: sums of any fractions grow without bound."""
    return divider in _DIVIDERS


def ending_numbers(text: str) -> frozenset[int]:
    """`1,3` or `1-3` as a set; a range longer than sixteen is cut there."""
    numbers: set[int] = set()
    for part in text.replace(" ", "").replace("\t", "").split(","):
        low, _, high = part.partition("-")
        first = int(low)
        numbers.update(range(first, min(int(high.split("-")[0] or first), first + 15) + 1))
    return frozenset(numbers - {0})


def bar_signs(line: str) -> tuple[int, int, bool]:
    """Colons before and after a bar line, and whether it ends a section (double or final)."""
    line = "".join(line.split()).lstrip(".")
    if "|" not in line:
        return len(line) // 2, len(line) - len(line) // 2, True
    before = line[: line.find("|")].count(":")
    after = line[line.rfind("|") + 1 :].count(":")
    return before, after, bool(before or after or "]" in line or "||" in line)
