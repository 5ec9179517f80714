"""LLVM: a module to machine code for this processor."""

from __future__ import annotations

import ctypes.util
import sys
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from wengert._backend.helpers import allocator
from wengert._backend.vectors import vector_functions, with_vector_functions


@cache
def _prepare() -> None:
    """Once for a process: LLVM, and the C library's functions for generated code."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name = ctypes.util.find_library("m")
    if name is not None and not sys.platform.startswith("win"):
        llvm.load_library_permanently(name)


def _target_machine() -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )


def _optimise(module: Any, machine: Any) -> None:
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    # It may keep a scalar call beside the vector one for another reader of the value:
    # the two differ in their last bits, and a value would differ from itself.
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def object_code(module: ir.Module, *, guarded: bool = False) -> bytes:
    """The machine code of a module, as an object file."""
    _prepare()
    machine = _target_machine()
    parsed = llvm.parse_assembly(with_vector_functions(str(module)))
    parsed.verify()
    # The allocator comes after: LLVM must not see that `free` leaves a block's
    # bytes as they are, or it reads them when the memory is another block's.
    _optimise(parsed, machine)
    parsed.link_in(llvm.parse_assembly(allocator(guarded)))
    parsed.verify()
    return bytes(machine.emit_object(parsed))


class Library:
    """Loaded machine code; `address(name)` of its functions as long as it lives."""

    def __init__(self, code: bytes) -> None:
        _prepare()
        empty = llvm.parse_assembly("")
        self._engine = llvm.create_mcjit_compiler(empty, _target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        return int(self._engine.get_function_address(name))


@cache
def target() -> tuple[str, ...]:
    """What decides which machine code is made, besides the program."""
    _prepare()
    return (
        llvm.get_default_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
        llvmlite.__version__,
        str(llvm.llvm_version_info),
        *vector_functions(),
    )
