"""Models without memory: every size is there to be counted, no weight is drawn."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def weightless() -> AbstractContextManager[object]:
    """Inside, tensors are made on torch's meta device: the largest model costs milliseconds."""
    return torch.device("meta")
