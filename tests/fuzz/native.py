"""Native code without LLVM's optimiser: it takes most of the time of a program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import llvmlite.binding as llvm

from wengert._backend import compiler

OPTIMISED = 8  # one program in so many goes through LLVM's optimiser


@contextlib.contextmanager
def quick(seed: int) -> Iterator[None]:
    """LLVM as users have it for one program in eight, and without passes for others."""
    if seed % OPTIMISED == 0:
        yield
        return
    with (
        mock.patch.object(compiler, "_optimise", _as_it_is),
        mock.patch.object(compiler, "_target_machine", _plain_machine),
    ):
        yield


def _as_it_is(module: Any, machine: Any) -> None:
    """The module as the back end wrote it."""


def _plain_machine() -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=0,
        jit=True,
    )
