"""The reference engines: the torch models themselves."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from segue.bundles import Bundle
from segue.errors import BundleError
from segue.generation.engine import Ask, Floats, IntRows, State
from segue.models.base import Model, SequenceModel
from segue.models.frames import ChainedFrames, FrameModel, WindowedFrames
from segue.models.segments import SegmentModel
from segue.models.windowed import Windowed
from segue.recipes import build_model


class TorchEngine:
    """Plays a model row by row, in evaluation mode, without gradients."""

    name = "torch"

    def __init__(self, model: SequenceModel) -> None:
        self.model = model.eval()
        self.sizes = model.sizes
        self.frames = isinstance(model, FrameModel)
        self.independent = isinstance(model, FrameModel) and model.independent
        self.window = model.window if isinstance(model, Windowed | WindowedFrames) else 0

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> TorchEngine:
        """The model built from the bundle's recipe with the bundle's weights."""
        model = trained_model(bundle)
        assert isinstance(model, SequenceModel)
        return cls(model)

    @torch.no_grad()
    def start(self, batch: int) -> State:
        """The model's own start."""
        return State(batch, None, self.model.start(batch))

    def holding(self, rows: IntRows) -> State:
        """The rows themselves."""
        return State(len(rows), None, (torch.from_numpy(rows),))

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

    def columns(self, state: State) -> Ask:
        """One head after another; of chained frames one link each."""
        model = self.model
        if not isinstance(model, ChainedFrames):
            return partial(self.logits, state)
        chain = model.chain(state.batch)

        @torch.no_grad()
        def ask(column: int, row: IntRows) -> Floats:
            nonlocal chain
            below = row[:, column - 1 : column] if column else np.zeros_like(row[:, :1])
            logits, *new = model.link(state.features[:, column], torch.from_numpy(below), *chain)
            chain = tuple(new)
            return np.asarray(logits.float().numpy())

        return ask

    @torch.no_grad()
    def frame(self, state: State, row: IntRows) -> Floats:
        """All columns at once, of a model of frames."""
        assert isinstance(self.model, FrameModel)
        logits = self.model.frame(state.features, torch.from_numpy(row))
        return np.asarray(logits.float().numpy())

    def fork(self, state: State, copies: int) -> State:
        """Repeat along the batch axis."""
        features = None
        if state.features is not None:
            features = state.features.repeat_interleave(copies, dim=0)
        tensors = tuple(t.repeat_interleave(copies, dim=0) for t in state.tensors)
        return State(state.batch * copies, features, tensors)

    def playing(self, state: State, copies: int) -> State:
        """A fork: torch makes new tensors at each step."""
        return self.fork(state, copies)


class TorchComposer:
    """Plays a model of segments."""

    name = "torch"

    def __init__(self, model: SegmentModel) -> None:
        self.model = model.eval()
        facts = ("window", "normals", "uniforms", "looks_back", "encodes", "uniform_prior")
        self.facts: dict[str, Any] = {name: getattr(model, name) for name in facts}

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> TorchComposer:
        """The model built from the bundle's recipe with the bundle's weights."""
        model = trained_model(bundle)
        assert isinstance(model, SegmentModel)
        return cls(model)

    @torch.no_grad()
    def compose(self, normal: Floats, uniform: Floats, before: IntRows, heat: float) -> IntRows:
        """One segment a take."""
        rows = self.model.compose(
            torch.from_numpy(normal),
            torch.from_numpy(uniform),
            torch.from_numpy(before),
            torch.tensor([heat]),
        )
        return np.asarray(rows.numpy())

    @torch.no_grad()
    def encode(self, rows: IntRows) -> Floats:
        """The numbers that make these rows."""
        return np.asarray(self.model.encode(torch.from_numpy(rows)).numpy())


def trained_model(bundle: Bundle) -> Model:
    """The bundle's model with its weights; BundleError if they do not fit its recipe."""
    model = build_model(bundle.recipe, bundle.sizes, seed=0)
    weights = {name: torch.from_numpy(array) for name, array in bundle.weights().items()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise BundleError(f"{bundle.path}: the weights do not fit the recipe: {error}") from None
    return model
