"""Functions that are given by an equation: roots, fixed points, minimisers, integrals.

Each has the derivatives of its solution, in both modes, to every order, whatever the
number of steps of the solver was.
"""

from wengert.implicit.custom import custom_argmin, custom_fixed_point, custom_root
from wengert.implicit.integral import quad
from wengert.implicit.linear import linear_solve
from wengert.implicit.minimum import argmin
from wengert.implicit.roots import fixed_point, root

__all__ = [
    "argmin",
    "custom_argmin",
    "custom_fixed_point",
    "custom_root",
    "fixed_point",
    "linear_solve",
    "quad",
    "root",
]
