"""Reference values of the initial value problems, by SciPy and mpmath.

``python -m tests.reference.ode`` writes `ode.json`: the states at the saved times, and
their sensitivities to parameters from the equation of the tangent, whose Jacobians are
taken by complex steps. The problem of prey and predators is solved by mpmath's Taylor
series too, to 25 digits, which says how good SciPy's values are.
"""

from __future__ import annotations

import json
from pathlib import Path

import mpmath
import numpy as np
from scipy.integrate import solve_ivp

FILE = Path(__file__).with_suffix(".json")


def lotka_volterra(t, y, p):
    return [p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]]


def sir(t, y, p):
    new = p[0] * y[0] * y[1]
    return [-new, new - p[1] * y[1], p[1] * y[1]]


def double_pendulum(t, y, p):
    a, b, va, vb = y
    d, g = a - b, p[0]
    sin, cos = np.sin, np.cos
    below = 2.0 - cos(d) ** 2
    top = -(va**2) * sin(d) * cos(d) + g * sin(b) * cos(d)
    low = g * sin(a) * cos(d) + va**2 * sin(d) - g * sin(b)
    return [
        va,
        vb,
        (top - vb**2 * sin(d) - 2.0 * g * sin(a)) / below,
        (vb**2 * sin(d) * cos(d) + 2.0 * low) / below,
    ]


def robertson(t, y, p):
    a, b, c = p[0] * y[0], p[1] * y[1] ** 2, p[2] * y[1] * y[2]
    return [c - a, a - b - c, b]


PROBLEMS = {
    "lotka_volterra": (
        lotka_volterra,
        [1.0, 1.0],
        [1.5, 1.0, 3.0, 1.0],
        [0.0, 1.0, 2.0, 3.5, 5.0],
    ),
    "sir": (sir, [0.99, 0.01, 0.0], [1.6, 0.4], [0.0, 3.0, 7.0, 14.0]),
    "double_pendulum": (
        double_pendulum,
        [1.0, 0.5, 0.0, 0.0],
        [9.81],
        [0.0, 0.5, 1.0, 2.0],
    ),
    "robertson": (
        robertson,
        [1.0, 0.0, 0.0],
        [0.04, 3e7, 1e4],
        [0.0, 0.4, 40.0, 4000.0],
    ),
}


def columns(f, x):
    """The Jacobian of a real analytic function, by complex steps."""
    steps = 1e-30j * np.eye(len(x))
    return np.array([np.imag(f(x + h)) for h in steps]).T / 1e-30


def with_sensitivities(f, y0, p):
    """The right-hand side of the state and its sensitivities to the parameters."""
    n, m = len(y0), len(p)

    def both(t, z):
        y, s = z[:n], z[n:].reshape(n, m)
        by_state = columns(lambda y: np.array(f(t, y, p)), y)
        by_parameters = columns(lambda p: np.array(f(t, y, p)), np.asarray(p))
        return np.concatenate([f(t, y, p), (by_state @ s + by_parameters).ravel()])

    return both


def solved(name):
    f, y0, p, times = PROBLEMS[name]
    n, m = len(y0), len(p)
    stiff = name == "robertson"
    done = solve_ivp(
        with_sensitivities(f, y0, p),
        (times[0], times[-1]),
        np.concatenate([y0, np.zeros(n * m)]),
        method="Radau" if stiff else "DOP853",
        t_eval=times,
        rtol=1e-10 if stiff else 1e-13,
        atol=1e-16 if stiff else 1e-14,
    )
    return {
        "t": times,
        "y0": y0,
        "p": p,
        "y": done.y[:n].T.tolist(),
        "sensitivities": done.y[n:].T.reshape(len(times), n, m).tolist(),
    }


def taylor(name):
    """The last state by Taylor series in 25 digits."""
    f, y0, p, times = PROBLEMS[name]
    with mpmath.workdps(25):
        solution = mpmath.odefun(lambda t, y: f(t, y, p), 0, y0)
        return [float(x) for x in solution(times[-1])]


def main():
    found = {name: solved(name) for name in PROBLEMS}
    found["lotka_volterra"]["taylor"] = taylor("lotka_volterra")
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
