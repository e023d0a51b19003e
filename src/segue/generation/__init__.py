"""Making music with a bundle: from nothing, or on from where a prompt stops."""

from segue.generation.engine import Engine, State, make_engine
from segue.generation.fill import accompany, infill
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.take import Take
from segue.generation.ways import continue_, generate

__all__ = [
    "Engine",
    "Player",
    "Sampling",
    "State",
    "Take",
    "accompany",
    "continue_",
    "generate",
    "infill",
    "make_engine",
]
