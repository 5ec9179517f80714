"""What is called in place of a function."""

from __future__ import annotations

import builtins
import functools
import sysconfig
import weakref
from collections.abc import Callable
from pathlib import Path
from types import BuiltinFunctionType, CellType, FunctionType, MethodType
from typing import Any

import numpy as np
import scipy

from wengert._core.source import ENGINE_FILES, INTERNAL_FILES
from wengert._frontend.convert import CONVERTER, with_code
from wengert._frontend.counterparts import COPYING, copied, counterparts
from wengert.numpy._dispatch import fresh_all

_PATHS = sysconfig.get_paths()
_STANDARD = tuple({_PATHS["stdlib"], _PATHS["platstdlib"]})
_COMPILED = tuple(str(Path(package.__path__[0])) for package in (np, scipy))
# Libraries of arrays, whose own NumPy arrays are not the user's.
_ARRAYS = (
    "array_api_compat array_api_strict cupy dask jax ml_dtypes optree sparse torch"
)


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that a class statement has made


@functools.cache
def is_installed(file: str) -> bool:
    """Whether a file is Python's, or an installed library's, and not the user's own."""
    if file in INTERNAL_FILES:
        return file in ENGINE_FILES
    folders = Path(file).parts
    return (
        file.startswith(_STANDARD)
        or "site-packages" in folders
        or "dist-packages" in folders
    )


@functools.cache
def left_alone(file: str) -> bool:
    """Whether functions of this file are used as they are."""
    if file in ENGINE_FILES or file.startswith(_COMPILED):
        return True
    folders = Path(file).parts
    for packages in ("site-packages", "dist-packages"):
        if packages in folders:
            return folders[folders.index(packages) + 1] in _ARRAYS.split()
    return file.startswith(_STANDARD)


def callee_for(runtime: Any, staging: bool) -> Callable[[Any], Any]:
    """The function `callee` of a runtime; a look-up in a dictionary where it can be."""
    find = Callees(runtime, staging)
    get = find.known.get

    def callee(function: Any) -> Any:
        found = get(id(function))
        return find(function) if found is None else found

    find.begin(callee)
    return callee


class Callees:
    """Finds what is called in place of a function, in one mode."""

    callee: Callable[[Any], Any]

    def __init__(self, runtime: Any, staging: bool) -> None:
        self.staging = staging
        self.helper = CellType(runtime)
        self.known: dict[int, Any] = {}  # by the id of what is alive
        self._kept: list[Any] = []  # what is never to die, for its id is known
        self._references: dict[int, weakref.ref[Any]] = {}

    def begin(self, callee: Callable[[Any], Any]) -> None:
        self.callee = callee
        for function in vars(builtins).values():
            self._keep(function, function)
        own = self.helper.cell_contents.counterparts()
        for original, ours in (*counterparts(callee, self.staging), *own):
            self._keep(original, ours)
        for ours in [*self.known.values()]:
            if id(ours) not in self.known:  # what is called in place of another
                self._keep(ours, ours)

    def _keep(self, original: Any, ours: Any) -> None:
        self.known[id(original)] = ours
        self._kept.append(original)

    def __call__(self, f: Any) -> Any:
        kind = type(f)
        if kind is BuiltinFunctionType or kind is MethodType:
            instead = self.helper.cell_contents.bound(f)
            if instead is not None:
                return instead
        if kind is BuiltinFunctionType:
            return self._method_of_numpy(f)
        if kind is MethodType:
            inner = self.callee(f.__func__)
            return f if inner is f.__func__ else MethodType(inner, f.__self__)
        if kind is FunctionType:
            return self._function(f)
        if isinstance(f, type):
            return self._class(f)
        if kind is functools.partial:
            inner = self.callee(f.func)
            if inner is f.func:
                return f
            return functools.partial(inner, *f.args, **f.keywords)
        return self._object(f, kind)

    def _function(self, f: FunctionType) -> Any:
        file = f.__code__.co_filename
        if left_alone(file):
            if self.staging and file.startswith(_COMPILED):
                return functools.partial(_with_fresh_arrays, f)
            return f
        converted = CONVERTER.convert(f, self.staging)
        runtime = self.helper.cell_contents
        if converted.code is None:
            return runtime.entered(f, f) if CONVERTER.made(f.__code__) else f
        new = runtime.entered(f, with_code(f, converted, self.helper))
        if f.__closure__ is None:
            # With a closure it may be reached from its own cells, and would never die.
            self._remember(f, new)
        return new

    def _remember(self, f: FunctionType, new: FunctionType) -> None:
        known, references, number = self.known, self._references, id(f)

        def forget(_: Any) -> None:
            known.pop(number, None)
            references.pop(number, None)

        references[number] = weakref.ref(f, forget)
        known[number] = new

    def _method_of_numpy(self, f: Any) -> Any:
        """A method such as ``numpy.add.at``, or one that makes an array of its own."""
        if type(f.__self__) is np.ufunc:
            return getattr(self.known.get(id(f.__self__)), f.__name__, f)
        if type(f.__self__) is np.ndarray and f.__name__ in COPYING:
            return functools.partial(copied, f)
        return f

    def _class(self, cls: Any) -> Any:
        """A class that is built by Python functions of the user."""
        if type(cls).__call__ is not type.__call__:
            return cls
        if not cls.__flags__ & _HEAP_TYPE:
            self._keep(cls, cls)
            return cls
        for method in (getattr(cls, name) for name in ("__init__", "__new__")):
            if type(method) is not FunctionType:
                continue
            if left_alone(method.__code__.co_filename):
                continue
            if self.callee(method) is not method:
                return functools.partial(self._construct, cls)
        return cls

    def _construct(self, cls: Any, /, *args: Any, **kwargs: Any) -> Any:
        """As ``type.__call__``, by converted methods."""
        made = self.callee(cls.__new__)(cls, *args, **kwargs)
        if issubclass(type(made), cls):
            kind: Any = type(made)
            result = self.callee(kind.__init__)(made, *args, **kwargs)
            if result is not None:
                name = type(result).__name__
                raise TypeError(f"__init__() should return None, not {name!r}")
        return made

    def _object(self, f: Any, kind: type) -> Any:
        """An object that is called by a Python function of the user."""
        found = (vars(c)["__call__"] for c in kind.__mro__ if "__call__" in vars(c))
        method = next(found, None)
        if isinstance(method, staticmethod):
            return self.callee(method.__func__)
        if type(method) is not FunctionType:
            return f
        inner = self.callee(method)
        return f if inner is method else MethodType(inner, f)


def _with_fresh_arrays(f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """What a function of a numerical library makes, as user code sees new arrays."""
    return fresh_all(f(*args, **kwargs), (*args, *kwargs.values()))
