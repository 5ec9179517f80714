"""What uncertain inputs make of the outputs of a function, by its derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert._core.tree import paths
from wengert.errors import ArgumentError, ShapeError

__all__ = [
    "Propagated",
    "Ranked",
    "Sensitivities",
    "propagate",
    "rank",
    "sensitivities",
]

_INDEFINITE = 1e-10  # of the largest eigenvalue: what rounding may leave below zero


class Propagated(NamedTuple):
    """Mean and spread of the outputs; `mean` and `std` are pytrees as `f` returns."""

    mean: Any
    std: Any
    cov: Any  # of all numbers of the output, in the order of `wg.tree.ravel`


class Sensitivities(NamedTuple):
    """Derivatives of m outputs in n inputs, shapes (m, n); `print` shows a table.

    normalised: by how many per cent an output changes where an input changes by one per
    cent; not finite where the output is zero.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    slopes: Any
    normalised: Any

    def __str__(self) -> str:
        rows = [("", *self.outputs)]
        for j, name in enumerate(self.inputs):
            rows.append((name, *(f"{s:+.3g}" for s in self.normalised[:, j])))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(_line(row, widths) for row in rows)


class Ranked(NamedTuple):
    """An input, and the share of the variance that would be gone if it were known."""

    name: str
    share: float


def propagate(f: Callable[..., Any], x: Any, cov: Any, *, order: int = 1) -> Propagated:
    """Mean and covariance of ``f(X)`` for uncertain inputs X.

    First order takes `f` to be linear around the mean of X. Second order adds what the
    curvature does to the mean and, for normally distributed X, to the covariance.

    Args:
        f: A function of one pytree of floats that returns a pytree of floats.
        x: The mean of X, a pytree with n numbers.
        cov: The covariance of X, shape (n, n), in the order of `wg.tree.ravel`; for one
            number its variance. Of independent inputs: ``np.diag(std**2)``.
        order: 1 or 2.

    Returns:
        Mean, standard deviations and covariance, shape (m, m), of the outputs.

    Raises:
        ShapeError: `cov` has another shape.
        ArgumentError: `cov` is no covariance, or `order` is neither 1 nor 2.

    Example:
        >>> import numpy as np
        >>> from wengert import uncertainty
        >>> def resistance(x):
        ...     voltage, current = x
        ...     return voltage / current
        >>> std = np.array([0.1, 0.02])
        >>> found = uncertainty.propagate(
        ...     resistance, np.array([12.0, 2.0]), np.diag(std**2))
        >>> print(f"{found.mean:.2f} ± {found.std:.3f} ohm")
        6.00 ± 0.078 ohm

    References:
        JCGM 100:2008, *Guide to the expression of uncertainty in measurement*, 5.1-5.2.
    """
    if order not in (1, 2):
        raise ArgumentError(
            explain(f"propagate: order={order!r}", fix="give order=1 or order=2")
        )
    vector, function, unravel = _flat(f, x)
    cov = _covariance("propagate", cov, len(vector))
    mean, slopes = function(vector), wg.jacobian(function)(vector)
    spread = slopes @ cov @ slopes.T
    if order == 2:
        bends = wg.jacobian(wg.jacobian(function), mode="forward")(vector) @ cov
        mean = mean + 0.5 * np.trace(bends, axis1=1, axis2=2)
        spread = spread + 0.5 * np.einsum("iab,jba->ij", bends, bends)
    std = np.sqrt(np.maximum(np.diagonal(spread), 0.0))
    return Propagated(unravel(mean), unravel(std), spread)


def sensitivities(
    f: Callable[..., Any],
    x: Any,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> Sensitivities:
    """Derivatives of outputs in inputs, as they are and normalised, in a table.

    Args:
        f: A function of one pytree of floats that returns a pytree of floats.
        x: Where to differentiate, a pytree with n numbers.
        inputs: Names of the n inputs; by default the expressions that reach them.
        outputs: Names of the m outputs, likewise.

    Raises:
        ShapeError: there are not as many names as numbers.

    Example:
        >>> import numpy as np
        >>> from wengert import uncertainty
        >>> table = uncertainty.sensitivities(
        ...     lambda x: {"period": 2 * np.pi * np.sqrt(x["length"] / x["gravity"])},
        ...     {"length": 1.0, "gravity": 9.81})
        >>> print(table)
                     period
        x['gravity']   -0.5
        x['length']    +0.5
    """
    vector, function, unravel = _flat(f, x)
    value, slopes = function(vector), wg.jacobian(function)(vector)
    names = _names("x", x) if inputs is None else inputs
    if outputs is None:
        outputs = [_shortened(n) for n in _names("", unravel(value))]
    for what, given, wanted in (("inputs", names, vector), ("outputs", outputs, value)):
        if len(given) != len(wanted):
            raise ShapeError(
                explain(
                    f"sensitivities: {len(given)} names of {what}, which are "
                    f"{len(wanted)} numbers",
                    fix="give a name for each number, in the order of wg.tree.ravel",
                )
            )
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = slopes * vector / np.reshape(value, (-1, 1))
    return Sensitivities(tuple(names), tuple(outputs), slopes, normalised)


def rank(
    f: Callable[..., Any], x: Any, cov: Any, *, inputs: Sequence[str] | None = None
) -> list[Ranked]:
    """The inputs (sensors, say) in the order of what knowing them exactly would bring.

    Of the variance of the output, to first order, the share of an input is what would
    be gone if this one were known: Cov(f, xᵢ)² / (Var(xᵢ) Var(f)). The shares of
    independent inputs add up to one. It needs their numbers: not under `wg.jit`.

    Args:
        f: A function of one pytree of floats that returns floats; of several numbers
            the variances are added up, so they should have one unit.
        x: The mean of the inputs, a pytree with n numbers.
        cov: Their covariance, shape (n, n).
        inputs: Their names; by default the expressions that reach them.

    Raises:
        ShapeError: `cov` has another shape, or there are not n names.
        ArgumentError: `cov` is no covariance.

    Example:
        >>> import numpy as np
        >>> from wengert import uncertainty
        >>> cov = np.diag([0.1, 0.02]) ** 2
        >>> uncertainty.rank(lambda x: x[0] / x[1], np.array([12.0, 2.0]), cov,
        ...                  inputs=["voltage", "current"])[0]
        Ranked(name='current', share=0.590...)
    """
    vector, function, _ = _flat(f, x)
    cov = _covariance("rank", cov, len(vector))
    names = _names("x", x) if inputs is None else inputs
    if len(names) != len(vector):
        raise ShapeError(
            explain(
                f"rank: {len(names)} names of {len(vector)} inputs",
                fix="give a name for each number, in the order of wg.tree.ravel",
            )
        )
    slopes = wg.jacobian(function)(vector)
    with_inputs, variances = slopes @ cov, np.diagonal(cov)
    total = np.sum(with_inputs * slopes)
    gained = np.sum(with_inputs**2, axis=0)
    shares = [
        float(g / (v * total)) if v > 0.0 and total > 0.0 else 0.0
        for g, v in zip(gained, variances, strict=True)
    ]
    found = map(Ranked, names, shares)
    return sorted(found, key=lambda ranked: -ranked.share)


def _flat(f: Callable[..., Any], x: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
    """``(vector, function of vectors, unravel)`` of a function of pytrees."""
    vector, unravel = wg.tree.ravel(x)
    _, unravel_output = wg.tree.ravel(f(x))
    return vector, lambda v: wg.tree.ravel(f(unravel(v)))[0], unravel_output


def _covariance(name: str, cov: Any, n: int) -> Any:
    cov = np.reshape(cov, (1, 1)) if n == 1 and np.ndim(cov) == 0 else cov
    if np.shape(cov) != (n, n):
        raise ShapeError(
            explain(
                f"{name}: the covariance has shape {np.shape(cov)}, and the inputs are "
                f"{n} numbers",
                fix=f"give one of shape {(n, n)}: np.diag(std**2) if the inputs are "
                "independent",
            )
        )
    if not np.allclose(cov, np.transpose(cov), rtol=1e-8, atol=0.0):
        raise ArgumentError(
            explain(
                f"{name}: the covariance is not symmetric",
                fix="give (cov + cov.T) / 2 if that is what is meant",
            )
        )
    eigenvalues = np.linalg.eigvalsh(cov)
    if eigenvalues[0] < -_INDEFINITE * max(1e-300, abs(eigenvalues[-1])):
        raise ArgumentError(
            explain(
                f"{name}: the covariance has a negative eigenvalue",
                why="some combination of the inputs would have a negative variance.",
                fix="check correlations, which are between -1 and 1",
            )
        )
    return cov


def _names(root: str, x: Any) -> list[str]:
    """For each number of a pytree the expression that reaches it."""
    names = []
    for path, leaf in zip(paths(x, root), wg.tree.leaves(x), strict=True):
        shape = np.shape(leaf)
        indices = [""] if not shape else map(list, np.ndindex(*shape))
        names += [f"{path}{index or ''}" for index in indices]
    return names


def _shortened(name: str) -> str:
    """Of an output in a dictionary its key."""
    return re.sub(r"^\['(\w+)'\]", r"\1", name) or "f"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(w) if i == 0 else cell.rjust(w)
        for i, (cell, w) in enumerate(zip(row, widths, strict=True))
    )
    return " ".join([first, *rest]).rstrip()
