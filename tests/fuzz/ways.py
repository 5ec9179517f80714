"""How staged programs are run: LLVM takes most of the time that a program takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import llvmlite.binding as llvm

from wengert._backend import compiler
from wengert._staging import control

WAYS = ("optimised", *["native"] * 4, *["interpreted"] * 11)


def way_of(seed: int) -> str:
    """How the program of a seed is run."""
    return WAYS[seed % len(WAYS)]


@contextlib.contextmanager
def running(way: str) -> Iterator[None]:
    """Run staged programs in one way.

    "optimised": as users have it; "native": without LLVM's optimiser; "interpreted":
    the program as it was staged, by the reference interpreter. Nothing is kept on disk:
    an entry is found by the staged program, whatever the compiler made of it.
    """
    with mock.patch.dict(os.environ, WENGERT_CACHE="0"), _changed(way):
        yield


@contextlib.contextmanager
def _changed(way: str) -> Iterator[None]:
    if way == "optimised":
        yield
        return
    if way == "interpreted":
        with mock.patch.object(control.CallFunction, "run", _interpreted):
            yield
        return
    with (
        mock.patch.object(compiler, "_optimise", _as_it_is),
        mock.patch.object(compiler, "_target_machine", _plain_machine),
    ):
        yield


def _interpreted(self: control.CallFunction, operands: Any) -> Any:
    return control.ControlFunction.run(self, operands)


def _as_it_is(module: Any, machine: Any) -> None:
    """The module as the back end wrote it."""


def _plain_machine() -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=0,
        jit=True,
    )
