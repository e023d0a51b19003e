"""What a run ships: weights, an ONNX form to play, the recipe, the encoding and a card."""

from segue.bundles.bundle import Bundle, describe, load, locate
from segue.bundles.save import save

__all__ = ["Bundle", "describe", "load", "locate", "save"]
