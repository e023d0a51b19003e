"""note-chord-lstm on symbols alone: the same promise, with nothing to read that the others lack."""

from bench.systems.checks.note_chord_lstm import measure

__all__ = ["measure"]
