"""Scalar loops in PyTorch, eager, as one writes them there; small sizes only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

torch.set_num_threads(1)
SIZES = ("small",)


def recurrence(x, n):
    s = torch.tensor(0.5, dtype=torch.float64)
    for _ in range(n):
        s = s * x + 0.1 * torch.sin(s)
    return s


def newton(x, n):
    total = torch.tensor(0.0, dtype=torch.float64)
    for i in range(n):
        mean = 0.1 + 3.0 * i / n
        e = torch.tensor(mean, dtype=torch.float64)
        r = e - x * torch.sin(e) - mean
        while abs(r) > 1e-12:
            e = e - r / (1.0 - x * torch.cos(e))
            r = e - x * torch.sin(e) - mean
        total = total + e
    return total


def gauss_seidel(b, sweeps):
    """A list of scalars, since autograd allows no writes to what it has saved."""
    source = list(b)
    u = [torch.zeros((), dtype=torch.float64) for _ in source]
    for _ in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + source[i])
    return torch.sum(torch.stack(u) ** 2)


PROGRAMS = {f.__name__: f for f in (recurrence, newton, gauss_seidel)}


def runs(name: str, args: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    """The primal and the gradient of a program."""
    fun, (first, *rest) = PROGRAMS[name], args
    x = torch.tensor(first, dtype=torch.float64)

    def gradient() -> Any:
        given = x.clone().requires_grad_(True)
        result = fun(given, *rest)
        return result.detach(), torch.autograd.grad(result, given)[0]

    return {"primal": lambda: fun(x, *rest), "gradient": gradient}
