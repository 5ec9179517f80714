"""Random programs: nested regions over small arrays, updates, views and aliases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.backend.building import BOOL, F64, I64, Builder, atom, var
from wengert._core.types import ArrayType
from wengert._ir.program import Program, Var

SHAPES = [(3,), (4,), (2, 3), (3, 3)]
FLOAT, INT, TRUTH = (ArrayType((), d) for d in (F64, I64, BOOL))


class Writer:
    """Writes one program, region by region."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.used: list[str] = []  # constructs, for the statistics

    def pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    # -- values of a region ------------------------------------------------------------

    def of(self, region: Region, accept: Callable[[ArrayType], bool]) -> Any:
        found = [v for v in region.values if accept(v.type)]
        if not found:
            return None
        recent = found[-4:] if self.chance(0.5) else found
        return self.pick(recent)

    def array(self, region: Region, shape: Any = None) -> Any:
        def accept(t: ArrayType) -> bool:
            right = t.dtype == F64 and t.ndim > 0 and 0 not in t.shape
            return right and shape in (None, t.shape)

        found = self.of(region, accept)
        if found is None:
            shape = shape or self.pick(SHAPES)
            value = float(self.rng.integers(3))
            found = region.emit("full", shape=shape, value=value, dtype=F64)
        return found

    def scalar(self, region: Region) -> Any:
        found = self.of(region, lambda t: t == FLOAT)
        if found is None or self.chance(0.2):
            return atom(float(self.rng.uniform(-1, 1)))
        return found

    def position(self, region: Region, n: int) -> Any:
        """An index of an axis: a constant, or a variable taken modulo its length."""
        found = self.of(region, lambda t: t == INT)
        if found is None or self.chance(0.4):
            return int(self.rng.integers(-n, n))
        return region.emit("remainder", found, n)

    def truth(self, region: Region) -> Any:
        return region.emit("less", self.scalar(region), self.scalar(region))

    def index(self, region: Region, shape: Any) -> tuple[Any, ...]:
        items: list[Any] = []
        for n in shape[: int(self.rng.integers(1, len(shape) + 1))]:
            kind = self.rng.integers(4)
            if kind < 2:
                items.append(self.position(region, n))
            elif kind == 2:
                step = int(self.pick([1, 1, 2, -1]))
                bounds = sorted(self.rng.integers(0, n + 1, 2).tolist())
                items.append(slice(*bounds) if step == 1 else slice(None, None, step))
            else:
                items.append(slice(None))
        return tuple(items)

    # -- statements --------------------------------------------------------------------

    def statements(self, region: Region, count: int, depth: int) -> None:
        simple = [
            self.arithmetic, self.arithmetic, self.read, self.view, self.write,
            self.write, self.write, self.gather, self.scatter, self.reduction,
            self.selection, self.join, self.alias, self.number,
        ]  # fmt: skip
        nested = [self.loop, self.while_, self.branch]
        for _ in range(count):
            choice = self.pick(simple)
            if depth and self.chance(0.25):
                choice = self.pick(nested)
            self.used.append(choice.__name__)
            if choice in nested:
                choice(region, depth - 1)
            else:
                choice(region)

    def arithmetic(self, region: Region) -> None:
        x = self.array(region)
        y = (
            self.array(region, x.type.shape)
            if self.chance(0.7)
            else self.scalar(region)
        )
        value = region.emit(self.pick(["add", "subtract", "multiply", "maximum"]), x, y)
        region.emit(self.pick(["tanh", "sin"]), value)

    def number(self, region: Region) -> None:
        value = region.emit("multiply", self.scalar(region), self.scalar(region))
        region.emit("cos", value)

    def read(self, region: Region) -> None:
        x = self.array(region)
        region.get(x, *(self.position(region, n) for n in x.type.shape))

    def view(self, region: Region) -> None:
        x = self.array(region)
        kind = self.rng.integers(4)
        if kind == 0 and x.type.ndim == 2:
            region.emit("transpose", x, axes=(1, 0))
        elif kind == 1:
            region.emit("flip", x, axes=(0,))
        elif kind == 2:
            size = int(np.prod(x.type.shape))
            region.emit("reshape", x, shape=(size,))
        else:
            region.get(x, *self.index(region, x.type.shape))

    def write(self, region: Region) -> None:
        x = self.array(region)
        index = self.index(region, x.type.shape)
        part = region.get(x, *index)
        if self.chance(0.5):
            other = self.array(region)
            same = other.type.shape == part.type.shape
            value = other if same else self.scalar(region)
        else:
            value = region.emit("multiply", part, 0.5)
            if self.chance(0.3):
                value = (
                    region.emit("flip", value, axes=(0,)) if part.type.ndim else part
                )
        op = "update" if self.chance(0.7) else "add_at"
        region.set(x, value, *index, op=op)

    def positions(self, region: Region, n: int) -> Any:
        count = int(self.rng.integers(1, 4))
        numbers = region.emit("full", shape=(count,), value=1, dtype=I64)
        for k in range(count):
            numbers = region.set(numbers, self.position(region, n), k)
        return numbers

    def gather(self, region: Region) -> None:
        x = self.array(region)
        region.get(x, self.positions(region, x.type.shape[0]))

    def scatter(self, region: Region) -> None:
        x = self.array(region)
        op = "update" if self.chance(0.5) else "add_at"
        positions = self.positions(region, x.type.shape[0])
        region.set(x, self.scalar(region), positions, op=op)

    def reduction(self, region: Region) -> None:
        x = self.array(region)
        axes = self.pick([tuple(range(x.type.ndim)), (0,), (x.type.ndim - 1,)])
        name = self.pick(["reduce_sum", "reduce_max", "reduce_min"])
        region.emit("tanh", region.emit(name, x, axes=axes))

    def selection(self, region: Region) -> None:
        x = self.array(region)
        y = self.array(region, x.type.shape)
        region.emit("where", region.emit("less", x, y), x, self.scalar(region))

    def join(self, region: Region) -> None:
        x = self.array(region)
        if x.type.ndim == 1 and x.type.shape[0] <= 4:
            region.emit("concatenate", x, self.array(region, x.type.shape), axis=0)

    def alias(self, region: Region) -> None:
        x = self.array(region)
        region.values.append(x)

    # -- regions -----------------------------------------------------------------------

    def operands(self, region: Region) -> tuple[list[Any], list[Any]]:
        """Constants and carries, some of them the same value."""
        constants = [self.array(region) for _ in range(self.rng.integers(0, 3))]
        carries = [self.array(region) for _ in range(self.rng.integers(1, 4))]
        carries += [self.scalar(region) for _ in range(self.rng.integers(0, 2))]
        return constants, carries

    def results(self, region: Region, types: Any) -> list[Any]:
        found = []
        for t in types:
            value = self.scalar(region) if t == FLOAT else self.array(region, t.shape)
            found.append(value)
        if len(found) > 1 and found[0].type == found[1].type and self.chance(0.3):
            found[0], found[1] = found[1], found[0]
        return found

    def region(self, types: Any, wanted: Any, depth: int, *first: Var) -> Program:
        params = [Var(t) for t in types]
        inside = Region(*first, *params)
        self.statements(inside, int(self.rng.integers(1, 6)), depth)
        return inside.program(*self.results(inside, wanted))

    def loop(self, region: Region, depth: int) -> None:
        constants, carries = self.operands(region)
        types = [atom(c).type for c in carries]
        given = [atom(c).type for c in constants] + types
        body = self.region(given, types, depth, var((), I64))
        steps = int(self.rng.integers(0, 4))
        region.keep(region.loop(steps, body, constants, carries))

    def while_(self, region: Region, depth: int) -> None:
        constants, carries = self.operands(region)
        types = [atom(c).type for c in carries]
        given = [atom(c).type for c in constants] + types
        count, inside = var((), I64), [Var(t) for t in given]
        limit = int(self.rng.integers(0, 4))
        head = Region(*inside[: len(constants)], count, *inside[len(constants) :])
        test = head.program(head.emit("less", count, limit))
        number = var((), I64)
        params = [Var(t) for t in given]
        body = Region(*params[: len(constants)], number, *params[len(constants) :])
        self.statements(body, int(self.rng.integers(1, 5)), depth)
        more = body.emit("add", number, 1)
        step = body.program(more, *self.results(body, types))
        region.keep(region.while_(test, step, constants, [0, *carries])[1:])

    def branch(self, region: Region, depth: int) -> None:
        constants, carries = self.operands(region)
        operands = [*constants, *carries]
        types = [atom(o).type for o in operands]
        wanted = types[len(constants) :]
        then = self.region(types, wanted, depth)
        orelse = self.region(types, wanted, depth)
        truth = self.truth(region)
        region.keep(region.branch(truth, then, orelse, operands))


class Region(Builder):
    """A builder that remembers what may be read."""

    def __init__(self, *params: Var) -> None:
        super().__init__(*params)
        self.values: list[Any] = list(params)

    def emit(self, name: str, *atoms: Any, **params: Any) -> Any:
        out = super().emit(name, *atoms, **params)
        self.values.append(out)
        return out

    def keep(self, outputs: Any) -> None:
        self.values += list(outputs)


def random_program(seed: int) -> tuple[Program, list[Any], list[str]]:
    """A program, arguments for it, and the constructs in it."""
    writer = Writer(seed)
    params = [var(shape) for shape in SHAPES] + [var(), var((), I64)]
    region = Region(*params)
    writer.statements(region, int(writer.rng.integers(4, 12)), 2)
    arrays = [v for v in region.values if v.type.dtype == F64]
    count = min(len(arrays), int(writer.rng.integers(1, 5)))
    results = [writer.pick(arrays[-8:]) for _ in range(count)]
    arguments = [writer.rng.uniform(-1, 1, p.type.shape) for p in params[:-2]]
    arguments += [
        np.float64(writer.rng.uniform(-1, 1)),
        np.int64(writer.rng.integers(9)),
    ]
    return region.program(*results), arguments, writer.used
