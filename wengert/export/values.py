"""What stands in a description besides numbers and texts, as JSON: its kind first."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from ml_dtypes import bfloat16

from wengert._ir.program import Var
from wengert._staging.messages import Mark

_PLAIN = (bool, int, float, str, type(None))
_KNOWN = ("builtins", "numpy", "wengert.")
_SEQUENCES: dict[str, Any] = {"tuple": tuple, "list": list}


def spec(x: Any, variables: Sequence[Var] = ()) -> list[Any]:
    """A value as JSON; variables are written by their places in a list.

    An exception is written as its class without what it was given, one of the user's
    as the nearest class above it that Python, NumPy or Wengert has.

    Raises:
        TypeError: there is no way to write it.
    """
    kind = type(x)
    if kind in _PLAIN:
        return ["plain", x]
    if kind.__name__ in _SEQUENCES and kind in _SEQUENCES.values():
        return [kind.__name__, [spec(item, variables) for item in x]]
    if kind is dict:
        return ["dict", [[spec(k), spec(v, variables)] for k, v in x.items()]]
    if kind is slice:
        return ["slice", [spec(n, variables) for n in (x.start, x.stop, x.step)]]
    if isinstance(x, tuple) and kind.__module__.startswith("wengert."):
        items = [spec(item, variables) for item in x]
        return ["fields", kind.__module__, kind.__name__, items]
    if isinstance(x, Var):
        return ["variable", variables.index(x)]
    return _single(x)


def _single(x: Any) -> list[Any]:
    if x is Ellipsis:
        return ["ellipsis"]
    if isinstance(x, np.dtype):
        return ["dtype", x.name]
    if isinstance(x, np.generic):
        return ["number", x.dtype.name, x.tobytes().hex()]
    if isinstance(x, Mark):
        return ["mark", x.place]
    if isinstance(x, BaseException):
        found = next(c for c in type(x).__mro__ if c.__module__.startswith(_KNOWN))
        return ["exception", found.__module__, found.__qualname__]
    raise TypeError(f"a {type(x).__name__} cannot be written")


def value(found: list[Any], variables: Sequence[Var] = ()) -> Any:
    """What `spec` has written."""
    kind, *given = found
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](value(item, variables) for item in given[0])
    if kind == "dict":
        return {value(k): value(v, variables) for k, v in given[0]}
    if kind == "slice":
        return slice(*(value(n, variables) for n in given[0]))
    if kind == "fields":
        return _named(*given[:2])(*(value(item, variables) for item in given[2]))
    if kind == "variable":
        return variables[given[0]]
    if kind == "exception":
        cls = _named(*given)
        return cls.__new__(cls)
    if kind == "number":
        return np.frombuffer(bytes.fromhex(given[1]), dtype(given[0]))[0]
    plain: dict[str, Any] = {
        "plain": lambda x: x,
        "ellipsis": lambda: ...,
        "dtype": dtype,
    }
    return Mark(*given) if kind == "mark" else plain[kind](*given)


def dtype(name: str) -> np.dtype:
    return np.dtype(bfloat16 if name == "bfloat16" else name)


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
