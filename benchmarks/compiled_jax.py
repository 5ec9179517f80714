"""The programs in JAX, as its documentation advises: x64, `scan` and whole arrays.

Reverse mode does not go through `while_loop`: the gradient of newton is forward mode,
which costs no more for one input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

jax.config.update("jax_enable_x64", True)


def _repeat(step: Callable[[Any], Any], carry: Any, n: int) -> Any:
    return lax.scan(lambda c, _: (step(c), None), carry, None, length=n)[0]


def recurrence(x, n):
    return _repeat(lambda s: s * x + 0.1 * jnp.sin(s), jnp.asarray(0.5), n)


def newton(x, n):
    mean = 0.1 + 3.0 * jnp.arange(n) / n

    def solve(mean):
        def residual(e):
            return e - x * jnp.sin(e) - mean

        def step(carry):
            e, r = carry
            e = e - r / (1.0 - x * jnp.cos(e))
            return e, residual(e)

        def unsolved(carry):
            return jnp.abs(carry[1]) > 1e-12

        return lax.while_loop(unsolved, step, (mean, residual(mean)))[0]

    return jnp.sum(jax.vmap(solve)(mean))


def runge_kutta(y, n):
    h = 0.01

    def slope(y):
        return 1.5 * jnp.sin(jnp.roll(y, 1) - y) - 0.1 * y

    def step(y):
        k1 = slope(y)
        k2 = slope(y + 0.5 * h * k1)
        k3 = slope(y + 0.5 * h * k2)
        k4 = slope(y + h * k3)
        return y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    return jnp.sum(_repeat(step, y, n) ** 2)


def lu(matrix):
    n = matrix.shape[0]
    places = jnp.arange(n)

    def step(a, k):
        pivot = a[k, k]
        factors = jnp.where(places > k, a[:, k] / pivot, 0.0)
        row = jnp.where(places > k, a[k], 0.0)
        a = a - factors[:, None] * row
        a = a.at[:, k].set(jnp.where(places > k, factors, a[:, k]))
        return a, jnp.log(pivot)

    return jnp.sum(lax.scan(step, matrix, places)[1])


def n_body(x, n):
    def step(carry):
        x, v = carry
        d = x - x[:, None]
        r = jnp.sum(d * d, axis=2) + 0.1
        f = 0.001 / (r * jnp.sqrt(r))
        v = v + jnp.sum(f[:, :, None] * d, axis=1)
        return x + 0.001 * v, v

    return jnp.sum(_repeat(step, (x, jnp.zeros_like(x)), n)[0] ** 2)


def gauss_seidel(b, sweeps):
    def sweep(u):
        def point(left, given):
            right, source = given
            new = 0.5 * (left + right + source)
            return new, new

        inner = lax.scan(point, u[0], (u[2:], b[1:-1]))[1]
        return u.at[1:-1].set(inner)

    return jnp.sum(_repeat(sweep, jnp.zeros_like(b), sweeps) ** 2)


def stencil_slices(u, steps):
    def step(u):
        inner = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        return u.at[1:-1, 1:-1].add(0.1 * (inner - 4.0 * u[1:-1, 1:-1]))

    return jnp.sum(_repeat(step, u, steps) ** 2)


def logistic(w, x, y):
    return jnp.mean(jnp.log(1.0 + jnp.exp(-y * (x @ w)))) + 0.01 * jnp.sum(w * w)


def lstm(w, n):
    x = jnp.linspace(-1.0, 1.0, 8)

    def step(carry):
        h, c = carry
        z = w[:, :8] @ x + w[:, 8:] @ h
        gates = 1.0 / (1.0 + jnp.exp(-z[:24]))
        c = gates[:8] * c + gates[8:16] * jnp.tanh(z[24:])
        return gates[16:] * jnp.tanh(c), c

    return jnp.sum(_repeat(step, (jnp.zeros(8), jnp.zeros(8)), n)[0] ** 2)


def mixture(means, x):
    d = x[:, None] - means
    return jnp.sum(jnp.log(jnp.sum(jnp.exp(-0.5 * d * d), axis=1)))


PROGRAMS = {
    f.__name__: f
    for f in (
        recurrence,
        newton,
        runge_kutta,
        lu,
        gauss_seidel,
        n_body,
        stencil_slices,
        logistic,
        lstm,
        mixture,
    )
}
PROGRAMS["stencil_loops"] = stencil_slices
FORWARD = ("newton",)
SIZES = ("small", "large")


def _value_and_slope(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Value and derivative in a scalar, by forward mode."""
    return lambda x, *rest: jax.jvp(lambda x: fun(x, *rest), (x,), (jnp.ones_like(x),))


def runs(name: str, args: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    """The primal and the gradient of a program; integers are static."""
    fun = PROGRAMS[name]
    static = tuple(i for i, a in enumerate(args) if isinstance(a, int))
    given = tuple(a if i in static else jnp.asarray(a) for i, a in enumerate(args))
    primal = jax.jit(fun, static_argnums=static)
    transform = _value_and_slope if name in FORWARD else jax.value_and_grad
    gradient = jax.jit(transform(fun), static_argnums=static)
    return {
        "primal": lambda: jax.block_until_ready(primal(*given)),
        "gradient": lambda: jax.block_until_ready(gradient(*given)),
    }
