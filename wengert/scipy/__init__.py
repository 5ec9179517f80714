"""SciPy's functions, differentiable, as far as they are covered.

`optimize` is imported when it is first named, and so are its functions here: it is
written over the public interface of Wengert.
"""

import importlib
from typing import Any

from wengert.scipy import linalg, special

__all__ = ["linalg", "special"]

_OPTIMIZE = ("curve_fit", "least_squares", "minimize", "root")


def __getattr__(name: str) -> Any:
    if name == "optimize" or name in _OPTIMIZE:
        module = importlib.import_module("wengert.scipy.optimize")
        return module if name == "optimize" else getattr(module, name)
    raise AttributeError(f"module 'wengert.scipy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "optimize", *_OPTIMIZE])
