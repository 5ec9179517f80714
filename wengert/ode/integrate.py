"""The loops over the steps: of fixed lengths, and of lengths that the error decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode import control
from wengert.ode.dense import interpolated
from wengert.ode.events import Watch
from wengert.ode.result import RUNNING, Outcome
from wengert.ode.steps import Slope, Step

# (f, t, y, h, slope at the beginning, allowed error) -> a step
Advance = Callable[[Slope, Any, Any, Any, Any, Any], Step]


class Settings(NamedTuple):
    """What one integration is run with."""

    advance: Advance
    order: int  # that the step control goes by
    steps: Any  # between saved times; None: the error decides
    max_steps: int
    keeps_steps: bool  # for dense output
    checkpoints: Any
    rtol: Any
    atol: Any
    first_step: Any


class Run(NamedTuple):
    """What an integration leaves; states are vectors."""

    y: Any
    saved: Any
    t_end: Any
    y_end: Any
    status: Any
    accepted: Any
    rejected: Any
    next_step: Any  # the length that one more step would have
    watch: Watch
    steps: Steps


class Steps:
    """The accepted steps, for dense output."""

    def __init__(self, most: int, t: Any, y: Any, slope: Any) -> None:
        n = y.shape[0]
        self.knots = np.full(most + 1, np.nan)
        self.states = np.zeros((most + 1, n), y.dtype)
        self.slopes = np.zeros((most + 1, n), y.dtype)
        self.bends = np.zeros((most, n), y.dtype)
        self.knots[0], self.states[0], self.slopes[0] = t, y, slope

    def keep(self, k: Any, step: Step, end: Any) -> None:
        self.knots[k + 1] = end
        self.states[k + 1] = step.y1
        self.slopes[k + 1] = step.slope1
        self.bends[k] = step.bend


def integrated(f: Any, y0: Any, t: Any, settings: Settings, watch: Watch) -> Run:
    """The solution over a grid of times."""
    run = adaptive if settings.steps is None else fixed
    return run(f, y0, t, settings, watch)


def adaptive(f: Slope, y0: Any, t: Any, settings: Settings, watch: Watch) -> Run:
    """Integrate over a grid of times with steps that keep the error small enough.

    A step may pass saved times, whose states come from its interpolant; the last one
    ends at the end of the grid. Everything is differentiated, the lengths of the steps
    too.
    """
    now, y, end = t[0], y0, t[-1]
    forward = np.sign(end - now)
    out = np.full((t.shape[0], y0.shape[0]), np.nan, y0.dtype)
    out[0] = y0
    slope = f(now, y)
    steps = Steps(settings.max_steps if settings.keeps_steps else 0, now, y, slope)
    h = _first(f, now, y, slope, end - now, settings)
    least = np.finfo(float).eps * h
    status: Any = np.where(np.isfinite(h), RUNNING, Outcome.NOT_FINITE.value)
    before, saved, accepted, rejected = 1.0, 1, 0, 0
    for _ in wg.range(settings.max_steps, checkpoints=settings.checkpoints):
        if status != RUNNING:
            break
        left = np.abs(end - now)
        is_last = h >= left
        tried = np.minimum(h, left)
        step = settings.advance(f, now, y, forward * tried, slope, settings)
        allowed = control.scale_of(y, step.y1, settings.rtol, settings.atol)
        ratio = control.norm(step.error, allowed)
        if ratio <= 1.0:
            until = np.where(is_last, end, now + step.h)
            if settings.keeps_steps:
                steps.keep(accepted, step, until)
            y, slope = step.y1, step.slope1
            if is_last:
                status = Outcome.SUCCESS.value
            fraction = watch.after(step)
            if fraction <= 1.0:
                status = Outcome.EVENT.value
                until, y = now + fraction * step.h, interpolated(step, fraction)
            status = watch.verdict(status)
            while saved < t.shape[0] and forward * (t[saved] - until) <= 0:
                out[saved] = interpolated(step, (t[saved] - now) / step.h)
                saved += 1
            now = until
            # The last step is as long as it must be, which says nothing of the next.
            longer = tried * control.factor(ratio, before, settings.order)
            h = np.where(is_last, h, longer)
            before = np.maximum(ratio, 1e-4)
            accepted += 1
        else:
            rejected += 1
            finite = np.isfinite(ratio)
            shrunk = np.minimum(control.factor(ratio, 1.0, settings.order), 1.0)
            h = tried * np.where(finite, shrunk, control.SMALLEST)
            if h <= np.maximum(least, 16 * np.finfo(float).eps * np.abs(now)):
                small, bad = Outcome.STEP_TOO_SMALL.value, Outcome.NOT_FINITE.value
                status = np.where(finite, small, bad)
    if status == RUNNING:
        status = Outcome.TOO_MANY_STEPS.value
    return Run(out, saved, now, y, status, accepted, rejected, h, watch, steps)


def _first(f: Slope, t: Any, y: Any, slope: Any, span: Any, settings: Settings) -> Any:
    if settings.first_step is not None:
        return np.minimum(settings.first_step, np.abs(span))
    scale = control.scale_of(y, y, settings.rtol, settings.atol)
    return control.first_step(f, t, y, slope, span, scale, settings.order)


def fixed(f: Slope, y0: Any, t: Any, settings: Settings, watch: Watch) -> Run:
    """Integrate with so many steps of equal length between each two saved times."""
    now, y, parts = t[0], y0, settings.steps
    slope = f(now, y)
    out = np.full((t.shape[0], y0.shape[0]), np.nan, y0.dtype)
    out[0] = y0
    count = (t.shape[0] - 1) * parts
    steps = Steps(count if settings.keeps_steps else 0, now, y, slope)
    status, accepted = RUNNING, 0
    for k in wg.range(count, checkpoints=settings.checkpoints):
        if watch.events:
            if status != RUNNING:
                break
        i, part = k // parts, k % parts
        h = (t[i + 1] - t[i]) / parts
        step = settings.advance(f, t[i] + part * h, y, h, slope, settings)
        now = t[i] + (part + 1) * h
        if settings.keeps_steps:
            steps.keep(k, step, now)
        y, slope = step.y1, step.slope1
        accepted += 1
        fraction = watch.after(step)
        if fraction >= 1.0:
            out[i + 1] = y  # until the last part this is no saved time yet
        if fraction <= 1.0:
            status = Outcome.EVENT.value
            now, y = step.t + fraction * step.h, interpolated(step, fraction)
        status = watch.verdict(status)
    if status == RUNNING:
        status = Outcome.SUCCESS.value
    if not np.all(np.isfinite(y)):
        status = Outcome.NOT_FINITE.value
    saved = np.sum(np.all(np.isfinite(out), axis=1))
    return Run(out, saved, now, y, status, accepted, 0, np.nan, watch, steps)
