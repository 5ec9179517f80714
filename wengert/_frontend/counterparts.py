"""The functions of NumPy, SciPy, `math` and Python that have a counterpart here."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.linalg
import scipy.special

import wengert.numpy
import wengert.scipy
from wengert._array.traced import TracedArray, TracedScalar, has_traced, unwrap
from wengert._core.interp import CURRENT, is_known
from wengert._core.tree import Listed
from wengert.numpy._dispatch import fresh_all
from wengert.numpy._ufunc import Ufunc

Pair = tuple[Any, Any]
wnp: Any = wengert.numpy
TRACED = (TracedArray, TracedScalar)


def counterparts(callee: Callable[[Any], Any], staging: bool) -> Iterator[Pair]:
    """Pairs of a function and what is called in its place."""
    yield from _of_numpy()
    yield from _of_scipy()
    yield from _of_math()
    yield from _of_builtins(callee)
    if staging:
        yield int, integer
        yield bool, truth


# -- NumPy and SciPy -------------------------------------------------------------------


def _of_numpy() -> Iterator[Pair]:
    for place, ours in [(np, wnp)] + [
        (getattr(np, name), vars(wnp)[name])
        for name in ("linalg", "fft")
        if name in vars(wnp)
    ]:
        for name, function in vars(ours).items():
            original = vars(place).get(name)
            if callable(function) and callable(original) and function is not original:
                yield original, _either(original, function)
    for scalar in {*np.sctypeDict.values()}:
        if issubclass(scalar, (np.number, np.bool_)):
            yield scalar, _casting(scalar)


def _of_scipy() -> Iterator[Pair]:
    for theirs, ours in (
        (scipy.special, wengert.scipy.special),
        (scipy.linalg, wengert.scipy.linalg),
    ):
        for name in ours.__all__:
            if hasattr(theirs, name):
                original = getattr(theirs, name)
                yield original, _either(original, getattr(ours, name))


def _either(original: Any, ours: Any) -> Any:
    """Our function for traced arguments; elsewhere theirs, with all its arguments."""
    if isinstance(ours, Ufunc) or hasattr(ours, "__wrapped__"):
        return ours  # it knows itself when to run theirs

    @functools.wraps(original, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        current = CURRENT.get()
        if current.xp is not np or has_traced(args) or has_traced([*kwargs.values()]):
            return ours(*args, **kwargs)
        result = original(*args, **kwargs)
        return result if current.plain else fresh_all(result, (*args, *kwargs.values()))

    return function


COPYING = ("astype", "copy", "flatten")  # methods whose result is to be written to


def copied(method: Any, *args: Any, **kwargs: Any) -> Any:
    """What a method of a plain array returns, as an array that takes traced values."""
    result = method(*args, **kwargs)
    return result if CURRENT.get().plain else fresh_all(result, (method.__self__,))


def _casting(scalar: Any) -> Any:
    """A NumPy type called: a traced value is cast."""

    @functools.wraps(scalar, updated=())
    def cast(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], TRACED) and not kwargs:
            return wnp.astype(args[0], scalar)
        return scalar(*args, **kwargs)

    return cast


# -- math ------------------------------------------------------------------------------

_MATH: dict[str, Any] = {
    **{
        name: getattr(wnp, name)
        for name in (
            "sin cos tan sinh cosh tanh exp expm1 exp2 log2 log10 log1p sqrt cbrt fabs "
            "degrees radians copysign isnan isfinite isinf fmod prod"
        ).split()
    },
    **{
        name: getattr(wengert.scipy.special, theirs)
        for name, theirs in {"gamma": "gamma", "lgamma": "gammaln"}.items()
    },
    "erf": wengert.scipy.special.erf,
    "erfc": wengert.scipy.special.erfc,
    "acos": wnp.arccos,
    "asin": wnp.arcsin,
    "atan": wnp.arctan,
    "hypot": lambda *xs: functools.reduce(wnp.hypot, xs),
    "atan2": wnp.arctan2,
    "acosh": wnp.arccosh,
    "asinh": wnp.arcsinh,
    "atanh": wnp.arctanh,
    "pow": wnp.power,
    "log": lambda x, base=None: (
        wnp.log(x) if base is None else wnp.log(x) / wnp.log(base)
    ),
    "floor": lambda x: _as_integer(wnp.floor(x)),
    "ceil": lambda x: _as_integer(wnp.ceil(x)),
    "trunc": lambda x: _as_integer(x),
    "fsum": lambda xs: wnp.sum(wnp.array(list(xs))),
    "sumprod": lambda p, q: wnp.dot(wnp.array(p), wnp.array(q)),
    "isclose": lambda a, b, *, rel_tol=1e-9, abs_tol=0.0: (
        abs(a - b)
        <= wnp.maximum(rel_tol * wnp.maximum(wnp.abs(a), wnp.abs(b)), abs_tol)
    ),
    "dist": lambda p, q: wnp.linalg.norm(wnp.array(p) - wnp.array(q)),
}


def _of_math() -> Iterator[Pair]:
    for name, ours in _MATH.items():
        if hasattr(math, name):
            yield getattr(math, name), _for_traced(getattr(math, name), ours)


def _for_traced(original: Any, ours: Any) -> Any:
    """Python's own function unless an argument is traced."""

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        for x in args:
            if isinstance(x, TRACED) or has_traced(x):
                return ours(*args, **kwargs)
        return original(*args, **kwargs)

    return function


# -- Python ----------------------------------------------------------------------------


def _of_builtins(callee: Callable[[Any], Any]) -> Iterator[Pair]:
    yield float, floating
    yield complex, _for_traced(complex, _complex)
    yield len, length
    yield sum, total
    yield round, rounded
    yield isinstance, is_instance
    yield min, functools.partial(_extreme, min, wnp.less)
    yield max, functools.partial(_extreme, max, wnp.greater)
    yield any, functools.partial(_decided, True)
    yield all, functools.partial(_decided, False)
    for taking in (builtins.map, builtins.filter, functools.reduce):
        yield taking, functools.partial(_taking_function, callee, taking)


def _taking_function(callee: Any, original: Any, function: Any, *others: Any) -> Any:
    return original(callee(function), *others)


def _is_scalar(x: Any) -> bool:
    return isinstance(x, TRACED) and x.ndim == 0


def _scalar(x: Any) -> Any:
    return x[()] if isinstance(x, TracedArray) else x


def length(x: Any) -> Any:
    """``len``: of a traced array, or a list that has grown, it may be traced too."""
    if isinstance(x, Listed):
        return x.entries()
    return x.shape[0] if isinstance(x, TracedArray) and x.shape else len(x)


def total(items: Any, /, start: Any = 0) -> Any:
    """``sum``, of the entries of a list that has grown too."""
    if isinstance(items, Listed) and items.grown:
        return start + wnp.sum(items.as_tree(), axis=0)
    return sum(items, start)


def floating(*args: Any) -> Any:
    """``float(x)``: a traced real number stays traced, as float64."""
    if len(args) == 1 and _is_scalar(args[0]) and args[0].dtype.kind != "c":
        return wnp.astype(_scalar(args[0]), np.float64)
    return float(*args)


def rounded(x: Any, ndigits: Any = None) -> Any:
    """``round``: without digits, to an integer."""
    if ndigits is None and _is_scalar(x) and x.dtype.kind == "f":
        return _as_integer(wnp.round(_scalar(x)))
    return round(x, ndigits)


def integer(*args: Any) -> Any:
    """``int(x)``: a traced number is truncated, and stays traced if it can."""
    if len(args) == 1 and _is_scalar(args[0]) and args[0].dtype.kind != "c":
        return _as_integer(_scalar(args[0]))
    return int(*args)


def truth(*args: Any) -> Any:
    """``bool(x)``: that of a traced number stays traced."""
    if len(args) == 1 and _is_scalar(args[0]):
        result = _scalar(args[0]) != 0
        return result if isinstance(result, TRACED) else bool(result)
    return bool(*args)


def _as_integer(x: Any) -> Any:
    result = wnp.astype(x, np.int64)
    return result if isinstance(result, TRACED) else int(result)


def _complex(real: Any, imag: Any = 0.0) -> Any:
    return wnp.astype(real, np.complex128) + 1j * imag


def is_instance(x: Any, kinds: Any) -> bool:
    """``isinstance``: a traced value passes for what it stands for."""
    if not isinstance(x, TRACED) or isinstance(x, kinds):
        return isinstance(x, kinds)
    if isinstance(x, TracedArray):
        return issubclass(np.ndarray, kinds)
    scalar = x.dtype.type
    python = {"i": int, "u": int, "b": bool}.get(x.dtype.kind, scalar)
    return issubclass(scalar, kinds) or issubclass(python, kinds)


def _extreme(original: Any, better: Any, *args: Any, **kwargs: Any) -> Any:
    """``min`` and ``max`` of numbers, the first of equal ones, as Python has it."""
    if len(args) == 1 and isinstance(args[0], Listed) and args[0].grown and not kwargs:
        return (wnp.min if original is min else wnp.max)(args[0].as_tree())
    if len(args) == 1 and not kwargs and _is_staged_vector(args[0]):
        place = wnp.argmin if original is min else wnp.argmax
        return args[0][place(args[0])]
    if len(args) == 1 and not kwargs and not isinstance(args[0], TracedArray):
        args = tuple(args[0])
        if len(args) < 2:
            return original(args)
    traced = any(isinstance(x, TRACED) for x in args)
    if kwargs or not traced or any(np.ndim(x) for x in args):
        return original(*args, **kwargs)
    best = args[0]
    for x in args[1:]:
        best = wnp.where(better(x, best), x, best)
    return best


def _decided(decisive: bool, items: Any, /) -> Any:
    """``any`` (`decisive` is True) and ``all`` of items that may be traced."""
    if _is_staged_vector(items):
        return (wnp.any if decisive else wnp.all)(items)
    found: Any = not decisive
    for item in items:
        if not _is_scalar(item) or is_known(unwrap(item)):
            if bool(item) is decisive:
                return decisive
        elif decisive:
            found = wnp.logical_or(found, item)
        else:
            found = wnp.logical_and(found, item)
    return found


def _is_staged_vector(x: Any) -> bool:
    return isinstance(x, TracedArray) and x.ndim == 1 and not is_known(unwrap(x))
