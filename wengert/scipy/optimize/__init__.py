"""`scipy.optimize`, with exact derivatives for the functions that it is given."""

from wengert.scipy.optimize._least_squares import curve_fit, least_squares
from wengert.scipy.optimize._minimize import minimize
from wengert.scipy.optimize._root import root

__all__ = ["curve_fit", "least_squares", "minimize", "root"]
