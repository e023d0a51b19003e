"""The one in-memory form of music, its time and its edits."""

from segue.score.edit import (
    join,
    merge,
    quantise,
    shift,
    slice_bars,
    slice_seconds,
    slice_ticks,
    sustain,
    tidy,
    transpose,
)
from segue.score.score import (
    BEND,
    CONTROL,
    KEY,
    METRE,
    NOTE,
    SUSTAIN_PEDAL,
    TEMPO,
    Score,
    Text,
    Track,
    events,
)
from segue.score.time import MetreMap, TempoMap

__all__ = [
    "BEND",
    "CONTROL",
    "KEY",
    "METRE",
    "NOTE",
    "SUSTAIN_PEDAL",
    "TEMPO",
    "MetreMap",
    "Score",
    "TempoMap",
    "Text",
    "Track",
    "events",
    "join",
    "merge",
    "quantise",
    "shift",
    "slice_bars",
    "slice_seconds",
    "slice_ticks",
    "sustain",
    "tidy",
    "transpose",
]
