"""Everything that decides what a preparation comes to, and its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import segue
from segue.data.corpus import FORMAT_VERSION
from segue.data.filters import Filters
from segue.data.rules import Rule, find_rules
from segue.data.scan import Source
from segue.data.shards import SHARD_BYTES
from segue.encodings.base import Encoding
from segue.errors import DataError, nearest

GROUP, REMOVE, IGNORE = "group", "remove", "ignore"
NEAR_DUPLICATES = {
    GROUP: "kin stay in one split",
    REMOVE: "and one of several near duplicates is kept",
    IGNORE: "nothing but exact duplicates is looked for",
}


@dataclass(frozen=True)
class Request:
    """The files as they are now, and the settings: the same request, the same corpus."""

    source: Source
    encoding: Encoding
    filters: Filters = Filters()  # noqa: RUF009 - frozen
    near_duplicates: str = GROUP
    seed: int = 0
    shard_bytes: int = SHARD_BYTES

    def __post_init__(self) -> None:
        if self.near_duplicates not in NEAR_DUPLICATES:
            raise DataError(
                f"near duplicates are to be {self.near_duplicates!r}; "
                f"{nearest(self.near_duplicates, NEAR_DUPLICATES)}."
            )

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules for splitting that the folder brings."""
        return find_rules(self.source)

    def hash(self) -> str:
        """SHA-256 over all of it, as hex; a file counts by its name, size and time of change."""
        settings = [
            FORMAT_VERSION,
            segue.__version__,
            self.encoding.state(),
            self.filters.asked(),
            self.near_duplicates,
            self.seed,
            self.shard_bytes,
        ]
        text = json.dumps(settings, sort_keys=True) + self.source.fingerprint()
        return hashlib.sha256(text.encode()).hexdigest()
