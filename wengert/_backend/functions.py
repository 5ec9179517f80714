"""Functions: of callees, of the program, and the entry that Python calls.

The frame of the entry is `FRAME`, values of a failure, results, arguments. Arguments
are packed in words: a scalar takes two, an array one, the address of the NumPy array
object, whose data pointer the entry reads: packing addresses of objects is many times
faster than asking each array for its data. A result whose extents are known before the
call is such an object too, made by the caller; the address and extents of others are
returned.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from wengert._backend import types as t
from wengert._backend.analysis import Uses, destinations
from wengert._backend.control import on_heap, result_words
from wengert._backend.emitter import FINE, FRAME, Emitter
from wengert._backend.lowering import Lowering, Scope
from wengert._backend.sites import ErrorSite, Functions, Sites, declare
from wengert._backend.values import (
    Array,
    Block,
    Scalar,
    Value,
    contiguous_array,
    same_view,
)
from wengert._ir.program import Atom, Program, Var, variables_in
from wengert._passes.places import Places

DATA_POINTER = object.__basicsize__  # where an array object has the address of its data


def emit_function(
    program: Program,
    function: ir.Function,
    sites: Sites,
    stack_bytes: int,
    around: Functions,
) -> None:
    """The body of a declared function; `around`: those that it may call by labels."""
    frame, *rest = function.args
    given = rest[: len(program.params)]
    block, *targets = rest[len(program.params) :]
    e = Emitter(function, frame)
    lo = Lowering(e, sites, stack_bytes, Places(program), around)
    scope = Scope(Uses(program))
    lo.scope = scope
    for var, argument in zip(program.params, given, strict=True):
        scope.bind(var, _parameter(lo, var, argument))
    places = _places(lo, program, targets)
    scope.destinations = {
        r: p
        for r, p in zip(program.results, places, strict=True)
        if isinstance(r, Var) and p is not None and program.results.count(r) == 1
    }
    destinations(program, scope.uses, scope.destinations)
    lo.run(program, scope)
    _return_results(lo, program, places, block)
    lo.leave(None)
    e.finish()


def _parameter(lo: Lowering, var: Var, argument: Any) -> Value:
    if var.type.shape == ():
        return Scalar(argument, var.type.dtype)
    block = Block(argument, "borrowed")
    shape = lo.shape(var.type)
    return contiguous_array(lo.e, argument, shape, var.type.dtype, block)


def has_destination(program: Program, atom: Atom) -> bool:
    """Whether the caller knows the extents of a result before the call.

    A negative one is that of a program that fails before it comes to the result.
    """
    type_ = atom.type
    fails = any(isinstance(n, int) and n < 0 for n in type_.shape)
    known = all(v in program.params for v in variables_in(type_))
    return type_.shape != () and known and not fails


def _places(lo: Lowering, program: Program, targets: list[Any]) -> list[Array | None]:
    """The caller's memory of every result, where there is any."""
    if not targets:
        return [None] * len(program.results)
    rest = iter(targets)
    places: list[Array | None] = []
    for atom in program.results:
        if not has_destination(program, atom):
            places.append(None)
            continue
        pointer = next(rest)
        shape = lo.shape(atom.type)
        block = Block(pointer, "result")
        places.append(contiguous_array(lo.e, pointer, shape, atom.type.dtype, block))
    return places


def _return_results(
    lo: Lowering, program: Program, places: list[Array | None], block: Any
) -> None:
    e, offset = lo.e, 0
    values = [
        _apart(lo, lo.value(atom), place)
        for atom, place in zip(program.results, places, strict=True)
    ]
    given = zip(program.results, values, places, strict=True)
    waiting: list[tuple[Array, Value]] = []
    for atom, value, place in given:
        pointer = e.offset(block, 8 * offset)
        offset += result_words(atom.type)
        if atom.type.shape == ():
            t.store(e.b, value.at(e, ()), pointer, value.dtype)
        elif place is None:
            _return_memory(lo, atom, program.results.count(atom) == 1, pointer)
        else:
            waiting.append((place, value))
    for place, value in waiting:
        if isinstance(value, Array) and value.block.results:
            with e.when(e.b.icmp_unsigned("!=", value.pointer, place.pointer)):
                lo.fill(place, value)
        elif not (isinstance(value, Array) and same_view(value, place)):
            lo.fill(place, value)


def _apart(lo: Lowering, value: Value, place: Array | None) -> Value:
    """A result that does not read the place of another one, which will change."""
    own = place is not None and isinstance(value, Array) and may_be_in(value, place)
    reads = any(block.kind == "result" or block.results for block in value.blocks)
    return lo.copy(value) if reads and not own else value


def may_be_in(value: Array, place: Array) -> bool:
    """Whether a value is in a place, or else in memory of its own."""
    if same_view(value, place):
        return True
    block = value.block
    whole = value.contiguous and value.pointer is block.pointer
    return whole and block.results == {place.pointer}


def _return_memory(lo: Lowering, atom: Atom, movable: bool, pointer: Any) -> None:
    """The address and extents of memory that the caller then owns."""
    array = lo.take(atom, movable)
    if array.block.kind != "heap" or array.block.results:
        array = on_heap(lo, array)
    lo.scope.owned.discard(array.block)
    lo.e.b.store(array.pointer, pointer)
    for k, n in enumerate(array.shape):
        lo.e.b.store(lo.e.value(n), lo.e.offset(pointer, 8 * (1 + k)))


def emit_program(program: Program, module: ir.Module, stack_bytes: int) -> Sites:
    """All functions of a program, and the entry."""
    sites = Sites()
    count = sum(has_destination(program, r) for r in program.results)
    main = declare(module, program, "program", count)
    main.attributes.add("noinline")
    emit_function(program, main, sites, stack_bytes, {})
    while sites.pending:
        callee, function, around = sites.pending.pop()
        emit_function(callee, function, sites, stack_bytes, around)
    _emit_entry(program, module, main, sites)
    return sites


def results_offset(errors: list[ErrorSite]) -> int:
    """Words of a frame before the results."""
    return FRAME["values"] + 2 * max((s.words for s in errors), default=0)


def _emit_entry(
    program: Program, module: ir.Module, main: ir.Function, sites: Sites
) -> None:
    """``entry(frame) -> code``."""
    function = ir.Function(module, ir.FunctionType(t.I32, [t.PTR]), "entry")
    (frame,) = function.args
    e = Emitter(function, frame)
    e.b.store(e.b.ptrtoint(e.slot(t.I8), t.I64), e.word("stack"))
    first = results_offset(sites.errors)
    results = e.offset(frame, 8 * first)
    behind = first + sum(result_words(r.type) for r in program.results)
    words = e.offset(frame, 8 * behind)
    given: list[Any] = [frame]
    offset = 0
    for var in program.params:
        pointer = e.offset(words, 8 * offset)
        scalar = var.type.shape == ()
        value = t.load(e.b, pointer, var.type.dtype) if scalar else _data(e, pointer)
        given.append(value)
        offset += 2 if scalar else 1
    given.append(results)
    for atom in program.results:
        if has_destination(program, atom):
            given.append(_data(e, e.offset(words, 8 * offset)))
            offset += 1
    code = e.b.call(main, given)
    e.leave_if(e.b.icmp_signed("!=", code, ir.Constant(t.I32, FINE)), code)
    e.finish()


def _data(e: Emitter, pointer: Any) -> Any:
    """The data pointer of a NumPy array object."""
    array = e.b.load(pointer, typ=t.PTR)
    return e.b.load(e.offset(array, DATA_POINTER), typ=t.PTR)
