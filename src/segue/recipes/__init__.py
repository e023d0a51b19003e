"""Recipes: small TOML files that name an encoding, a model, a training and a way to play."""

from segue.recipes.builder import (
    build_encoding,
    build_filters,
    build_model,
    describe,
    sizes_of,
)
from segue.recipes.library import load, names, resolve
from segue.recipes.schema import Recipe

__all__ = [
    "Recipe",
    "build_encoding",
    "build_filters",
    "build_model",
    "describe",
    "load",
    "names",
    "resolve",
    "sizes_of",
]
