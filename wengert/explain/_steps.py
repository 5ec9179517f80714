"""The error of difference quotients against their step."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

from wengert._core.source import explain
from wengert._modes.directional import jvp
from wengert._modes.reverse import grad
from wengert.errors import ArgumentError
from wengert.explain import _differences as differences
from wengert.explain import _plot
from wengert.explain._reference import derivative, relative_error

ROUNDOFF = differences.EPS / 2
FLOOR = 1e-17  # where an error of exactly 0 is drawn


class StepSizes(NamedTuple):
    """Relative errors of the derivative of a function, one per step.

    ``forward_model`` and ``central_model`` are what theory expects: truncation, from
    the second and third derivative, plus rounding; ``*_optimum`` is the best step.
    """

    steps: np.ndarray
    forward: np.ndarray
    central: np.ndarray
    complex_step: np.ndarray
    forward_mode: float
    reverse_mode: float
    forward_model: np.ndarray
    central_model: np.ndarray
    forward_optimum: float
    central_optimum: float


def step_sizes(fun: Callable[..., Any], x: float) -> StepSizes:
    """Errors of differences for steps from 1e-16 to 1, against 50-digit arithmetic.

    Args:
        fun: Function of one float that returns a float, three times differentiable.
        x: Where to differentiate; the derivative there is not zero.

    Returns:
        A `StepSizes`.

    Raises:
        ArgumentError: ``x`` is not a float, or the derivative there is zero.
        SymbolicError: an op of ``fun`` is not available in 50-digit arithmetic.
        MissingLibraryError: mpmath is not installed.

    Example:
        >>> import wengert as wg, wengert.numpy as np
        >>> found = wg.explain.step_sizes(np.exp, 1.0)
        >>> bool(np.nanmin(found.forward) > 1e-10), found.reverse_mode < 1e-15
        (True, True)
        >>> f"{found.forward_optimum:.1e} {found.central_optimum:.1e}"
        '2.1e-08 6.9e-06'

    References:
        Nocedal & Wright, *Numerical Optimization*, 2nd ed., Springer 2006, section 8.1.
    """
    if not isinstance(x, float):
        raise ArgumentError(
            explain(
                f"step_sizes: x is {x!r}, not a float", fix="pass a float such as 1.0"
            )
        )
    value, slope, second, third = (
        float(derivative(fun, x, order=order)) for order in range(4)
    )
    if slope == 0.0:
        raise ArgumentError(
            explain(
                f"step_sizes: the derivative at {x} is 0",
                why="the picture shows relative errors.",
                fix="choose another point",
            )
        )
    exact = derivative(fun, x)
    steps = np.logspace(-16, 0, 129)
    f, point = (lambda flat: fun(flat[0])), np.array([x])
    size, bend, twist = abs(value / slope), abs(second / slope), abs(third / slope)

    def errors(quotient: Callable[[float], float]) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.array([_error(quotient, h, exact) for h in steps])

    return StepSizes(
        steps,
        errors(lambda h: differences.forward(f, point, 0, h, f(point))),
        errors(lambda h: differences.central(f, point, 0, h)),
        errors(lambda h: differences.complex_step(f, point, 0, h)),
        relative_error([jvp(fun, (x,), (1.0,))[1]], [exact]),
        relative_error([grad(fun)(x)], [exact]),
        bend * steps / 2 + 2 * ROUNDOFF * size / steps,
        twist * steps**2 / 6 + ROUNDOFF * size / steps,
        2 * np.sqrt(ROUNDOFF * size / bend) if bend else np.inf,
        np.cbrt(3 * ROUNDOFF * size / twist) if twist else np.inf,
    )


def _error(quotient: Callable[[float], float], h: float, exact: Any) -> float:
    """NaN where the step vanishes beside x, or leaves the domain of the function."""
    try:
        value = quotient(h)
    except ZeroDivisionError:
        return np.nan
    return relative_error([value], [exact]) if np.isfinite(value) else np.nan


def plot_step_sizes(
    fun: Callable[..., Any], x: float, path: str | os.PathLike[str] | IO[bytes]
) -> StepSizes:
    """Draw the error of differences against their step, beside AD's.

    Forward differences fall as O(h), central ones as O(h^2), until rounding, eps / h,
    takes over; the best steps that theory gives are marked. The complex step and both
    modes of AD have no such branch.

    Args:
        fun, x: as for `step_sizes`.
        path: File to write, ``.png``, ``.svg`` or ``.pdf``; or an open one, for PNG.

    Returns:
        The numbers drawn.

    Raises:
        ArgumentError, SymbolicError: as `step_sizes`.
        MissingLibraryError: matplotlib or mpmath is not installed.

    Example:
        >>> import io, wengert as wg, wengert.numpy as np
        >>> picture = io.BytesIO()
        >>> found = wg.explain.plot_step_sizes(np.exp, 1.0, picture)
    """
    with _plot.picture(path, "explain.plot_step_sizes", 1, (7.6, 5.0)) as axes:
        found = step_sizes(fun, x)
        _draw_differences(axes, found)
        _draw_exact_methods(axes, found)
        _branches(axes, found)
        axes.set(
            xlabel="step h",
            ylabel="relative error of the derivative",
            xlim=(found.steps[0], found.steps[-1]),
            ylim=(FLOOR / 3, 30),
            title="Differences lose digits to truncation or to rounding; AD to neither",
        )
        axes.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.13))
    return found


def _draw_differences(axes: Any, found: StepSizes) -> None:
    """Measured errors as dots, theory as lines, the best step as a circle."""
    h = found.steps
    for errors, model, best, colour, label, shift in (
        (found.forward, found.forward_model, found.forward_optimum, _plot.ORANGE,
         "forward difference", (0, 14)),
        (found.central, found.central_model, found.central_optimum, _plot.BLUE,
         "central difference", (66, -8)),
    ):  # fmt: skip
        axes.loglog(h, np.maximum(errors, FLOOR), ".", ms=4, color=colour, label=label)
        axes.loglog(h, model, "-", lw=1, color=colour, alpha=0.55)
        if np.isfinite(best):
            least = _height(best, h, model)
            axes.plot(best, least, "o", ms=9, mfc="none", mec=colour, mew=1.8)
            note = f"best h = {best:.0e}"
            axes.annotate(
                note,
                (best, least),
                shift,
                textcoords="offset points",
                ha="center",
                color=colour,
            )


def _draw_exact_methods(axes: Any, found: StepSizes) -> None:
    steps, errors = found.steps, np.maximum(found.complex_step, FLOOR)
    axes.loglog(steps, errors, "-", lw=1.6, color=_plot.GREEN, label="complex step")
    for label, error, style, colour in (
        ("forward mode", found.forward_mode, "-", _plot.PURPLE),
        ("reverse mode", found.reverse_mode, (0, (4, 4)), _plot.RED),
    ):
        axes.axhline(max(error, FLOOR), lw=1.6, ls=style, color=colour, label=label)
    axes.axhline(differences.EPS, lw=0.8, ls=":", color=_plot.GREY)
    axes.text(1.2, differences.EPS, "eps", color=_plot.GREY, va="center")


def _height(h: float, steps: np.ndarray, model: np.ndarray) -> float:
    return float(np.exp(np.interp(np.log(h), np.log(steps), np.log(model))))


def _branches(axes: Any, found: StepSizes) -> None:
    """Names of the three branches, beside them."""
    for h, model, text, shift in (
        (1e-3, found.forward_model, "O(h)", (-22, 6)),
        (3e-3, found.central_model, "O(h²)", (12, -8)),
        (1e-13, found.forward_model, "eps / h", (8, 6)),
    ):
        place = h, _height(h, found.steps, model)
        axes.annotate(text, place, shift, textcoords="offset points", color=_plot.GREY)
