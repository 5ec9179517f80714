"""A user's function staged for arguments of some types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap
from wengert._core import tree
from wengert._core.interp import CURRENT, EVALUATE, Tracer, in_c_order, using
from wengert._core.types import ArrayType, type_of
from wengert._frontend.api import convert, explain_sites
from wengert._ir.program import Program
from wengert._ir.verify import verify
from wengert._modes import api
from wengert._staging.aliases import refuse_lost
from wengert._staging.lengths import Length
from wengert._staging.prune import prune
from wengert._staging.recursion import entered
from wengert._staging.runtime import Staged
from wengert._staging.stage import (
    INDEX,
    DerivedStage,
    FunctionStage,
    StageTracer,
    inner_extents,
)
from wengert._staging.watch import Watch
from wengert.errors import StagedValueError


class Input(NamedTuple):
    """What staging knows of a leaf of the arguments."""

    type: ArrayType | None  # None where the leaf itself is known
    scalar: bool
    static: Any
    in_c_order: bool = True

    def __hash__(self) -> int:
        return hash((self.type, self.scalar))


def describe(leaf: Any, known: bool = False, shape: Any = None) -> Input:
    """A leaf by its type; `known`: an integer that the code needs as a number.

    shape: that of an array, with a `Length` for each run-time extent.
    """
    if isinstance(leaf, (float, complex, np.generic)):
        return Input(ArrayType((), np.result_type(leaf)), True, None)
    if type(leaf) is int and not known:
        return Input(ArrayType((), np.dtype(np.int64)), True, None)
    if not api.is_static(leaf) and api.is_array(leaf):
        dtype = leaf.dtype
        value = unwrap(leaf)
        if shape is None:
            shape = type_of(value).shape
        return Input(
            ArrayType(shape, dtype.newbyteorder("=")),
            isinstance(leaf, TracedScalar),
            None,
            in_c_order(value),
        )
    return Input(None, False, leaf)


def count_lengths(inputs: Sequence[Input]) -> int:
    """How many run-time extents the arguments have."""
    types = [given.type for given in inputs if given.type is not None]
    numbers = {n.number for t in types for n in t.shape if isinstance(n, Length)}
    return len(numbers)


def outer_place(value: Any) -> int | None:
    """The place of a user's value among the parameters of a function being staged."""
    value = unwrap(value)
    while isinstance(value, Tracer) and not isinstance(value, StageTracer):
        value = value.below
    if not isinstance(value, StageTracer):
        return None
    return value.interpreter.place_of(value.var)


class Result(NamedTuple):
    """A leaf of what the function returned."""

    place: int | None  # among the results of the program
    scalar: bool
    static: Any


class StagedFunction(NamedTuple):
    """The program of a function, and how values get into it and out of it.

    The parameters of the program are the run-time extents, the leaves that are not
    static, then the arrays that the function reached by other ways.
    """

    program: Program
    hidden: list[Any]  # arrays, and traced values of transformations around the call
    structure: Any
    results: list[Result]
    written: list[tuple[int, int]]  # (leaf, result): arguments that are written to
    hidden_written: list[tuple[int, int]]  # (hidden, result): the same of other arrays
    watch: Watch  # what staging read besides: all but arrays is built in

    @property
    def serves_again(self) -> bool:
        """Whether another call may find what staging read: no traced value."""
        return not any(isinstance(x, Tracer) for x in self.hidden)

    def is_current(self) -> bool:
        """Whether everything that staging read is as it was."""
        return self.watch.is_current()

    def rebuilt(self, outs: Sequence[Any], wrap: Callable[[Any, bool], Any]) -> Any:
        leaves = [
            r.static if r.place is None else wrap(outs[r.place], r.scalar)
            for r in self.results
        ]
        if self.structure.is_leaf():
            return leaves[0]
        return tree.unflatten(self.structure, leaves)


def stage_function(
    fun: Callable[..., Any],
    structure: Any,
    inputs: Sequence[Input],
    originals: Sequence[Any],
) -> StagedFunction:
    """Run a function of ``(args, kwargs)`` once, on values that have a type only.

    Arrays that are one object are one object in the function too.
    """
    stage = FunctionStage(EVALUATE, _converted, CURRENT.get().chain())
    params, leaves = _arguments(stage, inputs, originals)
    args, kwargs = tree.unflatten(structure, leaves)
    watch = Watch((fun, *(given.static for given in inputs if given.type is None)))
    with stage.running(), watch.keeping():
        out = stage.prepare(fun)(*args, **kwargs)
        found, out_structure = tree.flatten(out)
        results, values = _results(found)
        written = []
        for i, leaf in enumerate(leaves):
            if isinstance(leaf, TracedArray) and all(leaf is not x for x in leaves[:i]):
                refuse_lost(leaf)
                if any(leaf._value is p for p in params):
                    continue
                written.append((i, len(values)))
                values.append(leaf._value)
        reached = {id(array): traced for array, traced in stage.inputs.values()}
        places = []
        for key, (value, var) in stage.captured.items():
            traced = reached.get(id(value))
            if traced is not None:
                refuse_lost(traced)
            if traced is not None and traced._value.var is not var:
                places.append((key, len(values)))
                values.append(traced._value)
        program = stage.program(params, values)
    captured = stage.captured
    program = program._replace(
        params=(*program.params, *(v for _, v in captured.values()))
    )
    inner = inner_extents(program)
    program = program._replace(results=(*inner, *program.results))
    k, order = len(inner), list(captured)
    return StagedFunction(
        verify(prune(program)),
        [value for value, _ in captured.values()],
        out_structure,
        [r if r.place is None else r._replace(place=k + r.place) for r in results],
        [(leaf, k + place) for leaf, place in written],
        [(order.index(key), k + place) for key, place in places],
        watch,
    )


def _converted(fun: Any) -> Any:
    """A user's function as it is staged."""
    if isinstance(fun, MethodType):
        return MethodType(_converted(fun.__func__), fun.__self__)
    new = convert(fun, True, Staged)
    is_new = isinstance(fun, FunctionType) and new is not fun
    return entered(fun, new) if is_new else new


DerivedStage.converting = staticmethod(_converted)


def _arguments(
    stage: FunctionStage, inputs: Sequence[Input], originals: Sequence[Any]
) -> tuple[list[StageTracer], list[Any]]:
    """Parameters, those for run-time extents first, and the leaves in user's eyes."""
    extents = [stage.parameter(INDEX) for _ in range(count_lengths(inputs))]
    params: list[StageTracer] = [*extents]
    leaves: list[Any] = []
    for given in inputs:
        if given.type is None:
            leaves.append(given.static)
            continue
        type_ = given.type
        shape = (extents[n.number] if isinstance(n, Length) else n for n in type_.shape)
        original = originals[len(leaves)]
        params.append(stage.parameter(ArrayType(tuple(shape), type_.dtype)))
        if not given.in_c_order:
            stage.orders.stand_for[params[-1].var] = unwrap(original)
        first = next(i for i, x in enumerate(originals) if x is original)
        if first < len(leaves) and not given.scalar:
            leaves.append(leaves[first])
            continue
        with using(stage):
            leaves.append(api.user_value(params[-1], given.scalar))
    return params, leaves


def _results(leaves: Sequence[Any]) -> tuple[list[Result], list[Any]]:
    results: list[Result] = []
    values: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, (TracedScalar, TracedArray, np.ndarray, np.generic)):
            scalar = isinstance(leaf, (TracedScalar, np.generic))
            results.append(Result(len(values), scalar, None))
            values.append(unwrap(leaf))
        else:
            results.append(Result(None, False, leaf))
    return results, values


def program(fun: Callable[..., Any]) -> Callable[..., Program]:
    """The intermediate representation of a function, for arguments of given types.

    Args:
        fun: A function of pytrees of arrays and numbers: ordinary NumPy code, with
            loops, branches and in-place updates.

    Returns:
        A function with the arguments of `fun` that returns its program; `print` shows
        one equation a line, with types and source lines.

    Raises:
        StagedValueError: the function needs the number of a value that is known only
            when the compiled function runs.
        JoinError: a variable has values of different types on two paths.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def f(x):
        ...     return (x * x).sum()
        >>> print(wg.program(f)(np.ones(3)))
        program (%0: f64[3]):
          %1: f64[3] = multiply(%0, %0)  # line 2
          %2: f64 = reduce_sum(%1) axes=(0,)  # line 2
          return %2
    """

    def program_of(*args: Any, **kwargs: Any) -> Program:
        leaves, structure = tree.flatten((args, kwargs))
        return staged_for(fun, structure, leaves)[0].program

    program_of.__name__ = f"program({getattr(fun, '__name__', 'function')})"
    return program_of


def staged_for(
    fun: Callable[..., Any],
    structure: Any,
    leaves: Sequence[Any],
    needed: Sequence[int] = (),
    shapes: Sequence[Any] | None = None,
) -> tuple[StagedFunction, list[Input]]:
    """A function staged for leaves like these; an integer is known where it must be.

    needed: the integers that are; shapes: those of the leaves that are arrays, with a
    `Length` for each run-time extent.

    Raises:
        StagedValueError: code needs another number; `parameter` of the error is that
            of the run-time extent that it asks for, if it is one.
    """
    known = set(needed)
    shapes = [None] * len(leaves) if shapes is None else shapes
    while True:
        inputs = [
            describe(leaf, i in known, shape)
            for i, (leaf, shape) in enumerate(zip(leaves, shapes, strict=True))
        ]
        try:
            return stage_function(fun, structure, inputs, leaves), inputs
        except StagedValueError as error:
            extents = count_lengths(inputs)
            if error.parameter is None or error.parameter < extents:
                _list_sites(error, fun)
                raise
            places = [i for i, given in enumerate(inputs) if given.type is not None]
            place = places[error.parameter - extents]
            error.parameter = outer_place(leaves[place])
            if type(leaves[place]) is not int:
                _list_sites(error, fun)
                raise
            known.add(place)


def _list_sites(error: StagedValueError, fun: Any) -> None:
    """Add to an error the places of a function that no traced value may reach."""
    found = explain_sites(fun)
    if found:
        text = f"{error}\nWhat stays plain Python in the function:\n{found}"
        error.args = (text, *error.args[1:])
