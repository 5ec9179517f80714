"""`opaque`: functions that tracing cannot see, with rules or differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.interp import CURRENT, EVALUATE, Interpreter, Tracer, prepared, using
from wengert._core.source import explain
from wengert._core.types import (
    PYTHON_SCALARS,
    ArrayType,
    is_complex_dtype,
    is_inexact,
    type_of,
)
from wengert._ir.control import Opaque as OpaqueOp
from wengert._ir.program import Var
from wengert._modes import api
from wengert._modes.block import Layout, Scope, unpack
from wengert._modes.custom import (
    CustomFunction,
    UserFunction,
    _cotangent_tree,
    _tangent_tree,
)
from wengert._modes.function import LaneByLane, Values
from wengert.errors import ArgumentError, CustomRuleError


class OpaqueCall(LaneByLane, UserFunction):
    """One call of an opaque function: it sees plain arrays, one lane at a time."""

    rules: Opaque

    def run(self, operands: Any) -> Values:
        out = self._returned(operands)
        values = self._results(out)
        if self.rules.out is not None:
            types, layout = self._declared(map(type_of, operands))
            self._check_structure(out, layout)
            self._check_types(values, types)
        return values

    def computed(self, operands: Any) -> Values:
        """The results for compiled code, which knows only the types of ``out=``."""
        types, layout = self._declared(map(type_of, operands))
        leaves = self._check_structure(self._returned(operands), layout)
        values = [np.asarray(leaf)[()] for leaf in leaves]
        self._check_types(values, types)
        return values

    def applied(self, operands: Sequence[Any]) -> Values:
        """As for any function; compiled code calls it whatever its operands are."""
        interpreter = CURRENT.get()
        stage = next((i for i in interpreter.chain() if i.emits), None)
        if stage is not None:
            self._refuse_second_run(interpreter)
            if not any(isinstance(x, Tracer) for x in operands):
                interpreter = stage
        with using(interpreter):
            return list(interpreter.call(self, tuple(operands)))

    def _refuse_second_run(self, interpreter: Interpreter) -> None:
        for scope in interpreter.chain():
            if isinstance(scope, Scope) and scope.again:
                raise CustomRuleError(
                    explain(
                        f"{self.name} is called in {scope.name}, which compiled code "
                        "runs again for the derivative",
                        why="an opaque function is called once.",
                        fix="call it outside the checkpoint, and pass what it returns",
                    )
                )

    def on_stage(self, stage: Any, operands: Values) -> Any:
        """``(operation, inputs, outputs)`` of the equation in a program."""
        if self.rules.out is None:
            raise ArgumentError(
                explain(
                    f"{self.name} is called in compiled code, and has no out=",
                    why="the types of its results are needed before it runs.",
                    fix="state them: wg.opaque(f, out=lambda x: (x.shape, x.dtype))",
                )
            )
        with using(stage):
            types, self.out_layout = self._declared(map(type_of, operands))
            outputs = [Var(stage.own(t)) for t in types]
        return OpaqueOp(self), [stage.lift(x) for x in operands], outputs

    def _returned(self, operands: Any) -> Any:
        """What the function returns for plain arrays."""
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
        return tree.map(
            lambda x: np.asarray(x)[()] if isinstance(x, (float, complex)) else x, out
        )

    def declared(self, types: Iterable[ArrayType]) -> list[ArrayType]:
        """The types of the results for operands of some types, by ``out=``."""
        return self._declared(types)[0]

    def _declared(self, types: Iterable[ArrayType]) -> tuple[list[ArrayType], Layout]:
        """The types of the results, and how they are put together."""
        leaves: list[Any] = list(map(_type_of_leaf, self.layout.static))
        for i, type_ in zip(self.layout.arrays, types, strict=True):
            leaves[i] = type_
        given = self.rules.out(*tree.unflatten(self.layout.structure, leaves))
        found, structure = tree.flatten(given, is_leaf=is_type)
        for leaf in found:
            if not is_type(leaf):
                raise ArgumentError(
                    explain(
                        f"{self.name}: out= gave a {type(leaf).__name__} for a type",
                        fix="return pairs of shape and dtype: ((3, n), np.float64)",
                    )
                )
        n = len(found)
        layout = Layout(
            structure, [None] * n, list(range(n)), [not t[0] for t in found]
        )
        return [
            ArrayType(tuple(map(_extent, t[0])), np.dtype(t[1])) for t in found
        ], layout

    def _check_structure(self, out: Any, layout: Layout) -> Values:
        """The leaves of a result, if they are as ``out=`` says."""
        leaves, structure = tree.flatten(out)
        if structure != layout.structure:
            raise CustomRuleError(
                explain(
                    f"{self.name} returned the structure {structure}, and out= says "
                    f"{layout.structure}",
                    fix="correct out=, or what the function returns",
                )
            )
        return leaves

    def _check_types(self, values: Values, types: list[ArrayType]) -> None:
        for want, got in zip(types, map(type_of, values), strict=True):
            if tuple(got.shape) != want.shape or got.dtype != want.dtype:
                raise CustomRuleError(
                    explain(
                        f"{self.name} returned {got}, and out= says {want}",
                        fix="correct out=, or what the function returns",
                    )
                )

    def jvp(self, primals: Values, tangents: Values) -> tuple[Values, Values]:
        outs = self.applied(primals)
        with Scope(CURRENT.get(), self.name).running():
            given = _tangent_tree(primals, tangents, self.layout)
            rule = prepared(self.rules.jvp_rule)
            return outs, self._tangents_of(
                outs, rule(unpack(primals, self.layout), given)
            )

    def fwd(self, primals: Values) -> tuple[Values, Any]:
        return self.applied(primals), (list(primals), self.layout)

    def bwd(self, residuals: Any, cts: Values) -> Values:
        with Scope(CURRENT.get(), self.name).running():
            given = _cotangent_tree(cts, self.out_layout)
            found = prepared(self.rules.bwd_rule)(unpack(*residuals), given)
            return self._cotangents_of(found, residuals[0])


def is_type(x: Any) -> bool:
    """Whether this is a pair of a shape and a dtype."""
    return (
        isinstance(x, tuple)
        and len(x) == 2
        and isinstance(x[0], (tuple, list))
        and all(isinstance(n, (int, np.integer, Tracer)) for n in x[0])
        and isinstance(x[1], (np.dtype, type, str))
    )


def _extent(n: Any) -> Any:
    return int(n) if isinstance(n, (int, np.integer)) else n.as_extent()


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
            ``out(*types) -> pytree of (shape, dtype)``. An array or number among the
            arguments is given by its type, with the fields ``shape`` and ``dtype``,
            anything else as it is. Compiled code needs it; eagerly it is only checked.
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
        ArgumentError: `differences` is neither, or given beside a rule; or, at the call
            in compiled code, there is no `out`, or it gives something else than types.
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
        function.jvp_rule = _again(function, _DIRECTIONAL, differences)
        function.bwd_rule = _again(function, _TRANSPOSED, differences)
        function.fwd_rule = fun
    return function


def _again(of: Opaque, kind: Derivative, method: str) -> Callable[..., Any]:
    """A derivative by differences, opaque itself: higher orders follow."""

    def derivative(primals: Any, given: Any) -> Any:
        inner = Opaque(_differentiated(of, kind, method), None)
        if of.out is not None:
            inner.out = lambda primals, _: kind.types(of.out(*primals), primals)
        inner.label = of.label
        inner.jvp_rule = inner.bwd_rule = _refuse_second
        inner.fwd_rule = inner.fun
        if method == "central":
            inner.jvp_rule = _again(inner, _DIRECTIONAL, method)
            inner.bwd_rule = _again(inner, _TRANSPOSED, method)
        return inner(primals, given)

    return derivative


def _differentiated(of: Opaque, kind: Derivative, method: str) -> Callable[..., Any]:
    """A derivative on plain arrays; of the types that ``out=`` makes known."""
    derive = kind.derive(of.fun, method)

    def differentiated(primals: Any, given: Any) -> Any:
        found = derive(primals, given)
        if of.out is None:
            return found
        types = tree.map(_type_of_leaf, primals)
        declared = kind.types(of.out(*types), types)
        leaves, structure = tree.flatten(declared, is_leaf=is_type)
        values = structure.flatten_up_to(found)
        return tree.unflatten(
            structure,
            [np.asarray(v, t[1])[()] for v, t in zip(values, leaves, strict=True)],
        )

    return differentiated


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


def _type_of_leaf(leaf: Any) -> Any:
    """The type of an array or number; any other leaf itself."""
    numbers = (*PYTHON_SCALARS, np.generic, np.ndarray)
    return type_of(leaf) if isinstance(leaf, numbers) else leaf


def _inner(ct: Any, change: Any) -> float:
    """Re<ct, change>, summed over the leaves that have a cotangent."""
    leaves, structure = tree.flatten(change)
    pairs = zip(leaves, structure.flatten_up_to(ct), strict=True)
    return sum(float(np.sum(np.conj(c) * y).real) for y, c in pairs if c is not None)


class Derivative(NamedTuple):
    """A derivative by differences.

    derive: makes it of a function and the method. types: the types of its results, of
    those of the results and of the arguments of the function.
    """

    derive: Callable[[Any, str], Callable[..., Any]]
    types: Callable[[Any, Any], Any]


def _types_of_tangents(out: Any, _: Any) -> Any:
    leaves, structure = tree.flatten(out, is_leaf=is_type)
    real = np.dtype(np.float64)
    return tree.unflatten(
        structure,
        [ArrayType(t[0], t[1] if is_inexact(np.dtype(t[1])) else real) for t in leaves],
    )


def _types_of_cotangents(_: Any, primals: Any) -> Any:
    leaves, structure = tree.flatten(primals, is_leaf=is_type)
    inexact = [t if is_type(t) and is_inexact(t[1]) else None for t in leaves]
    return tree.unflatten(structure, inexact)


_DIRECTIONAL = Derivative(_directional, _types_of_tangents)
_TRANSPOSED = Derivative(_transposed, _types_of_cotangents)

__all__ = ["opaque"]
