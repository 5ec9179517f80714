"""`cond`: one of two functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert._core.interp import prepared, replaceable


@replaceable
def cond(
    pred: Any,
    true_fun: Callable[..., Any],
    false_fun: Callable[..., Any],
    *operands: Any,
) -> Any:
    """``true_fun(*operands)`` where `pred` holds, else ``false_fun(*operands)``.

    Args:
        pred: A truth value. One that depends on an input chooses the path; it stands in
            the audit: the derivative is that of the branch that is taken.
        true_fun, false_fun: The branches; only one of them runs.
        *operands: Their arguments.

    Returns:
        What the branch returns.

    Raises:
        LanesDisagreeError: under `vmap`, `pred` differs between the lanes.

    Example:
        >>> import wengert as wg
        >>> f = lambda x: wg.cond(x > 0, lambda a: a * a, lambda a: -a, x)
        >>> wg.grad(f)(3.0), wg.grad(f)(-3.0)
        (np.float64(6.0), np.float64(-1.0))
    """
    return prepared(true_fun if pred else false_fun)(*operands)
