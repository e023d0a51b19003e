"""The memory that ONNX Runtime plays in: bound once, so that a step makes no new arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.generation.engine import Floats, IntRows, State
from segue.generation.onnx_join import LOGITS

Array = NDArray[Any]
SLOTS = 64
"""By how many rows a cache grows: reading slots that hold nothing yet takes time too."""
_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


class Buffers:
    """The state of takes, in two sets of arrays: a step reads one and writes the other.

    Caches (`slots` in `described`) are in both: a step writes a row's slot where it lies. `heads`
    are the sessions of the columns, one a column or one for all, or none.
    """

    def __init__(
        self,
        step: Any,
        heads: Sequence[Any],
        described: Sequence[dict[str, Any]],
        sizes: Sequence[int],
        state: State,
    ) -> None:
        self._session, self._heads = step, heads
        self._described, self._sizes = described, sizes
        self._read = state.rows
        self._always_room = has_room(described, None)
        self._row = np.zeros((state.batch, len(sizes)), np.int64)
        told = step.get_outputs()[0]
        self.features = np.zeros((state.batch, *told.shape[1:]), _TYPES[told.type])
        if state.features is not None:
            self.features[:] = state.features
        self._side = 0
        self._logits: list[Array] = []
        self._asked = []
        for k, size in enumerate(sizes if heads else ()):
            head = heads[k if len(heads) > 1 else 0]
            self._logits.append(np.zeros((state.batch, size), np.float32))
            given = {"features": self.features, "row": self._row}
            binding = _binding(head, given, {f"logits_{k}": self._logits[k]})
            self._asked.append((head.run_with_iobinding, binding))
        self._tells = [LOGITS] if any(o.name == LOGITS for o in step.get_outputs()) else []
        self._told = False
        """Whether the logits are already those of the state: a step that tells them was taken."""
        self._place(state.tensors)

    @property
    def tensors(self) -> tuple[Array, ...]:
        """The state now; caches with the slots that they have by now."""
        return self._sets[self._side]

    def step(self, row: IntRows) -> tuple[Array, tuple[Array, ...]]:
        """(B, C) one row more, to the features and the state after it."""
        if self._read is not None:
            if self._read == self._slots:
                self._place(self.tensors)
            self._read += 1
        if not self._always_room and not has_room(self._described, self._read):
            make_room(self.tensors, self._described)
        self._row[:] = row
        self._session.run_with_iobinding(self._steps[self._side])
        self._side = 1 - self._side
        self._told = bool(self._tells)
        return self.features, self.tensors

    def put(self, takes: IntRows, state: State, of: IntRows, read: int | None) -> None:
        """Let some takes go on from others: from those of `state` that `of` names.

        `read` is how many rows the one that has read most of all takes has, where that is known.
        """
        self._read = read
        if read is not None and 0 <= self._slots < read:
            self._place(self.tensors)
        self.features[takes] = 0 if state.features is None else state.features[of]
        for mine, theirs, each in zip(self.tensors, state.tensors, self._described, strict=True):
            if "slots" not in each:
                mine[takes] = theirs[of]
                continue
            # Slots are the same axis in both; those that hold no row yet hold zeros.
            slots, came = (np.moveaxis(t, each["slots"] + 1, 1) for t in (mine, theirs))
            held = min(slots.shape[1], came.shape[1])
            slots[takes, :held] = came[of, :held]
            slots[takes, held:] = 0
        self._told = False

    def taken(self, take: int, read: int | None) -> State:
        """One take, which has read so many rows, in arrays of its own."""
        tensors = []
        for tensor, each in zip(self.tensors, self._described, strict=True):
            mine = tensor[take : take + 1]
            if "slots" in each and read is not None:
                held = -(-read // SLOTS) * SLOTS
                mine = mine[(slice(None),) * (each["slots"] + 1) + (slice(held),)]
            tensors.append(mine.copy())
        return State(1, self.features[take : take + 1].copy(), tuple(tensors), read)

    def logits(self, column: int, row: IntRows) -> Floats:
        """(B, V) logits of `column`, in memory that the next question about it will use."""
        if not self._told:
            run, binding = self._asked[column]
            if column:  # the first is told from what came before the row
                self._row[:] = row
            run(binding)
        return self._logits[column]

    def _place(self, tensors: Sequence[Array]) -> None:
        """Bind arrays that hold `tensors`, and have slots for some rows more."""
        self._slots = -1
        now: list[Array] = []
        then: list[Array] = []
        for tensor, each in zip(tensors, self._described, strict=True):
            axis = each.get("slots")
            if axis is None:
                now.append(np.array(tensor, order="C"))
                then.append(np.empty_like(now[-1]))
                continue
            least = each["shape"][axis] if self._read is None else self._read + 1
            cache = with_slots(tensor, each, least)
            now.append(cache.copy() if cache is tensor else cache)
            then.append(now[-1])
            self._slots = (
                cache.shape[axis + 1] if cache.shape[axis + 1] < each["shape"][axis] else -1
            )
        self._sets = (tuple(now), tuple(then)) if not self._side else (tuple(then), tuple(now))
        self._steps = [self._step_from(side) for side in (0, 1)]

    def _step_from(self, side: int) -> Any:
        """The binding of a step from one set to the other."""
        given = {f"state_{i}": t for i, t in enumerate(self._sets[side])}
        names = [each.name for each in self._session.get_outputs()]
        told = (self.features, *self._sets[1 - side], *self._logits[: len(self._tells)])
        results = dict(zip(names, told, strict=True))
        return _binding(self._session, {"row": self._row, **given}, results)


def with_slots(tensor: Array, described: dict[str, Any], rows: int) -> Array:
    """A cache with slots for so many rows, as far as it has so many; other tensors as they are."""
    if "slots" not in described:
        return tensor
    axis, most = described["slots"] + 1, described["shape"][described["slots"]]
    if tensor.shape[axis] >= min(rows, most):
        return tensor
    slots = min(most, -(-rows // SLOTS) * SLOTS)
    grown = np.zeros((*tensor.shape[:axis], slots, *tensor.shape[axis + 1 :]), tensor.dtype)
    grown[(slice(None),) * axis + (slice(tensor.shape[axis]),)] = tensor
    return grown


def has_room(described: Sequence[dict[str, Any]], rows: int | None) -> bool:
    """Whether no cache is full before the last of so many rows, if it is known how many."""
    full = [each["shape"][each["slots"]] for each in described if "after" in each]
    return not full or (rows is not None and rows <= min(full))


def make_room(tensors: Sequence[Array], described: Sequence[dict[str, Any]]) -> None:
    """Bring the newest row of each full cache to where its oldest is, in place, so that the last
    slot is free for one more.

    Of caches into which a graph always writes after the newest row (`after` in `described`: which
    state counts the rows read).
    """
    for cache, each in zip(tensors, described, strict=True):
        if "after" not in each:
            continue
        most = each["shape"][each["slots"]]
        read = tensors[each["after"]][:, 0]
        full = np.flatnonzero(read >= most)
        if not len(full) or most == 1:
            return
        slots = np.moveaxis(cache, each["slots"] + 1, 1)
        slots[full, (read[full] - most) % (most - 1)] = slots[full, -1]


def _binding(session: Any, given: dict[str, Array], results: dict[str, Array]) -> Any:
    """`session` bound to the arrays themselves, which must outlive it."""
    binding = session.io_binding()
    for name in (each.name for each in session.get_inputs()):
        array = given[name]
        binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    for name, array in results.items():
        binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    return binding
