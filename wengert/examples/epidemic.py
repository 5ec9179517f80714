"""Influenza in a boarding school: how fast, and how sure.

In January 1978, of 763 boys 512 fell ill within two weeks (*British Medical Journal*
1978; 1:587). The model of Kermack and McKendrick (1927) is fitted to the numbers in
bed; their scatter and the Hessian of the misfit say how far rates may be off. How many
are ill in the end follows from an equation, and so does its derivative.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import least_squares

import wengert as wg
from wengert import implicit, ode, uncertainty
from wengert.examples.study import BLUE, GREY, ORANGE, Row, Study, axes_of, label

BOYS = 763.0
IN_BED = np.array([3, 8, 28, 75, 221, 291, 255, 235, 190, 125, 70, 28, 12, 5.0])
DAYS = np.arange(len(IN_BED), dtype=float)


def slopes(_: Any, state: Any, rates: Any) -> Any:
    """Changes a day of those who can fall ill, and of those who are."""
    infected = rates[0] * state[0] * state[1] / BOYS
    return np.stack([-infected, infected - rates[1] * state[1]])


def spread(rates: Any, days: Any) -> Any:
    """Who can fall ill and who is ill, shape (days, 2), from three ill boys on.

    rates: of infection and of recovery, a day, shape (2,).
    """
    start = np.array([BOYS - IN_BED[0], IN_BED[0]])
    return ode.solve(slopes, start, days, (rates,), rtol=1e-8, atol=1e-6).y


def residuals(rates: Any) -> Any:
    return spread(rates, DAYS)[1:, 1] - IN_BED[1:]


def ever_ill(rates: Any) -> Any:
    """How many have been ill in the end, by the final size equation."""

    def balance(left: Any) -> Any:
        return np.log(left / (BOYS - IN_BED[0])) + rates[0] / rates[1] * (
            1.0 - left / BOYS
        )

    return BOYS - implicit.root(balance, 20.0)


def ever_ill_simulated(rates: Any) -> Any:
    return BOYS - spread(rates, np.array([0.0, 200.0]))[-1, 0]


def study() -> Study:
    """Fit the rates, and find what follows from them."""
    jacobian = wg.jit(wg.jacobian(residuals))
    fit = least_squares(wg.jit(residuals), [1.0, 0.5], jacobian, xtol=1e-12)
    rates = fit.x
    # Maximum likelihood with normal errors: the variance is that of the residuals.
    variance = 2.0 * fit.cost / (len(IN_BED) - 1 - len(rates))
    curvature = wg.jit(wg.hessian(lambda r: 0.5 * np.sum(residuals(r) ** 2)))(rates)
    cov = variance * np.linalg.inv(curvature)
    first_order = variance * np.linalg.inv(fit.jac.T @ fit.jac)
    error = 1.96 * np.sqrt(np.diag(cov))
    number = uncertainty.propagate(lambda r: r[0] / r[1], rates, cov)
    ill, slope = wg.value_and_grad(ever_ill)(rates)
    through = wg.jit(wg.grad(ever_ill_simulated))(rates)
    murray = "Murray, Mathematical Biology, 2002"
    rows = (
        Row("infections a day, by one who is ill", float(rates[0]), 1.66, 0.05, murray),
        Row("recoveries a day", float(rates[1]), 0.44, 0.02, murray),
        Row("basic reproduction number", float(number.mean), 3.77, 0.1, murray),
        Row(
            "half of its 95 % interval",
            float(1.96 * number.std),
            float(_interval(rates, first_order)),
            0.3 * float(_interval(rates, first_order)),
            "the Jacobian in place of the Hessian",
        ),
        Row(
            "boys who fell ill in the end",
            float(ill),
            float(ever_ill_simulated(rates)),
            1e-2,
            "a simulation of 200 days",
        ),
        Row(
            "change of that with the rate of infection",
            float(slope[0]),
            float(through[0]),
            1e-2,
            "the derivative of that simulation",
        ),
    )
    return Study(rows, partial(_draw, rates, cov, error))


def _interval(rates: np.ndarray, cov: np.ndarray) -> float:
    return 1.96 * uncertainty.propagate(lambda r: r[0] / r[1], rates, cov).std


def _draw(rates: np.ndarray, cov: np.ndarray, error: np.ndarray, figure: Any) -> None:
    left, right = axes_of(figure, 1, 2)[0]
    days = np.linspace(0.0, DAYS[-1], 131)

    def ill(rates: Any) -> Any:
        return spread(rates, days)[:, 1]

    found = uncertainty.propagate(wg.jit(ill), rates, cov)
    low, high = (found.mean + sign * 1.96 * found.std for sign in (-1.0, 1.0))
    left.fill_between(days, low, high, color=BLUE, alpha=0.2, label="95 % of fits")
    left.plot(days, found.mean, color=BLUE, label="fitted")
    left.plot(DAYS, IN_BED, "o", color=ORANGE, label="in bed")
    label(left, "day", "boys")
    # The ellipse in which the rates are with 95 %.
    turn = np.linspace(0.0, 2.0 * np.pi, 200)
    ring = np.sqrt(5.991) * np.linalg.cholesky(cov) @ [np.cos(turn), np.sin(turn)]
    right.plot(*(rates[:, None] + ring), color=BLUE, label="95 %")
    right.errorbar(*rates, *error[::-1], color=GREY, fmt="o", label="each alone")
    label(right, "infections a day", "recoveries a day")
