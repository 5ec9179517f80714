"""The gradient of a loss with an estimate of its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode.solve import solve


class Gradient(NamedTuple):
    """The value of a loss, and its gradient by the state at the start and by `args`.

    `error` has an estimate of the error of each entry, in the structure of
    ``(y0, args)``.
    """

    value: Any
    y0: Any
    args: tuple[Any, ...]
    error: Any


def gradient(
    loss: Callable[[Any], Any],
    f: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Sequence[Any] = (),
    *,
    derivative: str = "continuous",
    rtol: float = 1e-6,
    atol: Any = 1e-9,
    steps: int | None = None,
    **options: Any,
) -> Gradient:
    """The gradient of ``loss(solve(f, y0, t, args).y)``, and an estimate of its error.

    The derivatives of the solution that equations give are exact up to the tolerances.
    How far that is shows a second solve, with a tenth of the tolerances or twice the
    steps: the estimate is the difference to its gradient.

    Args:
        loss: A number from the states at the saved times, a pytree like `y0` whose
            leaves have a first axis of the length of `t`.
        f, y0, t, args: As in `solve`.
        derivative, rtol, atol, steps, **options: As in `solve`.

    Returns:
        A `Gradient`; that by `args` has their structure, None for integers.

    Raises:
        ArgumentError, TreeError, ShapeError, DTypeError: as `solve`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> decay = lambda t, y, k: -k * y
        >>> found = wg.ode.gradient(lambda y: y[-1], decay, 1.0, [0.0, 2.0], (0.5,))
        >>> exact = -2.0 * np.exp(-1.0)
        >>> bool(abs(found.args[0] - exact) < 3.0 * found.error[1][0] < 1e-4)
        True
    """

    def at(rtol: Any, atol: Any, steps: int | None) -> Any:
        def value(y0: Any, args: Any) -> Any:
            solution = solve(
                f,
                y0,
                t,
                args,
                derivative=derivative,
                rtol=rtol,
                atol=atol,
                steps=steps,
                **options,
            )
            return loss(solution.y)

        return wg.value_and_grad(value, argnums=(0, 1))(y0, tuple(args))

    value, found = at(rtol, atol, steps)
    finer = wg.tree.map(lambda x: 0.1 * x, atol)
    check = at(0.1 * rtol, finer, None if steps is None else 2 * steps)[1]
    error = wg.tree.map(lambda a, b: np.abs(a - b), found, check)
    by_y0, by_args = found
    return Gradient(value, by_y0, by_args, error)
