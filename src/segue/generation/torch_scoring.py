"""Scoring with torch: whole sequences at once, where a model reads them so, and bounds of segments.

Letters: B sequences, T rows, C columns, V symbols, H features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue.bundles import Bundle
from segue.generation.engine import IntRows, State
from segue.generation.scoring import Done, Floats, Tally, Told
from segue.generation.torch_engine import TorchEngine, trained_model
from segue.models.base import SequenceModel
from segue.models.frames import FrameModel
from segue.models.segments import SegmentModel

ROWS = 1 << 14
"""Padded rows read together: more take memory and no less time."""
LOGITS = 1 << 22
"""Logits made together."""


class TorchScorer:
    """Reads sequences whole, which gives what stepping gives of models without a window's end."""

    name = "torch"

    def __init__(self, model: SequenceModel) -> None:
        self.model = model.eval()
        self.frames = isinstance(model, FrameModel)
        self.heads = 1 if self.frames else len(model.sizes)

    @classmethod
    def of_bundle(cls, bundle: Bundle, longest: int | None = None) -> TorchScorer | None:
        """The bundle's model; None if it must be stepped to say what it says while playing."""
        model = trained_model(bundle)
        if not isinstance(model, SequenceModel) or model.many_to_one:
            return None
        if not model.endless and (longest is None or longest > model.window + 1):
            return None
        return cls(model)

    @torch.no_grad()
    def score(self, sequences: Sequence[IntRows], skip: int, done: Done | None = None) -> Told:
        """Sequences of like length side by side; the nats do not depend on which."""
        nats = [np.zeros((max(len(rows) - skip, 0), self.heads)) for rows in sequences]
        tally = Tally(self.heads)
        for chosen in self._batches(sequences):
            together = [sequences[i] for i in chosen]
            padded = torch.zeros(len(chosen), len(together[0]), len(self.model.sizes)).long()
            for row, rows in zip(padded, together, strict=True):
                row[: len(rows)] = torch.from_numpy(rows)
            features = self.model.features(padded[:, :-1])
            for own, rows, i in zip(features, together, chosen, strict=True):
                known = own[skip - 1 : len(rows) - 1]
                nats[i][:] = self._nats(known, torch.from_numpy(rows[skip:]), tally)
            if done:
                done(sum(len(nats[i]) for i in chosen))
        return Told(nats, tally.reliability())

    def _batches(self, sequences: Sequence[IntRows]) -> Iterator[list[int]]:
        """Their numbers, from the longest to the shortest; those with nothing to tell left out."""
        budget = ROWS // (8 if self.frames else 1)
        order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
        order = [i for i in order if len(sequences[i]) > 1]
        while order:
            share = max(budget // len(sequences[order[0]]), 1)
            yield order[:share]
            order = order[share:]

    def _nats(self, features: Tensor, came: Tensor, tally: Tally) -> Floats:
        """(T, K) nats of (T, C) rows, from (T, ...) features."""
        at_once = max(LOGITS // sum(self.model.sizes), 1)
        parts = [
            self._part(features[t : t + at_once], came[t : t + at_once], tally)
            for t in range(0, len(came), at_once)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.heads))

    def _part(self, features: Tensor, came: Tensor, tally: Tally) -> Floats:
        if isinstance(self.model, FrameModel):
            logits = self.model.frame(features, came)
            return tally.cells(_logs(logits), came.numpy())
        columns = [
            tally.column(k, _logs(logits), came[:, k].numpy())
            for k, logits in enumerate(self.model.scored_heads(features, came))
        ]
        return np.stack(columns, axis=1)


def _logs(logits: Tensor) -> NDArray[np.float64]:
    return np.asarray(logits.double().log_softmax(-1).numpy())


class ScoringEngine(TorchEngine):
    """Steps a model and tells the logits that it is scored by."""

    @torch.no_grad()
    def logits(self, state: State, column: int, row: IntRows) -> NDArray[np.float32]:
        """One head."""
        logits = self.model.scored_heads(state.features, torch.from_numpy(row))[column]
        return np.asarray(logits.float().numpy())


class SegmentScorer:
    """Bounds what pieces cost a model of whole segments, by the evidence lower bound of a VAE.

    Its chance is drawn from the seed anew for each piece, so that pieces do not depend on each
    other.
    """

    name = "torch"

    def __init__(self, model: SegmentModel, terms: tuple[str, ...], seed: int = 0) -> None:
        self.model, self.terms, self.seed = model.eval(), terms, seed

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> SegmentScorer:
        """The bundle's model."""
        model = trained_model(bundle)
        assert isinstance(model, SegmentModel)
        columns = [column.name for column in bundle.encoding.layout.columns]
        return cls(model, model.terms(columns))

    @property
    def likelihood(self) -> bool:
        """Whether its scores are nats at all."""
        return self.model.likelihood

    @torch.no_grad()
    def score(self, rows: IntRows) -> Floats:
        """(K,) nats of a piece, (T, C), cut into windows side by side; the last is filled up with
        rows that do not count."""
        window = self.model.window
        count = -(-len(rows) // window)
        filled = np.zeros((count * window, rows.shape[1]), np.int64)
        filled[: len(rows)] = rows
        cut = torch.from_numpy(filled.reshape(count, window, -1))
        mask = torch.arange(count * window).reshape(count, window) < len(rows)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return np.asarray(self.model.scores(cut, cut, mask).double().numpy())
