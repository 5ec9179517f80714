"""`compare`: six ways to a derivative, side by side."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from wengert._core.source import explain
from wengert._modes.directional import jvp
from wengert._modes.reverse import grad
from wengert.errors import ArgumentError
from wengert.explain import _differences as differences
from wengert.explain._expression import number_text
from wengert.explain._optional import library
from wengert.explain._reference import DIGITS, derivative, relative_error
from wengert.explain._symbolic import symbolic

TIMED = 0.03  # seconds given to the timing of each method
SHOWN = 6  # entries of the exact gradient in the table, at most

Derivative = Callable[[Callable[..., Any]], list[float]]


class Method(NamedTuple):
    """One way to the derivative; where it failed, `note` says why and the rest is None.

    ``error`` is relative to the largest entry; ``evaluations`` counts calls of the
    function; ``seconds`` is the best time for the whole derivative.
    """

    name: str
    value: Any
    error: float | None
    evaluations: int | None
    seconds: float | None
    note: str = ""


class Comparison:
    """Derivatives of one function by several methods; ``print`` shows the table.

    Attributes:
        methods: A list of `Method`.
        exact: The derivative in 50-digit arithmetic: an mpmath number, or a list.
    """

    def __init__(self, x: Any, methods: list[Method], exact: Any) -> None:
        self.x = x
        self.methods = methods
        self.exact = exact

    def __getitem__(self, name: str) -> Method:
        return next(method for method in self.methods if method.name == name)

    def __str__(self) -> str:
        mpmath = library("mpmath", "explain.compare", "symbolic")
        exact = self.exact if isinstance(self.exact, list) else [self.exact]
        digits = 25 if len(exact) == 1 else 5
        shown = " ".join(mpmath.nstr(e, digits) for e in exact[:SHOWN])
        table = [["method", "value", "error", "evaluations", "time"]]
        table.append([f"{DIGITS} digits", shown, "", "", ""])
        notes = []
        for m in self.methods:
            if m.note:
                notes.append(f"{m.name}: {m.note}")
            if m.error is None:
                table.append([m.name, "none, see below", "", "", ""])
                continue
            scalar = np.ndim(m.value) == 0
            value = repr(float(m.value)) if scalar else number_text(m.value)
            cost = f"{m.error:.1e}", f"{m.evaluations}", _duration(m.seconds or 0.0)
            table.append([m.name, value, *cost])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
        lines.insert(1, "-" * max(map(len, lines)))
        return "\n".join([f"derivative at {number_text(self.x)}", *lines, *notes])

    def __repr__(self) -> str:
        return f"<Comparison: {len(self.methods)} methods, print() shows them>"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


class _Counted:
    """A function that counts its calls."""

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun = fun
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.fun(x)


def compare(fun: Callable[..., Any], x: Any) -> Comparison:
    """Symbolic, numerical and automatic derivatives of a scalar function, side by side.

    The gradient is compared as a whole: n inputs cost n + 1 evaluations by forward
    differences, 2 n by central ones, n sweeps by forward mode and one by reverse mode.

    Args:
        fun: Function of one number or array that returns a real scalar.
        x: Where to differentiate: a float or a small float array.

    Returns:
        A `Comparison`. Errors are measured against 50-digit arithmetic. A method that
        cannot treat this function says why in its line of the table.

    Raises:
        ArgumentError: ``x`` is not a float or a non-empty array of floats.
        SymbolicError: an op of ``fun`` is not available in 50-digit arithmetic.
        MissingLibraryError: SymPy or mpmath is not installed.

    Example:
        >>> import wengert as wg, wengert.numpy as np
        >>> table = wg.explain.compare(lambda x: np.exp(x) / np.sqrt(x), 1.5)
        >>> [m.name for m in table.methods if m.error < 1e-14]
        ['symbolic', 'complex step', 'forward mode', 'reverse mode']
        >>> table["reverse mode"].evaluations, table["central difference"].evaluations
        (1, 2)

    References:
        Baydin et al., "Automatic differentiation in machine learning: a survey", JMLR
        18(153), 2018.
    """
    point = np.asarray(x)
    if point.dtype != np.float64 or point.size == 0:
        raise ArgumentError(
            explain(
                f"compare: x is {x!r}, and not a float or a non-empty array of floats",
                fix="pass float64 numbers, such as 1.0 or np.ones(3)",
            )
        )
    exact = [derivative(fun, x, i) for i in range(point.size)]
    ways: dict[str, Derivative] = {
        "forward difference": lambda f: _forward_difference(f, point),
        "central difference": lambda f: _central_difference(f, point),
        "complex step": lambda f: _complex_step(f, point),
        "forward mode": lambda f: _forward_mode(f, x),
        "reverse mode": lambda f: np.ravel(grad(f)(x)).tolist(),
    }
    methods = [_symbolic(fun, x, exact)]
    methods += [_measure(name, way, fun, point, exact) for name, way in ways.items()]
    return Comparison(point[()], methods, exact if point.ndim else exact[0])


def _measure(
    name: str, way: Derivative, fun: Callable[..., Any], x: np.ndarray, exact: list[Any]
) -> Method:
    counted = _Counted(fun)
    try:
        values = way(counted)
    except Exception as error:  # whatever the user's function raises on such numbers
        return _failed(name, error)
    return Method(
        name,
        np.reshape(values, x.shape)[()],
        relative_error(values, exact),
        counted.calls,
        _seconds(lambda: way(fun)),
    )


def _failed(name: str, error: Exception) -> Method:
    text = str(error).splitlines()[0] if str(error) else ""
    return Method(name, None, None, None, None, f"{type(error).__name__}: {text}")


def _seconds(run: Callable[[], Any]) -> float:
    best, begun = float("inf"), perf_counter()
    while perf_counter() - begun < TIMED:
        start = perf_counter()
        run()
        best = min(best, perf_counter() - start)
    return best


def _symbolic(fun: Callable[..., Any], x: Any, exact: list[Any]) -> Method:
    """The formula is derived once, which is noted; what is timed is its evaluation."""
    sympy = library("sympy", "explain.compare", "symbolic")
    counted = _Counted(fun)
    begun = perf_counter()
    try:
        form = symbolic(counted, x)
        derivatives = list(form.derivatives.values())
        formula = sympy.lambdify(form.symbols, derivatives, cse=True)
        elapsed = perf_counter() - begun
        point = np.ravel(x)
        values = [float(v) for v in formula(*point)]
    except Exception as error:  # SymPy's own errors have no common base
        return _failed("symbolic", error)
    return Method(
        "symbolic",
        np.reshape(values, np.shape(x))[()],
        relative_error(values, exact),
        counted.calls,
        _seconds(lambda: formula(*point)),
        f"the formula was derived in {_duration(elapsed)}, once; "
        f"it takes {form.operations.derivatives} operations",
    )


def _on_vector(fun: Callable[..., Any], x: np.ndarray) -> Callable[[np.ndarray], Any]:
    """The function on flat vectors; a scalar argument arrives as a scalar."""
    return lambda flat: fun(flat.reshape(x.shape)[()])


def _forward_difference(fun: Callable[..., Any], x: np.ndarray) -> list[float]:
    f, flat = _on_vector(fun, x), x.reshape(-1)
    at_x = f(flat)
    h = np.sqrt(differences.EPS) * np.maximum(1.0, abs(flat))
    return [differences.forward(f, flat, i, h[i], at_x) for i in range(x.size)]


def _central_difference(fun: Callable[..., Any], x: np.ndarray) -> list[float]:
    f, flat = _on_vector(fun, x), x.reshape(-1)
    h = np.cbrt(differences.EPS) * np.maximum(1.0, abs(flat))
    return [differences.central(f, flat, i, h[i]) for i in range(x.size)]


def _complex_step(fun: Callable[..., Any], x: np.ndarray) -> list[float]:
    f, flat = _on_vector(fun, x), x.reshape(-1)
    return [differences.complex_step(f, flat, i, 1e-100) for i in range(x.size)]


def _forward_mode(fun: Callable[..., Any], x: Any) -> list[float]:
    size = np.size(x)
    seeds = np.eye(size).reshape((size, *np.shape(x)))
    return [float(jvp(fun, (x,), (seed[()],))[1]) for seed in seeds]
