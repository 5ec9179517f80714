"""Lowering of regions: variables in scope, who owns which memory, equations in order.

Memory has one static owner, the scope of a region. A scope counts the variables whose
values read a block and frees it behind the last one; an update writes in place where
nothing else reads the block. What a region only borrows (parameters of the program,
constants of a loop) it neither frees nor writes to.
"""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Any

import numpy as np
from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.analysis import Uses
from wengert._backend.emitter import LARGEST, NO_MEMORY, TABLE, Emitter, Index
from wengert._backend.failures import mismatch
from wengert._backend.sites import Functions, Sites
from wengert._backend.values import (
    Array,
    Block,
    Lazy,
    Scalar,
    Shape,
    Value,
    broadcast_index,
    contiguous_array,
    same_extent,
    same_shape,
)
from wengert._core.types import ArrayType
from wengert._ir.program import (
    Atom,
    Equation,
    Literal,
    Program,
    Var,
    variables_read,
)
from wengert._passes.places import Places, place_of

STACK_BYTES = 512  # static arrays up to this size live on the stack
DEEPEST = 24  # delayed arrays inside one another


class Scope:
    """The variables of a region, and the blocks that it owns."""

    def __init__(self, uses: Uses) -> None:
        self.uses = uses
        self.values: dict[Var, Value] = {}
        self.owned: set[Block] = set()
        self.destinations: dict[Var, Array] = {}
        self.position = 0

    def bind(self, var: Var, value: Value) -> None:
        self.values[var] = value
        for block in value.blocks:
            block.references += 1

    def unbind(self, var: Var) -> None:
        for block in self.values.pop(var).blocks:
            block.references -= 1

    def dies(self, atom: Atom) -> bool:
        return isinstance(atom, Var) and self.uses.dies(atom, self.position)


class Lowering:
    """Emission of the body of one function."""

    def __init__(
        self,
        emitter: Emitter,
        sites: Sites,
        stack_bytes: int,
        places: Places,
        around: Functions,
    ) -> None:
        self.e = emitter
        self.sites = sites
        self.places = places
        self.stack_bytes = stack_bytes
        self.around = around  # the functions that `Recur` may call
        self.scope: Scope

    # -- values ------------------------------------------------------------------------

    def value(self, atom: Atom) -> Value:
        if isinstance(atom, Literal):
            dtype = atom.value.dtype
            return Scalar(t.constant(atom.value, dtype), dtype)
        return self.scope.values[atom]

    def extent(self, n: Any) -> Index:
        """An extent, or a number of an index: an int, or a variable's value."""
        if isinstance(n, Var):
            return self.number(self.scope.values[n])
        return int(n)

    def number(self, value: Value) -> Index:
        """A scalar as an index; an int where it is known."""
        register = value.at(self.e, ())
        if isinstance(register, ir.Constant) and value.dtype.kind in "iu":
            return int(register.constant)
        return t.cast(self.e.b, register, value.dtype, np.dtype(np.int64))

    def shape(self, type_: ArrayType) -> Shape:
        return tuple(self.extent(n) for n in type_.shape)

    def require_extent(self, found: Index, declared: Index) -> None:
        """An extent is the declared one; else the program fails."""
        if same_extent(found, declared):
            return
        dtype = np.dtype(np.int64)
        site = self.sites.error(mismatch, dtype, dtype)
        values = [self.e.value(found), self.e.value(declared)]
        self.e.fail_unless(self.e.compare("==", found, declared), site, lambda: values)

    def inside(self, equation: Equation) -> Set[int]:
        """The axes of which the index of one entry is known to be in bounds."""
        place = place_of(equation) or []
        shape = equation.inputs[0].type.shape
        known = self.places.is_inside
        return {k for k, a in enumerate(place) if known(a, shape[k])}

    # -- memory ------------------------------------------------------------------------

    def allocate(self, shape: Shape, dtype: np.dtype) -> Array:
        """Fresh memory, owned by the scope."""
        e = self.e
        self.require_size(shape, dtype)
        size = e.mul(e.product(shape), dtype.itemsize)
        if isinstance(size, int) and size <= self.stack_bytes:
            block = Block(e.bytes(size), "stack")
        else:
            block = Block(self.heap(size), "heap")
        self.scope.owned.add(block)
        return contiguous_array(e, block.pointer, shape, dtype, block)

    def heap(self, size: Index, zeros: bool = False) -> Any:
        name = "wengert_zeros" if zeros else "wengert_alloc"
        allocate = self.e.function.module.globals[name]
        pointer = self.e.b.call(allocate, [self.e.frame, self.e.value(size)])
        null = self.e.b.icmp_unsigned("==", pointer, ir.Constant(t.PTR, None))
        self.e.leave_if(null, NO_MEMORY)
        return pointer

    def require_size(self, shape: Shape, dtype: np.dtype) -> None:
        """An array is not so large that products of its extents overflow.

        Every array passes once, in memory or not, so that emitted code may multiply.
        """
        b = self.e.b
        known = math.prod(max(n, 1) for n in shape if isinstance(n, int))
        if known * dtype.itemsize > LARGEST:
            self.e.leave_if(ir.Constant(t.I1, 1), NO_MEMORY)
        rest = [n for n in shape if not isinstance(n, int)]
        if not rest:
            return
        one = ir.Constant(t.FLOATS[8], 1.0)
        total = ir.Constant(t.FLOATS[8], float(known * dtype.itemsize))
        least = rest[0]
        for n in rest:
            least = self.e.minimum(least, n)
            extent = b.sitofp(n, t.FLOATS[8])
            some = b.fcmp_ordered(">", extent, one)
            total = b.fmul(total, b.select(some, extent, one))
        large = b.fcmp_ordered(">", total, ir.Constant(t.FLOATS[8], float(LARGEST)))
        refused = b.or_(large, self.e.compare("<", least, 0))
        self.e.leave_if(refused, NO_MEMORY)

    def free(self, block: Block) -> None:
        self.scope.owned.discard(block)
        if block.kind == "heap":
            self.release(block)

    def release(self, block: Block) -> None:
        """Give memory of the heap back, unless it is that of a result."""
        b = self.e.b
        fresh = ir.Constant(t.I1, 1)
        for pointer in block.results:
            fresh = b.and_(fresh, b.icmp_unsigned("!=", block.pointer, pointer))
        function = self.e.function.module.globals["wengert_free"]
        if not block.results:
            b.call(function, [self.e.frame, block.pointer])
            return
        with self.e.when(fresh):
            b.call(function, [self.e.frame, block.pointer])

    def fill(self, target: Array, value: Value) -> None:
        """Write a value into memory of its shape; it is cast."""
        e = self.e
        both_flat = target.flat(e) is not None and value.shape == target.shape
        read = value.flat(e) if both_flat or value.shape == () else None
        if read is None or not target.contiguous:
            self._fill_nest(target, value)
        elif isinstance(value, Array) and value.dtype == target.dtype:
            size = e.mul(e.product(target.shape), target.dtype.itemsize)
            e.copy_bytes(target.pointer, value.pointer, size)
            if target.block.kind != "stack":
                e.count("copied", size)
        else:
            with e.loop(e.product(target.shape), entries=True) as k:
                entry = t.cast(e.b, read(k), value.dtype, target.dtype)
                t.store(e.b, entry, target.flat_address(e, k), target.dtype)

    def _fill_nest(self, target: Array, value: Value) -> None:
        e = self.e

        def write(indices: Shape) -> None:
            own = broadcast_index(value.shape, target.shape, indices)
            entry = t.cast(e.b, value.at(e, own), value.dtype, target.dtype)
            target.put(e, indices, entry)

        if not target.swapped:
            e.nest(target.shape, write)
            return
        # Writes in the order of memory: those that jump cost more than such reads.
        order = (*target.shape[:-2], target.shape[-1], target.shape[-2])
        e.nest(order, lambda here: write((*here[:-2], here[-1], here[-2])))

    def copy(self, value: Value, target: Array | None = None) -> Array:
        """A value in fresh memory, in C order."""
        if target is None:
            target = self.allocate(value.shape, value.dtype)
        self.fill(target, value)
        return target

    def array(self, value: Value) -> Array:
        """A value in memory; a copy is the scope's and lives to the equation's end."""
        return value if isinstance(value, Array) else self.copy(value)

    def contiguous(self, value: Value) -> Array:
        if isinstance(value, Array) and value.contiguous:
            return value
        return self.copy(value)

    def cheap(self, value: Value) -> Value:
        """A value whose entries may be read many times."""
        return value if value.trivial else self.copy(value)

    def can_take(self, atom: Atom, value: Value) -> bool:
        """Whether a value's memory may become another's: its own, and read no more."""
        return (
            isinstance(value, Array)
            and value.block in self.scope.owned
            and value.block.references == 1
            and self.scope.dies(atom)
        )

    def copy_parts(self, atom: Atom, array: Array, equation: Equation) -> None:
        """Give own memory to parts of an array that are read here or later."""
        scope = self.scope
        read = set(variables_read(equation))
        for var, value in list(scope.values.items()):
            if var is atom or array.block not in value.blocks:
                continue
            if var in read or not scope.dies(var):
                scope.unbind(var)
                scope.bind(var, self.copy(value))

    def take(self, atom: Atom, movable: bool) -> Array:
        """A value in memory that is no one else's, from the start of its block."""
        value = self.value(atom)
        if (
            movable
            and self.can_take(atom, value)
            and isinstance(value, Array)
            and value.contiguous
            and value.block.kind == "heap"
            and value.pointer is value.block.pointer
        ):
            return value
        return self.copy(value)

    # -- functions of libraries --------------------------------------------------------

    def call_library(self, name: str, result: Any, arguments: list[Any]) -> Any:
        """Call a function of the run-time table; `name` as in `libraries`."""
        pointer = self.e.table_entry(len(TABLE) + self.sites.entry(name))
        signature = ir.FunctionType(result, [a.type for a in arguments])
        return self.e.call_pointer(pointer, signature, arguments)

    # -- equations ---------------------------------------------------------------------

    def run(self, program: Program, scope: Scope) -> Scope | None:
        """Emit the equations of a region, whose results stay bound; the outer scope."""
        from wengert._backend.dispatch import lower_equation

        outer = getattr(self, "scope", None)
        self.scope = scope
        for number, equation in enumerate(program.equations):
            scope.position = number
            lower_equation(self, equation)
            self._forget(number)
        scope.position = scope.uses.end
        return outer

    def leave(self, outer: Scope | None) -> None:
        """Free what a region still owns, and go back to the scope around it."""
        for block in list(self.scope.owned):
            self.free(block)
        if outer is not None:
            self.scope = outer

    def finish(self, equation: Equation, values: list[Value]) -> None:
        """Bind the results of an equation, in memory where they are read often."""
        scope = self.scope
        given = [self.value(a).shape for a in equation.inputs]
        for var, value in zip(equation.outputs, values, strict=True):
            stored = isinstance(value, Array) and value.distinct
            if not stored and not any(same_shape(value.shape, s) for s in given):
                self.require_size(value.shape, value.dtype)
            if isinstance(value, Lazy):
                value = self._settled(var, value)
            scope.bind(var, value)

    def _settled(self, var: Var, value: Lazy) -> Value:
        counts = self.scope.uses.counts[var]
        target = self._destination(var)
        if target is not None:
            return self.copy(value, target)
        if value.depth > DEEPEST or (counts > 1 and not value.trivial):
            return self.copy(value)
        return value

    def _destination(self, var: Var) -> Array | None:
        """The caller's memory for a result of the program, if that is not taken."""
        target = self.scope.destinations.get(var)
        if target is None or not target.block.claim():
            return None
        self.scope.owned.add(target.block)
        return target

    def result(self, var: Var) -> Array:
        """Memory for what an equation computes: the caller's if it is for that."""
        target = self._destination(var)
        if target is not None:
            return target
        return self.allocate(self.shape(var.type), var.type.dtype)

    def _forget(self, number: int) -> None:
        scope = self.scope
        for var in scope.uses.dying[number]:
            if var in scope.values:
                scope.unbind(var)
        for block in [b for b in scope.owned if not b.references]:
            self.free(block)
