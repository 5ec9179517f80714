"""When NumPy's own function runs, and when ours does."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, has_traced, unwrap
from wengert._core.interp import CURRENT, EVALUATE, using
from wengert.numpy.creation import fresh


def is_foreign(x: Any) -> bool:
    """Whether this is an array of another library."""
    if isinstance(x, (np.ndarray, np.generic, TracedArray, TracedScalar, type)):
        return False
    return hasattr(x, "__array_namespace__")


def as_array(x: Any) -> Any:
    """A user value as the engine takes it, with a shape."""
    value = unwrap(x)
    return value if hasattr(value, "shape") else np.asarray(value)


def _anywhere(test: Callable[[Any], bool], x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_anywhere(test, item) for item in x)
    return test(x)


def fresh_all(result: Any, given: Any) -> Any:
    """New arrays as user code sees them; views of what was given stay plain."""
    if isinstance(result, tuple) and type(result) is not tuple:
        return type(result)(*(fresh_all(part, given) for part in result))
    if isinstance(result, (tuple, list)):
        return type(result)(fresh_all(part, given) for part in result)
    if not isinstance(result, np.ndarray):
        return result
    for x in given:
        if isinstance(x, np.ndarray) and np.may_share_memory(result, x):
            return result
    return fresh(result)


def like_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of the NumPy function of this name: run NumPy's where no argument is traced."""
    numpy_function = getattr(np, function.__name__)

    @wraps(function)
    def dispatched(*args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) is TracedArray:
            return function(*args, **kwargs)
        given = (*args, *kwargs.values())
        if has_traced(given):
            return function(*args, **kwargs)
        foreign = [x for x in given if _anywhere(is_foreign, x)]
        if foreign and CURRENT.get() is EVALUATE:
            from wengert._modes.api import base_interpreter

            leaves = foreign[0] if isinstance(foreign[0], (list, tuple)) else foreign
            with using(base_interpreter(leaves)):
                return function(*args, **kwargs)
        if foreign:
            return function(*args, **kwargs)
        result = numpy_function(*args, **kwargs)
        return result if CURRENT.get().plain else fresh_all(result, given)

    return dispatched


def constant(name: str) -> Any:
    """A NumPy function of values without dependence: its results carry no derivative.

    A traced argument that depends on an input is refused, as by any function of NumPy
    that has no rule.
    """
    numpy_function = getattr(np, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        if has_traced((*args, *kwargs.values())):
            from wengert.numpy.protocol import _without_rule

            return _without_rule(numpy_function, args, kwargs)
        return fresh_all(numpy_function(*args, **kwargs), args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``numpy.{name}``, of values that carry no derivative."
    return function
