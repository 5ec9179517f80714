"""Checking derivatives: `finite_difference` and `check_grads`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.source import explain
from wengert._core.types import is_complex_dtype, is_inexact
from wengert._modes import api
from wengert._modes.directional import jvp
from wengert._modes.reverse import vjp
from wengert.errors import ArgumentError, DTypeError, GradientCheckError

_COMPLEX_STEP = 1e-20  # far below the rounding of x + ih, whose parts do not mix


def finite_difference(
    fun: Callable[[Any], Any],
    x: Any,
    method: str = "central",
    *,
    step: float | None = None,
) -> Any:
    """The Jacobian of a function by differences, laid out as `jacobian` lays it out.

    Args:
        fun: Function of one pytree that returns a pytree of arrays.
        x: Pytree of real floating arrays.
        method: ``"central"``, error O(h²); ``"forward"``, error O(h); or ``"complex"``,
            a step along the imaginary axis, without cancellation: `fun` must then be
            analytic, and take complex arrays.
        step: The step h, relative to max(1, abs(x)). By default from the dtype, with
            eps its machine epsilon: eps^(1/3), eps^(1/2), or 1e-20 for ``"complex"``.

    Returns:
        The tree of the outputs, inside it the tree of ``x``; each leaf has the shape
        ``out.shape + in.shape``.

    Raises:
        ArgumentError: another method, or a step that is not positive.
        DTypeError: a leaf of ``x`` is not a real floating array.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.finite_difference(lambda x: x * x, np.array([1.0, 2.0])).round(6)
        array([[2., 0.],
               [0., 4.]])

    References:
        Nocedal & Wright, *Numerical Optimization*, 2nd ed., ch. 8.1; Squire & Trapp,
        SIAM Review 40(1), 1998.
    """
    if method not in ("central", "forward", "complex"):
        raise ArgumentError(
            explain(
                f"finite_difference: method={method!r}",
                fix='use "central", "forward" or "complex"',
            )
        )
    if step is not None and not step > 0:
        raise ArgumentError(
            explain(f"finite_difference: step={step!r}", fix="give a positive number")
        )
    inputs, structure = tree.flatten(x)
    columns: list[list[list[Any]]] = []
    for i, path in enumerate(tree.paths(x, "x")):
        if api.is_static(inputs[i]):
            columns.append([])
            continue
        _refuse_unreal(path, inputs[i])
        columns.append(_columns(fun, inputs, structure, i, method, step))
    reference, out_structure = tree.flatten(fun(x))
    blocks = []
    for k, out in enumerate(reference):
        leaves = []
        for leaf, column in zip(inputs, columns, strict=True):
            leaves.append(None if api.is_static(leaf) else _block(column, k, out, leaf))
        blocks.append(tree.unflatten(structure, leaves))
    return tree.unflatten(out_structure, blocks)


def _refuse_unreal(path: str, leaf: Any) -> None:
    dtype = np.asarray(leaf).dtype
    if not is_inexact(dtype) or is_complex_dtype(dtype):
        raise DTypeError(
            explain(
                f"finite_difference: {path} has dtype {dtype}",
                fix="pass real floats; for a complex function, its real and "
                "imaginary parts",
            )
        )


def _columns(
    fun: Callable[[Any], Any],
    inputs: Any,
    structure: Any,
    i: int,
    method: str,
    step: Any,
) -> list[list[Any]]:
    """For each entry of input leaf i, the change of every output leaf."""
    x = np.asarray(inputs[i])
    eps = float(np.finfo(x.dtype).eps)

    def at(entry: Any, h: Any) -> list[Any]:
        moved = (
            x.astype(np.result_type(x.dtype, type(h)))
            if isinstance(h, complex)
            else x.copy()
        )
        moved[entry] += h
        leaves = list(inputs)
        leaves[i] = moved if isinstance(inputs[i], np.ndarray) else moved[()]
        return [
            np.asarray(y) for y in tree.leaves(fun(tree.unflatten(structure, leaves)))
        ]

    columns = []
    for entry in np.ndindex(x.shape):
        size = max(1.0, abs(float(x[entry])))
        if method == "complex":
            h = step or _COMPLEX_STEP
            columns.append([np.imag(y) / h for y in at(entry, 1j * h)])
            continue
        h = (step or eps ** (1 / 3 if method == "central" else 1 / 2)) * size
        up = x.dtype.type(x[entry] + h) - x[entry]  # what is really added
        down = (
            x[entry] - x.dtype.type(x[entry] - h) if method == "central" else 0.0 * up
        )
        above, below = at(entry, up), at(entry, -down)
        columns.append(
            [(a - b) / (up + down) for a, b in zip(above, below, strict=True)]
        )
    return columns


def _block(columns: list[list[Any]], k: int, out: Any, leaf: Any) -> Any:
    shape = np.shape(out) + np.shape(leaf)
    if not columns:
        return np.zeros(shape)
    return np.stack([column[k] for column in columns], axis=-1).reshape(shape)[()]


# -- check_grads ---------------------------------------------------------------------


class Point(NamedTuple):
    """Where derivatives are checked, and the accuracy that is asked for."""

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    order: int
    rtol: float
    rng: np.random.Generator
    entries: int


def check_grads(
    fun: Callable[..., Any],
    args: Any,
    order: int = 2,
    *,
    rtol: float | None = None,
    seed: int = 0,
    entries: int = 64,
) -> None:
    """Check the derivatives of a function against differences and each other.

    Forward mode is held against extrapolated central differences entry by entry, and
    by the slope of the Taylor remainder, which must fall as h²; reverse mode is held
    against forward mode by the dot-product test <ct, J t> = <Jᵀ ct, t>. For higher
    orders the same is asked of the directional derivative and of the pullback as
    functions.

    Args:
        fun: Function of the arguments that returns a pytree of arrays, smooth at them.
        args: Tuple of the arguments: pytrees of floating or complex arrays.
        order: The highest order of derivative to check, from 1.
        rtol: Tolerance against differences, relative to the largest entries. By
            default from the dtype: 1e-6 for float64, 2e-2 for float32.
        seed: Of the random directions.
        entries: Check at most so many entries of each leaf, chosen at random.

    Raises:
        GradientCheckError: two derivatives differ; the text names the test, the
            argument, the entry and both numbers.
        ArgumentError: order is not a positive int.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> wg.check_grads(lambda x, y: wnp.sin(x) * y, (0.5, 2.0), order=3)

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 3; the
        Taylor test: Farrell et al., SIAM J. Sci. Comput. 35(4), 2013.
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ArgumentError(
            explain(f"check_grads: order={order!r}", fix="give a positive int")
        )
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if rtol is None:
        kinds = [np.asarray(x).dtype for x in tree.leaves(args) if api.is_array(x)]
        coarse = max((np.finfo(d).eps for d in kinds if is_inexact(d)), default=0.0)
        rtol = 1e-6 if coarse < 1e-10 else 2e-2
    rng = np.random.default_rng(seed)
    _check_orders(Point(fun, args, 1, rtol, rng, entries), order)


def _check_orders(point: Point, order: int) -> None:
    tangents = _random_like(point, point.args)
    value, derivative = jvp(point.fun, point.args, tangents)
    ct = _random_like(point, value)
    _check_forward(point)
    _check_taylor(point, tangents, value, derivative)
    _check_reverse(point, ct, tangents, derivative)
    if point.order < order:
        along = lambda *args: jvp(point.fun, args, tangents)[1]
        back = lambda *args: vjp(point.fun, *args)[1](ct)
        deeper = point._replace(order=point.order + 1, rtol=point.rtol * 4)
        _check_orders(deeper._replace(fun=along), order)
        _check_orders(deeper._replace(fun=back), order)


def _random_like(point: Point, values: Any) -> Any:
    def one(x: Any) -> Any:
        if not api.is_array(x):
            return x
        x = np.asarray(x)
        if not is_inexact(x.dtype):
            return None
        r = point.rng.standard_normal(x.shape)
        if is_complex_dtype(x.dtype):
            r = r + 1j * point.rng.standard_normal(x.shape)
        return np.asarray(r).astype(x.dtype)[()]

    return tree.map(one, values)


def _moved(args: Any, tangents: Any, h: float) -> Any:
    def one(x: Any, t: Any) -> Any:
        if not api.is_array(x):
            return x
        dtype = np.asarray(x).dtype.type
        return x + dtype(h) * t

    return tree.map(one, args, tangents)


def _arrays(values: Any) -> list[np.ndarray]:
    return [np.asarray(v) for v in tree.leaves(values) if api.is_array(v)]


def _step(args: Any) -> float:
    eps = max(float(np.finfo(x.dtype).eps) for x in _arrays(args))
    return eps ** (1 / 3)


def _size(values: list[np.ndarray]) -> float:
    return max((float(np.max(np.abs(v))) for v in values if v.size), default=0.0)


def _check_forward(point: Point) -> None:
    """jvp along each entry against a central difference."""
    names = tree.paths(point.args, "args")
    leaves, structure = tree.flatten(point.args)
    for i, leaf in enumerate(leaves):
        if not api.is_array(leaf):
            continue
        x = np.asarray(leaf)
        units = (1.0, 1.0j) if is_complex_dtype(x.dtype) else (1.0,)
        for entry in _chosen(point, x.shape):
            for unit in units:
                tangent = [
                    np.zeros_like(np.asarray(v))[()] if api.is_array(v) else v
                    for v in leaves
                ]
                tangent[i] = np.zeros_like(x)
                tangent[i][entry] = unit
                tangent[i] = tangent[i][()]
                along = tree.unflatten(structure, tangent)
                h = _step(x) * max(1.0, abs(complex(x[entry])))
                where = f"{names[i]}{list(entry) if entry else ''}"
                _compare_forward(point, along, h, where)


def _compare_forward(point: Point, along: Any, h: float, where: str) -> None:
    got = _arrays(jvp(point.fun, point.args, along)[1])
    coarse, values = _quotients(point, along, h)
    fine, _ = _quotients(point, along, h / 2)
    for k, (g, c, f, v) in enumerate(zip(got, coarse, fine, values, strict=True)):
        want = (4 * f - c) / 3  # Richardson: what is left is O(h⁴)
        scale = max(1.0, _size([g, want]), _size([v]))
        _compare(
            point, "forward mode", "a central difference", where, k, g, want, scale
        )


def _quotients(
    point: Point, along: Any, h: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Central differences of the outputs, and the outputs on one side."""
    up = _arrays(point.fun(*_moved(point.args, along, h)))
    down = _arrays(point.fun(*_moved(point.args, along, -h)))
    return [(a - b) / (2 * h) for a, b in zip(up, down, strict=True)], up


def _compare(
    point: Point,
    name: str,
    other: str,
    where: str,
    k: int,
    got: Any,
    want: Any,
    scale: float,
) -> None:
    error = np.abs(got - want)
    bad = ~(error <= point.rtol * scale) & ~(
        (got == want) | (got != got) & (want != want)
    )
    if not bad.any():
        return
    at = tuple(int(j) for j in np.argwhere(bad)[0])
    raise GradientCheckError(
        explain(
            f"check_grads: order {point.order}: {name} gives {got[at]!s} and {other} "
            f"{want[at]!s} for the derivative with respect to {where} of entry "
            f"{list(at)} of output {k}",
            why="one of the two is not the derivative of the function.",
            fix="correct the rule (or raise rtol, where the function is not smooth "
            "or noisy)",
        )
    )


def _chosen(point: Point, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    everything = list(np.ndindex(shape))
    if len(everything) <= point.entries:
        return everything
    numbers = point.rng.choice(len(everything), point.entries, replace=False)
    return [everything[n] for n in sorted(numbers)]


def _check_taylor(point: Point, tangents: Any, value: Any, derivative: Any) -> None:
    """|f(x + h t) - f(x) - h J t| must fall as h², until only rounding is left."""
    values, slopes = _arrays(value), _arrays(derivative)
    eps = max(float(np.finfo(x.dtype).eps) for x in _arrays(point.args))
    steps = [2.0**-k for k in range(4, 4 + int(-np.log2(eps) / 3))]
    remainders = []
    for h in steps:
        moved = _arrays(point.fun(*_moved(point.args, tangents, h)))
        remainders.append(
            _size(
                [m - v - h * s for m, v, s in zip(moved, values, slopes, strict=True)]
            )
        )
    noise = 1e3 * eps * max(1.0, _size(values), _size(slopes))
    if not np.isfinite(remainders[-2:]).all() or remainders[-1] <= noise:
        return
    slope = float(np.log2(remainders[-2] / remainders[-1]))
    if slope < 1.5:
        raise GradientCheckError(
            explain(
                f"check_grads: order {point.order}: the Taylor remainder "
                f"|f(x + h t) - f(x) - h J t| is {remainders[-1]:.3g} at h = "
                f"{steps[-1]:.3g} "
                f"and falls as h^{slope:.2f}, not as h^2, along a random direction "
                "of all args",
                why="J t is not the directional derivative of the function.",
                fix="correct the rule; at a kink no derivative passes this test",
            )
        )


def _check_reverse(point: Point, ct: Any, tangents: Any, derivative: Any) -> None:
    """The dot-product test, and each entry of the pullback against forward mode."""
    _, pullback = vjp(point.fun, *point.args)
    back = pullback(ct)
    lhs = _inner(ct, derivative)
    rhs = _inner(back, tangents)
    rounding = 1e-9 if point.rtol < 1e-4 else 1e-3
    scale = max(
        1.0, abs(lhs), abs(rhs), _size(_arrays(back)), _size(_arrays(derivative))
    )
    if abs(lhs - rhs) <= rounding * scale or lhs != lhs and rhs != rhs:
        return
    where, reverse, forward = _worst_entry(point, ct, back)
    raise GradientCheckError(
        explain(
            f"check_grads: order {point.order}: reverse mode differs from forward "
            "mode: "
            f"<ct, J t> = {lhs!s}, <Jᵀ ct, t> = {rhs!s}; for {where} reverse mode "
            "gives "
            f"{reverse!s}, forward mode {forward!s}",
            why="the jvp and the vjp are not transposes of each other.",
            fix="correct one of the two rules, or attach only one and let the other "
            "be derived",
        )
    )


def _inner(u: Any, v: Any) -> float:
    pairs = zip(_arrays(u), _arrays(v), strict=True)
    return float(sum(np.sum((np.conj(a) * b).real) for a, b in pairs))


def _worst_entry(point: Point, ct: Any, back: Any) -> tuple[str, Any, Any]:
    """The entry of the arguments where the two modes differ most, and both numbers."""
    names = tree.paths(point.args, "args")
    leaves, structure = tree.flatten(point.args)
    found = structure.flatten_up_to(tuple(back))
    worst: tuple[float, tuple[str, Any, Any]] = (-1.0, ("?", 0.0, 0.0))
    for i, leaf in enumerate(leaves):
        if not api.is_array(leaf):
            continue
        x = np.asarray(leaf)
        for entry in _chosen(point, x.shape):
            tangent = [
                np.zeros_like(np.asarray(v))[()] if api.is_array(v) else v
                for v in leaves
            ]
            tangent[i] = np.zeros_like(x)
            tangent[i][entry] = 1.0
            tangent[i] = tangent[i][()]
            forward = _inner(
                ct, jvp(point.fun, point.args, tree.unflatten(structure, tangent))[1]
            )
            reverse = float(np.asarray(found[i])[entry].real)
            if not abs(reverse - forward) <= worst[0]:
                label = f"{names[i]}{list(entry) if entry else ''}"
                worst = (abs(reverse - forward), (label, reverse, forward))
    return worst[1]
