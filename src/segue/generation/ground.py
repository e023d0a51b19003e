"""What new music of a bundle stands on: the same for all takes that are asked for alike.

It is worked out once and kept with the bundle, so that takes which come one after the other, as a
server makes them, need not lay it out anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.generation.batching import SharedBundle
from segue.generation.engine import IntRows, State
from segue.generation.guides import only_known, without
from segue.generation.player import Player
from segue.generation.timing import paced
from segue.generation.wishes import Wishes
from segue.score import Score


@dataclass(frozen=True)
class Ground:
    """The header and the encoding of new music, the same without notes, and what may be drawn.

    `only` are masks of shape (V,) by column, for `Steps`. Nobody writes to any of it.
    """

    header: dict[str, Any]
    encoding: Encoding
    empty: Score
    only: Mapping[int, NDArray[np.bool_]]


def ground_of(bundle: Bundle, wishes: Wishes) -> Ground:
    """What takes from nothing stand on, with the tempo, metre and instruments asked for."""
    key = ("ground", wishes.tempo, wishes.metre, wishes.instruments)
    return bundle.once(key, lambda: _laid(bundle, wishes))


def _laid(bundle: Bundle, wishes: Wishes) -> Ground:
    header = wishes.header(bundle.index["header"])
    encoding = paced(bundle.encoding, header)
    empty = encoding.decode(np.zeros((0, len(bundle.sizes)), np.uint16), header)
    only = only_known(encoding, bundle.index["used"], header)
    return Ground(
        header,
        encoding,
        wishes.in_time(empty, encoding),
        only if wishes.tempo is None else without(encoding, only, "tempo"),
    )


def opened(bundle: Bundle, player: Player, rows: IntRows) -> State:
    """The state of one take after the rows that it goes on from, in arrays of its own.

    A bundle that is played by many reads them once: people ask again, with another seed or wish.
    """
    if not isinstance(bundle, SharedBundle):
        return player.read(rows)
    key = ("opened", player.engine.name, rows.tobytes())
    return player.engine.fork(bundle.once(key, lambda: player.read(rows)), 1)
