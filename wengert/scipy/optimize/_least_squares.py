"""`scipy.optimize.least_squares` and `curve_fit` with exact Jacobians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

import wengert as wg
from wengert._core.source import user_site
from wengert.optim.remember import compiled
from wengert.scipy.optimize._functions import Function, numbers, start_of


def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    *more: Any,
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    jit: bool = True,
    **given: Any,
) -> Any:
    """``scipy.optimize.least_squares``, with the Jacobian of the residuals.

    Args:
        fun: ``fun(x, *args, **kwargs)`` returns the vector of residuals.
        x0: As in SciPy, or a pytree of floats, which `fun` then takes.
        jac: A function, as in SciPy, or the name of a method of differences; exact, if
            it is left out.
        args, kwargs: More arguments of `fun`.
        jit: Whether to compile `fun` and its Jacobian.
        *more, **given: The other arguments of SciPy's function, from ``bounds`` on.

    Returns:
        SciPy's `OptimizeResult`; its ``x`` has the structure of `x0`.

    Example:
        >>> import numpy as np
        >>> from wengert.scipy.optimize import least_squares
        >>> t = np.linspace(0.0, 1.0, 9)
        >>> rests = lambda k: np.exp(-k * t) - np.exp(-2.0 * t)
        >>> least_squares(rests, 1.0, bounds=(0.0, 5.0)).x.round(6)
        array([2.])
    """
    start = start_of(x0)
    function = Function(fun, start, args, kwargs, jit)
    exact = function.jacobian if jac is None else function.with_arguments(jac)
    found = scipy.optimize.least_squares(
        function.value, start.vector, exact, *more, **given
    )
    if start.is_tree:
        found.x = start.as_given(found.x)
    return found


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Any = None,
    *,
    jit: bool = True,
    **given: Any,
) -> Any:
    """``scipy.optimize.curve_fit``, with the Jacobian of the model.

    Args:
        f: The model ``f(xdata, *parameters)``, in NumPy's functions.
        xdata, ydata, p0, sigma, absolute_sigma, check_finite, bounds, method, jac:
            As in SciPy; `jac` is exact, if it is left out.
        jit: Whether to compile `f` and its Jacobian.
        **given: The other arguments of SciPy's function.

    Returns:
        As in SciPy: the parameters and their covariance, and more with ``full_output``.

    Example:
        >>> import numpy as np
        >>> from wengert.scipy.optimize import curve_fit
        >>> t = np.linspace(0.0, 1.0, 9)
        >>> decay = lambda t, size, rate: size * np.exp(-rate * t)
        >>> parameters, covariance = curve_fit(decay, t, decay(t, 2.0, 3.0))
        >>> parameters.round(6)
        array([2., 3.])
    """
    model = compiled(_itself, f) if jit else f
    site = user_site()

    @functools.wraps(f)  # SciPy counts its arguments
    def checked(xdata: Any, *parameters: Any) -> Any:
        return numbers(model(xdata, *parameters), site)

    exact = jac
    if jac is None:
        exact = compiled(_of_parameters, f) if jit else _of_parameters(f)
    return scipy.optimize.curve_fit(
        checked,
        xdata,
        ydata,
        p0,
        sigma,
        absolute_sigma,
        check_finite,
        bounds,
        method,
        exact,
        **given,
    )


def _itself(f: Any) -> Any:
    return f


def _of_parameters(f: Any) -> Any:
    """The Jacobian of a model: a row for each value, a column for each parameter."""

    @functools.wraps(f)
    def jacobian(xdata: Any, *parameters: Any) -> Any:
        return wg.jacobian(lambda p: f(xdata, *p))(np.stack(parameters))

    return jacobian
