"""What models of rolls share: a row is a frame of many columns that are all alike.

Letters: B batch, T frames, C columns of a frame (pitches), V symbols of each, H features.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel


class FrameModel(SequenceModel):
    """A model of the next frame, with the logits of all its columns in one tensor.

    The columns of a frame are `independent` given the frames before it, and drawn all at once;
    a model that says otherwise is asked about them one after another.
    """

    independent = True

    def __init__(self, sizes: tuple[int, ...], window: int) -> None:
        super().__init__(sizes, window)
        if len(set(sizes)) != 1:
            raise ValueError(f"a frame model needs columns of one size; these have {set(sizes)}.")

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """One score: a frame."""
        return ("frame",)

    @abstractmethod
    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., H) features and (..., C) the frame to predict to (..., C, V) logits.

        If `independent`, `row` is not looked at.
        """

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """The columns of `frame`, one by one."""
        return tuple(self.frame(features, row).unbind(-2))

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of a frame, shape (1,), summed over its columns and the frames that count."""
        logits = self.frame(self.features(rows), targets)
        return frame_loss(logits, targets, mask).reshape(1)


class ChainedFrames(FrameModel):
    """A frame model whose columns are told from the lowest up, each from those below it.

    Playing asks for one column after another, and `link` answers without computing the others:
    (B, C, H) features, with a state along the columns, the chain.
    """

    independent = False

    @abstractmethod
    def chain(self, batch: int) -> tuple[Tensor, ...]:
        """The chain before the lowest column, each tensor with the batch first."""

    @abstractmethod
    def link(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        """(B, H) features of a column to ((B, V) logits, *the chain after it).

        `below`, (B, 1), is what was chosen for the column below, 0 where there is none.
        """


class WindowedFrames(FrameModel):
    """A frame model that reads a window of frames anew for the one frame after it."""

    many_to_one = True

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """A window of silence: callers fill it with `window` frames before they trust it."""
        return (torch.zeros(batch, self.window, len(self.sizes), dtype=torch.long),)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Slide the window by one frame and read it all."""
        window = torch.cat([state[0][:, 1:], row[:, None, :]], dim=1)
        return self.features(window), window


def frame_loss(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Nats, a scalar: (..., C, V) logits, (..., C) targets, summed over frames where `mask`."""
    return nn.functional.cross_entropy(
        logits[mask].float().flatten(0, -2), targets[mask].long().flatten(), reduction="sum"
    )


def two_way(on: Tensor) -> Tensor:
    """(...) logits that a cell sounds to (..., 2) logits of silence and sound."""
    return torch.stack([torch.zeros_like(on), on], dim=-1)
