"""Loops, branches, calls and checks.

What a loop carries it owns: an array starts in memory that is moved in, or in one copy,
and each step hands on memory that is its own, so that updates in the body are in place.
Static arrays small enough for the stack have one place for all steps, which LLVM can
keep in registers; others are pointers, so that a swap of carries swaps pointers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.analysis import Uses, written_to
from wengert._backend.emitter import POLL_EVERY, STACK_LIMIT, Index, i64
from wengert._backend.failures import too_deep
from wengert._backend.host import lower_on_host
from wengert._backend.lowering import Lowering, Scope
from wengert._backend.values import (
    Array,
    Block,
    Lazy,
    Scalar,
    Shape,
    Value,
    contiguous_array,
)
from wengert._ir.control import Recur
from wengert._ir.program import Atom, Equation, Program

# -- what crosses the border of a region -----------------------------------------------


def borrowed(lo: Lowering, value: Value) -> Value:
    """A value as a region reads it that does not own it."""
    if isinstance(value, Scalar) or (isinstance(value, Lazy) and value.trivial):
        if not value.blocks:
            return value
    array = lo.array(value)
    return Array(
        array.pointer,
        array.shape,
        array.strides,
        array.dtype,
        Block(array.pointer, "borrowed"),
        contiguous=array.contiguous,
        distinct=array.distinct,
    )


def is_small(lo: Lowering, type_: Any) -> bool:
    """Whether an array of this type lives on the stack."""
    if not all(isinstance(n, int) for n in type_.shape):
        return False
    size = type_.dtype.itemsize
    for n in type_.shape:
        size *= n
    return size <= lo.stack_bytes


class Place:
    """Where a value is while a region runs again and again, or in one of two.

    A small array has memory on the stack: that of `start` if there is one, a value that
    is nothing else's any more, so that it stays where it is through nested regions.
    """

    def __init__(self, lo: Lowering, type_: Any, start: Array | None = None) -> None:
        self.lo = lo
        self.dtype = type_.dtype
        self.shape = type_.shape
        self.scalar = type_.shape == ()
        self.wanted: Array | None = None  # memory of a result, to start in
        self.results: frozenset[Any] = frozenset()
        self.small = not self.scalar and is_small(lo, type_)
        if self.scalar:
            self.slot = lo.e.slot(t.register_type(self.dtype))
        elif start is not None:
            self.slot = start.pointer
            lo.scope.owned.discard(start.block)
        elif self.small:
            size = lo.e.product(type_.shape) * self.dtype.itemsize
            self.slot = lo.e.bytes(size)
        else:
            self.slot = lo.e.slot(t.PTR)

    def value(self, shape: Shape, owner: Scope) -> Value:
        """What is there now; memory belongs to the owner."""
        e = self.lo.e
        if self.scalar:
            kind = t.register_type(self.dtype)
            return Scalar(e.b.load(self.slot, typ=kind), self.dtype)
        pointer = self.slot if self.small else e.b.load(self.slot, typ=t.PTR)
        block = Block(pointer, "stack" if self.small else "heap", self.results)
        owner.owned.add(block)
        return contiguous_array(e, pointer, shape, self.dtype, block)

    def target(self) -> Array:
        """The place itself, of a small array."""
        block = Block(self.slot, "borrowed")
        return contiguous_array(self.lo.e, self.slot, self.shape, self.dtype, block)


def hand_over(
    lo: Lowering, atoms: list[Atom], places: list[Place], read: list[Atom]
) -> None:
    """Put values into places, all at once: places may be read by other values.

    Memory that goes into a place is the scope's no more. A value that stands once in
    `read` is moved if it can be; others are copied.
    """
    moved: list[tuple[Place, Any]] = []
    slots = {p.slot for p in places if p.small}
    for atom, place in zip(atoms, places, strict=True):
        movable = sum(a is atom for a in read) == 1
        moved.append((place, _prepared(lo, atom, place, movable, slots)))
    for place, value in moved:
        if value is None:
            continue
        if place.small:
            lo.fill(place.target(), value)
        else:
            lo.e.b.store(value, place.slot)


def _prepared(
    lo: Lowering, atom: Atom, place: Place, movable: bool, slots: set[Any]
) -> Any:
    """A register to store, a value to fill a small place with; None if it is there."""
    value = lo.value(atom)
    if place.scalar:
        return value.at(lo.e, ())
    if not place.small:
        return _moved(lo, atom, place, movable).pointer
    if isinstance(value, Array) and value.pointer is place.slot and value.contiguous:
        return None
    if any(block.pointer in slots for block in value.blocks):
        return lo.copy(value)
    return value


def _moved(lo: Lowering, atom: Atom, place: Place, movable: bool) -> Array:
    """Memory for a large place: the value's own, that of a result, or fresh."""
    value, wanted = lo.value(atom), place.wanted
    moves = movable and lo.can_take(atom, value)
    if wanted is not None and not moves and wanted.block.claim():
        place.results |= {wanted.pointer}
        return lo.copy(value, wanted)
    array = lo.take(atom, movable)
    if array.block.kind != "heap":
        array = on_heap(lo, array)
    place.results |= array.block.results
    lo.scope.owned.discard(array.block)
    return array


def release(lo: Lowering, equation: Equation, carries: list[Atom]) -> None:
    """Copy the parts of arrays that are read beside loops which carry the arrays.

    The loops then have their memory, which else would be copied as a whole.
    """
    for atom in carries:
        value = lo.value(atom)
        if equation.inputs.count(atom) > 1 or not isinstance(value, Array):
            continue
        if not (lo.scope.dies(atom) and value.block in lo.scope.owned):
            continue
        if value.block.pointer is value.pointer and value.contiguous:
            lo.copy_parts(atom, value, equation)


def start_loop(lo: Lowering, equation: Equation, carries: list[Atom]) -> list[Place]:
    """The places of a loop's carries; one that is a result starts in its memory.

    Only one does: the steps may exchange the memory of all places.
    """
    places = []
    for var, atom in zip(equation.outputs, carries, strict=True):
        once = equation.inputs.count(atom) == 1
        places.append(Place(lo, var.type, _staying(lo, atom) if once else None))
    for var, place in zip(equation.outputs, places, strict=True):
        wanted = lo.scope.destinations.get(var)
        if wanted is not None and not (place.scalar or place.small):
            place.wanted = wanted
            break
    hand_over(lo, carries, places, list(equation.inputs))
    results = frozenset(r for p in places for r in p.results)
    for place in places:
        place.wanted = None
        place.results = results
    return places


def _staying(lo: Lowering, atom: Atom) -> Array | None:
    """A small array on the stack that nothing reads any more but what gets it."""
    value = lo.value(atom)
    if not lo.can_take(atom, value) or not isinstance(value, Array):
        return None
    whole = value.contiguous and value.pointer is value.block.pointer
    return value if whole and value.block.kind == "stack" else None


def on_heap(lo: Lowering, value: Value) -> Array:
    """A copy in memory that can outlive the function."""
    size = lo.e.mul(lo.e.product(value.shape), value.dtype.itemsize)
    block = Block(lo.heap(size), "heap")
    target = contiguous_array(lo.e, block.pointer, value.shape, value.dtype, block)
    return lo.copy(value, target)


def bind_all(lo: Lowering, scope: Scope, variables: Any, places: list[Place]) -> None:
    """Variables as what is in places; scalars first, which may be extents."""
    pairs = list(zip(variables, places, strict=True))
    outer = lo.scope
    for scalar in (True, False):
        for var, place in pairs:
            if place.scalar is scalar:
                lo.scope = scope
                shape = lo.shape(var.type)
                lo.scope = outer
                scope.bind(var, place.value(shape, scope))


def region_scope(lo: Lowering, program: Program, given: Any) -> Scope:
    """The scope of a region whose first parameters are values from around it."""
    scope = Scope(uses_of(program))
    for var, value in given:
        scope.bind(var, value)
    return scope


def uses_of(program: Program) -> Uses:
    return Uses(program)


# -- loops -----------------------------------------------------------------------------


def _lower_for(lo: Lowering, equation: Equation) -> None:
    op, e = equation.op, lo.e
    steps = lo.number(lo.value(equation.inputs[0]))
    atoms = list(equation.inputs[1:])
    constants, carries = atoms[: op.constants], atoms[op.constants :]
    release(lo, equation, carries)
    held = [borrowed(lo, lo.value(a)) for a in constants]
    places = start_loop(lo, equation, carries)
    index_var, *rest = op.body.params

    def step(index: Index) -> None:
        fixed = zip(rest[: op.constants], held, strict=True)
        number = Scalar(e.value(index), index_var.type.dtype)
        scope = region_scope(lo, op.body, [(index_var, number), *fixed])
        bind_all(lo, scope, rest[op.constants :], places)
        outer = lo.run(op.body, scope)
        hand_over(lo, list(op.body.results), places, list(op.body.results))
        lo.leave(outer)

    _polled_loop(lo, steps, step)
    bind_all(lo, lo.scope, equation.outputs, places)


def _polled_loop(lo: Lowering, steps: Index, step: Any) -> None:
    """A loop that asks for interrupts between chunks of steps."""
    e = lo.e
    if isinstance(steps, int) and steps <= POLL_EVERY:
        with e.loop(steps) as index:
            step(index)
        return
    begin = e.slot(t.I64, i64(0))
    head, body, end = (e.block(n) for n in ("chunks", "chunk", "finished"))
    e.b.branch(head)
    e.b.position_at_end(head)
    first = e.b.load(begin, typ=t.I64)
    e.b.cbranch(e.compare("<", first, steps), body, end)
    e.b.position_at_end(body)
    rest = e.sub(steps, first)
    last = e.add(first, e.minimum(rest, POLL_EVERY))
    with e.loop(last, first) as index:
        step(index)
    e.b.store(e.value(last), begin)
    with e.when(e.compare("<", last, steps)):
        e.poll()
    e.b.branch(head)
    e.b.position_at_end(end)


def _lower_while(lo: Lowering, equation: Equation) -> None:
    op, e = equation.op, lo.e
    atoms = list(equation.inputs)
    release(lo, equation, atoms[op.constants :])
    held = [borrowed(lo, lo.value(a)) for a in atoms[: op.constants]]
    places = start_loop(lo, equation, atoms[op.constants :])
    count = e.slot(t.I64, i64(0))
    head, body, end = (e.block(n) for n in ("test", "body", "done"))
    e.b.branch(head)
    e.b.position_at_end(head)
    e.b.cbranch(_test(lo, op, held, places), body, end)
    e.b.position_at_end(body)
    scope = region_scope(lo, op.body, zip(op.body.params, held, strict=False))
    bind_all(lo, scope, op.body.params[op.constants :], places)
    outer = lo.run(op.body, scope)
    hand_over(lo, list(op.body.results), places, list(op.body.results))
    lo.leave(outer)
    _poll_sometimes(lo, count)
    e.b.branch(head)
    e.b.position_at_end(end)
    bind_all(lo, lo.scope, equation.outputs, places)


def _test(lo: Lowering, op: Any, held: list[Value], places: list[Place]) -> Any:
    """The condition, of carries that it only borrows."""
    given = list(zip(op.test.params, held, strict=False))
    scope = region_scope(lo, op.test, given)
    bind_all(lo, scope, op.test.params[op.constants :], places)
    scope.owned.clear()
    outer = lo.run(op.test, scope)
    holds = lo.value(op.test.results[0]).at(lo.e, ())
    lo.leave(outer)
    return holds


def _poll_sometimes(lo: Lowering, count: Any) -> None:
    e = lo.e
    number = e.b.add(e.b.load(count, typ=t.I64), i64(1))
    e.b.store(number, count)
    with e.when(e.compare("==", e.b.and_(number, i64(POLL_EVERY - 1)), 0)):
        e.poll()


# -- branches --------------------------------------------------------------------------


def _lower_if(lo: Lowering, equation: Equation) -> None:
    e = lo.e
    predicate, *atoms = equation.inputs
    holds = lo.value(predicate).at(e, ())
    operands = [_moved_or_borrowed(lo, a, atoms) for a in atoms]
    places = _places_of_results(lo, equation, operands)
    then, orelse, end = (e.block(n) for n in ("then", "else", "endif"))
    e.b.cbranch(holds, then, orelse)
    for block, region in ((then, equation.op.then), (orelse, equation.op.orelse)):
        e.b.position_at_end(block)
        _branch(lo, region, operands, places)
        e.b.branch(end)
    for value, moved in operands:
        if moved and isinstance(value, Array):
            lo.scope.owned.discard(value.block)
    e.b.position_at_end(end)
    bind_all(lo, lo.scope, equation.outputs, places)


def _places_of_results(
    lo: Lowering, equation: Equation, operands: list[tuple[Value, bool]]
) -> list[Place]:
    """A result that is a small operand, written to, stays in its memory."""
    left = {
        k: value
        for k, (value, moved) in enumerate(operands)
        if moved and isinstance(value, Array) and value.block.kind == "stack"
        if value.contiguous and value.pointer is value.block.pointer
    }
    places = []
    for number, var in enumerate(equation.outputs):
        regions = (equation.op.then, equation.op.orelse)
        first, other = (written_to(r, r.results[number]) for r in regions)
        start = left.pop(first, None) if first is not None and first == other else None
        places.append(Place(lo, var.type, start))
    return places


def _moved_or_borrowed(
    lo: Lowering, atom: Atom, atoms: list[Atom]
) -> tuple[Value, bool]:
    value = lo.value(atom)
    once = sum(a is atom for a in atoms) == 1
    if once and lo.can_take(atom, value) and isinstance(value, Array):
        if value.block.kind != "result":
            return value, True
    return borrowed(lo, value), False


def _branch(
    lo: Lowering,
    region: Program,
    operands: list[tuple[Value, bool]],
    places: list[Place],
) -> None:
    scope = Scope(uses_of(region))
    for var, (value, moved) in zip(region.params, operands, strict=True):
        if moved and isinstance(value, Array):
            value = _handed_down(value, scope)
        scope.bind(var, value)
    outer = lo.run(region, scope)
    hand_over(lo, list(region.results), places, list(region.results))
    lo.leave(outer)


def _handed_down(value: Array, scope: Scope) -> Array:
    """The same memory as a block of a branch."""
    block = Block(value.block.pointer, value.block.kind, value.block.results)
    scope.owned.add(block)
    return Array(
        value.pointer,
        value.shape,
        value.strides,
        value.dtype,
        block,
        contiguous=value.contiguous,
        distinct=value.distinct,
    )


# -- calls and checks ------------------------------------------------------------------


def _lower_call(lo: Lowering, equation: Equation) -> None:
    """A call of a function of its own: operands are lent, results are fresh."""
    e, op = lo.e, equation.op
    if isinstance(op, Recur):
        function = lo.around[op.label]
    else:
        function = lo.sites.function(e.function.module, op, lo.around)
    arguments: list[Any] = [e.frame]
    for atom in equation.inputs:
        value = lo.value(atom)
        scalar = isinstance(value, Scalar)
        arguments.append(value.at(e, ()) if scalar else lo.contiguous(value).pointer)
    places = [Place(lo, v.type) for v in equation.outputs]
    words = sum(result_words(v.type) for v in equation.outputs)
    block = e.bytes(8 * words)
    _enter(lo)
    code = e.b.call(function, [*arguments, block])
    e.leave_if(e.b.icmp_signed("!=", code, ir.Constant(t.I32, 0)), code)
    e.count("depth", -1)
    _receive(lo, equation, block, places)


def _enter(lo: Lowering) -> None:
    """Count a call, of which so many may be under way, on so much of the stack."""
    e = lo.e
    e.count("depth", 1)
    depth, limit = (e.b.load(e.word(n), typ=t.I64) for n in ("depth", "limit"))
    bottom = e.b.load(e.word("stack"), typ=t.I64)
    used = e.sub(bottom, e.b.ptrtoint(e.slot(t.I8), t.I64))
    fine = e.b.and_(e.compare("<=", depth, limit), e.compare("<=", used, STACK_LIMIT))
    e.fail_unless(fine, lo.sites.error(too_deep), list)


def result_words(type_: Any) -> int:
    """Words of a result block: a scalar's 16 bytes, or an address and extents."""
    return 2 if type_.shape == () else 2 * ((2 + len(type_.shape)) // 2)


def _receive(lo: Lowering, equation: Equation, block: Any, places: list[Place]) -> None:
    e, offset = lo.e, 0
    pairs = []
    for var in equation.outputs:
        pairs.append((var, e.offset(block, 8 * offset)))
        offset += result_words(var.type)
    for var, pointer in pairs:
        if var.type.shape == ():
            value = t.load(e.b, pointer, var.type.dtype)
            lo.scope.bind(var, Scalar(value, var.type.dtype))
    for var, pointer in pairs:
        if var.type.shape != ():
            data = e.b.load(pointer, typ=t.PTR)
            memory = Block(data, "heap")
            lo.scope.owned.add(memory)
            shape = lo.shape(var.type)
            array = contiguous_array(e, data, shape, var.type.dtype, memory)
            lo.scope.bind(var, array)


def _lower_check(lo: Lowering, equation: Equation) -> None:
    holds, *values = (lo.value(a) for a in equation.inputs)
    kept: list[Any] = []
    for value in values:
        array = value if isinstance(value, Scalar) else lo.contiguous(value)
        kept.append(array)
    shapes = [tuple(a.type.shape) for a in equation.inputs[1:]]
    dtypes = [v.dtype for v in kept]
    site = lo.sites.check(equation.op.error, dtypes, [len(s) for s in shapes])

    def words() -> list[Any]:
        found: list[Any] = []
        for value in kept:
            if isinstance(value, Scalar):
                found.append(value)
            else:
                found += [value.pointer, *map(lo.e.value, value.shape)]
        return [_stored(lo, w) for w in found]

    lo.e.fail_unless(holds.at(lo.e, ()), site, words)


def _stored(lo: Lowering, word: Any) -> Any:
    """A word as it is stored for Python: bools as bytes."""
    if not isinstance(word, Scalar):
        return word
    if word.dtype.kind == "b":
        return lo.e.b.zext(word.value, t.I8)
    return word.value


def _lower_opaque(lo: Lowering, equation: Equation) -> None:
    lo.finish(equation, lower_on_host(lo, equation))


CONTROL = {
    "for": _lower_for,
    "while": _lower_while,
    "if": _lower_if,
    "call": _lower_call,
    "recur": _lower_call,
    "check": _lower_check,
    "print": lower_on_host,
    "opaque": _lower_opaque,
}
