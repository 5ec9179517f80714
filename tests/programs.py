"""What a program must satisfy in every mode, held against plain NumPy.

A program is a function ``(np, x) -> array`` (or a tuple of arrays) that takes the
module to compute with, so that one text runs in plain NumPy and in Wengert.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from wengert._cases import differences

Program = Callable[[Any, Any], Any]


def leaves(out: Any) -> list[np.ndarray]:
    return [np.asarray(v) for v in (out if isinstance(out, tuple) else (out,))]


def plain(program: Program, x: Any) -> list[np.ndarray]:
    """The program in plain NumPy, on its own copy of the argument."""
    return leaves(program(np, x.copy()))


def traced(program: Program) -> Callable[[Any], Any]:
    return lambda x: program(wnp, x)


def direction(x: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1.0, 1.0], x.shape)
    if x.dtype.kind == "c":
        values = values + 1j * rng.uniform(-1.0, 1.0, x.shape)
    return np.asarray(values, x.dtype)


def directions(out: Any, seed: int = 1) -> Any:
    values = [direction(v, seed + i) for i, v in enumerate(leaves(out))]
    return tuple(values) if isinstance(out, tuple) else values[0]


def dot(us: Any, vs: Any) -> float:
    pairs = zip(leaves(us), leaves(vs), strict=True)
    return float(sum(np.sum(np.conj(u) * v).real for u, v in pairs))


def size(us: Any, vs: Any) -> float:
    pairs = zip(leaves(us), leaves(vs), strict=True)
    return float(sum(np.sum(abs(u) * abs(v)) for u, v in pairs)) + 1e-300


def assert_bits(got: Any, expected: Any) -> None:
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert a.tobytes() == b.tobytes(), f"{a} != {b}"


def assert_close(got: Any, expected: Any, tolerance: float) -> None:
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        assert a.shape == b.shape
        scale = np.max(abs(b), initial=0.0) + abs(b)
        assert np.all(abs(a - b) <= tolerance * scale + 1e-14), f"{a} != {b}"


def exact_tangent(program: Program, x: np.ndarray, dx: np.ndarray) -> list[np.ndarray]:
    """The derivative along dx of the plain NumPy program, by a complex step."""
    h = 1e-100
    return [v.imag / h for v in plain(program, x + 1j * h * dx)]


def difference_tangent(program: Program, x: Any, dx: Any) -> list[np.ndarray]:
    return differences(lambda x: tuple(plain(program, x)), (x,), (dx,))


def check_first_order(program: Program, x: np.ndarray, analytic: bool = True) -> None:
    """Values to the bit, tangent, cotangent and an unchanged argument."""
    fun, dx, before = traced(program), direction(x), x.tobytes()
    expected = plain(program, x)
    out, tangent = wg.jvp(fun, (x,), (dx,))
    assert_bits(out, tuple(expected))
    if analytic:
        assert_close(tangent, tuple(exact_tangent(program, x, dx)), 1e-12)
    else:
        assert_close(tangent, tuple(difference_tangent(program, x, dx)), 2e-8)
    value, pullback = wg.vjp(fun, x)
    assert_bits(value, tuple(expected))
    ct = directions(value)
    (cotangent,) = pullback(ct)
    assert cotangent.shape == x.shape and cotangent.dtype == x.dtype
    assert abs(dot(ct, tangent) - dot(cotangent, dx)) <= 1e-12 * (
        size(ct, tangent) + size(cotangent, dx)
    )
    assert_bits(pullback(ct)[0], cotangent)
    assert x.tobytes() == before


def check_batched(program: Program, x: np.ndarray) -> None:
    """vmap of the value, of jvp and of vjp, against a loop over the lanes."""
    fun = traced(program)
    ct = directions(fun(x.copy()))
    lanes = np.stack([x, x * 1.0625, x[::-1] if x.ndim else -x])

    def both(x: Any) -> Any:
        value, pullback = wg.vjp(fun, x)
        tangent = wg.jvp(fun, (x,), (direction_like,))[1]
        outputs = value if isinstance(value, tuple) else (value,)
        tangents = tangent if isinstance(tangent, tuple) else (tangent,)
        return (*outputs, *tangents, *pullback(ct))

    direction_like = direction(x)
    rows = [both(lane) for lane in lanes]
    expected = tuple(np.stack(columns) for columns in zip(*rows, strict=True))
    before = lanes.tobytes()
    assert_close(wg.vmap(both)(lanes), expected, 1e-12)
    values = [plain(program, lane) for lane in lanes]
    stacked = tuple(np.stack(columns) for columns in zip(*values, strict=True))
    assert_close(wg.vmap(fun)(lanes), stacked, 1e-13)
    assert lanes.tobytes() == before


def check_second_order(program: Program, x: np.ndarray) -> None:
    """jvp of vjp against differences of vjp, vjp of vjp and jvp of jvp against it."""
    fun, dx, again = traced(program), direction(x, 5), direction(x, 6)
    ct = directions(fun(x.copy()))

    def reverse(x: Any) -> Any:
        return wg.vjp(fun, x)[1](ct)[0]

    def forward(x: Any) -> Any:
        return wg.jvp(fun, (x,), (again,))[1]

    hvp = wg.jvp(reverse, (x,), (dx,))[1]
    expected = differences(reverse, (x,), (dx,))[0]
    assert_close(hvp, expected, 2e-7)
    transposed = wg.vjp(reverse, x)[1](again)[0]
    scale = size(hvp, again) + size(transposed, dx) + 1e-14
    assert abs(dot(hvp, again) - dot(transposed, dx)) <= 1e-11 * scale
    mixed = wg.jvp(forward, (x,), (dx,))[1]
    assert abs(dot(ct, mixed) - dot(hvp, again)) <= 1e-11 * (size(ct, mixed) + scale)
