"""Compiled programs as Python functions."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from sys import getrecursionlimit
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.compiler import Library, object_code
from wengert._backend.control import result_words
from wengert._backend.emitter import DIFFERENT, FAILED, FRAME, NO_MEMORY
from wengert._backend.functions import emit_program, has_destination, results_offset
from wengert._backend.lowering import STACK_BYTES
from wengert._backend.runtime import Runtime, memory, raise_fetched
from wengert._backend.sites import ErrorSite, HostSite
from wengert._ir.program import Atom, Program, Var

_ENTRY = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
_IF_ALIKE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Counts(NamedTuple):
    """What a call did with memory: for tests.

    `leaked` are blocks that were neither freed nor returned; `overruns` are changed
    words beside blocks, which only a guarded program counts.
    """

    allocations: int
    copied: int
    leaked: int
    overruns: int


class Native(NamedTuple):
    """What is left of a program when it has been translated.

    `interface` is the program without its equations: parameters, and types of results.
    """

    code: bytes
    interface: Program
    errors: list[ErrorSite]
    hosts: list[HostSite]
    entries: list[str]  # further entries of the run-time table, by name


def compile_program(
    program: Program, *, guarded: bool = False, stack_bytes: int = STACK_BYTES
) -> Compiled:
    """A program as a native function: see `translate`."""
    return Compiled(translate(program, guarded=guarded, stack_bytes=stack_bytes))


def translate(
    program: Program, *, guarded: bool = False, stack_bytes: int = STACK_BYTES
) -> Native:
    """A program in machine code.

    Args:
        program: a valid program.
        guarded: put guards around every block of memory, and count those that change.
        stack_bytes: static arrays up to this size live on the stack.

    Raises:
        NotImplementedError: a value has a dtype without a machine type.
    """
    module = ir.Module("wengert")
    pointer, size = ir.FunctionType(t.PTR, [t.PTR, t.I64]), [t.PTR, t.PTR]
    for name in ("wengert_alloc", "wengert_zeros"):
        allocate = ir.Function(module, pointer, name)
        allocate.return_value.add_attribute("noalias")
    ir.Function(module, ir.FunctionType(t.VOID, size), "wengert_free")
    ir.Function(module, ir.FunctionType(t.I32, [t.PTR]), "wengert_poll")
    sites = emit_program(program, module, -1 if guarded else stack_bytes)
    code = object_code(module, guarded=guarded)
    interface = program._replace(equations=())
    return Native(code, interface, sites.errors, sites.hosts, sites.entries)


_CODES = {char: char for char in "?bhiBHIefd"}
_CODES |= {
    t.BFLOAT16.char: "H",
    "l": "q",
    "q": "q",
    "L": "Q",
    "Q": "Q",
    "F": "ff",
    "D": "dd",
}
_ARRAY = np.ndarray
_HEADER = ("table", "blocks", "depth", "limit")  # the words that a call begins with
assert tuple(FRAME)[: len(_HEADER)] == _HEADER
_BLOCKS = FRAME["blocks"]


class Compiled:
    """A native function: ``compiled(*arguments) -> results``.

    `host_calls` are the names of the ops that Python evaluates. Calls may run at the
    same time in several threads: each has a frame of its own.
    """

    def __init__(self, native: Native) -> None:
        program = native.interface
        self.host_calls = sorted({s.equation.op.name for s in native.hosts})
        self._errors = native.errors
        self._runtime = Runtime(native.hosts, native.entries)
        self._table = self._runtime.table.ctypes.data
        self._library = Library(native.code)
        self._entry = _ENTRY(self._library.address("entry"))
        self._entry_if_alike = _IF_ALIKE(self._library.address("wengert_if_alike"))
        self._release = _RELEASE(self._library.address("wengert_release"))
        arguments = [_Argument(p, program) for p in program.params]
        self._converters = [a.converter() for a in arguments]
        self._checked = [a for a in arguments if a.extents]
        self._complex = any(a.is_complex for a in arguments)
        self._bfloat16 = any(a.type.dtype == t.BFLOAT16 for a in arguments)
        first = results_offset(native.errors)
        self._results, words = _results(program, first)
        self._made = [r for r in self._results if r.known]
        self._returned = [(k, r) for k, r in enumerate(self._results) if not r.known]
        self._static = all(r.static for r in self._made)
        self._shapes = [r.shape for r in self._made]
        self._dtypes = [r.dtype for r in self._made]
        self._codes = [a.code for a in arguments]
        codes = "".join(self._codes) + "q" * len(self._made)
        self._begin = 8 * (first + words)  # where the arguments are in the frame
        between = self._begin - 8 * len(_HEADER)
        packing = struct.Struct(f"={len(_HEADER)}q{between}x{codes}")
        self._pack_into = packing.pack_into
        self._frame = ctypes.c_int64 * ((packing.size + 7) // 8)

    def __call__(self, *arguments: Any) -> list[Any]:
        """Results for NumPy arrays and scalars, in the order of the parameters."""
        return self._run(arguments)[0]

    def counted(self, *arguments: Any) -> tuple[list[Any], Counts]:
        """Results, and what the call did with memory."""
        results, frame = self._run(arguments)
        escaped = sum(1 for r in self._results if r.rank and not r.known)
        return results, Counts(
            frame[FRAME["allocations"]],
            frame[FRAME["copied"]],
            frame[FRAME["live"]] - escaped,
            frame[FRAME["overruns"]],
        )

    def alike(
        self, given: Sequence[Any], hidden: Sequence[Any]
    ) -> Callable[[Sequence[Any]], list[Any] | None] | None:
        """A function for arguments like these, which native code compares.

        given: the arguments, numbers and arrays in C order, as they are now. An array
            without axes is packed as its number.
        hidden: the last arguments, always these objects.

        Returns:
            A function of the arguments, of arrays their addresses, to the results; it
            returns None where a type, a shape or an order in memory is another one.
            None, if these arguments need more than to be compared.
        """
        if self._complex or self._checked or self._bfloat16 or not self._static:
            return None
        table, keep = self._expected(given)
        address, converters = table.ctypes.data, self._converters[len(given) :]

        def call(words: Sequence[Any], keep: Any = (table, keep)) -> list[Any] | None:
            others = [f(a) for f, a in zip(converters, hidden, strict=True)]
            made = self._allocated(others)
            frame = self._framed([*words, *map(_word, others)], made)
            code = self._entry_if_alike(frame, address)
            return None if code == DIFFERENT else self._finished(frame, code, made)

        return call

    def _expected(self, given: Sequence[Any]) -> tuple[np.ndarray, list[np.dtype]]:
        """What `wengert_if_alike` compares with, and dtypes to keep alive for it."""
        words, dtypes, offset = [0], [], self._begin
        for value, code in zip(given, self._codes, strict=False):
            if type(value) is _ARRAY and value.ndim:
                words[0] += 1
                dtypes.append(value.dtype)
                words += [offset, id(_ARRAY), id(value.dtype), value.ndim, *value.shape]
            offset += struct.calcsize("=" + code)
        return np.array(words, np.int64), dtypes

    def _run(self, arguments: tuple[Any, ...]) -> tuple[list[Any], Any]:
        values = [f(a) for f, a in zip(self._converters, arguments, strict=True)]
        for argument in self._checked:
            argument.check(values)
        made = self._allocated(values)
        # The addresses of array objects, which `values` and `made` keep alive.
        words = [*map(_word, values)]
        if self._complex:
            words = [part for v in words for part in _parts(v)]
        frame = self._framed(words, made)
        return self._finished(frame, self._entry(frame), made), frame

    def _allocated(self, values: list[Any]) -> list[np.ndarray]:
        if self._static:
            return [*map(np.empty, self._shapes, self._dtypes)]
        return [r.allocate(values) for r in self._made]

    def _framed(self, words: list[Any], made: list[np.ndarray]) -> Any:
        frame, limit = self._frame(), getrecursionlimit()
        self._pack_into(frame, 0, self._table, 0, 0, limit, *words, *map(id, made))
        return frame

    def _finished(self, frame: Any, code: int, made: list[Any]) -> list[Any]:
        """The results in order: those made before the call, and what it wrote."""
        if code:
            self._fail(code, frame)
        for place, result in self._returned:
            made.insert(place, result.read(frame))
        if frame[_BLOCKS]:
            live = frame[FRAME["live"]]
            self._release(frame)
            frame[FRAME["live"]] = live
        return made

    def _fail(self, code: int, frame: Any) -> None:
        """Raise what a code says, when all memory of the call is freed."""
        error: BaseException
        if code == FAILED:
            error = self._failure(frame)
        elif code == NO_MEMORY:
            error = MemoryError("compiled code: out of memory")
        else:
            # A signal that stops a callback at its start leaves no exception.
            address = ctypes.addressof(frame)
            error = self._runtime.errors.pop(address, KeyboardInterrupt())
        self._release(frame)
        first = FRAME["raised"]
        if frame[first]:
            raise_fetched(frame[first : first + 3])
        raise error

    def _failure(self, frame: Any) -> BaseException:
        site = self._errors[frame[FRAME["site"]]]
        address = ctypes.addressof(frame) + 8 * FRAME["values"]
        values = []
        for dtype, rank in zip(site.dtypes, site.ranks, strict=True):
            if rank == 0:
                values.append(memory(address, (), dtype)[()])
            else:
                words = memory(address, (1 + rank, 2), np.dtype(np.int64))[:, 0]
                shape = tuple(map(int, words[1:]))
                values.append(memory(int(words[0]), shape, dtype).copy())
            address += 16 * (1 if rank == 0 else 1 + rank)
        error = site.make(*values)
        if site.place is not None:
            error.add_note(f"  at {site.place}, in compiled code")
        return error


class _Argument:
    """How an argument is checked and packed."""

    def __init__(self, param: Var, program: Program) -> None:
        self.type = param.type
        self.position = program.params.index(param)
        self.is_complex = not param.type.shape and param.type.dtype.kind == "c"
        code = _CODES[param.type.dtype.char]
        filler = 16 - struct.calcsize("=" + code)
        self.code = "q" if param.type.shape else code + f"{filler}x" * bool(filler)
        order = {p: i for i, p in enumerate(program.params)}
        self.extents = [
            (k, order[n]) for k, n in enumerate(self.type.shape) if isinstance(n, Var)
        ]

    def converter(self) -> Callable[[Any], Any]:
        """An argument as it is packed: an array in C order, or a Python number."""
        if not self.type.shape and self.type.dtype == t.BFLOAT16:
            return lambda x: int(np.asarray(x, t.BFLOAT16).view(np.uint16))
        if not self.type.shape:
            kind = {"f": float, "c": complex, "b": bool}
            return kind.get(self.type.dtype.kind, int)
        dtype, rank, shape = self.type.dtype, len(self.type.shape), self.type.shape
        static = not self.extents

        def convert(given: Any) -> np.ndarray:
            if type(given) is not _ARRAY or given.flags.num & _PLAIN != _PLAIN:
                given = np.array(given, order="C", ndmin=rank)
            assert given.dtype == dtype
            assert given.shape == shape if static else given.ndim == rank
            return given

        return convert

    def check(self, values: list[Any]) -> None:
        """Run-time extents are those of the array."""
        shape = values[self.position].shape
        assert all(shape[k] == values[i] for k, i in self.extents)


_PLAIN = 0x0101  # NPY_ARRAY_C_CONTIGUOUS and NPY_ARRAY_ALIGNED


def _word(value: Any) -> Any:
    """What native code is given: of an array the address of its object."""
    return id(value) if type(value) is _ARRAY else value


def _parts(value: Any) -> tuple[Any, ...]:
    return (value.real, value.imag) if type(value) is complex else (value,)


class _Result:
    """How a result is made and read.

    `known`: Python makes the array, whose extents are ints or the values of parameters;
    else native code returns a scalar, or address and extents, at `offset`.
    """

    def __init__(self, program: Program, atom: Atom, offset: int) -> None:
        order: dict[Any, int] = {p: i for i, p in enumerate(program.params)}
        # NumPy's own object for the dtype: one that was unpickled equals it, and is
        # another, which is what `wengert_if_alike` sees of arrays that come back.
        self.dtype, self.offset = np.dtype(atom.type.dtype.type), offset
        self.rank = len(atom.type.shape)
        self.known = has_destination(program, atom)
        self.shape: tuple[Any, ...] = tuple(order.get(n, n) for n in atom.type.shape)
        self.positions = tuple(isinstance(n, Var) for n in atom.type.shape)
        self.static = not any(self.positions)
        code = "q" * (1 + self.rank) if self.rank else _CODES[self.dtype.char]
        self.unpack = struct.Struct("=" + code).unpack_from

    def allocate(self, values: list[Any]) -> np.ndarray:
        if self.static:
            return np.empty(self.shape, self.dtype)
        pairs = zip(self.shape, self.positions, strict=True)
        return np.empty([values[n] if p else n for n, p in pairs], self.dtype)

    def read(self, frame: Any) -> Any:
        """A scalar, or a copy of an array that native code has allocated."""
        parts = self.unpack(frame, self.offset)
        if self.rank == 0 and self.dtype == t.BFLOAT16:
            return np.uint16(parts[0]).view(self.dtype)
        if self.rank == 0:
            return self.dtype.type(complex(*parts) if len(parts) == 2 else parts[0])
        return memory(parts[0], parts[1:], self.dtype).copy()


def _results(program: Program, first: int) -> tuple[list[_Result], int]:
    """How every result is made, and the words of the result block, behind `first`."""
    results, offset = [], 0
    for atom in program.results:
        results.append(_Result(program, atom, 8 * (first + offset)))
        offset += result_words(atom.type)
    return results, offset
