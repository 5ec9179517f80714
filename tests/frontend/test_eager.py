"""Plain NumPy functions, converted, differentiate without an edit."""

from __future__ import annotations

import functools
import math
from math import cos, sin

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import wengert as wg
from tests.frontend import helpers
from wengert._frontend.api import convert

MODES = pytest.mark.parametrize("staging", [False, True], ids=["calls", "staging"])


class Spring:
    def __init__(self, stiffness, rest):
        self.stiffness = stiffness
        self.table = np.zeros(3)
        for i in range(3):
            self.table[i] = rest * i

    def energy(self, x):
        return 0.5 * self.stiffness * (x - self.table[1]) ** 2

    def __call__(self, x):
        return self.energy(x)

    @classmethod
    def unit(cls, rest):
        return cls(1.0, rest)


def buffer_in_a_loop(x):
    y = np.zeros(5)
    y[0] = x
    for i in range(1, 5):
        y[i] = y[i - 1] * x if i % 2 else y[i - 1] + x
    return y[4]  # ((x*x + x)*x + x)


def with_math(x):
    return math.sin(x) * math.exp(x) + math.sqrt(x) + math.pow(x, 3) + math.log(x, 2)


def with_names_of_math(x):
    return sin(x) * cos(x) if x > 0 else cos(x)


def floats(x):
    a = float(x) * np.float64(x)
    return a + complex(x).real + abs(x)


def with_helpers(x):
    return helpers.power(x, 3) + helpers.table(x)[2]


def with_a_class(x):
    spring = Spring(x, 2.0 * x)
    return spring.energy(3.0) + spring(3.0) + Spring.unit(x).energy(1.0)


def extremes(x):
    return min(x * x, 100.0) + max([0.0, 3.0 * x, 1]) + min(1.0, x)


def lists(x):
    return np.array([x, x * x, 1.0]).sum() + np.stack([[x], [2.0]])[0, 0] + sum([x, x])


def recursive(x, n=3):
    return x if n == 0 else x * recursive(x, n - 1)


def nested(x):
    def g(k):
        out = np.empty(2)
        out[:] = x, k
        return out.prod()

    return sum(map(g, [1.0, 2.0])) + functools.reduce(lambda a, b: a + g(b), [1.0], x)


def partially(x):
    return functools.partial(helpers.power, n=2)(x)


def types(x):
    if isinstance(x, float) and not isinstance(x, (str, np.ndarray)):
        return 2.0 * x
    return x


def with_scipy(x):
    a = np.eye(2)
    a[0, 0] = x
    solved = scipy.linalg.solve(a, np.array([1.0, 2.0]))
    return solved.sum() + scipy.special.erf(x) + math.erf(x) + math.lgamma(x)


def integers(x):
    n = int(x)
    return x ** math.floor(x) + n * x if n == 2 else x


def counted(x):
    y = np.linspace(0.0, 1.0, num=3, dtype=float) * x
    np.add.at(y, [0, 0, 1], x)
    return len(y) * y.sum()


TABLE = np.ones((2, 2))


def copies(x):
    """Copies by methods of an array from outside, written to."""
    y, z, flat = TABLE.copy(), TABLE.astype(float), TABLE.flatten()
    y[0, 0] = z[0] = flat[1] = x
    return y.sum() + (z * flat[:2]).sum() + TABLE.copy().max()


def psi(x):
    return float(scipy.special.digamma(x))


TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
CASES = [
    (buffer_in_a_loop, 1.5, 3 * 1.5**2 + 2 * 1.5 + 1),
    (
        with_math,
        1.5,
        math.exp(1.5) * (math.sin(1.5) + math.cos(1.5))
        + 0.5 / math.sqrt(1.5)
        + 3 * 1.5**2
        + 1 / (1.5 * math.log(2)),
    ),
    (with_names_of_math, 0.7, math.cos(1.4)),
    (floats, 3.0, 8.0),
    (with_helpers, 2.0, 12.0 + 5.0),
    (with_a_class, 2.0, 2 * (0.5 * 1.0 + 2.0) + 3.0 * 2 - 6.0 + 1.0 - 2.0),
    (extremes, 2.0, 4.0 + 3.0),
    (lists, 3.0, 1 + 6 + 1 + 2),
    (recursive, 2.0, 4 * 2.0**3),
    (nested, 3.0, 1 + 2 + 1 + 1),
    (partially, 3.0, 6.0),
    (types, 3.0, 2.0),
    (
        with_scipy,
        2.0,
        -0.25 + 2 * TWO_OVER_ROOT_PI * math.exp(-4.0) + psi(2.0),
    ),
    (integers, 2.5, 2 * 2.5 + 2),
    (counted, 2.0, 3 * (0.0 + 0.5 + 1.0 + 3.0)),
    (copies, 3.0, 1 + 2 + 2 * 3.0),
    (Spring(2.0, 1.0), 3.0, 4.0),
    (Spring(2.0, 1.0).energy, 3.0, 4.0),
]


@MODES
@pytest.mark.parametrize(("function", "x", "slope"), CASES)
def test_derivative(function, x, slope, staging):
    if function is with_a_class:
        slope = _spring_slope(x)
    converted = convert(function, staging)
    value = function(x)
    assert converted(x) == value and type(converted(x)) is type(value)
    assert float(wg.grad(converted)(x)) == pytest.approx(slope, rel=1e-14)
    out, tangent = wg.jvp(converted, (x,), (1.0,))
    assert out == value
    assert float(tangent) == pytest.approx(slope, rel=1e-14)


def _spring_slope(x):
    """Of x (3 - 2x)² + (1 - x)² / 2."""
    return (3 - 2 * x) ** 2 - 4 * x * (3 - 2 * x) - (1 - x)


@MODES
def test_every_function_of_math(staging):
    """A traced value does not lose its dependence in `math`."""
    names = (
        "acos acosh asin asinh atan atanh ceil cos cosh degrees erf erfc exp expm1 "
        "fabs floor gamma lgamma log log10 log1p log2 radians sin sinh "
        "sqrt tan tanh trunc"
    ).split()
    for name in names:
        function = getattr(math, name)
        x = 1.5 if name == "acosh" else 0.5
        converted = convert(lambda v, f=function: f(v), staging)
        slope = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
        value, gradient = wg.value_and_grad(converted)(x)
        assert value == pytest.approx(function(x), rel=1e-14), name
        assert gradient == pytest.approx(slope, rel=1e-6), name
        assert converted(x) == function(x) and type(converted(x)) is type(function(x))


def test_functions_of_math_with_several_arguments():
    calls = [
        lambda x: math.atan2(x, 2.0),
        lambda x: math.hypot(x, 2.0, x),
        lambda x: math.copysign(x, -1.0),
        lambda x: math.fmod(x, 0.2),
        lambda x: math.prod([x, x, 2.0]),
        lambda x: math.fsum([x, 1.0, x]),
        lambda x: math.dist([x, 1.0], [2.0, x]),
        lambda x: math.log(3.0, x),
    ]
    for call in calls:
        slope = (call(0.5 + 1e-6) - call(0.5 - 1e-6)) / 2e-6
        assert wg.grad(convert(call, False))(0.5) == pytest.approx(slope, rel=1e-7)


def test_plain_results_are_numpys():
    """Arguments of NumPy that ours do not have, outside and inside a transformation."""

    def f(x):
        a, step = np.linspace(0, 1, 5, retstep=True)
        b = np.array([[1, 2], [3, 4]], order="F", ndmin=2)
        c = np.full((2,), 3, order="C", like=None)
        return (
            (a * x).sum() + step + b.sum() + c.sum() + np.asarray([1.0], order="C")[0]
        )

    for staging in (False, True):
        assert convert(f, staging)(2.0) == f(2.0)
        assert wg.grad(convert(f, staging))(2.0) == 2.5


def test_the_users_arrays_stay_plain():
    constant = np.ones(3)

    def f(x):
        return (np.asarray(constant) is constant) * x

    assert wg.grad(convert(f, False))(2.0) == 1.0


def test_vmap():
    def f(x):
        y = np.zeros(2)
        y[1] = min(float(x), 2.0)
        return y

    out = wg.vmap(convert(f, False))(np.array([1.0, 3.0]))
    assert out.tolist() == [[0.0, 1.0], [0.0, 2.0]]


def test_second_order():
    assert wg.grad(wg.grad(convert(buffer_in_a_loop, True)))(1.5) == 6 * 1.5 + 2
