"""Warm-up: the step size by dual averaging, the masses by the variances of draws."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Averaging(NamedTuple):
    """Dual averaging of the logarithm of the step size (Hoffman & Gelman 2014, 3.2)."""

    log_step: Any
    log_average: Any
    error: Any  # the mean of target - acceptance, early ones weighing less
    centre: Any
    count: Any


def averaging(step: Any) -> Averaging:
    """Begin at a step size, and be drawn to ten times as much."""
    log = np.log(step)
    return Averaging(log, log, 0.0, log + np.log(10.0), 0.0)


def adapted(state: Averaging, acceptance: Any, target: Any) -> Averaging:
    """Algorithm 5 of Hoffman & Gelman, with their constants."""
    gamma, t0, kappa = 0.05, 10.0, 0.75
    count = state.count + 1.0
    share = 1.0 / (count + t0)
    error = (1.0 - share) * state.error + share * (target - acceptance)
    log_step = state.centre - np.sqrt(count) / gamma * error
    weight = count**-kappa
    log_average = weight * log_step + (1.0 - weight) * state.log_average
    return Averaging(log_step, log_average, error, state.centre, count)


class Moments(NamedTuple):
    """Means and sums of squared deviations of draws, updated one by one (Welford)."""

    count: Any
    mean: Any
    squares: Any


def moments(x: Any) -> Moments:
    """Of no draws, of the shape of `x`."""
    return Moments(0.0, np.zeros_like(x), np.zeros_like(x))


def with_draw(state: Moments, x: Any) -> Moments:
    count = state.count + 1.0
    apart = x - state.mean
    mean = state.mean + apart / count
    return Moments(count, mean, state.squares + apart * (x - mean))


def variance(state: Moments) -> Any:
    """Variances, drawn to 0.001 by five draws' weight as in Stan."""
    found = state.squares / np.maximum(state.count - 1.0, 1.0)
    return (state.count * found + 5.0 * 1e-3) / (state.count + 5.0)


class Windows(NamedTuple):
    """Which warm-up draws the variances are of, and after which they are taken over."""

    counts: np.ndarray
    closes: np.ndarray


def windows(warmup: int) -> Windows:
    """Stan's schedule: the step size alone, windows each twice the last, again alone.

    Without 20 draws the step size alone is adapted. Source: Stan Reference Manual,
    "Automatic parameter tuning".
    """
    counts, closes = np.zeros(warmup, bool), np.zeros(warmup, bool)
    if warmup < 20:
        return Windows(counts, closes)
    begin = min(75, int(0.15 * warmup))
    end = warmup - min(50, int(0.1 * warmup))
    counts[begin:end] = True
    size = 25
    while begin + 3 * size <= end:  # the next, twice as long, fits as well
        begin += size
        closes[begin - 1] = True
        size *= 2
    closes[end - 1] = True
    return Windows(counts, closes)


class Tuning(NamedTuple):
    """What a chain adapts: its step size, and the inverse of its masses."""

    steps: Averaging
    seen: Moments
    variance: Any


def current_step(tuning: Tuning, adapting: Any) -> Any:
    """The step size to try, or to keep after the warm-up."""
    return np.exp(tuning.steps.log_step if adapting else tuning.steps.log_average)


def tuned(
    tuning: Tuning, plan: Windows, i: Any, x: Any, acceptance: Any, target: Any
) -> Tuning:
    """After draw `i` of the warm-up."""
    steps, seen, scale = tuning
    steps = adapted(steps, acceptance, target)
    if plan.counts[i]:
        seen = with_draw(seen, x)
    if plan.closes[i]:
        scale = variance(seen)
        seen = moments(x)
        steps = averaging(np.exp(steps.log_average))
    return Tuning(steps, seen, scale)
