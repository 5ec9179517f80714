"""Hamiltonian Monte Carlo."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.infer import checks
from wengert.infer.adaptation import (
    Tuning,
    Windows,
    averaging,
    current_step,
    moments,
    tuned,
    windows,
)
from wengert.infer.diagnostics import effective_sample_size, r_hat
from wengert.optim.remember import compiled

_DIVERGENCE = 1000.0  # of the energy along a path, as in Stan
_LONGEST = 1000  # leapfrog steps


class Samples(NamedTuple):
    """Draws of all the chains after the warm-up, and how they came about.

    Attributes:
        x: The draws: a tree like the starts, of arrays (chains, draws, ...).
        log_density: Of every draw, (chains, draws).
        acceptance: The probability with which every proposal was accepted.
        divergent: Whether the energy along a path was off by more than 1000, or not
            finite: there the draws are not to be trusted.
        steps: Leapfrog steps of every draw.
        step_size: Of every chain after its warm-up.
        variance: Of every chain, the inverse of its masses: a tree like the starts.
        step_sizes: Those tried in the warm-up, (chains, warmup).
    """

    x: Any
    log_density: Any
    acceptance: Any
    divergent: Any
    steps: Any
    step_size: Any
    variance: Any
    step_sizes: Any

    @property
    def effective_sample_size(self) -> Any:
        """`effective_sample_size` of the draws."""
        return effective_sample_size(self.x)

    @property
    def r_hat(self) -> Any:
        """`r_hat` of the draws."""
        return r_hat(self.x)


class _Point(NamedTuple):
    x: Any
    value: Any
    gradient: Any


class _Move(NamedTuple):
    point: _Point
    acceptance: Any
    divergent: Any
    steps: Any


def hmc(
    log_density: Callable[..., Any],
    x0: Any,
    key: Any,
    *,
    args: tuple[Any, ...] = (),
    draws: int = 1000,
    warmup: int = 1000,
    length: float = math.pi / 2,
    target: float = 0.8,
) -> Samples:
    """Draw from a density by Hamiltonian Monte Carlo, in several chains.

    Leapfrog paths whose step size (dual averaging) and masses (diagonal, the variances
    of draws) are adapted in a warm-up. The whole run is one native function. Source:
    Neal 2011, MCMC using Hamiltonian dynamics; Hoffman & Gelman 2014, The No-U-Turn
    Sampler, sections 3.2 and A (the paths have a fixed length, not that sampler's).

    Args:
        log_density: Called as ``log_density(x, *args)``: the logarithm of a density, up
            to a constant, of real numbers without bounds.
        x0: Starts: a pytree of floats whose leaves have a first axis for the chains.
            Starts that are far apart let `r_hat` see more.
        key: A key of `wg.random`.
        args: Further arguments of `log_density`, such as the data.
        draws: Draws of each chain that are kept.
        warmup: Draws before these.
        length: Of the paths, in standard deviations; each path's is multiplied by a
            random number between 0.5 and 1.5, so that none returns to its start.
        target: The acceptance probability that the step size is adapted to.

    Returns:
        `Samples`, whose fields are arrays of float64 but for `divergent` and `steps`.

    Raises:
        ArgumentError: An option makes no sense, or the log density or its gradient is
            not finite at a start.
        DTypeError: A start is not made of floats.
        ShapeError: The leaves of `x0` have not one first axis, or the log density is
            not one real number.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def log_density(x):
        ...     return -0.5 * np.sum((x / np.array([1.0, 10.0])) ** 2)
        >>> found = wg.infer.hmc(log_density, np.ones((4, 2)), wg.random.key(0))
        >>> np.std(found.x, axis=(0, 1)).round(0)
        array([ 1., 10.])
        >>> bool(np.all(found.r_hat < 1.01)), int(np.sum(found.divergent))
        (True, 0)
    """
    checks.check_count("hmc", "draws", draws, 1)
    checks.check_count("hmc", "warmup", warmup, 0)
    checks.check_between("hmc", "target", target, 0.0, 1.0)
    checks.check_between("hmc", "length", length, 0.0, math.inf)
    checks.check_floats("hmc", x0)
    checks.check_chains("hmc", x0)
    _check_starts(log_density, x0, args)
    run = compiled(functools.partial, _chains, log_density)
    found = run(x0, key, args, windows(warmup), draws, length, target)
    each = wg.vmap(_unravel(x0))
    return found._replace(x=wg.vmap(each)(found.x), variance=each(found.variance))


def _unravel(x0: Any) -> Callable[[Any], Any]:
    """From a vector to what `log_density` is of."""
    return wg.tree.ravel(wg.tree.map(lambda leaf: leaf[0], x0))[1]


def _check_starts(log_density: Callable[..., Any], x0: Any, args: Any) -> None:
    unravel = _unravel(x0)

    def density(vector: Any) -> Any:
        value = log_density(unravel(vector), *args)
        checks.check_density("hmc", value)
        return value

    for c in range(len(wg.tree.leaves(x0)[0])):
        start = wg.tree.map(lambda leaf, c=c: leaf[c], x0)
        checks.check_finite("hmc", f"start {c}", density, wg.tree.ravel(start)[0])


def _chains(
    log_density: Callable[..., Any],
    x0: Any,
    key: Any,
    args: Any,
    plan: Windows,
    draws: Any,
    length: Any,
    target: Any,
) -> Samples:
    """All chains, one after the other; points are vectors."""
    starts = wg.vmap(lambda start: wg.tree.ravel(start)[0])(x0).astype(np.float64)
    unravel = _unravel(x0)
    of = wg.value_and_grad(lambda v: log_density(unravel(v), *args))
    chains, n = starts.shape
    found = _empty(chains, draws, len(plan.closes), n)
    for c in range(chains):
        chain = wg.random.fold_in(key, c)
        _fill(of, starts[c], chain, plan, length, target, found, c)
    return found


def _empty(chains: Any, draws: Any, warmup: Any, n: Any) -> Samples:
    shape = (chains, draws)
    return Samples(
        np.zeros((chains, draws, n)),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape, bool),
        np.zeros(shape, int),
        np.zeros(chains),
        np.zeros((chains, n)),
        np.zeros((chains, warmup)),
    )


def _fill(
    of: Any,
    x: Any,
    key: Any,
    plan: Windows,
    length: Any,
    target: Any,
    found: Samples,
    c: Any,
) -> None:
    """Write what chain `c` does into `found`: its warm-up, then its draws."""
    warmup, draws = len(plan.closes), found.acceptance.shape[1]
    point = _Point(x, *of(x))
    first = averaging(_first_step(of, point, wg.random.fold_in(key, 0)))
    tuning = Tuning(first, moments(x), np.ones_like(x))
    for i in range(warmup + draws):
        step = current_step(tuning, i < warmup)
        move = _move(of, point, wg.random.fold_in(key, 1 + i), step, tuning, length)
        point = move.point
        if i < warmup:
            found.step_sizes[c, i] = step
            tuning = tuned(tuning, plan, i, point.x, move.acceptance, target)
        else:
            _record(found, c, i - warmup, move)
    found.step_size[c] = current_step(tuning, False)
    found.variance[c] = tuning.variance


def _record(found: Samples, c: Any, i: Any, move: _Move) -> None:
    found.x[c, i], found.log_density[c, i] = move.point.x, move.point.value
    found.acceptance[c, i], found.divergent[c, i] = move.acceptance, move.divergent
    found.steps[c, i] = move.steps


def _first_step(of: Any, point: _Point, key: Any) -> Any:
    """A step size of about even odds of acceptance (Hoffman & Gelman, algorithm 4)."""
    momentum = wg.random.normal(key, point.x.shape)
    scale, step = np.ones_like(point.x), 1.0
    gain = _gain(of, point, momentum, step, scale)
    up = gain > np.log(0.5)
    doublings = 0
    while (gain > np.log(0.5)) == up and doublings < 50:
        step = step * 2.0 if up else step * 0.5
        gain = _gain(of, point, momentum, step, scale)
        doublings += 1
    return step


def _gain(of: Any, point: _Point, momentum: Any, step: Any, scale: Any) -> Any:
    """The logarithm of the acceptance ratio after one step; -inf for NaN."""
    end, p = _leapfrog(of, point, momentum, step, scale, 1)
    found = _energy(point, momentum, scale) - _energy(end, p, scale)
    return np.where(np.isnan(found), -np.inf, found)


def _energy(point: _Point, momentum: Any, scale: Any) -> Any:
    return 0.5 * np.sum(scale * momentum**2) - point.value


def _leapfrog(
    of: Any, point: _Point, momentum: Any, step: Any, scale: Any, n: Any
) -> tuple[_Point, Any]:
    """`n` leapfrog steps; `scale` is the inverse of the masses."""
    x, value, gradient = point
    for _ in range(n):
        momentum = momentum + 0.5 * step * gradient
        x = x + step * scale * momentum
        value, gradient = of(x)
        momentum = momentum + 0.5 * step * gradient
    return _Point(x, value, gradient), momentum


def _move(
    of: Any, point: _Point, key: Any, step: Any, tuning: Tuning, length: Any
) -> _Move:
    """One draw: a path from a random momentum, accepted or not (Metropolis)."""
    keys, scale = wg.random.split(key, 3), tuning.variance
    momentum = wg.random.normal(keys[0], point.x.shape) / np.sqrt(scale)
    wanted = length * wg.random.uniform(keys[1], low=0.5, high=1.5)
    n = np.int64(np.clip(np.ceil(wanted / step), 1.0, _LONGEST))
    end, p = _leapfrog(of, point, momentum, step, scale, n)
    gain = _energy(point, momentum, scale) - _energy(end, p, scale)
    gain = np.where(np.isnan(gain), -np.inf, gain)
    acceptance = np.exp(np.minimum(gain, 0.0))
    if wg.random.uniform(keys[2]) < acceptance:
        point = end
    return _Move(point, acceptance, gain < -_DIVERGENCE, n)
