"""Compiled functions that are kept from call to call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import wengert as wg


def compiled(make: Callable[..., Any], *given: Any) -> Any:
    """``wg.jit(make(*given))``; the same one where everything given is the same.

    What cannot be hashed (an object that is called, with fields that are compared) is
    compiled at each call.
    """
    try:
        hash(given)
    except TypeError:
        return wg.jit(make(*given))
    return _remembered(make, *given)


@functools.lru_cache(maxsize=64)
def _remembered(make: Callable[..., Any], *given: Any) -> Any:
    return wg.jit(make(*given))
