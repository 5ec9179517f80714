"""Implicit functions with known closed forms: ``name: (implicit, explicit, argument)``.

The closed form has the value and all derivatives; both give one number.
"""

from __future__ import annotations

import numpy as np

import wengert as wg
from wengert import implicit

RNG = np.random.default_rng(7)
DESIGN, ANSWERS = RNG.normal(size=(12, 3)), RNG.normal(size=12)
LATER, LATER_ANSWERS = RNG.normal(size=(6, 3)), RNG.normal(size=6)
MATRIX = RNG.normal(size=(3, 3)) + 4.0 * np.eye(3)


def square_root(a):
    return implicit.root(lambda x: x * x - a, 1.0)


def _eccentric(e, mean=1.0):
    """Kepler's equation, by so many steps that none is left to take."""
    x = mean
    for _ in range(40):
        x = x - (x - e * np.sin(x) - mean) / (1 - e * np.cos(x))
    return x


def kepler(e):
    return implicit.root(lambda x, e: x - e * np.sin(x) - 1.0, 1.0, (e,))


def kepler_by_repetition(e):
    return implicit.fixed_point(lambda x: 1.0 + e * np.sin(x), 1.0)


def in_a_tree(p):
    def equations(x):
        both = {"sum": x["u"] + x["v"] - p["s"], "product": x["u"] * x["v"] - p["t"]}
        return both

    x = implicit.root(equations, {"u": np.array([3.0, 2.0]), "v": np.zeros(2)})
    return np.sum(x["u"] ** 3) + x["v"][0]


def in_a_tree_explicit(p):
    half = p["s"] / 2
    spread = np.sqrt(half**2 - p["t"])
    return np.sum((half + spread) ** 3) + (half - spread)[0]


TREE = {"s": np.array([3.0, 4.0]), "t": np.array([1.0, 2.0])}


def projection(p):
    """On the unit ball's surface."""
    x = implicit.argmin(
        lambda x: np.sum((x - p) ** 2), np.ones(3), equality=lambda x: x @ x - 1.0
    )
    return x @ np.array([1.0, 2.0, 3.0])


def projection_explicit(p):
    return p @ np.array([1.0, 2.0, 3.0]) / np.sqrt(p @ p)


def _later_error(w):
    return np.sum((LATER @ w - LATER_ANSWERS) ** 2)


def ridge(strength):
    """A hyperparameter: the error on later data of what was fitted to earlier data."""

    def objective(w, strength):
        return np.sum((DESIGN @ w - ANSWERS) ** 2) + strength * w @ w

    return _later_error(implicit.argmin(objective, np.zeros(3), (strength,)))


def ridge_explicit(strength):
    normal = DESIGN.T @ DESIGN + strength * np.eye(3)
    return _later_error(np.linalg.solve(normal, DESIGN.T @ ANSWERS))


def boxed(p):
    lower, upper = -0.5 * p[0] * p[0], 2.0
    x = implicit.argmin(
        lambda x: np.sum((x - p) ** 2) + x[0] * x[1], np.ones(3), bounds=(lower, upper)
    )
    return np.sum(x**3)


def boxed_explicit(p):
    """The second is at its lower bound, the third at the upper one."""
    second = -0.5 * p[0] * p[0]
    return (p[0] - second / 2) ** 3 + second**3 + 8.0


def shares(p):
    """Shares of one, none above a bound that moves too."""
    x = implicit.argmin(
        lambda x: np.sum(x * np.log(x)) - p @ x,
        np.full(3, 0.3),
        bounds=(1e-6, 0.1 * p[2]),
        equality=lambda x: np.sum(x) - 1.0,
    )
    return x @ np.array([1.0, -2.0, 3.0]) + np.sum(x**3)


def shares_explicit(p):
    """The third is at its upper bound; the others share the rest."""
    third = 0.1 * p[2]
    first = (1.0 - third) / (1.0 + np.exp(p[1] - p[0]))
    second = 1.0 - third - first
    return first - 2.0 * second + 3.0 * third + first**3 + second**3 + third**3


def leader(a):
    """A minimum in whose objective a root stands."""

    def answer(x, a):
        return implicit.root(lambda y: y**3 + y - a * x, 1.0)

    return implicit.argmin(lambda x, a: (x - 1.0) ** 2 + answer(x, a), 0.5, (a,))


def leader_explicit(a):
    """By hand: 2 (x - 1) + a / (3 y**2 + 1) = 0 and y**3 + y = a x."""
    x, y = 0.5, 0.5
    for _ in range(30):
        slope = 3.0 * y * y + 1.0
        r = np.stack([2.0 * (x - 1.0) + a / slope, y**3 + y - a * x])
        bend = -6.0 * a * y / slope**2
        determinant = 2.0 * slope + a * bend
        x, y = (
            x - (slope * r[0] - bend * r[1]) / determinant,
            y - (a * r[0] + 2.0 * r[1]) / determinant,
        )
    return x


def gaussian(s):
    return implicit.quad(lambda t: np.exp(-s * t * t), -np.inf, np.inf)


def gaussian_explicit(s):
    return np.sqrt(np.pi / s)


def growing(p):
    """Of limits and of what is integrated at once, reversed."""
    return implicit.quad(lambda t: {"x": np.exp(p[0] * t)}, p[1], -p[0])["x"]


def growing_explicit(p):
    return (np.exp(-p[0] * p[0]) - np.exp(p[0] * p[1])) / p[0]


@implicit.custom_root(lambda x, a: x * x - a)
def babylonian(a):
    x = 1.0
    while abs(x * x - a) > 1e-14 * a:
        x = (x + a / x) / 2
    return x


@implicit.custom_fixed_point(lambda x, e: 1.0 + e * np.sin(x))
def repeated(e):
    x, last = 1.0, 0.0
    while abs(x - last) > 1e-15:
        x, last = 1.0 + e * np.sin(x), x
    return x


@implicit.custom_argmin(
    lambda w, s: np.sum((DESIGN @ w - ANSWERS) ** 2) + s * w @ w, linear="cg"
)
def descended(s):
    w = np.zeros(3)
    for _ in range(400):
        w = w - 0.02 * (DESIGN.T @ (DESIGN @ w - ANSWERS) + s * w)
    return w


def descended_error(s):
    return _later_error(descended(s))


def solved(p):
    def product(v):
        return MATRIX @ v + p[2] * v

    return np.sum(implicit.linear_solve(product, p) ** 3)


def solved_explicit(p):
    return np.sum(np.linalg.solve(MATRIX + p[2] * np.eye(3), p) ** 3)


P = np.array([0.5, -2.0, 4.0])
CASES = {
    "square root": (square_root, np.sqrt, 2.0),
    "kepler": (kepler, _eccentric, 0.5),
    "kepler by repetition": (kepler_by_repetition, _eccentric, 0.5),
    "tree": (in_a_tree, in_a_tree_explicit, TREE),
    "projection": (projection, projection_explicit, np.array([3.0, 1.0, -2.0])),
    "ridge": (ridge, ridge_explicit, 1.5),
    "boxed": (boxed, boxed_explicit, P),
    "shares": (shares, shares_explicit, np.array([0.5, 0.2, 4.0])),
    "leader": (leader, leader_explicit, 0.8),
    "gaussian": (gaussian, gaussian_explicit, 1.3),
    "growing": (growing, growing_explicit, np.array([0.7, 1.2])),
    "babylonian": (babylonian, np.sqrt, 3.0),
    "repeated": (repeated, _eccentric, 0.5),
    "descended": (descended_error, ridge_explicit, 1.5),
    "solved": (solved, solved_explicit, P),
}


def tangent(x):
    return wg.tree.map(lambda leaf: 0.3 + 0.0 * leaf, x)
