"""Who trains and who is held out: what the folder's rules say, and the seeded split for the rest.

Pieces of one family (kin, see `segue.data.kinship`) end in one split. Where rules put some of them
there, the others follow or are left out; families that no rule names are split by seed, as wholes,
90 / 5 / 5.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.data.kinship import NEAR, Pairs, families
from segue.data.pieces import SPLITS
from segue.data.rules import Place, Rule
from segue.errors import DataError

Ints = NDArray[np.int64]

_HELD_OUT_SHARE = 0.05
_FREE = -1


@dataclass(frozen=True)
class Split:
    """For each piece its place, or why it is left out; its family; which rule placed how many.

    `places` are None where `reasons` are not empty. `families` holds the index of the first of the
    pieces that a piece hangs together with, its own for a piece alone.
    """

    places: tuple[Place | None, ...]
    reasons: tuple[str, ...]
    families: Ints
    rules: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class Names:
    """The pieces to be split, three lists of one length: path, file and music hash of each."""

    paths: list[str]
    files: list[str]
    hashes: list[str]


def rank_of(rules: Iterable[Rule]) -> dict[str, int]:
    """For each file that a rule names how far it is held out: 0 trains, 1 valid, 2 test."""
    ranks: dict[str, int] = {}
    for rule in rules:
        for path, place in rule.places.items():
            ranks.setdefault(path, SPLITS.index(place.split))
    return ranks


def split_pieces(
    names: Names,
    rules: Iterable[Rule],
    seed: int,
    *,
    kin: Pairs | None = None,
    remove: bool = False,
) -> Split:
    """A place for each piece; the same pieces, rules and seed give the same places.

    Of pieces with the same music one stays. Of a family that the rules put into several splits,
    those in the one held out furthest stay (test before valid before train) and the others are
    left out; pieces of it that no rule names follow. With `remove` one of several near duplicates
    stays. The seeded split orders families by a hash of seed and music, so it survives renaming.
    There is at least one valid piece wherever there are two pieces. Raises DataError where a given
    split leaves nothing to train on.
    """
    rules = tuple(rules)
    which = [_rule_of(file, rules) for file in names.files]
    given = [
        None if i is None else rules[i].places[file]
        for i, file in zip(which, names.files, strict=True)
    ]
    case = _Case(names, given, kin or _nobody(), seed)
    case.leave_out_copies()
    case.settle_families()
    if remove:
        case.leave_out_near_duplicates()
    case.seed_the_rest()
    used = Counter(i for i, reason in zip(which, case.reasons, strict=True) if not reason)
    told: list[dict[str, object]] = [
        {"rule": rules[i].name, "source": rules[i].source, "pieces": n}
        for i, n in used.items()
        if i is not None
    ]
    if used[None]:
        told.append({"rule": "seed", "source": str(seed), "pieces": used[None]})
    told += case.check(told)
    return Split(tuple(case.places), tuple(case.reasons), case.family, tuple(told))


def _nobody() -> Pairs:
    none = np.zeros(0, np.int64)
    return Pairs(none, none, np.zeros(0))


def _rule_of(file: str, rules: Sequence[Rule]) -> int | None:
    return next((i for i, rule in enumerate(rules) if file in rule.places), None)


class _Case:
    """A split under way: `places` and `reasons` fill up step by step."""

    def __init__(self, names: Names, given: Sequence[Place | None], kin: Pairs, seed: int) -> None:
        self.names, self.given, self.seed = names, given, seed
        self.places: list[Place | None] = list(given)
        self.reasons = [""] * len(given)
        self.rank = [_FREE if place is None else SPLITS.index(place.split) for place in given]
        self.same = _first_of(names.hashes)
        itself = np.arange(len(given))
        close = kin.similarity >= NEAR
        self.near = families(
            len(given),
            np.append(kin.first[close], itself),
            np.append(kin.second[close], self.same),
        )
        self.family = families(
            len(given), np.append(kin.first, itself), np.append(kin.second, self.same)
        )

    def _leave_out(self, i: int, reason: str) -> None:
        self.places[i], self.reasons[i] = None, reason

    def _stay(self) -> list[int]:
        return [i for i, reason in enumerate(self.reasons) if not reason]

    def _groups(self, label: Ints) -> list[list[int]]:
        """The pieces that stay, by label, where several share one."""
        members: dict[int, list[int]] = defaultdict(list)
        for i in self._stay():
            members[int(label[i])].append(i)
        return [group for group in members.values() if len(group) > 1]

    def leave_out_copies(self) -> None:
        """Of pieces with the same music the one that is held out furthest stays, or the first."""
        for group in self._groups(self.same):
            kept = max(group, key=lambda i: (self.rank[i], -i))
            for i in group:
                if i != kept:
                    self._leave_out(i, f"the same music as {self.names.paths[kept]}")

    def settle_families(self) -> None:
        """Bring each family that rules name into one split."""
        for group in self._groups(self.family):
            first = max(group, key=lambda i: (self.rank[i], -i))
            if self.rank[first] == _FREE:
                continue
            split = SPLITS[self.rank[first]]
            for i in group:
                if self.rank[i] == _FREE:
                    self.places[i] = Place(split)
                elif self.rank[i] < self.rank[first]:
                    self._leave_out(
                        i, f"kin of {self.names.paths[first]}, which is held out ({split})"
                    )

    def leave_out_near_duplicates(self) -> None:
        """Of near duplicates in one split the first stays; a family is in one split already."""
        for group in self._groups(self.near):
            for i in group[1:]:
                self._leave_out(i, f"nearly the same notes as {self.names.paths[group[0]]}")

    # -- by seed -----------------------------------------------------------------------------

    def _in_seeded_order(self, units: Iterable[list[int]]) -> list[list[int]]:
        """Units of pieces in an order drawn from the seed and their music."""

        def key(unit: list[int]) -> tuple[bytes, int]:
            least = min(self.names.hashes[i] for i in unit)
            return hashlib.sha256(f"{self.seed}:{least}".encode()).digest(), unit[0]

        return sorted(units, key=key)

    def _units(self, pieces: Iterable[int], label: Ints) -> list[list[int]]:
        units: dict[int, list[int]] = defaultdict(list)
        for i in pieces:
            units[int(label[i])].append(i)
        return self._in_seeded_order(units.values())

    def seed_the_rest(self) -> None:
        """Place the families that no rule names: valid and test take what fits, in seeded order."""
        rest = [i for i in self._stay() if self.places[i] is None]
        units = self._units(rest, self.family)
        room = {"valid": _held_out(len(rest)), "test": round(len(rest) * _HELD_OUT_SHARE)}
        for split, free in room.items():
            for unit in units:
                if self.places[unit[0]] is None and len(unit) <= free:
                    free -= len(unit)  # noqa: PLW2901
                    for i in unit:
                        self.places[i] = Place(split)
        for i in rest:
            self.places[i] = self.places[i] or Place("train")

    def check(self, told: Sequence[dict[str, object]]) -> list[dict[str, object]]:
        """See to it that there is a valid piece; what that took. DataError without a train one."""
        placed = [(i, place) for i, place in enumerate(self.places) if place is not None]
        by_split = Counter(place.split for _, place in placed)
        if not by_split["train"]:
            raise DataError(
                f"the split given by {told[0]['source']} leaves no piece to train on "
                f"({dict(by_split)}): mark some as train, or move that file away for a seeded "
                "split."
            )
        if by_split["valid"] or len(placed) < 2:
            return []
        train = [i for i, place in placed if place.split == "train"]
        for how, label in (
            ("seed, from train", self._tied(train)),
            ("seed, from train, among kin", np.arange(len(self.places))),
        ):
            moved = self._hold_out(train, label)
            if moved:
                return [{"rule": how, "source": str(self.seed), "pieces": moved}]
        return []

    def _tied(self, pieces: Sequence[int]) -> Ints:
        """Families joined by the groups of the rules."""
        first: dict[str, int] = {}
        ties = [
            (i, first.setdefault(place.group, i))
            for i in pieces
            if (place := self.places[i]) is not None and place.group
        ]
        both = np.array(ties, np.int64).reshape(-1, 2)
        every = np.arange(len(self.places))
        return families(
            len(self.places), np.append(every, both[:, 0]), np.append(self.family, both[:, 1])
        )

    def _hold_out(self, train: Sequence[int], label: Ints) -> int:
        """Move a twentieth of train, whole units together, to valid; gives how many moved."""
        wanted, moved = _held_out(len(train)), 0
        for unit in self._units(train, label):
            if moved >= wanted or moved + len(unit) == len(train):
                break
            for i in unit:
                place = self.places[i]
                assert place is not None
                self.places[i] = replace(place, split="valid")
            moved += len(unit)
        return moved


def _first_of(values: Sequence[str]) -> Ints:
    """For each value the index of the first that equals it."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(value, i) for i, value in enumerate(values)], np.int64)


def _held_out(pieces: int) -> int:
    return max(round(pieces * _HELD_OUT_SHARE), 1) if pieces > 1 else 0
