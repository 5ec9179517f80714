"""Functions applied entry by entry: values to the bit as NumPy's, and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.errors import DTypeError
from wengert.scipy import special

X = np.array([-2.43, -0.52, 0.27, 0.78, 1.51, 3.22])
ODD = np.array([np.nan, np.inf, -np.inf, 1.5, -0.0])
KNOTS = np.array([-1.0, 0.5, 1.0, 3.0])
HEIGHTS = np.array([2.0, -1.0, 0.5, 4.0])

# A function of one array, and the points at which to compare.
FUNCTIONS: dict[str, tuple[Callable[[Any, Any], Any], np.ndarray]] = {
    "clip": (lambda np, x: np.clip(x, -1.0, 1.0), X),
    "clip low": (lambda np, x: np.clip(x, -1.0, None), X),
    "clip high": (lambda np, x: np.clip(x, None, 1.0), X),
    "clip reversed": (lambda np, x: np.clip(x, 1.0, -1.0), X),
    "clip keywords": (lambda np, x: np.clip(x, min=-1.0, max=1.0), X),
    "clip to array": (lambda np, x: np.clip(x, X - 0.1, x * 0.5 + 0.3), X),
    "where": (lambda np, x: np.where(x > 0, x * x, -x), X),
    "where of numbers": (lambda np, x: np.where(x, x, 2.0), X),
    "select": (lambda np, x: np.select([x > 1, x > 0], [x * x, 3 * x], 2.0), X),
    "round": (lambda np, x: np.round(x) * x, X),
    "round decimals": (lambda np, x: np.round(x, 1) * x, X),
    "around": (lambda np, x: np.around(x, -1) * x, X),
    "fix": (lambda np, x: np.fix(x) * x, X),
    "sinc": (lambda np, x: np.sinc(x), X),
    "nan_to_num": (lambda np, x: np.nan_to_num(x), ODD),
    "nan_to_num filled": (
        lambda np, x: np.nan_to_num(x, nan=1, posinf=2, neginf=3),
        ODD,
    ),
    "real": (lambda np, x: np.real(x), X),
    "imag": (lambda np, x: np.imag(x), X),
    "angle": (lambda np, x: np.angle(x + 1j), X),
    "angle in degrees": (lambda np, x: np.angle(x + 1j, deg=True), X),
    "angle of reals": (lambda np, x: np.angle(x), X),
    "astype": (lambda np, x: np.astype(x, np.float32), X),
    "astype complex": (lambda np, x: np.abs(np.astype(x, np.complex128) + 1j), X),
    "astype int": (lambda np, x: np.astype(x, np.int64) * x, X),
    "float_power": (lambda np, x: np.float_power(x, 2), X),
    "fmod": (lambda np, x: np.fmod(x, 0.7), X),
    "remainder": (lambda np, x: np.remainder(x, 0.7), X),
    "copysign": (lambda np, x: np.copysign(x, -1.0), X),
    "heaviside": (lambda np, x: np.heaviside(x, 0.5) * x, X),
    "deg2rad": (lambda np, x: np.deg2rad(x), X),
    "rad2deg": (lambda np, x: np.rad2deg(x), X),
    "interp": (lambda np, x: np.interp(x, KNOTS, HEIGHTS), X + 0.01),
    "interp outside": (lambda np, x: np.interp(x, KNOTS, HEIGHTS, -7.0, 7.0), X),
    "interp at knots": (lambda np, x: np.interp(x, KNOTS, HEIGHTS), KNOTS),
    "interp of one knot": (lambda np, x: np.interp(x, [0.5], [2.0], 0.0, 1.0), X),
    "interp periodic": (
        lambda np, x: np.interp(x, KNOTS, HEIGHTS, period=2.75),
        X + 0.01,
    ),
    "interp in heights": (lambda np, y: np.interp(X, KNOTS, y), HEIGHTS),
    "interp in knots": (lambda np, k: np.interp(X + 0.01, k, HEIGHTS), KNOTS),
}
JUMPS = {"nan_to_num", "nan_to_num filled", "interp at knots", "angle of reals"}


def central(fun: Callable[..., Any], x: np.ndarray, dx: np.ndarray) -> Any:
    h = 1e-6
    return (fun(x + h * dx) - fun(x - h * dx)) / (2 * h)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_is_numpys_to_the_bit(name: str) -> None:
    fun, x = FUNCTIONS[name]
    with np.errstate(invalid="ignore"):
        expected = fun(np, x)
        plain = fun(wnp, x)
        traced = wg.vjp(lambda x: fun(wnp, x), x)[0]
    for got in (plain, traced):
        assert type(got) is type(expected)
        assert got.dtype == expected.dtype
        assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - JUMPS))
def test_derivative_is_that_of_differences(name: str) -> None:
    fun, x = FUNCTIONS[name]
    dx = np.linspace(0.5, 1.5, x.size)
    out, tangent = wg.jvp(lambda x: fun(wnp, x), (x,), (dx,))
    wide = name == "astype"
    expected = dx if wide else central(lambda x: fun(np, x), x, dx)
    np.testing.assert_allclose(tangent, expected, rtol=1e-6, atol=1e-7)
    ct = np.ones_like(out)
    (cotangent,) = wg.vjp(lambda x: fun(wnp, x), x)[1](ct)
    np.testing.assert_allclose(np.vdot(cotangent, dx), np.vdot(ct, tangent), rtol=1e-6)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"interp periodic"}))
def test_vmap_is_a_loop(name: str) -> None:
    fun, x = FUNCTIONS[name]
    if name.startswith("interp in knots"):
        lanes = np.stack([x, x + 0.1])
    else:
        lanes = np.stack([x, x[::-1]])
    with np.errstate(invalid="ignore"):
        got = wg.vmap(lambda x: fun(wnp, x))(lanes)
        expected = np.stack([fun(np, lane) for lane in lanes])
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_nan_to_num_keeps_derivatives_of_finite_entries() -> None:
    gradient = wg.grad(lambda x: wnp.sum(wnp.nan_to_num(x)))(ODD)
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 0.0, 1.0, 1.0])


def test_nan_to_num_in_place_and_of_complex() -> None:
    def fun(x: Any) -> Any:
        z = x * (1 + 0j)
        wnp.nan_to_num(z, copy=False)
        return z

    with np.errstate(invalid="ignore"):
        z = ODD * (1 + 0j)
        np.testing.assert_array_equal(wg.vjp(fun, ODD)[0], np.nan_to_num(z))


def test_interp_at_a_knot_has_the_slope_on_its_right() -> None:
    slope = wg.grad(lambda x: wnp.interp(x, KNOTS, HEIGHTS))
    assert slope(0.5) == 3.0
    assert slope(3.0) == 1.75
    assert slope(4.0) == 0.0


def test_comparisons_of_arrays() -> None:
    def fun(x: Any) -> Any:
        assert wnp.allclose(x, X)
        assert not wnp.allclose(x, X + 1)
        assert wnp.array_equal(x, X)
        assert not wnp.array_equal(x, X[1:])
        near = wnp.isclose(x, X + np.array([0, 1e-9, 1, 0, 0, np.inf]))
        return wnp.where(near, x, 0.0)

    (cotangent,) = wg.vjp(fun, X)[1](np.ones(6))
    np.testing.assert_array_equal(cotangent, [1, 1, 0, 1, 1, 0])
    assert wnp.allclose(ODD, ODD, equal_nan=True) and not wnp.allclose(ODD, ODD)

    def odd(x: Any) -> Any:
        assert wnp.array_equal(x, ODD, equal_nan=True) and not wnp.array_equal(x, ODD)
        return wnp.isclose(x, ODD, equal_nan=True) * 1.0

    np.testing.assert_array_equal(wg.vjp(odd, ODD)[0], np.ones(5))


def test_real_and_imag_of_complex_are_views() -> None:
    def fun(x: Any) -> Any:
        z = x * (1 + 2j)
        wnp.real(z)[0] = 7.0
        wnp.imag(z)[1] = 8.0
        return wnp.sum(abs(z) ** 2)

    gradient = wg.grad(fun)(np.array([1.0, 2.0]))
    np.testing.assert_allclose(gradient, [8.0, 4.0])


def test_complex_functions_against_differences() -> None:
    z, dz = np.array([0.5 + 1.0j, -1.0 - 0.25j]), np.array([1.0 - 0.5j, 0.25 + 2.0j])
    for name in ("real", "imag", "conj", "angle", "abs", "sign"):
        ours, theirs = getattr(wnp, name), getattr(np, name)
        out, tangent = wg.jvp(ours, (z,), (dz,))
        np.testing.assert_allclose(
            tangent, central(theirs, z, dz), rtol=1e-7, atol=1e-9
        )
        ct = np.array([1.0, -2.0]) * (1.0 if out.dtype.kind == "f" else 1.0 + 0.5j)
        (cotangent,) = wg.vjp(ours, z)[1](ct)
        left, right = np.vdot(cotangent, dz).real, np.vdot(ct, tangent).real
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_cast_from_complex_takes_the_real_part() -> None:
    z, dz = np.array([1.0 + 2.0j]), np.array([3.0 - 1.0j])
    with pytest.warns(np.exceptions.ComplexWarning):
        out, tangent = wg.jvp(lambda z: wnp.astype(z, np.float64), (z,), (dz,))
    assert out == [1.0] and tangent == [3.0]


def test_out_argument() -> None:
    def fun(x: Any) -> Any:
        out = wnp.zeros(6)
        wnp.clip(x, -1.0, 1.0, out=out)
        rounded = wnp.round(x, out=wnp.zeros(6)) + wnp.fix(x, out=wnp.zeros(6))
        return out * rounded

    expected = np.clip(X, -1, 1) * (np.round(X) + np.fix(X))
    np.testing.assert_array_equal(wg.vjp(fun, X)[0], expected)


def test_select_refuses_numbers_as_conditions() -> None:
    with pytest.raises(DTypeError, match="select: expected conditions of dtype bool"):
        wg.grad(lambda x: wnp.select([x], [x]))(1.0)


def test_scipys_own_ufuncs_arrive_at_ours() -> None:
    from scipy import special as scipy_special

    for name in ("erf", "gammaln", "expit", "xlogy"):
        theirs, ours = getattr(scipy_special, name), getattr(special, name)
        x = (np.array([0.5, 1.5]),) * theirs.nin
        got = wg.vjp(theirs, *x)
        expected = wg.vjp(ours, *x)
        np.testing.assert_array_equal(got[0], theirs(*x))
        np.testing.assert_array_equal(got[1](np.ones(2)), expected[1](np.ones(2)))


@pytest.mark.parametrize("name", [n for n in special.__all__ if n != "softplus"])
def test_special_values_are_scipys_to_the_bit(name: str) -> None:
    from scipy import special as scipy_special

    theirs, ours = getattr(scipy_special, name), getattr(special, name)
    x = np.array([0.125, 0.5, 0.75])
    arguments = {"polygamma": (2, x)}.get(name, (x,) * getattr(theirs, "nin", 1))
    if name in ("logsumexp", "softmax", "log_softmax"):
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-15)
        return
    expected = theirs(*arguments)
    assert ours(*arguments).tobytes() == expected.tobytes()
    assert (
        wg.vjp(lambda x: ours(*arguments[:-1], x), x)[0].tobytes() == expected.tobytes()
    )


def test_weighted_logsumexp() -> None:
    from scipy import special as scipy_special

    x, b = np.array([0.5, 1.0]), np.array([2.0, 3.0])
    got = special.logsumexp(x, b=b)
    np.testing.assert_allclose(got, scipy_special.logsumexp(x, b=b), rtol=1e-15)
    gradient = wg.grad(lambda b: special.logsumexp(x, b=b))(b)
    np.testing.assert_allclose(gradient, np.exp(x - got), rtol=1e-14)


def test_python_complex_number_before_a_scalar() -> None:
    """Python's complex number times a float64 is Python's complex number."""

    def fun(x: Any) -> Any:
        return np.angle(np.exp(1j * x)) + abs(1j / x) + abs(2j**x + 1j - x)

    h = 1e-6
    difference = (fun(0.5 + h) - fun(0.5 - h)) / (2 * h)
    np.testing.assert_allclose(wg.grad(fun)(0.5), difference, rtol=1e-8)
    np.testing.assert_allclose(wg.jvp(fun, (0.5,), (1.0,))[1], difference, rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_dtypes_of_traced_values_are_asked_as_in_numpy(dtype):
    def f(x):
        kinds = np.iscomplexobj(x), np.isrealobj(x), np.iscomplexobj(x * 1j)
        assert kinds == (dtype is np.complex64, dtype is not np.complex64, True)
        return np.zeros(2, np.result_type(x, np.float32, 1.0)) + x

    x = np.ones(2, dtype)
    lanes = wg.vmap(f)(np.stack([x, x]))[0]
    for found in (f(x), wg.jit(f)(x), wg.jvp(f, (x,), (x,))[0], lanes):
        assert found.dtype == dtype
