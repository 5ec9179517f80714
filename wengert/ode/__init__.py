"""Ordinary differential equations, with derivatives of their solutions."""

from wengert.ode.dense import Dense
from wengert.ode.events import Event
from wengert.ode.gradients import Gradient, gradient
from wengert.ode.result import Crossings, Outcome, Solution
from wengert.ode.solve import solve

__all__ = [
    "Crossings",
    "Dense",
    "Event",
    "Gradient",
    "Outcome",
    "Solution",
    "gradient",
    "solve",
]
