"""Muon for a model's inner matrices, AdamW for the rest, as one optimiser.

Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) steps by a
matrix near the closest orthogonal one to the momentum. Its steps are scaled to be as large as those
of AdamW (Liu et al., "Muon is scalable for LLM training", 2025), so that one learning rate and one
weight decay serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn


class MuonAdamW(torch.optim.Optimizer):
    """`torch.optim.Muon` on the matrices inside a model and `torch.optim.AdamW` on all else.

    Matrices are inside unless they are embeddings or have as many rows as a vocabulary has symbols
    (`outer`): those that give logits.
    """

    def __init__(
        self, model: nn.Module, lr: float, weight_decay: float, outer: tuple[int, ...]
    ) -> None:
        inside, others = _sorted(model, outer)
        groups = [group for group in (inside, others) if group]
        super().__init__([{"params": group} for group in groups], {"lr": lr})
        self._parts: list[torch.optim.Optimizer] = []
        if inside:
            self._parts.append(
                torch.optim.Muon(
                    inside, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
                )
            )
        if others:
            self._parts.append(torch.optim.AdamW(others, lr=lr, weight_decay=weight_decay))
        self._share()

    def _share(self) -> None:
        # The parts' own groups: schedules that write a rate here reach them.
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each part; the closure, which computes gradients, is called once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Those of the parts, in order."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """What `state_dict` gave."""
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share()


def _sorted(
    model: nn.Module, outer: tuple[int, ...]
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    # Of an embedding the rows have nothing to do with each other.
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    apart = {id(parameter) for table in tables for parameter in table.parameters()}
    inside: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in filter(lambda each: each.requires_grad, model.parameters()):
        is_inner = parameter.ndim == 2 and parameter.shape[0] not in outer
        (inside if is_inner and id(parameter) not in apart else others).append(parameter)
    return inside, others
