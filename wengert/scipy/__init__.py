"""SciPy's functions, differentiable, as far as they are covered."""

from wengert.scipy import special

__all__ = ["special"]
