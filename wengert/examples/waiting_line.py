"""A queue at a counter: events in a list that grows.

Lindley, *The theory of queues with a single server*, 1952: who comes while the counter
is busy waits until it is free. The derivative of the waiting times is what is called
infinitesimal perturbation analysis (Ho & Cao, *Perturbation Analysis of Discrete Event
Dynamic Systems*, 1991): a service that takes longer delays the customers after it until
the counter is idle for the first time, and nobody afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def waits(gaps: Any, services: Any, closing: Any) -> Any:
    """How long each customer who comes before closing time waits.

    Args:
        gaps: Times from one arrival to the next, shape (n,).
        services: How long each customer is served, shape (n,).
        closing: Nobody is let in after this time.

    Returns:
        The waiting times, one for each customer who is let in.

    Example:
        >>> waits(np.array([1.0, 1.0, 1.0]), np.array([2.0, 0.5, 9.0]), 5.0).tolist()
        [0.0, 1.0, 0.5]
    """
    events = []
    now = free = 0.0
    for i in range(len(gaps)):
        now += gaps[i]
        if now > closing:
            break
        wait = max(free - now, 0.0)
        free = now + wait + services[i]
        events.append(wait)
    return np.array(events)


def mean_wait(load: Any, gaps: Any, services: Any, closing: Any) -> Any:
    """The mean waiting time if every service takes `load` times as long, a scalar."""
    return np.mean(waits(gaps, load * services, closing))
