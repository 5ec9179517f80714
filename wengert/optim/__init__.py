"""Optimisers on exact derivatives, each compiled to one native function."""

from wengert.optim.bfgs import BFGS
from wengert.optim.gauss_newton import GaussNewton
from wengert.optim.lbfgs import LBFGS
from wengert.optim.least_squares import least_squares
from wengert.optim.levenberg_marquardt import LevenbergMarquardt
from wengert.optim.minimize import minimize
from wengert.optim.newton_cg import NewtonCG
from wengert.optim.result import History, Outcome, Result
from wengert.optim.trust_region import TrustRegion

__all__ = [
    "BFGS",
    "LBFGS",
    "GaussNewton",
    "History",
    "LevenbergMarquardt",
    "NewtonCG",
    "Outcome",
    "Result",
    "TrustRegion",
    "least_squares",
    "minimize",
]
