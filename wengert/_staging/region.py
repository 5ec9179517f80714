"""Regions: parts of the user's function that are staged as programs of their own.

A region reads values from outside as parameters. A traced array from outside that it
touches is adopted: for as long as the region is staged it holds the region's value, so
that a write in the region is seen by every reference to the array.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from wengert._array.traced import TracedArray
from wengert._core.interp import Interpreter, using
from wengert._core.types import ArrayType, type_of
from wengert._ir.program import Program, Var
from wengert._staging.stage import INDEX, Extent, Stage, StageTracer, as_extent


class Buffer(TracedArray):
    """Rows whose number every step of a loop may change: see `store`."""

    __slots__ = ()


class Adopted(NamedTuple):
    array: TracedArray
    outer: Any  # its value outside
    entry: StageTracer  # its value as the region begins


class Region(Stage):
    """Interpreter that stages a part of a function.

    Of a loop, what an array holds as a step begins is a parameter of its own, because a
    step may change it.
    """

    def __init__(self, parent: Interpreter, loop: bool) -> None:
        super().__init__(parent)
        self.guarded = self.regional = True
        self.loop = loop
        self.arrays: dict[int, Adopted] = {}
        self.origins: dict[int, TracedArray] = {}  # of stand-ins, in the first step
        self.lost: list[tuple[TracedArray, Any, Any]] = []  # (array, owner before, now)
        self.inside: dict[int, Any] = {}  # what they held when the region was left

    def touch(self, array: TracedArray) -> None:
        root = array if array._base is None else array._base
        if id(root) in self.arrays or not self._reaches(root._owner):
            return
        if self.parent.guarded:
            with using(self.parent):
                self.parent.touch(root)
        outer = root._value
        if self.loop:
            axes = (0,) if isinstance(root, Buffer) else ()
            entry = self.changing_parameter(type_of(outer), axes, outer)
        else:
            entry = StageTracer(self, self.capture(outer))
        self.arrays[id(root)] = Adopted(root, outer, entry)
        _set(root, entry)

    def changing_parameter(
        self, type_: ArrayType, axes: Collection[int], stands_for: Any
    ) -> Any:
        """A parameter whose length in some axes is a parameter too, before it."""
        shape = tuple(
            self.parameter(INDEX).as_extent() if k in axes else n
            for k, n in enumerate(type_.shape)
        )
        return self.parameter(ArrayType(shape, type_.dtype), stands_for)

    def place_of(self, var: Var) -> int | None:
        """Of a value from outside: the parameters of a region are not the user's."""
        for value, own in self.captured.values():
            if own is var and isinstance(value, StageTracer):
                return value.interpreter.place_of(value.var)
        return None

    def outside(self, shape: Sequence[Any]) -> tuple[Any, ...] | None:
        """A shape of the region as it is outside; None where an extent is not known."""
        values = {own: value for value, own in self.captured.values()}
        if any(isinstance(n, Extent) and n.var not in values for n in shape):
            return None
        return tuple(
            as_extent(values[n.var]) if isinstance(n, Extent) else n for n in shape
        )

    def adopts(self, array: TracedArray) -> bool:
        return id(array) in self.arrays

    def _reaches(self, owner: Interpreter) -> bool:
        """Whether arrays of this interpreter may be written to in the region."""
        below = self.parent
        while isinstance(below, Region):
            if below is owner:
                return True
            below = below.parent
        return below is owner

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Stage into this region; it can be entered again."""
        with using(self):
            for key, value in self.inside.items():
                _set(self.arrays[key].array, value)
            for array, _, owner in self.lost:
                array._owner = owner
            try:
                yield
            finally:
                self.inside = {k: a.array._value for k, a in self.arrays.items()}
                for adopted in self.arrays.values():
                    _set(adopted.array, adopted.outer)
                self._find_again()

    def _find_again(self) -> None:
        """What a branch has lost, the other one has not."""
        if not self.loop:
            for array, owner, _ in reversed(self.lost):
                array._owner = owner
                array._version += 1

    def abandon(self) -> None:
        """Forget the region, which is staged anew: what it has lost is found again."""
        noted = {(id(array), id(owner)) for array, _, owner in self.lost}
        for array, owner, _ in reversed(self.lost):
            array._owner = owner
            array._version += 1
        for interpreter in self.parent.chain():
            if isinstance(interpreter, Region):
                interpreter.lost = [
                    (array, before, owner)
                    for array, before, owner in interpreter.lost
                    if (id(array), id(owner)) not in noted
                ]
        self.alive = False

    def written(self) -> list[Adopted]:
        """The arrays from outside that the region changes."""
        return [a for k, a in self.arrays.items() if self.inside[k] is not a.entry]

    def exit_value(self, array: TracedArray) -> Any:
        """What an array from outside holds as the region ends."""
        return self.inside[id(array)]


def _set(array: TracedArray, value: Any) -> None:
    array._value = value
    array._version += 1  # its views follow


def unify(regions: Iterable[Region]) -> list[Any]:
    """Make regions capture the same values; what they capture, in one order."""
    regions = list(regions)
    values: dict[Any, Any] = {}
    for region in regions:
        values.update({k: v for k, (v, _) in region.captured.items()})
    for region in regions:
        for value in values.values():
            region.capture(value)
    # An extent stands before the arrays whose type it is in.
    return list(values.values())


def captured_params(region: Region, values: Iterable[Any]) -> list[Var]:
    return [region.capture(v) for v in values]


def closed(
    region: Region, values: list[Any], params: list[Var], results: list[Any]
) -> Program:
    """The program of a region: captured values first, then these parameters."""
    with using(region):
        return region.program([*captured_params(region, values), *params], results)
