"""`convert`: a function that does what another does, and asks at every construct."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import CellType, FunctionType, MethodType
from typing import Any

from wengert._core.interp import Evaluate
from wengert._core.source import ENGINE_FILES
from wengert._frontend.callee import callee_for
from wengert._frontend.convert import CONVERTER, dressed, with_code
from wengert._frontend.runtime import Plain
from wengert._frontend.sites import Unconvertible, show


@functools.cache
def runtime_for(kind: Callable[[], Plain], staging: bool) -> Plain:
    """The one runtime of a class in a mode, which converted functions call."""
    runtime = kind()
    runtime.callee = callee_for(runtime, staging)
    return runtime


def convert(fun: Any, staging: bool, runtime: Callable[[], Plain] = Plain) -> Any:
    """A callable in place of `fun` whose calls, and control flow, ask the runtime.

    Args:
        fun: A function, method, class, partial or callable object. One that cannot be
            converted is returned as it is.
        staging: Whether control flow is converted, or calls only.
        runtime: What decides; `Plain` has Python's own meaning.

    Returns:
        A function with the globals, closure cells, defaults and attributes of the
        original, which is its ``__wrapped__``.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def f(x):
        ...     y = np.zeros(2)
        ...     y[1] = x * x
        ...     return y.sum()
        >>> wg.grad(convert(f, staging=False))(3.0)
        np.float64(6.0)
    """
    made_by = runtime_for(runtime, staging)
    if isinstance(fun, MethodType):
        return MethodType(convert(fun.__func__, staging, runtime), fun.__self__)
    if isinstance(fun, staticmethod):
        return convert(fun.__func__, staging, runtime)
    if isinstance(fun, classmethod):
        return classmethod(convert(fun.__func__, staging, runtime))
    if type(fun) is functools.partial:
        inner = convert(fun.func, staging, runtime)
        return functools.partial(inner, *fun.args, **fun.keywords)
    if not isinstance(fun, FunctionType):
        return made_by.callee(fun)
    if fun.__code__.co_filename in ENGINE_FILES:
        return made_by.callee(fun)
    converted = CONVERTER.convert(fun, staging)
    if converted.code is None:
        return fun
    return dressed(with_code(fun, converted, CellType(made_by)), fun)


def _function(fun: Any) -> FunctionType | None:
    """The Python function that is run when `fun` is called."""
    while isinstance(fun, (MethodType, staticmethod, classmethod, functools.partial)):
        fun = fun.func if isinstance(fun, functools.partial) else fun.__func__
    if not isinstance(fun, FunctionType):
        owner: Any = fun if isinstance(fun, type) else type(fun)
        fun = owner.__init__ if owner is fun else owner.__call__
    return inspect.unwrap(fun, stop=_is_original) if callable(fun) else None


def _is_original(fun: Callable[..., Any]) -> bool:
    code = getattr(fun, "__code__", None)
    return code is None or not CONVERTER.made(code)


def sites(fun: Any) -> list[Unconvertible]:
    """The places of a function where no traced value may decide, in order."""
    function = _function(fun)
    if not isinstance(function, FunctionType):
        return []
    return sorted(CONVERTER.convert(function, staging=True).sites)


def explain_sites(fun: Any) -> str:
    """`sites` as text: file, line, source with a caret, reason and rewrite of each."""
    function = _function(fun)
    if not isinstance(function, FunctionType):
        return ""
    return show(sites(function), function.__code__.co_filename)


Evaluate.convert = staticmethod(functools.partial(convert, staging=False))
