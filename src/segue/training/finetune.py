"""Fine-tuning: start from a bundle's weights, and learn all of them or low-rank changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from segue import bundles
from segue.bundles import Bundle
from segue.data import Corpus
from segue.errors import TrainingError
from segue.models.base import Model
from segue.recipes import Recipe, resolve

SMALLEST_SIDE = 16
"""Matrices with a shorter side than this have little to gain from being changed at low rank."""


@dataclass(frozen=True)
class Tuning:
    """Which bundle a run started from, and the rank of the changes it learns (0: everything)."""

    bundle: str
    bundle_hash: str
    lora: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For the run folder."""
        return asdict(self)


class LowRank(nn.Module):
    """A weight W as W + B A / rank, W frozen, B zero at first.

    Source: Hu et al., "LoRA: Low-rank adaptation of large language models", 2021.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.a = nn.Parameter(torch.randn(rank, columns) / rank**0.5)
        self.b = nn.Parameter(torch.zeros(rows, rank))
        self.scale = 1.0 / rank

    def forward(self, weight: Tensor) -> Tensor:
        """The changed weight."""
        return weight + self.scale * (self.b @ self.a)


def tuned_recipe(bundle: Bundle, lora: int, overrides: list[str]) -> Recipe:
    """The bundle's recipe, gentler: a tenth of the rate for all weights, and early stopping."""
    own = bundle.recipe.train
    gentle = [
        f"train.lr={own.lr if lora else own.lr / 10}",
        f"train.max_steps={min(own.max_steps, 600)}",
        f"train.validate_every={min(own.validate_every, 50)}",
        "train.patience=4",
    ]
    return resolve(bundle.recipe.model_dump(mode="json", exclude_none=True), [*gentle, *overrides])


def in_encoding_of(corpus: Corpus, bundle: Bundle) -> Corpus:
    """The corpus with its rows in the bundle's vocabulary.

    Raises TrainingError if it was prepared with another encoding, or other options of it.
    """
    mine, theirs = corpus.encoding.state(), bundle.encoding.state()
    if (mine["name"], mine["options"]) != (theirs["name"], theirs["options"]):
        raise TrainingError(
            f"{corpus.root} is in the encoding {mine['name']} {mine['options']}; the bundle "
            f"{bundle.name} plays {theirs['name']} {theirs['options']}: give the folder of music "
            "itself, and it is prepared as the bundle needs it."
        )
    return Corpus(corpus.root, corpus.facts, bundle.encoding)


def tune(model: Model, tuning: Tuning, *, load: bool) -> None:
    """Make `model` ready for a tuning: the bundle's weights if `load`, and low-rank changes.

    Raises TrainingError if the bundle has changed since, or does not fit the model.
    """
    if load:
        bundle = bundles.load(Path(tuning.bundle))
        if bundle.hash != tuning.bundle_hash:
            raise TrainingError(
                f"{tuning.bundle} is not the bundle this run was started from: start a new run."
            )
        weights = {name: torch.from_numpy(array) for name, array in bundle.weights().items()}
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise TrainingError(
                f"the weights of {tuning.bundle} do not fit the recipe: {error}. "
                "Leave the sizes of the model as they are when fine-tuning."
            ) from None
    if tuning.lora:
        add_low_rank(model, tuning.lora)


def add_low_rank(model: nn.Module, rank: int) -> None:
    """Freeze every parameter, and give each matrix that is large enough a low-rank change."""
    matrices = [
        (module, name, parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim == 2 and min(parameter.shape) >= max(SMALLEST_SIDE, rank)
    ]
    if not matrices:
        raise TrainingError(
            f"no weight of this model is large enough for changes of rank {rank}: "
            "leave --lora out to learn all weights."
        )
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for module, name, parameter in matrices:
        parametrize.register_parametrization(module, name, LowRank(parameter, rank))


def merge_low_rank(model: nn.Module) -> None:
    """Write low-rank changes into the weights, so that the model is a plain one again."""
    for module in list(model.modules()):
        if parametrize.is_parametrized(module):
            assert isinstance(module.parametrizations, nn.ModuleDict)
            for name in list(module.parametrizations):
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)
