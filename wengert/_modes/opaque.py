"""`opaque`: functions that tracing cannot see, with rules or differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._core import tree
from wengert._core.interp import CURRENT, EVALUATE, using
from wengert._core.source import explain
from wengert._core.types import ArrayType, is_complex_dtype, is_inexact, type_of
from wengert._modes import api
from wengert._modes.block import Scope, unpack
from wengert._modes.custom import (
    CustomFunction,
    UserFunction,
    _cotangent_tree,
    _flatten_to,
    _tangent_tree,
)
from wengert._modes.function import LaneByLane, Values
from wengert.errors import ArgumentError, CustomRuleError


class OpaqueCall(LaneByLane, UserFunction):
    """One call of an opaque function: it sees plain arrays, one lane at a time."""

    rules: Opaque

    def run(self, operands: Any) -> Values:
        leaves = list(self.layout.static)
        for i, value, scalar in zip(
            self.layout.arrays, operands, self.layout.scalars, strict=True
        ):
            leaves[i] = value if scalar else np.array(value)
        with using(EVALUATE):
            out = self.rules.fun(*tree.unflatten(self.layout.structure, leaves))
        for leaf in tree.leaves(out):
            if not api.is_array(leaf) and not api.is_static(leaf):
                raise CustomRuleError(
                    explain(
                        f"{self.name} returned a {type(leaf).__name__}",
                        fix="return NumPy arrays and numbers, in a pytree",
                    )
                )
        # Python's numbers too: whether they depend on the operands is not visible.
        out = tree.map(
            lambda x: np.asarray(x)[()] if isinstance(x, (float, complex)) else x, out
        )
        values = self._results(out)
        if self.rules.out is not None:
            self._check_types(values)
        return values

    def _check_types(self, values: Values) -> None:
        types = [None] * len(self.layout.static)
        for i, value in zip(self.layout.arrays, self.operands, strict=True):
            types[i] = type_of(value)  # type: ignore[call-overload]
        declared = self.rules.out(*tree.unflatten(self.layout.structure, types))
        leaves = _flatten_to(
            f"{self.name}: out= gave types", self.out_layout.structure, declared
        )
        for i, value in zip(self.out_layout.arrays, values, strict=True):
            want, got = (
                ArrayType(tuple(leaves[i][0]), np.dtype(leaves[i][1])),
                type_of(value),
            )
            if tuple(got.shape) != want.shape or got.dtype != want.dtype:
                raise CustomRuleError(
                    explain(
                        f"{self.name} returned {got}, and out= says {want}",
                        fix="correct out=, or what the function returns",
                    )
                )

    def _again(self, primals: Values) -> Values:
        return list(CURRENT.get().call(self, tuple(primals)))

    def jvp(self, primals: Values, tangents: Values) -> tuple[Values, Values]:
        outs = self._again(primals)
        with Scope(CURRENT.get(), self.name).running():
            given = _tangent_tree(primals, tangents, self.layout)
            tangent = self.rules.jvp_rule(unpack(primals, self.layout), given)
            return outs, self._tangents_of(outs, tangent)

    def fwd(self, primals: Values) -> tuple[Values, Any]:
        return self._again(primals), (list(primals), self.layout)

    def bwd(self, residuals: Any, cts: Values) -> Values:
        with Scope(CURRENT.get(), self.name).running():
            given = _cotangent_tree(cts, self.out_layout)
            return self._cotangents_of(self.rules.bwd_rule(unpack(*residuals), given))


class Opaque(CustomFunction):
    """A function that is called with plain arrays only."""

    kind = "opaque"

    def __init__(self, fun: Callable[..., Any], out: Any) -> None:
        super().__init__(fun)
        self.out = out

    def _bind(self, args: tuple[Any, ...]) -> UserFunction:
        return OpaqueCall(self, args)


def opaque(
    fun: Callable[..., Any],
    *,
    out: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    differences: str | None = None,
) -> Callable[..., Any]:
    """A function that tracing cannot see: it is called with plain NumPy arrays.

    For calls of other libraries, compiled code, files. Under `vmap` it runs lane by
    lane.

    Args:
        fun: Function of pytrees of plain arrays that returns such a pytree.
        out: The types of the results from those of the arguments:
            ``out(*types) -> pytree of (shape, dtype)``. Eagerly it is only checked.
        jvp: ``jvp(primals, tangents) -> tangent_out``, written with `wengert.numpy`.
        vjp: ``vjp(primals, ct) -> tuple of cotangents``, likewise. A missing rule is
            derived from the other one, where that is linear.
        differences: Instead of rules: ``"central"`` differences (about 10 digits, any
            order), or ``"complex"`` steps (all digits, first order; `fun` must take
            complex arrays and be analytic). Reverse mode then calls `fun` for every
            entry of the arguments.

    Returns:
        A function with the arguments of `fun`.

    Raises:
        ArgumentError: `differences` is neither, or given beside a rule.
        CustomRuleError: at the call: a derivative is asked for and there is neither a
            rule nor `differences`; or the results do not have the types of `out`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> lookup = wg.opaque(lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]),
        ...                    differences="central")
        >>> round(float(wg.grad(lookup)(1.5)), 6)
        3.0

    References:
        Squire & Trapp, "Using complex variables to estimate derivatives of real
        functions", SIAM Review 40(1), 1998.
    """
    if differences not in (None, "central", "complex"):
        raise ArgumentError(
            explain(
                f"opaque: differences={differences!r}",
                fix='use "central", "complex" or None',
            )
        )
    if differences is not None and (jvp is not None or vjp is not None):
        raise ArgumentError(
            explain(
                "opaque: differences is given beside a rule",
                fix="leave one of the two out",
            )
        )
    function = Opaque(fun, out)
    function.jvp_rule = jvp
    if vjp is not None:
        function.fwd_rule, function.bwd_rule = fun, vjp
    if differences is not None:
        function.jvp_rule = _again(fun, _directional, differences)
        function.fwd_rule, function.bwd_rule = (
            fun,
            _again(fun, _transposed, differences),
        )
    return function


def _again(fun: Any, derive: Any, method: str) -> Callable[..., Any]:
    """A derivative of `fun` by differences, opaque itself: higher orders follow."""

    def derivative(primals: Any, given: Any) -> Any:
        inner = Opaque(derive(fun, method), None)
        inner.label = f"opaque({getattr(fun, '__name__', 'function')})"
        inner.jvp_rule = inner.bwd_rule = _refuse_second
        inner.fwd_rule = inner.fun
        if method == "central":
            inner.jvp_rule = _again(inner.fun, _directional, method)
            inner.bwd_rule = _again(inner.fun, _transposed, method)
        return inner(primals, given)

    return derivative


def _refuse_second(*_: Any) -> Any:
    raise CustomRuleError(
        explain(
            'opaque: differences="complex" gives first derivatives only',
            why="the step needs a function of real arguments.",
            fix='use differences="central", or give jvp= or vjp=',
        )
    )


# -- differences on plain arrays -----------------------------------------------------


def _leaves(x: Any) -> list[Any]:
    return [np.asarray(leaf) if api.is_array(leaf) else None for leaf in tree.leaves(x)]


def _moved(primals: Any, direction: list[Any], h: Any) -> Any:
    leaves, structure = tree.flatten(primals)
    moved = [
        x if d is None else (np.asarray(x) + h * d)[()]
        for x, d in zip(leaves, direction, strict=True)
    ]
    return tree.unflatten(structure, moved)


def _along(
    fun: Any, method: str, primals: Any, direction: list[Any], scale: float
) -> Any:
    """The derivative of `fun` along a direction, an output leaf at a time."""
    dtypes = [d.dtype for d in direction if d is not None]
    if method == "complex":
        if any(is_complex_dtype(d) for d in dtypes):
            raise CustomRuleError(
                explain(
                    'opaque: differences="complex" of a complex argument',
                    why="the complex step needs the imaginary part for itself.",
                    fix='use differences="central"',
                )
            )
        h = 1e-20
        out = fun(*_moved(primals, direction, 1j * h))
        return tree.map(lambda y: np.imag(y) / h, out)
    eps = max((np.finfo(d).eps for d in dtypes), default=np.finfo(float).eps)
    h = float(eps) ** (1 / 3) * scale
    up, down = fun(*_moved(primals, direction, h)), fun(*_moved(primals, direction, -h))
    return tree.map(lambda a, b: (np.asarray(a) - np.asarray(b)) / (2 * h), up, down)


def _size(x: Any) -> float:
    return float(np.max(np.abs(x))) if x is not None and x.size else 0.0


def _directional(fun: Any, method: str) -> Callable[..., Any]:
    def directional(primals: Any, tangents: Any) -> Any:
        structure = tree.flatten(primals)[1]
        direction = [
            None if t is None else np.asarray(t)
            for t in structure.flatten_up_to(tangents)
        ]
        length = max(map(_size, direction), default=0.0) or 1.0
        scale = max(1.0, *map(_size, _leaves(primals)), 1.0) / length
        return _along(fun, method, primals, direction, scale)

    return directional


def _transposed(fun: Any, method: str) -> Callable[..., Any]:
    def transposed(primals: Any, ct: Any) -> Any:
        leaves, structure = tree.flatten(primals)
        found: list[Any] = []
        for k, x in enumerate(_leaves(primals)):
            if x is None or not is_inexact(x.dtype):
                found.append(None)
                continue
            total = np.zeros(x.shape, x.dtype)
            for at in np.ndindex(x.shape):
                for unit in (1.0, 1.0j) if is_complex_dtype(x.dtype) else (1.0,):
                    direction: list[Any] = [None] * len(leaves)
                    direction[k] = np.zeros(x.shape, x.dtype)
                    direction[k][at] = unit
                    change = _along(
                        fun, method, primals, direction, max(1.0, abs(x[at]))
                    )
                    total[at] += unit * _inner(ct, change)
            found.append(total[()])
        return tuple(tree.unflatten(structure, found))

    return transposed


def _inner(ct: Any, change: Any) -> float:
    """Re<ct, change>, summed over the leaves that have a cotangent."""
    leaves, structure = tree.flatten(change)
    pairs = zip(leaves, structure.flatten_up_to(ct), strict=True)
    return sum(float(np.sum(np.conj(c) * y).real) for y, c in pairs if c is not None)


__all__ = ["opaque"]
