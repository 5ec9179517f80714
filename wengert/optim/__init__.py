"""Optimisers on exact derivatives, each compiled to one native function."""

from wengert.optim.bfgs import BFGS
from wengert.optim.minimize import minimize
from wengert.optim.result import History, Outcome, Result

__all__ = ["BFGS", "History", "Outcome", "Result", "minimize"]
