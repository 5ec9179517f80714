"""Option Greeks, by a closed form and path by path.

The payoff has a kink, so that its second derivative on every path is 0, and the mean of
these is not gamma. Gamma comes from paths whose kink is spread a little.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

import wengert as wg
from wengert import smooth
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPOT, STRIKE, RATE, VOLATILITY, YEARS = 100.0, 105.0, 0.03, 0.2, 0.75
PATHS = 100_000
ROUNDED = 1.0  # width over which the kink of the payoff is spread, for gamma


def price(spot: Any, rate: Any, volatility: Any, years: Any) -> Any:
    """What a European call at `STRIKE` is worth, in closed form.

    Example:
        >>> round(float(price(SPOT, RATE, VOLATILITY, YEARS)), 4)
        5.7414
    """
    spread = volatility * np.sqrt(years)
    high = (np.log(spot / STRIKE) + rate * years) / spread + 0.5 * spread
    discounted = STRIKE * np.exp(-rate * years)
    return spot * special.ndtr(high) - discounted * special.ndtr(high - spread)


def payoffs(
    spot: Any, rate: Any, volatility: Any, years: Any, normal: Any, above: Any
) -> Any:
    """Discounted payoffs of the call, one for each normal variate.

    Args:
        spot: Price of the share today.
        rate: Interest, per year and compounded at all times.
        volatility: Standard deviation of its logarithm after a year.
        years: Time until the call is exercised or not.
        normal: Standard normal variates, shape (n,).
        above: The excess over 0, a function of an array.

    Returns:
        An array of shape (n,), whose mean is an estimate of the price.
    """
    drift = (rate - 0.5 * volatility**2) * years
    end = spot * np.exp(drift + volatility * np.sqrt(years) * normal)
    return np.exp(-rate * years) * above(end - STRIKE)


def excess(x: Any) -> Any:
    return np.maximum(x, 0.0)


def rounded_excess(x: Any) -> Any:
    return smooth.maximum(x, 0.0, ROUNDED)


# -- what is known -------------------------------------------------------------------


def greeks(
    spot: float, rate: float, volatility: float, years: float
) -> dict[str, float]:
    """Delta, gamma, vega, theta and rho, as textbooks have them."""
    spread = volatility * np.sqrt(years)
    high = (np.log(spot / STRIKE) + rate * years) / spread + 0.5 * spread
    density = np.exp(-0.5 * high**2) / np.sqrt(2.0 * np.pi)
    likely = STRIKE * np.exp(-rate * years) * special.ndtr(high - spread)
    decay = -0.5 * spot * density * volatility / np.sqrt(years)
    return {
        "delta": float(special.ndtr(high)),
        "gamma": float(density / (spot * spread)),
        "vega": float(spot * density * np.sqrt(years)),
        "theta": float(decay - rate * likely),
        "rho": float(years * likely),
    }


# -- the study -----------------------------------------------------------------------


def by_derivatives(*market: float) -> dict[str, float]:
    """The same by differentiating `price`."""

    def all_of(*market: Any) -> Any:
        first = wg.grad(price, argnums=(0, 1, 2, 3))
        (delta, rho, vega, aging), second = wg.jvp(
            lambda spot: first(spot, *market[1:]), (market[0],), (1.0,)
        )
        return delta, second[0], vega, -aging, rho

    found = wg.jit(all_of)(*market)
    names = ("delta", "gamma", "vega", "theta", "rho")
    return dict(zip(names, map(float, found), strict=True))


def pathwise(normal: np.ndarray, *market: float) -> dict[str, tuple[float, float]]:
    """Means over the paths of the derivatives of their payoffs, and standard errors."""

    def along(f: Any, i: int) -> Any:
        """The derivative of an array in one argument: forward mode, all paths."""

        def derivative(*market: Any) -> Any:
            tangents = tuple(float(i == k) for k in range(len(market)))
            return wg.jvp(f, market, tangents)[1]

        return derivative

    hard = functools.partial(payoffs, normal=normal, above=excess)
    rounded = functools.partial(payoffs, normal=normal, above=rounded_excess)
    each = {
        "delta": along(hard, 0),
        "gamma": along(along(rounded, 0), 0),
        "vega": along(hard, 2),
        "theta": lambda *market: -along(hard, 3)(*market),
        "rho": along(hard, 1),
    }
    estimates = {}
    for name, derivative in each.items():
        found = wg.jit(derivative)(*market)
        error = np.std(found) / np.sqrt(len(found))
        estimates[name] = float(np.mean(found)), float(error)
    return estimates


def study() -> Study:
    """The Greeks by both ways, against closed forms."""
    market = SPOT, RATE, VOLATILITY, YEARS
    known = greeks(*market)
    normal = np.random.default_rng(1973).normal(size=PATHS)
    rows = [
        Row(name, found, known[name], 1e-12 * max(1.0, abs(known[name])), "closed form")
        for name, found in by_derivatives(*market).items()
    ]
    for name, (mean, error) in pathwise(normal, *market).items():
        by = f"closed form, within 3 standard errors of {PATHS} paths"
        rows.append(Row(f"{name}, pathwise", mean, known[name], 3.0 * error, by))
    return Study(tuple(rows), functools.partial(_draw, normal[:2000]))


def _draw(normal: np.ndarray, figure: Figure) -> None:
    axes = axes_of(figure, 1, 2)[0]
    spots = np.linspace(70.0, 140.0, 71)
    market = RATE, VOLATILITY, YEARS
    delta = wg.vmap(wg.grad(lambda spot: price(spot, *market)))
    gamma = wg.vmap(wg.grad(wg.grad(lambda spot: price(spot, *market))))

    def estimate(above: Any) -> Any:
        return lambda spot: np.mean(payoffs(spot, *market, normal, above))

    few = wg.vmap(wg.grad(estimate(excess)))
    kinked = wg.vmap(wg.grad(wg.grad(estimate(excess))))
    spread = wg.vmap(wg.grad(wg.grad(estimate(rounded_excess))))
    axes[0].plot(spots, delta(spots), color=BLUE, label="closed form")
    axes[0].plot(spots, few(spots), ".", color=ORANGE, label="2000 paths")
    axes[1].plot(spots, gamma(spots), color=BLUE, label="closed form")
    axes[1].plot(spots, spread(spots), ".", color=ORANGE, label="kink spread over 1")
    axes[1].plot(spots, kinked(spots), ".", color=GREY, label="kink left as it is")
    label(axes[0], "price of the share", "delta")
    label(axes[1], "price of the share", "gamma")
