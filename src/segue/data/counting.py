"""How often each symbol occurs: what encodings are fitted to and baselines are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.data.pieces import SPLITS, Index
from segue.data.shards import Shards
from segue.encodings.base import Encoding

Counts = list[NDArray[np.int64]]

# Rows counted at a time: bounds the memory by a few tens of megabytes.
_ROWS = 2**19
_NOBODY = 255


def count_symbols(shards: Shards, index: Index, sizes: Sequence[int]) -> dict[str, Counts]:
    """Counts by split and column over the stored rows, for the splits that have pieces."""
    present = [(n, name) for n, name in enumerate(SPLITS) if (index["split"] == n).any()]
    counts = {name: [np.zeros(size, np.int64) for size in sizes] for _, name in present}
    for number in np.unique(index["shard"]):
        here = index[index["shard"] == number]
        rows = shards[int(number)]
        owner = _owners(here, len(rows))
        for first in range(0, len(rows), _ROWS):
            block, whose = rows[first : first + _ROWS], owner[first : first + _ROWS]
            for n, name in present:
                mine = block[whose == n]
                for k, size in enumerate(sizes):
                    counts[name][k] += np.bincount(mine[:, k], minlength=size)
    return counts


def _owners(here: Index, rows: int) -> NDArray[np.uint8]:
    """The split of each row of a shard, `_NOBODY` for rows of pieces that were left out.

    Pieces lie in a shard in the order of the index.
    """
    ends = here["start"] + here["rows"]
    gaps = np.append(here["start"], rows) - np.append(0, ends)
    lengths = np.zeros(2 * len(here) + 1, np.int64)
    lengths[::2], lengths[1::2] = gaps, here["rows"]
    owner = np.full(len(lengths), _NOBODY, np.uint8)
    owner[1::2] = here["split"]
    return np.repeat(owner, lengths)


def adapted(counts: Counts, encoding: Encoding, fitted: Encoding) -> Counts:
    """Counts over unfitted symbols as counts over the fitted vocabulary."""
    if fitted is encoding:
        return counts
    used = [np.flatnonzero(column) for column in counts]
    # One row for each symbol in use, so that one look-up translates them all.
    rows = np.empty((max(map(len, used)), len(used)), np.uint16)
    for k, symbols in enumerate(used):
        rows[:, k] = symbols[np.minimum(np.arange(len(rows)), len(symbols) - 1)]
    new = fitted.adapt(rows)
    sizes = fitted.layout.sizes
    return [
        np.bincount(new[: len(symbols), k], weights=counts[k][symbols], minlength=sizes[k]).astype(
            np.int64
        )
        for k, symbols in enumerate(used)
    ]
