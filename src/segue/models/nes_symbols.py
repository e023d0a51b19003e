"""NES events as what they are made of: a type, and a note number or a wait.

The encoding says what its symbols are (`types`, `waits`); here that becomes tables for nets that
predict a type, then a number or a wait, and for putting the three together again.
Letters: V symbols, K types, S voices.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

NUMBERS = 109
"""Note numbers, 0 to 108."""
_NEVER = -1e4


class NesSymbols(nn.Module):
    """Tables of an encoding's V symbols; buffers only.

    Args:
        size: V. What is left after the types are the marks: `<S>`, then END if there is one.
        types: each type's name, its first number and the one past its last, in symbol order,
            waits first. END is one more, which `<S>` counts as where it comes in.
        waits: what each wait symbol stands for, in samples.
    """

    kind: Tensor
    number: Tensor
    voice: Tensor
    samples: Tensor
    allowed: Tensor

    def __init__(
        self, size: int, types: Sequence[tuple[str, int, int]], waits: Sequence[int]
    ) -> None:
        super().__init__()
        widths = [high - low for _, low, high in types]
        if widths[0] != len(waits) or sum(widths) not in (size - 1, size - 2):
            raise ValueError(
                f"a cascade reads NES events in one column (tx1); the encoding has {size} symbols, "
                f"{sum(widths)} of them of {len(types)} types."
            )
        self.types = tuple((name, low, high) for name, low, high in types)
        self.names = tuple(name for name, _, _ in types)
        self.on = tuple(k for k, name in enumerate(self.names) if name.endswith("NOTEON"))
        self.off = tuple(k for k, name in enumerate(self.names) if name.endswith("NOTEOFF"))
        self.end = len(types)
        self.marks = size - sum(widths)
        voices = {name.split("_")[0]: v for v, name in enumerate(self.names[k] for k in self.on)}
        kind = [k for k, width in enumerate(widths) for _ in range(width)]
        number = [n for _, low, high in types for n in range(low, high)]
        number[: widths[0]] = [0] * widths[0]
        self._table("kind", [*kind, *[self.end] * self.marks])
        self._table("number", [*number, *[0] * self.marks])
        own = [voices.get(name.split("_")[0], len(voices)) for name in self.names]
        self._table("voice", [*own, len(voices)])
        self._table("samples", [*waits, *[0] * (size - len(waits))])
        allowed = torch.zeros(len(self.on), NUMBERS, dtype=torch.bool)
        for v, k in enumerate(self.on):
            allowed[v, types[k][1] : types[k][2]] = True
        self.register_buffer("allowed", allowed, persistent=False)

    def _table(self, name: str, values: Sequence[int]) -> None:
        self.register_buffer(name, torch.tensor(values), persistent=False)

    @property
    def kinds(self) -> int:
        """K: how many types there are, with END."""
        return self.end + 1

    @property
    def voices(self) -> int:
        """S: how many voices there are."""
        return len(self.on)

    @property
    def wait_values(self) -> Tensor:
        """The samples of the wait symbols."""
        return self.samples[: self.types[0][2]]

    def is_on(self, kind: Tensor) -> Tensor:
        """Whether types are those of a note that begins."""
        found = kind == self.on[0]
        for each in self.on[1:]:
            found = found | (kind == each)
        return found

    def composed(self, kinds: Tensor, numbers: Tensor, waits: Tensor) -> Tensor:
        """(..., V) logits: (..., K) of types with, added, (..., S, 109) of numbers and (..., W)."""
        parts = []
        for k, (_, low, high) in enumerate(self.types):
            part = kinds[..., k : k + 1]
            if k == 0:
                part = part + waits
            elif k in self.on:
                part = part + numbers[..., self.on.index(k), low:high]
            parts.append(part)
        end = kinds[..., self.end :]
        if self.marks > 1:
            parts.append(torch.full_like(end, _NEVER))
        return torch.cat([*parts, end], dim=-1)
