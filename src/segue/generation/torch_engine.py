"""The reference engine: the torch model itself, one step at a time."""

from __future__ import annotations

import numpy as np
import torch

from segue.bundles import Bundle
from segue.errors import BundleError
from segue.generation.engine import Floats, IntRows, State
from segue.models.base import SequenceModel
from segue.recipes import build_model


class TorchEngine:
    """Plays a model in evaluation mode, without gradients."""

    name = "torch"

    def __init__(self, model: SequenceModel) -> None:
        self.model = model.eval()
        self.sizes = model.sizes

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> TorchEngine:
        """The model built from the bundle's recipe with the bundle's weights."""
        model = build_model(bundle.recipe, bundle.sizes, seed=0)
        weights = {name: torch.from_numpy(array) for name, array in bundle.weights().items()}
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise BundleError(
                f"{bundle.path}: the weights do not fit the recipe: {error}"
            ) from None
        return cls(model)

    @torch.no_grad()
    def start(self, batch: int) -> State:
        """The model's own start."""
        return State(batch, None, self.model.start(batch))

    @torch.no_grad()
    def step(self, rows: IntRows, state: State) -> State:
        """One step of the model."""
        features, *tensors = self.model.step(torch.from_numpy(rows), *state.tensors)
        return State(state.batch, features, tuple(tensors))

    @torch.no_grad()
    def logits(self, state: State, column: int, row: IntRows) -> Floats:
        """One head; the others are computed too, which the reference can afford."""
        logits = self.model.heads(state.features, torch.from_numpy(row))[column]
        return np.asarray(logits.float().numpy())

    def fork(self, state: State, copies: int) -> State:
        """Repeat along the batch axis."""
        features = None
        if state.features is not None:
            features = state.features.repeat_interleave(copies, dim=0)
        tensors = tuple(t.repeat_interleave(copies, dim=0) for t in state.tensors)
        return State(state.batch * copies, features, tensors)
