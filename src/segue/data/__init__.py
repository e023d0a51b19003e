"""From a folder of files to windows a model trains on: scan, split, pack, memory-map, stream."""

from segue.data.augment import Augmentation, Augmenter
from segue.data.corpus import Corpus
from segue.data.filters import Filters
from segue.data.packing import PackedWindows
from segue.data.pieces import Piece
from segue.data.preparing import prepare
from segue.data.verdict import verdict
from segue.data.windows import Batch, Windows

__all__ = [
    "Augmentation",
    "Augmenter",
    "Batch",
    "Corpus",
    "Filters",
    "PackedWindows",
    "Piece",
    "Windows",
    "prepare",
    "verdict",
]
