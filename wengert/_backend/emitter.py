"""Emission of one LLVM function: index arithmetic, loops, branches and failure.

A frame is one call's private block of int64 words, made by the caller; `FRAME` names
them. Extents and indices are Python ints where they are known and LLVM values of i64
elsewhere; the methods here fold the former. Variables of loops live in stack slots of
the entry block, which LLVM turns into registers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.ir.values import MDValue

from wengert._backend import types as t

FRAME = {
    "table": 0,
    "blocks": 1,
    "depth": 2,
    "limit": 3,
    "live": 4,
    "allocations": 5,
    "copied": 6,
    "site": 7,
    "overruns": 8,
    "stack": 9,
    "raised": 10,
    "values": 13,
}
FINE, FAILED, NO_MEMORY, RAISED, DIFFERENT = range(5)
POLL_EVERY = 1 << 16
STACK_LIMIT = (
    400_000  # bytes of stack for calls; threads have little more on some systems
)
HOST_DONE = 1  # not 0, which a callback gives that a signal has stopped at its start
_TABLE = "malloc free lock check_signals fetch unlock host advise calloc pool"
TABLE = {name: k for k, name in enumerate(_TABLE.split())}
APART = 16  # entries of a known number; fewer are written out, and make no loop
LARGEST = 1 << 46  # bytes of an array; more is refused before sizes could overflow

Index = Any  # int or LLVM value of i64


def i64(n: int) -> ir.Constant:
    return ir.Constant(t.I64, n)


class Emitter:
    """A function under construction."""

    def __init__(self, function: ir.Function, frame: Any) -> None:
        self.function = function
        self.frame = frame
        self.entry = ir.IRBuilder(function.append_basic_block("entry"))
        self.start = function.append_basic_block("start")
        self.b = ir.IRBuilder(self.start)
        self._nests = 0

    def finish(self) -> None:
        self.b.ret(ir.Constant(t.I32, FINE))
        self.entry.branch(self.start)

    # -- index arithmetic --------------------------------------------------------------

    def value(self, n: Index) -> Any:
        return i64(int(n)) if isinstance(n, (int, np.integer)) else n

    def _fold(self, a: Index, b: Index, python: Any, emit: Any) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return python(a, b)
        return emit(self.value(a), self.value(b))

    def add(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and a == 0:
            return b
        if isinstance(b, int) and b == 0:
            return a
        return self._fold(
            a, b, lambda x, y: x + y, lambda x, y: self.b.add(x, y, flags=("nsw",))
        )

    def sub(self, a: Index, b: Index) -> Index:
        if isinstance(b, int) and b == 0:
            return a
        return self._fold(
            a, b, lambda x, y: x - y, lambda x, y: self.b.sub(x, y, flags=("nsw",))
        )

    def mul(self, a: Index, b: Index) -> Index:
        for one, other in ((a, b), (b, a)):
            if isinstance(one, int) and one in (0, 1):
                return other if one else 0
        return self._fold(
            a, b, lambda x, y: x * y, lambda x, y: self.b.mul(x, y, flags=("nsw",))
        )

    def product(self, factors: Any) -> Index:
        total: Index = 1
        for factor in factors:
            total = self.mul(total, factor)
        return total

    def floordiv(self, a: Index, b: Index) -> Index:
        """Of numbers that are not negative."""
        return self._fold(a, b, lambda x, y: x // y, self.b.udiv)

    def compare(self, relation: str, a: Index, b: Index) -> Any:
        return self.b.icmp_signed(relation, self.value(a), self.value(b))

    def minimum(self, a: Index, b: Index) -> Index:
        return self._fold(
            a, b, min, lambda x, y: self.b.select(self.compare("<", x, y), x, y)
        )

    def maximum(self, a: Index, b: Index) -> Index:
        return self._fold(
            a, b, max, lambda x, y: self.b.select(self.compare(">", x, y), x, y)
        )

    # -- memory ------------------------------------------------------------------------

    def slot(self, kind: Any, value: Any = None) -> Any:
        """A variable of this function."""
        pointer = self.stack(kind)
        if value is not None:
            self.b.store(value, pointer)
        return pointer

    def stack(self, kind: Any, align: int | None = None) -> Any:
        """Memory of the whole function."""
        pointer = self.entry.alloca(kind)
        pointer.type = t.PTR  # not the typed pointer that older versions of LLVM had
        pointer.align = align
        return pointer

    def bytes(self, size: int) -> Any:
        return self.stack(ir.ArrayType(t.I8, max(size, 1)), align=64)

    def offset(self, pointer: Any, bytes_: Index) -> Any:
        if isinstance(bytes_, int) and bytes_ == 0:
            return pointer
        return self.b.gep(
            pointer, [self.value(bytes_)], inbounds=True, source_etype=t.I8
        )

    def word(self, name: str, more: int = 0) -> Any:
        return self.offset(self.frame, 8 * (FRAME[name] + more))

    def table_entry(self, number: int) -> Any:
        table = self.b.load(self.word("table"), typ=t.PTR)
        return self.b.load(self.offset(table, 8 * number), typ=t.PTR)

    def call_pointer(self, pointer: Any, kind: Any, arguments: list[Any]) -> Any:
        """Call the function of a pointer; LLVM's types of pointers have no more."""
        typed = _Callee(pointer, kind)
        return self.b.call(typed, arguments)

    def count(self, name: str, amount: Index) -> None:
        word = self.word(name)
        old = self.b.load(word, typ=t.I64)
        self.b.store(self.b.add(old, self.value(amount)), word)

    def copy_bytes(self, target: Any, source: Any, size: Index) -> None:
        kinds = (t.PTR, t.PTR, t.I64, t.I1)
        copy = self.intrinsic("llvm.memcpy.p0.p0.i64", t.VOID, *kinds)
        flag = ir.Constant(t.I1, 0)
        self.b.call(copy, [target, source, self.value(size), flag])

    def intrinsic(self, name: str, result: Any, *operands: Any) -> ir.Function:
        """A function that is not of this module, declared once."""
        known = self.function.module.globals.get(name)
        if known is not None:
            return known
        kind = ir.FunctionType(result, operands)
        return ir.Function(self.function.module, kind, name)

    # -- control -----------------------------------------------------------------------

    def block(self, name: str) -> ir.Block:
        return self.function.append_basic_block(name)

    @contextmanager
    def loop(
        self, stop: Index, start: Index = 0, *, entries: bool = False
    ) -> Iterator[Index]:
        """The body of a loop over an index; `entries`: of an array, in any order.

        LLVM unrolls short loops before it makes vectors, and then makes none: those
        over entries are left to the vectoriser. One that is known to have a step has no
        test in front, which LLVM would take long to find true.
        """
        if (start, stop) == (0, 1) and isinstance(stop, int):
            yield 0
            return
        known = isinstance(start, int) and isinstance(stop, int)
        slot = self.slot(t.I64, self.value(start))
        body, end = (self.block(n) for n in ("body", "done"))
        if known and start < stop:
            self.b.branch(body)
        else:
            self.b.cbranch(self.compare("<", start, stop), body, end)
        self.b.position_at_end(body)
        index = self.b.load(slot, typ=t.I64)
        count = len(self.function.blocks)
        yield index
        is_inner = len(self.function.blocks) == count
        following = self.b.add(index, i64(1), flags=("nsw",))
        self.b.store(following, slot)
        back = self.b.cbranch(self.compare("<", following, stop), body, end)
        if entries and is_inner and isinstance(stop, int) and _fills_vectors(stop):
            self._keep(back)
        self.b.position_at_end(end)

    def _keep(self, back: Any) -> None:
        """Mark the branch back to the head of a loop, which is not to be unrolled."""
        module = self.function.module
        advice = module.add_metadata(["llvm.loop.unroll.disable"])
        loop = MDValue(module, [advice], name=str(len(module.metadata)))
        loop.operands = (loop, advice)  # what names a loop refers to itself
        back.set_metadata("llvm.loop", loop)

    @contextmanager
    def _apart(self, shape: Any) -> Iterator[None]:
        """The body of a condition that always holds, which LLVM cannot know.

        What LLVM asks of a loop it looks for in every condition before it, back to
        where two paths meet: among hundreds of loops of known lengths, one behind the
        other, that takes time that grows with their square. Here two paths meet.
        """
        if not all(isinstance(n, int) for n in shape) or math.prod(shape) < APART:
            yield
            return
        self._nests += 1  # LLVM would take two of the same number for one
        opaque = ir.InlineAsm(ir.FunctionType(t.I64, [t.I64]), "", "=r,0", False)
        number = self.b.call(opaque, [i64(self._nests)], attrs=("readnone",))
        with self.when(self.b.icmp_signed("!=", number, i64(0))):
            yield

    def nest(self, shape: Any, body: Callable[[tuple[Index, ...]], None]) -> None:
        """A loop for each axis, the last one innermost."""

        def run(axis: int, indices: tuple[Index, ...]) -> None:
            if axis == len(shape):
                body(indices)
                return
            with self.loop(shape[axis], entries=True) as index:
                run(axis + 1, (*indices, index))

        with self._apart(shape):
            run(0, ())

    @contextmanager
    def when(self, condition: Any) -> Iterator[None]:
        """The body of a branch."""
        inside, end = self.block("when"), self.block("after")
        self.b.cbranch(condition, inside, end)
        self.b.position_at_end(inside)
        yield
        self.b.branch(end)
        self.b.position_at_end(end)

    def leave_if(self, condition: Any, code: Any) -> None:
        """Return with a code; what is allocated is released by the caller."""
        leave, go_on = self.block("leave"), self.block("fine")
        self.b.cbranch(condition, leave, go_on)
        self.b.position_at_end(leave)
        value = ir.Constant(t.I32, code) if isinstance(code, int) else code
        self.b.ret(value)
        self.b.position_at_end(go_on)

    def fail_unless(
        self, condition: Any, site: int, values: Callable[[], list[Any]]
    ) -> None:
        """Leave with the number of an error site and the values of its text."""
        leave, go_on = self.block("fail"), self.block("fine")
        self.b.cbranch(condition, go_on, leave)
        self.b.position_at_end(leave)
        self.b.store(i64(site), self.word("site"))
        for k, value in enumerate(values()):
            self.b.store(value, self.word("values", 2 * k))
        self.b.ret(ir.Constant(t.I32, FAILED))
        self.b.position_at_end(go_on)

    def poll(self) -> None:
        code = self.b.call(self.function.module.globals["wengert_poll"], [self.frame])
        self.leave_if(self.b.icmp_signed("!=", code, ir.Constant(t.I32, 0)), code)


def _fills_vectors(steps: int) -> bool:
    """Whether vectors of 4 leave few steps of a loop to be done one by one."""
    return steps % 4 == 0 or steps >= 16


class _Callee:
    """A pointer as the function to call of llvmlite's builder."""

    def __init__(self, pointer: Any, kind: ir.FunctionType) -> None:
        self.pointer = pointer
        self.function_type = kind
        self.type = t.PTR
        self.calling_convention = ""

    def get_reference(self) -> str:
        return self.pointer.get_reference()

    def __str__(self) -> str:
        return f"ptr {self.get_reference()}"
