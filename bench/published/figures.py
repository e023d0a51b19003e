"""Published figures, each with where it was read, how sure that is, and what it measures.

Flags: R, read in the named source; 2, quoted by another; M, from memory, unverified: the page says
so beside the number, and nothing is claimed against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

FLAGS = {
    "R": "read in the source named",
    "2": "quoted by another than its source",
    "M": "from memory, unverified",
    "H": "closed form, computed on the same files",
}


@dataclass(frozen=True)
class Figure:
    """A published model and what it reached, by set."""

    model: str
    league: str
    nats: dict[str, float]
    flag: str
    source: str


def _four(jsb: float, nottingham: float, piano: float, muse: float) -> dict[str, float]:
    return {"jsb": jsb, "nottingham": nottingham, "piano": piano, "muse": muse}


_TCN = "Bai, Kolter, Koltun 2018, table 1 (locuslab/TCN)"
_RRU = "RRU README"
_V1 = "Huang et al. 2018, on MAESTRO v1, valid split"
_GWINNDR = "gwinndr/MusicTransformer-Pytorch README, v2, no augmentation"
_NES = "LakhNES; tokens of the 44.1 kHz files, ours of the 24 Hz ones: not the same"
_DMM = "DMM paper, tables 3 and 4"

FIGURES: tuple[Figure, ...] = (
    Figure("uniform", "floor", _four(*[60.997] * 4), "H", "88 ln 2"),
    Figure("each key alone", "floor", _four(11.06, 10.25, 11.05, 11.51), "H", "counts"),
    Figure("each key from itself before", "floor", _four(10.49, 5.15, 8.26, 8.56), "H", "counts"),
    Figure("GRU", "factorised", {"jsb": 8.43, "nottingham": 3.46}, "R", _TCN),
    Figure("LSTM", "factorised", {"jsb": 8.45, "nottingham": 3.29}, "R", _TCN),
    Figure("TCN", "factorised", {"jsb": 8.10, "nottingham": 3.07}, "R", _TCN),
    Figure("GRU (RRU's)", "factorised", _four(8.20, 3.22, 7.58, 7.31), "R", _RRU),
    Figure("LSTM (RRU's)", "factorised", _four(8.33, 3.25, 7.54, 7.24), "R", _RRU),
    Figure("RRU", "factorised", _four(7.72, 2.92, 7.38, 7.03), "R", _RRU),
    Figure("RNN-RBM", "joint", {"nottingham": 2.39}, "R", "Boulanger-Lewandowski 2012"),
    Figure("RNN-RBM", "joint", {"jsb": 6.27, "piano": 7.09, "muse": 6.01}, "M", "same"),
    Figure("RNN-NADE", "joint", {"nottingham": 2.31}, "R", "Boulanger-Lewandowski 2012"),
    Figure("RNN-NADE", "joint", {"jsb": 5.19, "piano": 7.05, "muse": 5.60}, "2", _DMM),
    Figure("DMM-Aug-NADE", "joint", _four(5.118, 2.305, 7.048, 6.049), "R", _DMM),
    Figure("TP-LSTM-NADE", "joint", {"nottingham": 1.55}, "M", "Johnson 2017"),
    Figure("5-gram", "events", {"nes": log(37.25)}, "M", _NES),
    Figure("LSTM", "events", {"nes": log(14.11)}, "M", _NES),
    Figure("Transformer-XL", "events", {"nes": log(3.501)}, "R", _NES),
    Figure("Transformer-XL, more data", "events", {"nes": log(2.460)}, "R", _NES),
    Figure("PerformanceRNN", "performances", {"maestro": 1.969}, "2", _V1),
    Figure("Music Transformer", "performances", {"maestro": 1.835}, "2", _V1),
    Figure("base", "performances", {"maestro": 1.99}, "R", _GWINNDR),
    Figure("relative", "performances", {"maestro": 1.92}, "R", _GWINNDR),
    Figure("Transformer", "chorales", {"jsb16": 0.417}, "2", "Huang et al. 2018"),
    Figure("Music Transformer", "chorales", {"jsb16": 0.335}, "2", "Huang et al. 2018"),
)


def of(kind: str, league: str) -> list[Figure]:
    """The published figures on a set that a row of a league stands beside: floors, then its own."""
    leagues = ("floor", league)
    return [each for each in FIGURES if kind in each.nats and each.league in leagues]
