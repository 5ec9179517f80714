"""A portfolio rebalanced each month: what each weight did to it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

import wengert as wg
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MONTHS, COST = 120, 0.005  # the cost of a trade, as a share of what is traded
MEANS = np.array([0.009, 0.006, 0.004, 0.003])  # of the returns, per month
DEVIATIONS = np.array([0.055, 0.04, 0.02, 0.008])
WEIGHTS = np.array([0.3, 0.25, 0.25, 0.1])  # the rest is cash, which earns nothing
NAMES = ("emerging", "shares", "property", "bonds")


def history(weights: Any, returns: Any, cost: Any) -> Any:
    """Wealth after each month, from 1 in cash.

    Args:
        weights: Shares of the wealth, shape (n,); what is left of 1 is cash.
        returns: Return of each asset in each month, shape (months, n).
        cost: Price of a trade, as a share of what is bought or sold; it is taken from
            the wealth before that is spread.

    Returns:
        The wealth at the beginning and after each month, shape (months + 1,).

    Example:
        >>> history(np.array([0.5]), np.array([[0.1], [0.2]]), cost=0.0)
        array([1.   , 1.05 , 1.155])
    """
    wealth = np.ones(len(returns) + 1)
    held = np.zeros(len(weights))
    for month in range(len(returns)):
        traded = np.sum(np.abs(wealth[month] * weights - held))
        invested = wealth[month] - cost * traded
        held = invested * weights * (1.0 + returns[month])
        wealth[month + 1] = invested * (1.0 - np.sum(weights)) + np.sum(held)
    return wealth


def final(weights: Any, returns: Any, cost: Any) -> Any:
    """Wealth at the end, a scalar."""
    return history(weights, returns, cost)[-1]


def market() -> np.ndarray:
    """Returns of four assets with a common part, shape (months, 4)."""
    rng = np.random.default_rng(1987)
    common, own = rng.normal(size=(MONTHS, 1)), rng.normal(size=(MONTHS, 4))
    return MEANS + DEVIATIONS * (0.6 * common + 0.8 * own)


# -- what is known -------------------------------------------------------------------


def slopes_without_costs(weights: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """The wealth is ``prod(1 + r @ w)``."""
    growth = 1.0 + returns @ weights
    return np.prod(growth) * np.sum(returns / growth[:, None], axis=0)


def curvature_without_costs(weights: np.ndarray, returns: np.ndarray) -> np.ndarray:
    growth = 1.0 + returns @ weights
    each = returns / growth[:, None]
    total = np.sum(each, axis=0)
    return np.prod(growth) * (np.outer(total, total) - each.T @ each)


# -- the study -----------------------------------------------------------------------


def study() -> Study:
    """The sensitivity of the final wealth to each weight, and to the cost."""
    returns = market()
    gradient = wg.jit(wg.grad(final, argnums=(0, 2)))
    free, _ = gradient(WEIGHTS, returns, 0.0)
    slopes, slope_by_cost = gradient(WEIGHTS, returns, COST)
    exact = slopes_without_costs(WEIGHTS, returns)
    curvature = wg.jit(wg.hessian(lambda w: final(w, returns, 0.0)))(WEIGHTS)
    curvature_error = curvature - curvature_without_costs(WEIGHTS, returns)
    rows = [
        Row(
            f"slope in {name}, no costs",
            float(found),
            float(known),
            1e-12,
            "closed form",
        )
        for name, found, known in zip(NAMES, free, exact, strict=True)
    ]
    for i, name in enumerate(NAMES):
        step = 1e-5 * np.eye(len(WEIGHTS))[i]
        after, before = (final(WEIGHTS + s, returns, COST) for s in (step, -step))
        known = float(after - before) / 2e-5
        by = "central differences"
        rows.append(
            Row(f"slope in {name}, with costs", float(slopes[i]), known, 1e-8, by)
        )
    after, before = (final(WEIGHTS, returns, COST + s) for s in (1e-6, -1e-6))
    rows += [
        Row(
            "slope in the cost",
            float(slope_by_cost),
            float(after - before) / 2e-6,
            1e-8,
            "central differences",
        ),
        Row(
            "largest error of a second derivative",
            float(np.max(np.abs(curvature_error))),
            0.0,
            1e-12,
            "closed form, without costs",
        ),
    ]
    draw = functools.partial(_draw, returns, np.array([free, slopes]))
    return Study(tuple(rows), draw)


def _draw(returns: np.ndarray, slopes: np.ndarray, figure: Figure) -> None:
    axes = axes_of(figure, 1, 2)[0]
    for i, name in enumerate(NAMES):
        value = np.cumprod(np.append(1.0, 1.0 + returns[:, i]))
        axes[0].plot(value, color=GREY, linewidth=0.8)
        axes[0].annotate(name, (MONTHS, value[-1]), color=GREY, fontsize=9)
    for cost, color in ((0.0, ORANGE), (COST, BLUE)):
        wealth = history(WEIGHTS, returns, cost)
        axes[0].plot(wealth, color=color, label=f"all of it, costs {100 * cost:g} %")
    label(axes[0], "month", "wealth")
    places = np.arange(len(NAMES))
    for k, cost in enumerate((0.0, COST)):
        axes[1].bar(
            places + 0.36 * k - 0.18,
            slopes[k] / 100.0,
            0.34,
            color=(ORANGE, BLUE)[k],
            label=f"costs {100 * cost:g} %",
        )
    axes[1].set_xticks(places, NAMES)
    label(axes[1], "", "final wealth, per 1 % moved there from cash")
