"""Integrals, with the derivatives of their limits and of what they integrate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._modes.lifting import is_traced, lifted
from wengert.implicit._reports import check_choice, settle
from wengert.implicit._trees import along, is_float, numbers, pulled, vector

# Gauss and Kronrod's rules of 7 and 15 points on [-1, 1] (Kronrod, 1965; QUADPACK).
_NODES = (
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691693013,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
    0.0,
)
_KRONROD = (
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
    0.209482141084727828012999174891714,
)
_GAUSS = (
    0.0,
    0.129484966168869693270611432679082,
    0.0,
    0.279705391489276667901467771423780,
    0.0,
    0.381830050505118944950369775488975,
    0.0,
    0.417959183673469387755102040816327,
)


def _symmetric(half: tuple[float, ...], sign: float) -> np.ndarray:
    return np.array([*half, *(sign * x for x in half[-2::-1])])


_RULE = np.stack(
    [_symmetric(_NODES, -1.0), _symmetric(_KRONROD, 1.0), _symmetric(_GAUSS, 1.0)],
    axis=1,
)


def quad(
    f: Callable[..., Any],
    a: Any,
    b: Any,
    args: tuple[Any, ...] = (),
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
    limit: int = 100,
    not_converged: str = "raise",
) -> Any:
    """The integral of ``f(t, *args)`` over t from `a` to `b`.

    Its derivatives are integrals too (Leibniz' rule), each with an accuracy of its own:
    of `args`, of what `f` reads by closure, and of the limits.

    Args:
        f: Function of a number and `args` that returns a pytree of floats and arrays.
        a, b: Limits: numbers, in any order. ``-np.inf`` and ``np.inf`` are constants.
        args: Further arguments, pytrees.
        rtol, atol: The estimated error is at most the larger of ``atol`` and ``rtol``
            times the integral, for the largest of its numbers.
        limit: The largest number of intervals.
        not_converged: "raise" or "warn" where that is not enough.

    Returns:
        The integral, in the structure of what `f` returns.

    Raises:
        ConvergenceError: see `not_converged`.
        DTypeError: a limit is no real number.
        ArgumentError: `not_converged` is none of the above.

    Example:
        >>> import numpy as np, wengert as wg
        >>> area = lambda s: wg.implicit.quad(lambda t: np.exp(-s * t * t), 0.0, np.inf)
        >>> print(f"{area(1.0):.6f} {wg.grad(area)(1.0):.6f}")
        0.886227 -0.443113
        >>> wg.grad(lambda b: wg.implicit.quad(lambda t: t * t, 0.0, b))(3.0)
        np.float64(9.0)

    References:
        Piessens et al., *QUADPACK*, Springer 1983 (the rule, its estimate of the error,
        the bisection of the worst interval).
    """
    check_choice("quad", "not_converged", not_converged, ("raise", "warn"))
    infinite = _is_infinite(a), _is_infinite(b)
    how = _How(infinite, rtol, atol, limit, not_converged)
    a, b = (
        x if far else numbers("quad", x)
        for x, far in zip((a, b), infinite, strict=True)
    )
    outside, rebuild = lifted(f)
    return _with_rules(rebuild, how)(a, b, (outside, args))


def _is_infinite(limit: Any) -> bool:
    return not is_traced(limit) and bool(np.isinf(limit))


class _How(NamedTuple):
    """What an integral is computed with; `infinite` tells which limits are."""

    infinite: tuple[bool, bool]
    rtol: float
    atol: float
    limit: int
    not_converged: str


def _with_rules(rebuild: Callable[[Any], Any], how: _How) -> Callable[..., Any]:
    """The integral as a function of limits, and of what the integrand depends on."""

    def value_at(t: Any, given: Any) -> Any:
        outside, args = given
        return rebuild(outside)(t, *args)

    def run(a: Any, b: Any, given: Any) -> Any:
        return _integrated(lambda t: value_at(t, given), a, b, how)

    def pushed(primals: Any, tangents: Any) -> Any:
        a, b, given = primals
        value, unravel = wg.tree.ravel(function(*primals))
        change = 0.0 * value
        if wg.tree.leaves(tangents[2]):
            at = lambda t: along(lambda g: vector(value_at(t, g)), given, tangents[2])
            change = _again(at, a, b, how)
        if tangents[0] is not None and not how.infinite[0]:
            change = change - tangents[0] * vector(value_at(a, given))
        if tangents[1] is not None and not how.infinite[1]:
            change = change + tangents[1] * vector(value_at(b, given))
        return unravel(value), unravel(change)

    def forwards(*primals: Any) -> Any:
        return function(*primals), primals

    def backwards(primals: Any, ct: Any) -> Any:
        a, b, given = primals
        ct = vector(ct)
        of_given = None
        if any(map(is_float, wg.tree.leaves(given))):
            at = lambda t: pulled(lambda g: vector(value_at(t, g)), given, ct)
            of_given = _again(at, a, b, how)
        of_a = None if how.infinite[0] else -ct @ vector(value_at(a, given))
        of_b = None if how.infinite[1] else ct @ vector(value_at(b, given))
        return of_a, of_b, of_given

    function = wg.custom_vjp(run)
    function.label = "quad"
    function.defjvp(pushed)
    function.defvjp(forwards, backwards)
    return function


def _again(f: Callable[[Any], Any], a: Any, b: Any, how: _How) -> Any:
    """Another integral, as the first one."""
    return quad(
        f,
        a,
        b,
        rtol=how.rtol,
        atol=how.atol,
        limit=how.limit,
        not_converged=how.not_converged,
    )


def _integrated(f: Callable[[Any], Any], a: Any, b: Any, how: _How) -> Any:
    f, a, b = _finite(f, a, b, how.infinite)
    like, unravel = wg.tree.ravel(f((a + b) / 2))
    total, error, n = _bisected(lambda t: vector(f(t)), a, b, len(like), how)
    wanted = np.maximum(how.atol, how.rtol * np.max(np.abs(total)))
    settle(
        np.isfinite(wanted) & (error <= wanted),
        how.not_converged,
        "quad: the integral has an error of about {} in {} intervals, and {} was asked "
        "for",
        (error, n, wanted),
        why="f may have a singularity, or not be integrable.",
        fix="split the integral there, or allow a larger rtol= or limit=",
    )
    return unravel(total)


def _finite(f: Callable[[Any], Any], a: Any, b: Any, infinite: Any) -> Any:
    """``(integrand, lower, upper)`` of the same integral between finite limits."""
    if infinite == (False, False):
        return f, a, b
    if infinite == (True, True):
        direction = np.sign(b)
        both = lambda t: wg.tree.map(lambda x, y: direction * (x + y), f(t), f(-t))
        return (_folded(both, 0.0, 1.0), 0.0, 1.0) if a != b else (f, 0.0, 0.0)
    if infinite[0]:  # the integral from b to a, backwards
        return _folded(f, b, np.sign(a), -np.sign(a)), 0.0, 1.0
    return _folded(f, a, np.sign(b), np.sign(b)), 0.0, 1.0


def _folded(f: Any, start: Any, towards: float, sign: float = 1.0) -> Any:
    """f from `start` to infinity, as a function on the interval from 0 to 1."""

    def folded(s: Any) -> Any:
        t = start + towards * (1.0 - s) / s
        return wg.tree.map(lambda x: sign * x / (s * s), f(t))

    return folded


def _bisected(
    f: Callable[[Any], Any], a: Any, b: Any, count: int, how: _How
) -> tuple[Any, Any, Any]:
    """``(integral, error, intervals)``, by halving the one with the largest error."""
    ends = np.zeros((how.limit, 2))
    parts, errors = np.zeros((how.limit, count)), np.zeros(how.limit)
    ends[0, 0], ends[0, 1] = a, b
    parts[0], errors[0] = _kronrod(f, a, b, count)
    n = 1
    while n < how.limit and np.sum(errors) > np.maximum(
        how.atol, how.rtol * np.max(np.abs(np.sum(parts, axis=0)))
    ):
        worst = np.argmax(errors)
        left, right = ends[worst, 0], ends[worst, 1]
        middle = (left + right) / 2
        ends[worst, 1], ends[n, 0], ends[n, 1] = middle, middle, right
        parts[worst], errors[worst] = _kronrod(f, left, middle, count)
        parts[n], errors[n] = _kronrod(f, middle, right, count)
        n += 1
    return np.sum(parts, axis=0), np.sum(errors), n


def _kronrod(f: Callable[[Any], Any], a: Any, b: Any, count: int) -> tuple[Any, Any]:
    """The integral over an interval, and an estimate of its error."""
    centre, half = (a + b) / 2, (b - a) / 2
    values = np.zeros((15, count))
    for i in range(15):
        values[i] = f(centre + half * _RULE[i, 0])
    kronrod, gauss = _RULE[:, 1] @ values, _RULE[:, 2] @ values
    spread = np.abs(half) * (_RULE[:, 1] @ np.abs(values - kronrod / 2))
    gap = np.abs(half * (kronrod - gauss))
    ratio = 200.0 * gap / np.where(spread > 0, spread, 1.0)
    error = np.where(spread > 0, spread * np.minimum(1.0, ratio**1.5), gap)
    return half * kronrod, np.max(error)
