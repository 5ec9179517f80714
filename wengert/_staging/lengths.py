"""The lengths of arguments: which of them compiled code knows.

The first length that an axis shows is compiled into the code, which is then as fast as
it can be. When an axis shows a second one, its length is a value of the program from
then on, and no further length is compiled. Lengths 0 and 1 have a program each: they
are empty and they stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Shape = tuple[Any, ...]
Axis = tuple[int, int]  # (leaf, axis)
SPECIAL = (0, 1)


class Length(NamedTuple):
    """A run-time extent of the arguments; equal ones have one number."""

    number: int


class Pattern(NamedTuple):
    """Shapes of the leaves, with a `Length` for each run-time extent."""

    shapes: tuple[Shape | None, ...]

    def axes(self) -> dict[int, list[Axis]]:
        """Of each run-time extent, the axes that have it."""
        found: dict[int, list[Axis]] = {}
        for i, shape in enumerate(self.shapes):
            for k, n in enumerate(shape or ()):
                if isinstance(n, Length):
                    found.setdefault(n.number, []).append((i, k))
        return found


class Lengths:
    """What is known of the axes of the arguments of a function."""

    def __init__(self) -> None:
        self.first: dict[Axis, int] = {}  # the length that an axis has shown first
        self.free: set[Axis] = set()  # those that have shown another one
        self.fixed: set[Axis] = set()  # those whose lengths the code needs to know

    def note(self, shapes: Sequence[Shape | None]) -> None:
        for axis, n in _axes(shapes):
            if (
                type(n) is int
                and n not in SPECIAL
                and self.first.setdefault(axis, n) != n
            ):
                self.free.add(axis)

    def pattern(self, shapes: Sequence[Shape | None]) -> Pattern:
        """The shapes, with a number for each extent that is known at run time only."""
        numbers: dict[Any, int] = {}

        def marked(axis: Axis, n: Any) -> Any:
            if type(n) is int and (
                n in SPECIAL or axis not in self.free or axis in self.fixed
            ):
                return n
            return Length(numbers.setdefault(n, len(numbers)))

        return Pattern(
            tuple(
                None
                if shape is None
                else tuple(marked((i, k), n) for k, n in enumerate(shape))
                for i, shape in enumerate(shapes)
            )
        )

    def fix(self, axes: Iterable[Axis]) -> bool:
        """Know the lengths of some axes from now on; whether that is news."""
        before = len(self.fixed)
        self.fixed |= set(axes)
        return len(self.fixed) > before


def _axes(shapes: Sequence[Shape | None]) -> Iterable[tuple[Axis, Any]]:
    for i, shape in enumerate(shapes):
        for k, n in enumerate(shape or ()):
            yield (i, k), n
