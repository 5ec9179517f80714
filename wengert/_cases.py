"""Cases for the tests of a row, and what their results are held against."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import unwrap, wrap
from wengert._core import tree
from wengert._core.interp import CURRENT
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import Params, is_inexact, type_of
from wengert._ops.families import Domain
from wengert.errors import GradientCheckError, OpDefinitionError

Function = Callable[..., Any]


class Case(NamedTuple):
    """Operands and params to test an op on.

    `differentiate` are the positions of the operands with a derivative; `analytic` says
    that the op may be evaluated on complex numbers near them, for a complex step.
    """

    label: str
    operands: tuple[Any, ...]
    params: Params
    differentiate: tuple[int, ...]
    batch: bool = True
    analytic: bool = False


# -- cases -----------------------------------------------------------------------------

_SHAPES = {
    "plain": ((3, 2), (3, 2), (3, 2)),
    "broadcast": ((3, 1), (2,), ()),
    "scalar": ((), (), ()),
    "empty": ((0, 2), (1, 2), (2,)),
}


def cases(op: Op, seed: int = 0) -> list[Case]:
    """The cases that the samples of a row describe.

    Raises:
        OpDefinitionError: the row has no samples and no reason to have none.
    """
    rng = np.random.default_rng(seed)
    if not op.samples:
        if op.cut:
            return []
        raise OpDefinitionError(
            explain(
                f"{op.name}: the row has no samples, so nothing tests its rules",
                fix="give a Domain per operand, or a list of Sample",
            )
        )
    if isinstance(op.samples[0], Domain):
        return list(_elementwise_cases(op, rng))
    return [
        Case(
            f"sample {i}",
            tuple(_operand(x, rng) for x in sample.operands),
            dict(sample.params),
            tuple(sample.differentiate),
            sample.batch,
        )
        for i, sample in enumerate(op.samples)
    ]


def _operand(x: Any, rng: np.random.Generator) -> Any:
    """A sample's operand; a tuple is the shape of a random one."""
    return as_scalar(rng.uniform(-2.0, 2.0, x)) if isinstance(x, tuple) else x


def as_scalar(x: Any) -> Any:
    """NumPy's scalar instead of a 0-d array."""
    return np.asarray(x)[()]


def _elementwise_cases(op: Op, rng: np.random.Generator) -> Iterator[Case]:
    domains: tuple[Domain, ...] = tuple(op.samples)
    arity = len(domains)
    active = tuple(i for i, d in enumerate(domains) if not d.integer)
    analytic = all(d.complex for d in domains)

    def case(
        label: str, operands: Iterable[Any], active: tuple[int, ...] = active
    ) -> Case:
        return Case(label, tuple(operands), {}, active, analytic=analytic)

    for label, shapes in _SHAPES.items():
        yield case(
            label, (draw(d, s, rng) for d, s in zip(domains, shapes, strict=False))
        )
    yield case("0-d array", (np.asarray(draw(d, (), rng)) for d in domains))
    stress = max(len(d.stress) for d in domains)
    if stress:
        yield case("stress", (_stressed(d, stress, rng) for d in domains))
    for i in range(arity if arity > 1 else 0):
        operands = [draw(d, (3,), rng) for d in domains]
        operands[i] = operands[i][0].item()
        rest = tuple(j for j in active if j != i)
        yield case(f"Python number as operand {i}", operands, rest)


def draw(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    if domain.integer:
        return as_scalar(rng.integers(int(domain.low), int(domain.high), shape))
    return as_scalar(rng.uniform(domain.low, domain.high, shape))


def _stressed(domain: Domain, count: int, rng: np.random.Generator) -> Any:
    points = list(domain.stress) or [rng.uniform(domain.low, domain.high)]
    return np.array([points[i % len(points)] for i in range(count)], float)


def any_complex(xs: Iterable[Any]) -> bool:
    return any(np.iscomplexobj(x) for x in xs)


def at_kink(op: Op, case: Case) -> bool:
    """Whether the derivative here is a convention, which differences do not know."""
    if op.kinks is None or any_complex(case.operands):
        return False
    taken = inspect.signature(op.kinks.hit).parameters
    params = {name: value for name, value in case.params.items() if name in taken}
    return bool(np.any(op.kinks.hit(*case.operands, **params)))


# -- functions and numbers -------------------------------------------------------------


def function_of(op: Op, case: Case, positions: tuple[int, ...]) -> Function:
    """The op as a function of the operands at some positions."""

    def fun(*xs: Any) -> Any:
        operands = list(case.operands)
        for i, x in zip(positions, xs, strict=True):
            operands[i] = x
        values = tuple(unwrap(x) for x in operands)
        out = CURRENT.get().apply(op, values, case.params)
        return tuple(map(wrap, out)) if op.multiple else wrap(out)

    return fun


def operands_at(case: Case, positions: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(case.operands[i] for i in positions)


def direction(x: Any, rng: np.random.Generator) -> Any:
    """A random direction with the type of a value; None where it has no derivative."""
    if not is_inexact(x.dtype):
        return None
    direction = rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1.0, 1.0], x.shape)
    if x.dtype.kind == "c":
        direction = direction + 1j * rng.uniform(-1.0, 1.0, x.shape)
    return as_scalar(direction.astype(x.dtype))


def directions(values: Any, rng: np.random.Generator) -> Any:
    if isinstance(values, tuple):
        return tuple(direction(v, rng) for v in values)
    return direction(values, rng)


def numbers(values: Any) -> list[np.ndarray]:
    """The differentiable leaves of a result."""
    return [
        np.asarray(v) for v in tree.leaves(values) if is_inexact(np.asarray(v).dtype)
    ]


def dot(us: Any, vs: Any) -> tuple[float, float]:
    """Re<u, v>, and the sum of the magnitudes of its terms."""
    pairs = list(zip(numbers(us), numbers(vs), strict=True))
    products = [(np.conj(u) * v).real.ravel() for u, v in pairs]
    magnitudes = [np.abs(u).ravel() @ np.abs(v).ravel() for u, v in pairs]
    return sum(float(p.sum()) for p in products), sum(map(float, magnitudes))


def _moved(xs: tuple[Any, ...], dxs: tuple[Any, ...], h: complex) -> tuple[Any, ...]:
    return tuple(x + h * dx for x, dx in zip(xs, dxs, strict=True))


def complex_step(
    fun: Function, xs: tuple[Any, ...], dxs: tuple[Any, ...]
) -> list[np.ndarray]:
    """The derivative of a real-analytic function along a direction, to rounding."""
    h = 1e-100
    return [out.imag / h for out in numbers(fun(*_moved(xs, dxs, 1j * h)))]


def differences(
    fun: Function, xs: tuple[Any, ...], dxs: tuple[Any, ...]
) -> list[np.ndarray]:
    """Central differences extrapolated to step 0 (Richardson, Ridders' choice).

    Near a kink the small steps decide, on a smooth function the large ones.

    References:
        Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Software 4,
        1982.
    """
    table: list[list[np.ndarray]] = []
    for k in range(9):
        h = 2.0 ** -(4 + k)
        ahead, behind = fun(*_moved(xs, dxs, h)), fun(*_moved(xs, dxs, -h))
        pairs = zip(numbers(ahead), numbers(behind), strict=True)
        table.append([(a - b) / (2 * h) for a, b in pairs])
    return [_extrapolated([row[i] for row in table]) for i in range(len(table[0]))]


def _extrapolated(column: list[np.ndarray]) -> np.ndarray:
    best, error = column[0], np.full(column[0].shape, np.inf)
    previous = [column[0]]
    for estimate in column[1:]:
        row = [estimate]
        for m, coarse in enumerate(previous, 1):
            row.append((4.0**m * row[-1] - coarse) / (4.0**m - 1.0))
            change = np.maximum(abs(row[m] - row[m - 1]), abs(row[m] - coarse))
            best = np.where(change < error, row[m], best)
            error = np.minimum(change, error)
        previous = row
    return best


class Report(NamedTuple):
    """Says which check of which case failed."""

    op: Op
    case: Case
    check: str

    def fail(self, what: str, got: Any, expected: Any) -> None:
        raise GradientCheckError(
            explain(
                f"{self.op.name}: {self.check}, {self.case.label}: {what}: got {got}, "
                f"expected {expected}",
                why=f"operands {self.case.operands}, params {self.case.params}.",
                fix="correct the rule of the row that this check uses",
            )
        )

    def close(self, what: str, got: Any, expected: Any, tolerance: float) -> None:
        """Compare leaf by leaf, relative to the size of the expected entries.

        Entries that should be 0 may be off by the tolerance times a thousandth.
        """
        for a, b in self._pairs(what, got, expected):
            with np.errstate(all="ignore"):
                same = (a == b) | (np.isnan(a) & np.isnan(b))
                if is_inexact(b.dtype):
                    size = np.max(abs(b), initial=1e-3, where=np.isfinite(b))
                    same = same | (abs(a - b) <= tolerance * (abs(b) + size))
            if not np.all(same):
                self.fail(what, a, b)

    def entrywise_close(
        self, what: str, got: Any, expected: Any, tolerance: float
    ) -> None:
        """Compare every entry relative to itself, tiny ones too."""
        for a, b in self._pairs(what, got, expected):
            with np.errstate(all="ignore"):
                same = (a == b) | (abs(a - b) <= tolerance * abs(b) + 1e-300)
            if not np.all(same):
                self.fail(what, a, b)

    def _pairs(self, what: str, got: Any, expected: Any) -> Iterator[Any]:
        for a, b in zip(tree.leaves(got), tree.leaves(expected), strict=True):
            if np.shape(a) != np.shape(b):
                self.fail(f"{what}, shape", np.shape(a), np.shape(b))
            yield np.asarray(a), np.asarray(b)

    def equal(self, what: str, got: Any, expected: Any) -> None:
        """Compare to the bit, dtypes included."""
        for a, b in zip(tree.leaves(got), tree.leaves(expected), strict=True):
            if type_of(a) != type_of(b):
                self.fail(f"{what}, type", type_of(a), type_of(b))
            if np.asarray(a).tobytes() != np.asarray(b).tobytes():
                self.fail(what, a, b)
