"""SciPy's functions, differentiable, as far as they are covered."""

from wengert.scipy import linalg, special

__all__ = ["linalg", "special"]
