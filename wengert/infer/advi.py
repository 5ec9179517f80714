"""Variational inference with Gaussians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError
from wengert.infer import checks
from wengert.optim.remember import compiled


class Approximation(NamedTuple):
    """A Gaussian near a density, and how it was found.

    Attributes:
        mean: A tree like the start.
        std: Standard deviations, a tree like the start.
        factor: Of the covariance matrix, ``factor @ factor.T``, lower triangular; its
            rows are those of ``wg.tree.ravel(mean)[0]``.
        elbo: Estimates of the lower bound of the log evidence, one for every step.
    """

    mean: Any
    std: Any
    factor: Any
    elbo: Any

    @property
    def covariance(self) -> Any:
        """The covariance matrix, (n, n)."""
        return self.factor @ self.factor.T

    def draw(self, key: Any, n: int) -> Any:
        """`n` draws: a tree like the start, with a first axis of length `n`."""
        centre, unravel = wg.tree.ravel(self.mean)
        noise = wg.random.normal(key, (n, len(centre)))
        return wg.vmap(unravel)(centre + noise @ self.factor.T)


def advi(
    log_density: Callable[..., Any],
    x0: Any,
    key: Any,
    *,
    args: tuple[Any, ...] = (),
    family: str = "mean-field",
    steps: int = 2000,
    samples: int = 10,
    learning_rate: float = 0.05,
) -> Approximation:
    """The Gaussian that is nearest to a density, by the divergence KL(q || p).

    Climbs the evidence lower bound along reparameterised gradients, with Adam and a
    learning rate that falls to 0. The whole run is one native function. Source:
    Kucukelbir, Tran, Ranganath, Gelman & Blei 2017, Automatic Differentiation
    Variational Inference.

    Args:
        log_density: Called as ``log_density(x, *args)``: the logarithm of a density, up
            to a constant, of real numbers without bounds.
        x0: The first mean: a pytree of floats. The first standard deviations are 1.
        key: A key of `wg.random`.
        args: Further arguments of `log_density`, such as the data.
        family: "mean-field" (independent numbers) or "full-rank".
        steps: Of Adam.
        samples: Draws of which each gradient is the mean.
        learning_rate: The first one.

    Returns:
        `Approximation`, in float64.

    Raises:
        ArgumentError: An option makes no sense, or the log density or its gradient is
            not finite at the start.
        DTypeError: The start is not made of floats.
        ShapeError: The log density is not one real number.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def log_density(x):
        ...     return -0.5 * np.sum(((x - 3.0) / np.array([1.0, 2.0])) ** 2)
        >>> found = wg.infer.advi(log_density, np.zeros(2), wg.random.key(0))
        >>> found.mean.round(1), found.std.round(1)
        (array([3., 3.]), array([1., 2.]))
    """
    if family not in ("mean-field", "full-rank"):
        raise ArgumentError(
            explain(
                f"advi: there is no family {family!r}",
                fix="choose 'mean-field' or 'full-rank'",
            )
        )
    checks.check_count("advi", "steps", steps, 1)
    checks.check_count("advi", "samples", samples, 1)
    checks.check_between("advi", "learning_rate", learning_rate, 0.0, np.inf)
    checks.check_floats("advi", x0)
    _check_start(log_density, x0, args)
    run = compiled(functools.partial, _climb, log_density, family, steps, samples)
    return run(x0, key, args, learning_rate)


def _check_start(log_density: Callable[..., Any], x0: Any, args: Any) -> None:
    vector, unravel = wg.tree.ravel(x0)

    def density(v: Any) -> Any:
        value = log_density(unravel(v), *args)
        checks.check_density("advi", value)
        return value

    checks.check_finite("advi", "x0", density, vector)


def _climb(
    log_density: Callable[..., Any],
    family: str,
    steps: int,
    samples: int,
    x0: Any,
    key: Any,
    args: Any,
    learning_rate: Any,
) -> Approximation:
    vector, unravel = wg.tree.ravel(x0)
    centre = vector.astype(np.float64)
    n = len(centre)
    each = wg.vmap(lambda v: log_density(unravel(v), *args))

    def loss(params: Any, noise: Any) -> Any:
        entropy = np.sum(params["log_scale"]) + 0.5 * n * np.log(2.0 * np.pi * np.e)
        return -np.mean(each(_placed(params, noise))) - entropy

    params = {"mean": centre, "log_scale": np.zeros(n)}
    if family == "full-rank":
        params["below"] = np.zeros((n, n))
    opt = wg.optim.adam(wg.optim.cosine_decay_schedule(learning_rate, steps))
    state = opt.init(params)
    elbo = np.zeros(steps)
    for i in range(steps):
        noise = wg.random.normal(wg.random.fold_in(key, i), (samples, n))
        value, gradients = wg.value_and_grad(loss)(params, noise)
        updates, state = opt.update(gradients, state, params)
        params = wg.optim.apply_updates(params, updates)
        elbo[i] = -value
    factor = _factor(params)
    std = np.sqrt(np.sum(factor**2, axis=1))
    return Approximation(unravel(params["mean"]), unravel(std), factor, elbo)


def _placed(params: Any, noise: Any) -> Any:
    """Standard normal numbers (samples, n) as draws of the Gaussian."""
    moved = params["mean"] + np.exp(params["log_scale"]) * noise
    if "below" in params:
        moved = moved + noise @ np.tril(params["below"], -1).T
    return moved


def _factor(params: Any) -> Any:
    diagonal = np.diag(np.exp(params["log_scale"]))
    if "below" in params:
        return diagonal + np.tril(params["below"], -1)
    return diagonal
