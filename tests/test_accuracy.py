"""First and second derivatives against multi-digit arithmetic, at points that hurt.

The bound of a case is on the relative error of both derivatives. It is 2e-15 (some nine
units in the last place) unless the function that NumPy or SciPy evaluates is less
accurate there, or the derivative is ill-conditioned (near a zero of it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import wengert as wg
import wengert.numpy as wnp
from wengert.scipy import special

EXACT = 2e-15
LARGEST, SMALLEST = np.finfo(float).max, np.finfo(float).tiny


class Case(NamedTuple):
    name: str
    ours: Callable[..., Any]
    exact: Callable[..., Any]
    points: tuple[Any, ...]
    bound: float = EXACT
    singular: tuple[float, ...] = ()
    digits: int = 900


def _log_ndtr(x: Any) -> Any:
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


NEAR_ONE = (1 - 2.0**-52, -1 + 2.0**-50, 0.999, 0.5, 1e-10, -1e-200)
ALL = (1e-200, -1e-10, 0.3, -1.7, 20.0, -40.0)

UNARY = [
    Case("exp", wnp.exp, mp.exp, (*ALL, 709.0, -740.0)),
    Case("exp2", wnp.exp2, lambda x: mpf(2) ** x, (*ALL, 1000.0)),
    Case("expm1", wnp.expm1, mp.expm1, (*ALL, 700.0, -300.0)),
    Case("log", wnp.log, mp.log, (1e-300, 1e-3, 1 + 2e-16, 7.0, 1e300), singular=(0,)),
    Case("log2", wnp.log2, lambda x: mp.log(x, 2), (1e-150, 1.0, 1e150), singular=(0,)),
    Case("log10", wnp.log10, mp.log10, (1e-150, 1.0, 1e150), singular=(0,)),
    Case(
        "log1p",
        wnp.log1p,
        mp.log1p,
        (1e-200, -1e-17, -1 + 2.0**-52, -0.5, 3.0, 1e150),
        singular=(-1,),
    ),
    Case("sqrt", wnp.sqrt, mp.sqrt, (1e-200, 2.0, 1e300), singular=(0,)),
    Case("cbrt", wnp.cbrt, mp.cbrt, (1e-100, 2.0, 1e150), singular=(0,)),
    Case("square", wnp.square, lambda x: x * x, (1e-200, 3.0, 1e150)),
    Case(
        "reciprocal",
        wnp.reciprocal,
        lambda x: 1 / x,
        (1e-100, 3.0, -1e100),
        singular=(0,),
    ),
    Case("sin", wnp.sin, mp.sin, (1e-200, 1e-8, 1.0, 3.14159, 1e5)),
    Case("cos", wnp.cos, mp.cos, (1e-200, 1e-8, 1.0, 1.57079, 1e5)),
    Case("tan", wnp.tan, mp.tan, (1e-200, 1e-8, 1.0, 1.5707963, 4.0)),
    Case("arcsin", wnp.arcsin, mp.asin, NEAR_ONE, singular=(-1, 1)),
    Case("arccos", wnp.arccos, mp.acos, NEAR_ONE, singular=(-1, 1)),
    Case("arctan", wnp.arctan, mp.atan, (1e-200, -1e-9, 0.7, 1e9, 1e100, -1e200)),
    Case("sinh", wnp.sinh, mp.sinh, (1e-200, 1e-8, -2.0, 700.0, -700.0)),
    Case("cosh", wnp.cosh, mp.cosh, (1e-200, 1e-8, -2.0, 700.0, -700.0)),
    Case("tanh", wnp.tanh, mp.tanh, (1e-200, 1e-8, 0.5, -5.0, 18.0, 19.5, 300.0)),
    Case("arcsinh", wnp.arcsinh, mp.asinh, (1e-200, -1e-8, 2.0, 1e50, -1e100, 1e200)),
    Case(
        "arccosh",
        wnp.arccosh,
        mp.acosh,
        (1 + 2.0**-52, 1.001, 2.0, 1e8, 1e100),
        singular=(1,),
    ),
    Case("arctanh", wnp.arctanh, mp.atanh, NEAR_ONE, singular=(-1, 1)),
    Case(
        "sinc",
        wnp.sinc,
        lambda x: mp.sinc(mp.pi * x),
        (1e-200, 1e-9, 1e-3, 0.2, 0.32, 0.4, 1.0, -2.5, 10.0, 1000.0),
        1e-14,
    ),
    Case("sigmoid", wnp.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), ALL),
    Case(
        "softplus",
        wnp.softplus,
        lambda x: mp.log1p(mp.exp(x)),
        (1e-200, 1e-9, -3.0, 40.0, -40.0, 700.0, -700.0),
    ),
    Case(
        "log_expit",
        special.log_expit,
        lambda x: -mp.log1p(mp.exp(-x)),
        (1e-9, -3.0, 40.0, -40.0, 700.0, -700.0),
    ),
    Case(
        "logit",
        special.logit,
        lambda x: mp.log(x / (1 - x)),
        (1e-100, 1e-10, 0.3, 0.7, 1 - 2.0**-53),
        singular=(0, 1),
    ),
    Case("erf", special.erf, mp.erf, (1e-200, 1e-9, 0.5, -3.0, 8.1, 26.3), digits=300),
    Case("erfc", special.erfc, mp.erfc, (1e-9, 0.5, -3.0, 8.1, 26.3), digits=300),
    Case(
        "erfinv",
        special.erfinv,
        mp.erfinv,
        (1e-10, 0.1, -0.5, 0.99, 1 - 1e-6, 1 - 1e-15),
        5e-14,
        singular=(-1, 1),
        digits=150,
    ),
    Case(
        "ndtr",
        special.ndtr,
        lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
        (1e-9, 1.3, -5.7, 20.1, -37.3),
        digits=400,
    ),
    Case(
        "ndtri",
        special.ndtri,
        lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1),
        (0.1, 0.3, 0.9, 1e-3),
        1e-13,
        digits=60,
    ),
    Case(
        "log_ndtr",
        special.log_ndtr,
        _log_ndtr,
        (3.0, 0.1, -1.5, -3.9, -4.1, -20.0, -100.0, -1000.0),
        5e-14,
        digits=400,
    ),
    Case(
        "gammaln",
        special.gammaln,
        mp.loggamma,
        (1e-100, 1e-5, 0.5, 3.0, 10.5, 1e5, 1e15),
        2e-14,
        singular=(0,),
        digits=150,
    ),
    Case(
        "digamma",
        special.digamma,
        mp.digamma,
        (1e-50, 0.5, 1.46, 3.0, 1e5),
        1e-14,
        singular=(0,),
        digits=120,
    ),
    Case(
        "gamma",
        special.gamma,
        mp.gamma,
        (1e-50, 0.5, 3.0, 100.5, -0.5, -3.3),
        5e-14,
        singular=(0, -3, -4),
        digits=150,
    ),
    Case(
        "entr",
        special.entr,
        lambda x: -x * mp.log(x),
        (1e-200, 0.1, 2.0, 1e200),
        singular=(0,),
    ),
]

BINARY = [
    Case(
        "power",
        wnp.power,
        lambda x, y: x**y,
        ((2.0, 3.0), (1e-100, 1.5), (1e100, -1.5), (0.3, -7.2), (3.0, 1e-12)),
        1e-14,
    ),
    Case(
        "hypot",
        wnp.hypot,
        mp.hypot,
        ((3.0, 4.0), (1.0, 1e-10), (1e-10, -1.0), (1e160, 1e160), (1e-160, 1e-165)),
    ),
    Case(
        "arctan2",
        wnp.arctan2,
        mp.atan2,
        ((3.0, 4.0), (1.0, 1e-10), (1e-10, -1.0), (1e140, 2e140), (1e-140, 1e-145)),
        4e-15,
    ),
    Case(
        "logaddexp",
        wnp.logaddexp,
        lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        ((0.0, 0.0), (1.0, 3.0), (-40.0, 1.0), (300.0, -300.0), (1000.0, 1001.0)),
    ),
    Case(
        "logaddexp2",
        wnp.logaddexp2,
        lambda x, y: mp.log(mpf(2) ** x + mpf(2) ** y, 2),
        ((0.0, 0.0), (1.0, 3.0), (-40.0, 1.0), (300.0, -300.0)),
    ),
    Case("xlogy", special.xlogy, lambda x, y: x * mp.log(y), ((2.0, 3.0), (1e-9, 1e9))),
    Case(
        "xlog1py",
        special.xlog1py,
        lambda x, y: x * mp.log1p(y),
        ((2.0, 1e-20), (3.0, -0.999)),
    ),
    Case(
        "rel_entr",
        special.rel_entr,
        lambda x, y: x * mp.log(x / y),
        ((2.0, 3.0), (1e-9, 1.0), (5.0, 5.0 + 1e-14), (1e200, 1e-200)),
    ),
    Case(
        "kl_div",
        special.kl_div,
        lambda x, y: x * mp.log(x / y) - x + y,
        ((2.0, 3.0), (1e-9, 1.0), (5.0, 5.0 + 1e-14), (1.0, 1.4)),
    ),
]


def difference(case: Case, point: tuple[float, ...], orders: tuple[int, ...]) -> Any:
    """A partial derivative by differences with a tiny step, in many digits."""
    with mp.workdps(case.digits):
        x = [mpf(v) for v in point]
        distances = [abs(v - mpf(s)) for v in x for s in (0, *case.singular)]
        scale = min([d for d in distances if d > 0], default=mpf(1))
        step = min(scale, mpf(1)) if scale < 1 else scale if len(x) == 1 else mpf(1)
        step = step * mpf(10) ** -40
        return +mp.diff(case.exact, tuple(x), orders, h=step)


def derivatives(fun: Callable[..., Any], point: tuple[float, ...]) -> dict[Any, float]:
    """All first and second partial derivatives, by forward over reverse."""
    n = len(point)
    with np.errstate(all="ignore"):
        gradient = wg.grad(fun, argnums=tuple(range(n)))
        result = {}
        for i in range(n):
            direction = tuple(float(i == j) for j in range(n))
            first, second = wg.jvp(gradient, point, direction)
            for j in range(n):
                result[_orders(n, j)] = float(first[j])
                result[_orders(n, i, j)] = float(second[j])
    return result


def _orders(n: int, *positions: int) -> tuple[int, ...]:
    return tuple(positions.count(k) for k in range(n))


def check(case: Case, point: tuple[float, ...]) -> None:
    for orders, ours in derivatives(case.ours, point).items():
        exact = difference(case, point, orders)
        if abs(exact) > LARGEST:
            assert np.isinf(ours), (orders, ours, mpmath.nstr(exact, 20))
        elif abs(exact) < SMALLEST / EXACT:
            assert abs(ours) <= 2 * SMALLEST / EXACT, (orders, ours)
        else:
            error = float(abs(ours - exact) / abs(exact))
            assert error <= case.bound, (orders, ours, mpmath.nstr(exact, 20), error)


@pytest.mark.parametrize("case", UNARY, ids=lambda case: case.name)
def test_unary(case: Case) -> None:
    for x in case.points:
        check(case, (x,))


@pytest.mark.parametrize("case", BINARY, ids=lambda case: case.name)
def test_binary(case: Case) -> None:
    for point in case.points:
        check(case, point)


COMPLEX_POINTS = (
    0.3 + 0.4j,
    1e-3 + 1.2j,
    0.9999j,
    -1.5 + 1e-9j,
    2.0 - 30.0j,
    25.0 + 1.0j,
)
COMPLEX = [case for case in UNARY if case.name in {
    "exp", "expm1", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh",
    "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "square", "reciprocal",
}]  # fmt: skip


@pytest.mark.parametrize("case", COMPLEX, ids=lambda case: case.name)
def test_complex(case: Case) -> None:
    """Near cuts and poles, and far from the real axis."""
    for z in COMPLEX_POINTS:

        def first(z: Any) -> Any:
            return wg.jvp(case.ours, (z,), (1.0 + 0.0j,))[1]

        value, slope = wg.jvp(first, (z,), (1.0 + 0.0j,))
        with mp.workdps(200):
            exact = [
                mp.diff(case.exact, mp.mpc(z), n, h=mpf(10) ** -60) for n in (1, 2)
            ]
        for ours, truth in zip((value, slope), exact, strict=True):
            error = float(abs(mp.mpc(complex(ours)) - truth) / abs(truth))
            assert error <= 2e-14, (z, ours, mpmath.nstr(truth, 20), error)
