"""The programs in CasADi: steps as graphs of scalars (SX), loops by `fold`.

Without newton, whose number of steps depends on values: a graph has no `while`. One
graph for all of lu; at the large size it would have 40 million nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import casadi as ca
import numpy as np


def _repeated(state: Any, after: Any, n: int) -> Any:
    return ca.Function("step", [state], [after]).fold(n)


def recurrence(x, n):
    s, base = ca.SX.sym("s"), ca.SX.sym("base")
    step = ca.Function("step", [s, base], [s * base + 0.1 * ca.sin(s)])
    return step.fold(n)(0.5, ca.repmat(x, 1, n))


def runge_kutta(x, n):
    y, h = ca.SX.sym("y", 8), 0.01

    def slope(y):
        return 1.5 * ca.sin(ca.vertcat(y[7], y[:7]) - y) - 0.1 * y

    k1 = slope(y)
    k2 = slope(y + 0.5 * h * k1)
    k3 = slope(y + 0.5 * h * k2)
    k4 = slope(y + h * k3)
    after = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return ca.sumsqr(_repeated(y, after, n)(x))


def lu(matrix):
    n = matrix.shape[0]
    given = ca.SX.sym("a", n, n)
    a = [[given[i, j] for j in range(n)] for i in range(n)]
    total = 0.0
    for k in range(n):
        for i in range(k + 1, n):
            a[i][k] = a[i][k] / a[k][k]
            for j in range(k + 1, n):
                a[i][j] -= a[i][k] * a[k][j]
        total += ca.log(a[k][k])
    return ca.Function("lu", [given], [total])(matrix)


def gauss_seidel(b, sweeps):
    n = b.shape[0]
    u, source = ca.SX.sym("u", n), ca.SX.sym("b", n)
    after = [u[i] for i in range(n)]
    for i in range(1, n - 1):
        after[i] = 0.5 * (after[i - 1] + after[i + 1] + source[i])
    step = ca.Function("sweep", [u, source], [ca.vertcat(*after)])
    return ca.sumsqr(step.fold(sweeps)(ca.DM.zeros(n), ca.repmat(b, 1, sweeps)))


def n_body(positions, n):
    state = ca.SX.sym("state", 30)
    x, v = ca.reshape(state[:15], 5, 3), ca.reshape(state[15:], 5, 3)
    rows = []
    for i in range(5):
        d = x - ca.repmat(x[i, :], 5, 1)
        r = ca.sum2(d * d) + 0.1
        rows.append(v[i, :] + ca.mtimes((0.001 / (r * ca.sqrt(r))).T, d))
    v = ca.vertcat(*rows)
    after = ca.vertcat(ca.vec(x + 0.001 * v), ca.vec(v))
    start = ca.vertcat(ca.vec(positions), ca.DM.zeros(15))
    return ca.sumsqr(_repeated(state, after, n)(start)[:15])


def stencil_slices(u, steps):
    n = u.shape[0]
    state = ca.SX.sym("u", n, n)
    inner = state[2:, 1:-1] + state[:-2, 1:-1] + state[1:-1, 2:] + state[1:-1, :-2]
    after = ca.SX(state)
    after[1:-1, 1:-1] += 0.1 * (inner - 4.0 * state[1:-1, 1:-1])
    step = ca.Function("step", [state], [after])
    for _ in range(steps):
        u = step(u)
    return ca.sumsqr(u)


def logistic(w, x, y):
    z = ca.mtimes(x, w)
    return ca.sum1(ca.log(1.0 + ca.exp(-y * z))) / y.shape[0] + 0.01 * ca.sumsqr(w)


def lstm(w, n):
    weights, state = ca.SX.sym("w", 32, 16), ca.SX.sym("state", 16)
    h, c = state[:8], state[8:]
    z = ca.mtimes(weights[:, :8], ca.DM(np.linspace(-1.0, 1.0, 8)))
    z += ca.mtimes(weights[:, 8:], h)
    gates = 1.0 / (1.0 + ca.exp(-z[:24]))
    c = gates[:8] * c + gates[8:16] * ca.tanh(z[24:])
    after = ca.vertcat(gates[16:] * ca.tanh(c), c)
    step = ca.Function("step", [state, weights], [after])
    return ca.sumsqr(step.fold(n)(ca.DM.zeros(16), ca.repmat(w, 1, n))[:8])


def mixture(means, x):
    point, centres = ca.SX.sym("x"), ca.SX.sym("means", 8)
    d = point - centres
    term = ca.log(ca.sum1(ca.exp(-0.5 * d * d)))
    each = ca.Function("term", [point, centres], [term])
    n = x.shape[0]
    return ca.sum2(each.map(n)(x.T, ca.repmat(means, 1, n)))


PROGRAMS = {
    f.__name__: f
    for f in (
        recurrence,
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
SIZES = ("small",)


def runs(name: str, args: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    """The primal and the gradient of a program; what is not differentiated is fixed."""
    first, *rest = args
    given = ca.DM(first)
    x = ca.MX.sym("x", *given.shape)
    fixed = [r if isinstance(r, int) else ca.DM(r) for r in rest]
    value = PROGRAMS[name](x, *fixed)
    primal = ca.Function("primal", [x], [value])
    gradient = ca.Function("gradient", [x], [value, ca.gradient(value, x)])

    def both() -> Any:
        found, slope = gradient(given)
        return found, np.asarray(slope).reshape(np.shape(first))

    return {"primal": lambda: primal(given), "gradient": both}
