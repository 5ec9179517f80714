"""`symbolic`: the closed form of a function and of its derivatives, by SymPy."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.source import explain
from wengert._core.types import type_of
from wengert._modes import api
from wengert.errors import SymbolicError
from wengert.explain._numbers import Numbers, run_on
from wengert.explain._optional import library


class Operations(NamedTuple):
    """How many operations it takes to evaluate formulas, as SymPy counts them.

    ``shared``: function and derivatives together, each common subexpression once.
    """

    function: int
    derivatives: int
    shared: int


class Symbolic:
    """A closed form; ``print`` shows it with its derivatives.

    Attributes:
        symbols: The inputs, one SymPy symbol per number.
        expression: The function: a SymPy expression, or an array of them.
        derivatives: For each symbol, the partial derivative, shaped as `expression`.
        operations: Counts of operations, an `Operations`.
        latex: The function in LaTeX.
    """

    def __init__(self, symbols: tuple[Any, ...], expression: Any) -> None:
        sympy = library("sympy", "explain.symbolic", "symbolic")
        self.symbols = symbols
        self.expression = expression
        self.derivatives = {
            symbol: _map(partial(_derivative, sympy, symbol), expression)
            for symbol in symbols
        }
        self.operations = self._count(sympy)

    def _count(self, sympy: Any) -> Operations:
        function = _entries(self.expression)
        derivatives = [e for d in self.derivatives.values() for e in _entries(d)]
        replaced, reduced = sympy.cse(function + derivatives)
        return Operations(
            sum(map(sympy.count_ops, function)),
            sum(map(sympy.count_ops, derivatives)),
            sum(sympy.count_ops(e) for e in [*(e for _, e in replaced), *reduced]),
        )

    @property
    def latex(self) -> str:
        sympy = library("sympy", "explain.symbolic", "symbolic")
        entries = _map(sympy.latex, self.expression)
        if not isinstance(entries, np.ndarray):
            return str(entries)
        return sympy.latex(sympy.Array(self.expression.tolist()))

    def __str__(self) -> str:
        lines = [f"f = {_text(self.expression)}"]
        lines += [
            f"df/d{symbol} = {_text(d)}" for symbol, d in self.derivatives.items()
        ]
        counts = self.operations
        lines.append(
            f"operations: {counts.function} in f, {counts.derivatives} in the "
            f"derivatives, {counts.shared} in all with shared subexpressions"
        )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Symbolic: {self.operations.function} operations, print() shows it>"


def _derivative(sympy: Any, symbol: Any, expression: Any) -> Any:
    return sympy.diff(expression, symbol)


def _map(fun: Callable[[Any], Any], entries: Any) -> Any:
    if isinstance(entries, np.ndarray):
        return np.frompyfunc(fun, 1, 1)(entries)
    return fun(entries)


def _entries(entries: Any) -> list[Any]:
    return list(entries.ravel()) if isinstance(entries, np.ndarray) else [entries]


def _text(entries: Any) -> str:
    return str(entries.tolist() if isinstance(entries, np.ndarray) else entries)


def symbolic(fun: Callable[..., Any], *like: Any) -> Symbolic:
    """The closed form of a function, by calling it with SymPy's symbols.

    Floats that are integers or simple binary fractions, and ``np.pi``, appear exactly.
    The derivatives are SymPy's: custom rules and conventions at kinks do not count.

    Args:
        fun: Function that returns a number or a small array, of arithmetic, elementary
            functions, ``where``, sums, products of matrices and indexing. Loops unroll.
        *like: Arguments whose shapes the symbols take: floats and small arrays, or
            containers of them; ints and other static values are passed on as they are.
            Without them, every parameter that has no default is one real number.

    Returns:
        A `Symbolic`.

    Raises:
        SymbolicError: the function chooses its path by a value, uses an op that has no
            formula here, or does not return one number or array.
        MissingLibraryError: SymPy is not installed.

    Example:
        >>> import wengert as wg, wengert.numpy as np
        >>> print(wg.explain.symbolic(lambda x, y: x * y + np.sin(x)))
        f = x*y + sin(x)
        df/dx = y + cos(x)
        df/dy = x
        operations: 3 in f, 2 in the derivatives, 5 in all with shared subexpressions

    References:
        Meurer et al., "SymPy: symbolic computing in Python", PeerJ CS 3:e103, 2017.
    """
    sympy = library("sympy", "explain.symbolic", "symbolic")
    names, args = _parameters(fun, like)
    inputs = api.collect("symbolic", args, "args")
    paths = [
        p for name, arg in zip(names, args, strict=True) for p in tree.paths(arg, name)
    ]
    groups = [
        _symbols(sympy, paths[i], type_of(value).shape)
        for i, value in zip(inputs.active, inputs.values, strict=True)
    ]
    numbers = SymbolNumbers("symbolic", _functions(sympy), _lifter(sympy))
    entries = run_on(numbers, fun, args, groups)
    symbols = tuple(s for group in groups for s in _entries(group))
    return Symbolic(symbols, entries if entries.ndim else entries[()])


def _parameters(
    fun: Callable[..., Any], like: Any
) -> tuple[list[str], tuple[Any, ...]]:
    """Names of the arguments, and example values of them."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [
        p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if like:
        names = [p.name for p in positional][: len(like)]
        return names + [f"x{i + 1}" for i in range(len(names), len(like))], like
    required = [p.name for p in positional if p.default is p.empty]
    if not required:
        raise SymbolicError(
            explain(
                "symbolic: the function's parameters cannot be read off its signature",
                fix="give example arguments: wg.explain.symbolic(f, 1.0, np.ones(3))",
            )
        )
    return required, (1.0,) * len(required)


def _symbols(sympy: Any, path: str, shape: tuple[int, ...]) -> Any:
    """A real symbol, or an array of them: ``x``, ``x_0``, ``x_0_1``, ``p_w_0``."""
    stem = "_".join("".join(c if c.isalnum() else " " for c in path).split())
    if not shape:
        return sympy.Symbol(stem, real=True)
    array = np.empty(shape, object)
    for index in np.ndindex(shape):
        array[index] = sympy.Symbol("_".join([stem, *map(str, index)]), real=True)
    return array


class SymbolNumbers(Numbers):
    """Interpreter over symbols, which have no value to choose a path with."""

    def concrete(self, entries: np.ndarray) -> Any:
        unknown = [e for e in entries.ravel() if getattr(e, "free_symbols", None)]
        if not unknown:
            return entries[()]
        raise SymbolicError(
            explain(
                f"symbolic: the program needs the value of {unknown[0]} to choose its "
                "path",
                why="a closed form is one formula for all values of its symbols; here "
                "the data decides which operations run.",
                fix="write the choice as np.where(condition, a, b), or use "
                "wg.explain.trace(f)(x), which follows the path at one point",
            )
        )


def _functions(sympy: Any) -> Any:
    shared = "exp log sqrt cbrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh"
    shared += " acosh atanh erf erfc gamma loggamma digamma sign floor ceiling pi"
    shared += " conjugate re im"
    return SimpleNamespace(
        **{name: getattr(sympy, name) for name in shared.split()},
        maximum=sympy.Max,
        minimum=sympy.Min,
        select=lambda condition, x, y: sympy.Piecewise((x, condition), (y, True)),
        both=sympy.And,
        either=sympy.Or,
        negation=sympy.Not,
        same=sympy.Eq,
        differ=sympy.Ne,
    )


def _lifter(sympy: Any) -> Callable[[Any], Any]:
    def lift(value: Any) -> Any:
        """A Python number as SymPy's, exact and readable; SymPy's own as they are."""
        if not isinstance(value, float):
            return sympy.sympify(value)
        if value in (np.pi, -np.pi):
            return sympy.pi if value > 0 else -sympy.pi
        if not np.isfinite(value):
            return sympy.sympify(value)
        numerator, denominator = value.as_integer_ratio()
        if denominator <= 4096 and abs(numerator) < 10**15:
            return sympy.Rational(numerator, denominator)
        return sympy.Float(value)

    return lift
