"""The flight of the ball: in closed form without air, by Runge-Kutta steps with drag.

Lengths are in metres, times in seconds, angles in radians. The ball starts at the
origin; `height_at_basket` is the height at which it passes the distance of the basket.
"""

from __future__ import annotations

from typing import Any

import numpy as np

GRAVITY = 9.81
BALL_MASS = 0.058  # a tennis ball
BALL_RADIUS = 0.0335
AIR_DENSITY = 1.204  # at 20 degrees Celsius
TIME_STEP = 0.15  # the height at the basket is then right to 1e-5 m
DEEPEST = -20.0  # below the start


def drag_per_metre(coefficient: Any) -> Any:
    """Deceleration over speed squared of a ball with this drag coefficient, in 1/m.

    Example:
        >>> round(drag_per_metre(0.47), 5)
        0.0172
    """
    area = np.pi * BALL_RADIUS**2
    return 0.5 * AIR_DENSITY * area * coefficient / BALL_MASS


# -- without air ---------------------------------------------------------------------


def flight_time(distance: Any, speed: Any, angle: Any) -> Any:
    """When the ball passes a distance."""
    return distance / (speed * np.cos(angle))


def height_at_basket(distance: Any, speed: Any, angle: Any) -> Any:
    """The height at which a ball thrown with this speed and angle passes a distance.

    Example:
        >>> import math
        >>> round(float(height_at_basket(5.0, 8.0, math.radians(60.0))), 3)
        0.996
    """
    t = flight_time(distance, speed, angle)
    return speed * np.sin(angle) * t - 0.5 * GRAVITY * t**2


# -- with quadratic drag -------------------------------------------------------------


def slope(state: Any, drag: Any) -> Any:
    """Time derivative of ``(x, y, vx, vy)``, the rows of `state`."""
    out = np.empty_like(state)
    velocity = state[2:]
    speed = np.sqrt(np.sum(velocity * velocity, axis=0))
    out[:2] = velocity
    out[2:] = -drag * speed * velocity
    out[3] -= GRAVITY
    return out


def advance(state: Any, dt: float, drag: Any) -> None:
    """Move `state`, of shape (4, ...), one Runge-Kutta step ahead, in place."""
    k1 = slope(state, drag)
    k2 = slope(state + 0.5 * dt * k1, drag)
    k3 = slope(state + 0.5 * dt * k2, drag)
    k4 = slope(state + dt * k3, drag)
    state += dt / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)


def crossing(before: Any, after: Any, distance: Any) -> Any:
    """Height at a distance between two states, by the cubic that fits both.

    The slopes dy/dx are known at both ends, so that the height stays differentiable and
    is as accurate as the steps are, although the step does not end at the distance.
    """
    width = after[0] - before[0]
    s = (distance - before[0]) / width
    start = width * before[3] / before[2]
    end = width * after[3] / after[2]
    rise = after[1] - before[1]
    bend = 3.0 * rise - 2.0 * start - end
    return before[1] + s * (start + s * (bend + s * (start + end - 2.0 * rise)))


def tangent(state: Any, distance: Any) -> Any:
    """Height at a distance on the straight line that the ball is moving along."""
    return state[1] + (distance - state[0]) * state[3] / state[2]


def height_with_drag(distance: Any, speed: Any, angle: Any, drag: Any) -> Any:
    """As `height_at_basket`, in air: all balls fly until the last has arrived.

    A ball that has fallen to `DEEPEST` before it arrives is out of play: drag might let
    it fall for ever. What is returned for it is lower still, and tells a method that
    goes downhill where to go: the height to which its tangent leads.

    Args:
        distance: Distances of the baskets, shape (n,).
        speed: Speeds of the throws, shape (n,).
        angle: Angles of the throws, shape (n,).
        drag: Drag per metre, a scalar; see `drag_per_metre`.

    Returns:
        Heights at which the balls pass their baskets, shape (n,).
    """
    state = np.zeros((4, len(distance)))
    state[2] = speed * np.cos(angle)
    state[3] = speed * np.sin(angle)
    height = np.zeros(len(distance))
    flying = np.ones(len(distance), dtype=bool)
    while flying.any():
        before = state.copy()
        advance(state, TIME_STEP, drag)
        arrived = flying & (state[0] >= distance)
        if arrived.any():
            height = np.where(arrived, crossing(before, state, distance), height)
        fallen = flying & ~arrived & (state[1] < DEEPEST)
        if fallen.any():
            height = np.where(fallen, tangent(state, distance), height)
        flying &= ~(arrived | fallen)
    return height


def path_with_drag(times: Any, start: Any, drag: Any) -> Any:
    """Positions of one ball at given times.

    Args:
        times: Increasing times, shape (n,); the ball starts at the first.
        start: ``(x, y, vx, vy)`` at the start, shape (4,).
        drag: Drag per metre, a scalar.

    Returns:
        The positions, shape (n, 2).
    """
    path = np.zeros((len(times), 2))
    state = start.copy()
    path[0] = state[:2]
    for i in range(1, len(times)):
        gap = times[i] - times[i - 1]
        steps = int(np.ceil(gap / TIME_STEP))
        for _ in range(steps):
            advance(state, gap / steps, drag)
        path[i] = state[:2]
    return path
