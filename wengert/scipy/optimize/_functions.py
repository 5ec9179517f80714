"""The user's functions as SciPy wants them: of one vector, with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._array.traced import TracedArray, TracedScalar
from wengert._core.source import Site, explain, user_site
from wengert.errors import DependenceError
from wengert.optim.checks import check_scalar
from wengert.optim.remember import compiled

OfVector = Callable[..., Any]


class Start(NamedTuple):
    """Where SciPy starts: a vector, and what the user's functions take in its place."""

    vector: np.ndarray
    like: Any
    is_tree: bool

    def as_given(self, vector: Any) -> Any:
        return wg.tree.ravel(self.like)[1](vector) if self.is_tree else vector


def start_of(x0: Any) -> Start:
    """`x0` as SciPy understands it, if it is a number or numbers; else a pytree."""
    if isinstance(x0, (np.ndarray, np.generic, int, float)) or _is_vector(x0):
        vector = np.atleast_1d(np.asarray(x0, dtype=float))
        return Start(vector, vector, is_tree=False)
    return Start(wg.tree.ravel(x0)[0].astype(np.float64), x0, is_tree=True)


def _is_vector(x0: Any) -> bool:
    numbers = (int, float, np.number)
    return type(x0) in (list, tuple) and all(isinstance(x, numbers) for x in x0)


class Function:
    """A function of the user's, and its derivatives, at a vector.

    Each is compiled when it is first asked for, and kept for other calls with the same
    function.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        start: Start,
        args: Any = (),
        kwargs: dict[str, Any] | None = None,
        jit: bool = True,
    ) -> None:
        self.fun = fun
        self.start = start
        self.args = args if isinstance(args, tuple) else (args,)
        self.kwargs = kwargs or {}
        self.jit = jit
        self.site = user_site(2)  # SciPy's own lines are between it and an error
        self.last: tuple[np.ndarray, Any, Any] | None = None

    def _run(self, make: Callable[[Any], OfVector], *given: Any) -> Any:
        made = compiled(make, self.fun) if self.jit else make(self.fun)
        found = made(*given, self.start.like, self.args, self.kwargs)
        return numbers(found, self.site)

    def as_it_is(self, x: Any) -> Any:
        """The user's function, not compiled."""
        return self.fun(self.start.as_given(x), *self.args, **self.kwargs)

    def with_arguments(self, derivative: Any) -> Any:
        """A derivative of the user's own, called with the arguments of the function."""
        if not callable(derivative):
            return derivative
        return lambda *xs: derivative(*xs, *self.args, **self.kwargs)

    def value(self, x: Any) -> Any:
        return self._run(_whole, x)

    def jacobian(self, x: Any) -> Any:
        return self._run(_jacobian, x)

    def hessian_of_sum(self, x: Any, weights: Any) -> Any:
        """The Hessian of the sum of the function's entries, weighted."""
        return self._run(_hessian_of_sum, x, np.asarray(weights, dtype=float))

    # -- of a function that returns a number --

    def number(self, x: Any) -> Any:
        return self._run(_number, x)

    def value_and_gradient(self, x: Any) -> tuple[Any, Any]:
        """Both in one sweep, which SciPy asks for one after the other."""
        if self.last is None or not np.array_equal(x, self.last[0]):
            self.last = (np.array(x), *self._run(_value_and_gradient, x))
        return self.last[1], self.last[2].copy()

    def hessian(self, x: Any) -> Any:
        return self._run(_hessian, x)

    def hessian_times(self, x: Any, vector: Any) -> Any:
        return self._run(_hessian_times, x, vector)


def numbers(found: Any, site: Site) -> Any:
    """What a function returned, if it may go to SciPy."""
    if any(type(x) in (TracedArray, TracedScalar) for x in wg.tree.leaves(found)):
        raise DependenceError(
            explain(
                "scipy.optimize: the function depends on a value that is traced",
                why="SciPy's solvers have no derivative, and are not compiled.",
                fix="in a function that is differentiated or compiled, use wg.optim or "
                "wg.implicit",
                site=site,
            )
        )
    return found


def _whole(fun: Any) -> OfVector:
    def of_vector(x: Any, like: Any, args: Any, kwargs: Any) -> Any:
        found = fun(wg.tree.ravel(like)[1](x), *args, **kwargs)
        return np.array(found) if isinstance(found, (list, tuple)) else found

    return of_vector


def _number(fun: Any) -> OfVector:
    whole = _whole(fun)

    def of_vector(x: Any, *rest: Any) -> Any:
        value = whole(x, *rest)
        if getattr(value, "shape", ()) in ((1,), (1, 1)):  # SciPy takes them too
            value = value.reshape(-1)[0]
        check_scalar("scipy.optimize.minimize", value)
        return value

    return of_vector


def _value_and_gradient(fun: Any) -> OfVector:
    return wg.value_and_grad(_number(fun))


def _hessian(fun: Any) -> OfVector:
    return wg.hessian(_number(fun))


def _hessian_times(fun: Any) -> OfVector:
    number = _number(fun)
    return lambda x, vector, *rest: wg.hvp(lambda y: number(y, *rest), x, vector)


def _jacobian(fun: Any) -> OfVector:
    return wg.jacobian(_whole(fun))


def _hessian_of_sum(fun: Any) -> OfVector:
    whole = _whole(fun)
    return wg.hessian(lambda x, weights, *rest: np.sum(weights * whole(x, *rest)))
