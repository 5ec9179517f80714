"""A store that orders up to S below s: tuned when smoothed.

Levels are whole numbers, and whether the store orders is a jump: the cost is a table
without a slope. Ordering with a probability that rises around s, and up to a level that
is spread around S, makes it a smooth function whose derivatives lead to good levels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, special

import wengert as wg
from wengert import smooth
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORDER, HOLD, LACK = 60.0, 1.0, 9.0  # of an order; of a unit for a day, there or missing
DAYS, MEAN = 100, 10.0  # the demand of a day has a Poisson distribution
STOCKS = np.arange(-60.0, 101.0)
DEMANDS = np.arange(41)
CHANCES = np.exp(DEMANDS * np.log(MEAN) - MEAN - special.gammaln(DEMANDS + 1.0))
WIDTH = 1.0  # over which a step is spread
START = np.array([15.0, 55.0])

Shape = Callable[[Any], Any]


def cost(levels: Any, below: Shape, near: Shape) -> Any:
    """The expected cost of a day, from the probabilities of all stocks.

    Args:
        levels: Below which stock the store orders, and up to which, shape (2,).
        below: The probability that it orders, of how far the stock is below s.
        near: The weight of a stock after an order, of how far it is from S.

    Returns:
        The mean over `DAYS`, a scalar; what is missing is delivered later.

    Example:
        >>> round(float(cost(np.array([7.0, 40.0]), step, spike)), 3)
        33.856
    """
    s, full = levels
    filled = near(STOCKS - full)
    filled = filled / np.sum(filled)
    orders = below(s - STOCKS)
    likely = filled
    total = 0.0
    for _ in range(DAYS):
        likely = after_demand(likely)
        missing, there = np.maximum(-STOCKS, 0.0), np.maximum(STOCKS, 0.0)
        total += np.sum(likely * (HOLD * there + LACK * missing))
        ordered = np.sum(likely * orders)
        total += ORDER * ordered
        likely = likely * (1.0 - orders) + ordered * filled
    return total / DAYS


def after_demand(likely: Any) -> Any:
    """Probabilities of the stocks when a day's demand has been met."""
    return np.convolve(likely, CHANCES[::-1])[len(CHANCES) - 1 :]


def step(x: Any) -> Any:
    return np.where(x > 0.0, 1.0, 0.0)


def spike(x: Any) -> Any:
    return np.where(x == 0.0, 1.0, 0.0)


def smooth_step(x: Any) -> Any:
    return smooth.step(x, WIDTH)


def bell(x: Any) -> Any:
    return np.exp(-0.5 * (x / WIDTH) ** 2)


# -- what is known -------------------------------------------------------------------


LOW, HIGH = np.arange(0.0, 17.0), np.arange(28.0, 59.0)


def table() -> np.ndarray:
    """The exact cost for every pair of `LOW` and `HIGH`."""
    exact = wg.jit(functools.partial(cost, below=step, near=spike))
    return np.array([[exact(np.array([s, full])) for full in HIGH] for s in LOW])


def sampled(levels: np.ndarray, stores: int) -> tuple[float, float]:
    """The mean cost of a day in some stores, and its standard error."""
    s, full = levels
    rng = np.random.default_rng(1960)
    stock, costs = np.full(stores, full), np.zeros(stores)
    for _ in range(DAYS):
        stock -= rng.poisson(MEAN, stores)
        costs += HOLD * np.maximum(stock, 0.0) + LACK * np.maximum(-stock, 0.0)
        costs += ORDER * (stock < s)
        stock = np.where(stock < s, full, stock)
    daily = costs / DAYS
    return float(np.mean(daily)), float(np.std(daily) / np.sqrt(stores))


# -- the study -----------------------------------------------------------------------


def study() -> Study:
    """Tune the smoothed store, and compare it with all exact ones."""
    smoothed = functools.partial(cost, below=smooth_step, near=bell)
    derivative = wg.jit(wg.value_and_grad(smoothed))
    steps = [START]
    optimize.minimize(
        derivative, START, jac=True, method="BFGS", callback=lambda x: steps.append(x)
    )
    # Stocks are whole, so that a real s is the next whole number.
    tuned = np.array([np.ceil(steps[-1][0]), np.round(steps[-1][1])])
    exact = float(cost(tuned, step, spike))
    costs = table()
    mean, error = sampled(tuned, 4000)
    along = np.array([0.6, 0.8])
    after, before = (smoothed(START + 1e-5 * k * along) for k in (1.0, -1.0))
    rows = (
        Row(
            "derivative of the smoothed cost at the start",
            float(derivative(START)[1] @ along),
            float(after - before) / 2e-5,
            1e-8,
            "central differences",
        ),
        Row(
            f"cost of a day, tuned to s = {tuned[0]:g}, S = {tuned[1]:g}",
            exact,
            float(np.min(costs)),
            0.005 * float(np.min(costs)),
            f"the best of {costs.size} exact policies, within 0.5 %",
        ),
        Row(
            "the same",
            exact,
            mean,
            3.0 * error,
            "4000 sampled stores, within 3 standard errors",
        ),
    )
    return Study(rows, functools.partial(_draw, costs, np.array(steps)))


def _draw(costs: np.ndarray, steps: np.ndarray, figure: Figure) -> None:
    axes = axes_of(figure, 1, 2)[0]
    best = np.unravel_index(np.argmin(costs), costs.shape)
    contours = axes[0].contour(HIGH, LOW, costs, levels=12, colors=GREY, linewidths=0.7)
    axes[0].clabel(contours, fontsize=8)
    axes[0].plot(steps[:, 1], steps[:, 0], "o-", color=ORANGE, label="steps of BFGS")
    axes[0].plot(
        HIGH[best[1]], LOW[best[0]], "x", color=BLUE, label="best of the table"
    )
    label(axes[0], "S, up to which the store orders", "s, below which it does")
    levels = np.linspace(LOW[0], LOW[-1], 641)
    full = HIGH[best[1]]
    stairs = [costs[int(np.ceil(s)), best[1]] for s in levels]
    smoothed = functools.partial(cost, below=smooth_step, near=bell)
    curve = wg.jit(wg.vmap(lambda s: smoothed(np.array([s, full]))))(levels)
    axes[1].step(levels, stairs, color=BLUE, label="exact")
    axes[1].plot(levels, curve, color=ORANGE, label="smoothed")
    label(axes[1], f"s, with S = {full:g}", "cost of a day")
