"""Between the ends of a step: the interpolants of the methods, and dense output."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.ode.steps import Step


def interpolated(step: Step, s: Any) -> Any:
    """The state a fraction `s` of a step after its beginning.

    Hermite's cubic through states and slopes at both ends, and a quartic term that
    vanishes there with its slope.

    References:
        Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I*, II.6.
    """
    rise = step.y1 - step.y0
    start = step.h * step.slope0 - rise
    end = rise - step.h * step.slope1 - start
    r = 1.0 - s
    return step.y0 + s * (rise + r * (start + s * (end + r * step.bend)))


class Dense(NamedTuple):
    """A solution between its saved times: call it with a time, or with many.

    The k-th of `count` steps leads from ``knots[k]`` to ``knots[k + 1]``. Calling it
    with an array of times of shape (m,) returns a pytree of the structure of the state
    whose leaves have a first axis of length m; with one time, the state then. Before
    the first knot and after the last the nearest step is continued.
    """

    knots: Any  # (most + 1,)
    states: Any  # (most + 1, n)
    slopes: Any  # (most + 1, n)
    bends: Any  # (most, n)
    count: Any
    example: Any  # a state

    def place(self, t: Any, near: Any) -> Any:
        """The index of the step at one time, from that of a step nearby."""
        k, direction = near, self.knots[1] - self.knots[0]
        while k > 0 and direction * (t - self.knots[k]) < 0:
            k -= 1
        while k < self.count - 1 and direction * (t - self.knots[k + 1]) > 0:
            k += 1
        return k

    def within(self, k: Any, t: Any) -> Any:
        """The state at one time in the k-th step, as one vector."""
        return self._within(k, t, ())

    def vectors(self, t: Any) -> Any:
        """The states at times of shape (m,), as vectors: an array of shape (m, n)."""
        direction = np.sign(self.knots[1] - self.knots[0])
        # What is behind the last knot is NaN, which is sorted behind all numbers.
        found = np.searchsorted(direction * self.knots, direction * t, side="right")
        k = np.minimum(np.maximum(found - 1, 0), self.count - 1)
        return self._within(k, t, (-1, 1))

    def _within(self, k: Any, t: Any, shape: tuple[int, ...]) -> Any:
        """The states at times within the k-th steps; `shape` is that of a column."""
        begin = self.knots[k]
        h = self.knots[k + 1] - begin
        step = Step(
            begin,
            np.reshape(h, shape),
            self.states[k],
            self.states[k + 1],
            self.slopes[k],
            self.slopes[k + 1],
            self.bends[k],
            None,
        )
        return interpolated(step, np.reshape((t - begin) / h, shape))

    def __call__(self, t: Any) -> Any:
        unravel = wg.tree.ravel(self.example)[1]
        times = np.reshape(t, (-1,)) * 1.0
        states = self.vectors(times)
        return unravel(states[0]) if np.ndim(t) == 0 else wg.vmap(unravel)(states)
