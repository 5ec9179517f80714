"""A loop that runs floor(x) times, and derivatives of such steps.

Between two whole numbers nothing changes with x, and the derivative of the program that
runs is 0: rightly so, and of no use to anybody who wants to move x. Two ways out: the
value of the loop with the derivative of something else (straight-through), or a loop
that weighs each step by how likely it is when x is spread a little (a relaxation).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import integrate, optimize, special

import wengert as wg
from wengert import smooth
from wengert.examples.study import BLUE, GREEN, GREY, ORANGE, Row, Study, axes_of, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE, MOST = 0.05, 12  # of interest; the most years that are looked at
YEARS, WIDTH = 4.3, 0.2
SHARE = 0.1  # of the measurements that may exceed the threshold


# -- the programs --------------------------------------------------------------------


def interest(years: Any) -> Any:
    """What 1 has earned after some years: interest is paid when a year has passed.

    Example:
        >>> [round(float(interest(years)), 4) for years in (0.9, 1.0, 2.5)]
        [0.0, 0.05, 0.1025]
    """
    balance, passed = 1.0, 1.0
    while passed <= years:
        balance = balance + RATE * balance
        passed += 1.0
    return balance - 1.0


def expected_interest(years: Any, width: Any) -> Any:
    """The mean of `interest` when the years have a logistic distribution.

    The loop runs as far as it may, and each payment counts as much as it is likely.
    """
    paid, balance = 0.0, 1.0
    for passed in range(1, MOST + 1):
        payment = RATE * balance
        balance = balance + payment
        paid = paid + smooth.step(years - passed, width) * payment
    return paid


def floor_straight_through(x: Any) -> Any:
    """The whole number below x, with the derivative of x itself."""
    return wg.straight_through(np.floor, lambda x: x)(x)


def interest_straight_through(years: Any) -> Any:
    return (1.0 + RATE) ** floor_straight_through(years) - 1.0


def exceeding(threshold: Any, measured: Any) -> Any:
    """The share of the measurements above a threshold."""
    return np.mean(np.where(measured > threshold, 1.0, 0.0))


def softly_exceeding(threshold: Any, measured: Any) -> Any:
    return np.mean(smooth.step(measured - threshold, WIDTH))


# -- what is known -------------------------------------------------------------------


def logistic_mean(years: float, width: float) -> float:
    """The mean of `interest` over two million times that are equally likely."""
    likely = (np.arange(2_000_000) + 0.5) / 2_000_000
    whole = np.floor(years + width * special.logit(likely))
    paid = np.array([interest(float(k)) for k in range(MOST + 1)])
    return float(np.mean(paid[np.clip(whole, 0, MOST).astype(int)]))


def poisson_kernel(x: float, width: float) -> float:
    """The derivative of floor averaged over a Cauchy distribution."""
    decay = np.exp(-2.0 * np.pi * width)
    below = 1.0 - 2.0 * decay * np.cos(2.0 * np.pi * x) + decay**2
    return float((1.0 - decay**2) / below)


def sum_of_densities(years: float, width: float) -> float:
    """Each payment, times the density of the distribution at its day."""
    passed = np.arange(1, MOST + 1)
    payments = RATE * (1.0 + RATE) ** (passed - 1)
    likely = special.expit((years - passed) / width)
    return float(np.sum(payments * likely * (1.0 - likely)) / width)


def normal_measurements() -> np.ndarray:
    """A sample without chance: equally likely values of a normal distribution."""
    return special.ndtri((np.arange(4000) + 0.5) / 4000)


def blurred(function: Callable[[float], float], x: float) -> float:
    """The mean of a function around x, of logistic noise."""

    def weighted(z: float) -> float:
        return float(special.expit(z) * special.expit(-z) * function(x + WIDTH * z))

    return float(integrate.quad(weighted, -40.0, 40.0, limit=200)[0])


# -- the study -----------------------------------------------------------------------


def study() -> Study:
    """The derivatives of the loop, of its relaxations, and of a threshold."""
    hard, slope = wg.jit(wg.value_and_grad(interest))(YEARS)
    through, slope_through = wg.value_and_grad(interest_straight_through)(YEARS)
    mean, slope_of_mean = wg.jit(wg.value_and_grad(expected_interest))(YEARS, WIDTH)
    slope_of_floor = wg.grad(lambda x: smooth.floor(x, WIDTH))(YEARS)
    exact = (1.0 + RATE) ** np.floor(YEARS)
    rows = [
        Row("the loop", float(hard), exact - 1.0, 1e-14, "compound interest"),
        Row("its derivative", float(slope), 0.0, 0.0, "the steps are flat"),
        Row("straight-through", float(through), exact - 1.0, 1e-14, "the same value"),
        Row(
            "its derivative",
            float(slope_through),
            exact * np.log1p(RATE),
            1e-14,
            "(1 + r)^n log(1 + r), as if n were real",
        ),
        Row(
            "relaxed loop",
            float(mean),
            logistic_mean(YEARS, WIDTH),
            1e-6,
            "the mean of the loop over 2000000 times",
        ),
        Row(
            "its derivative",
            float(slope_of_mean),
            sum_of_densities(YEARS, WIDTH),
            1e-13,
            "payments times densities",
        ),
        Row(
            "derivative of the smooth floor",
            float(slope_of_floor),
            poisson_kernel(YEARS, WIDTH),
            1e-13,
            "the Poisson kernel",
        ),
        *_threshold_rows(),
    ]
    return Study(tuple(rows), _draw, (13.0, 3.8))


def _threshold_rows() -> list[Row]:
    measured = normal_measurements()
    slope = wg.grad(exceeding)(1.0, measured)
    derivative = wg.jit(wg.value_and_grad(softly_exceeding))
    threshold = 0.0
    for _ in range(20):
        share, change = derivative(threshold, measured)
        threshold = threshold - (share - SHARE) / change
    known = optimize.brentq(
        lambda c: blurred(lambda x: special.ndtr(-x), c) - SHARE, 0.0, 5.0
    )
    return [
        Row(
            "share above a threshold, its derivative",
            float(slope),
            0.0,
            0.0,
            "the steps are flat",
        ),
        Row(
            "that of the relaxed share",
            float(derivative(1.0, measured)[1]),
            -blurred(lambda x: np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi), 1.0),
            1e-5,
            "an integral over the normal density",
        ),
        Row(
            f"threshold with {100 * SHARE:g} % above it, by Newton",
            float(threshold),
            known,
            1e-4,
            "an integral over the normal distribution",
        ),
    ]


def _draw(figure: Figure) -> None:
    axes = axes_of(figure, 1, 3)[0]
    years = np.linspace(0.0, 6.0, 1201)
    widths = ((0.05, GREEN), (WIDTH, ORANGE))
    relaxed = [
        (
            wg.vmap(wg.value_and_grad(functools.partial(expected_interest, width=w))),
            c,
            w,
        )
        for w, c in widths
    ]
    balances = [interest(x) for x in years]
    axes[0].plot(years, balances, color=BLUE, label="the loop")
    axes[1].plot(years, np.zeros_like(years), color=BLUE, label="the loop")
    through = wg.vmap(wg.grad(interest_straight_through))(years)
    axes[1].plot(years, through, color=GREY, label="straight-through")
    for derivative, color, width in relaxed:
        values, slopes = derivative(years)
        axes[0].plot(years, values, color=color, label=f"relaxed, width {width:g}")
        axes[1].plot(years, slopes, color=color, label=f"relaxed, width {width:g}")
    axes[1].set_ylim(-0.02, 0.5)
    label(axes[0], "years", "interest")
    label(axes[1], "years", "its derivative")
    measured = normal_measurements()[80::160]
    thresholds = np.linspace(-3.0, 3.0, 601)
    shares = [exceeding(c, measured) for c in thresholds]
    soft = wg.vmap(lambda c: softly_exceeding(c, measured))(thresholds)
    axes[2].plot(thresholds, shares, color=BLUE, label="share above it")
    axes[2].plot(thresholds, soft, color=ORANGE, label=f"relaxed, width {WIDTH:g}")
    label(axes[2], "threshold", "of 25 measurements")
