"""What a run ships: weights, an ONNX form to play, the recipe, the encoding and a card."""

from segue.bundles.bundle import Bundle, describe, load, locate
from segue.bundles.own import DEFAULT, comes_with_segue, shipped
from segue.bundles.save import save

__all__ = [
    "DEFAULT",
    "Bundle",
    "comes_with_segue",
    "describe",
    "load",
    "locate",
    "save",
    "shipped",
]
