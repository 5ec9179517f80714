"""Reverse mode of a program: a forward half that saves residuals, and a backward one.

The tape runs over staged values: what its entries would keep are variables of the
forward program. The backward program reads each as one of its parameters, or computes
it again where that is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from wengert._core.interp import using
from wengert._core.types import ArrayType, type_of
from wengert._ir.program import (
    Equation,
    Program,
    Var,
    substitute,
    variables_in,
    variables_read,
)
from wengert._modes.tape import Tape, TapeTracer, sweep_back
from wengert._ops.families import zeros_of
from wengert._ops.indexing import getitem
from wengert._ops.structure import reshape
from wengert._staging.prune import calls_opaque, prune, refuse_again, silent_op
from wengert._staging.replay import apply_equation, replay
from wengert._staging.stage import (
    INDEX,
    DerivedStage,
    Extent,
    OfResult,
    Stage,
    StageTracer,
    as_extent,
    extent_of,
    trace,
)

# Computed again rather than saved, where the operands are at hand.
_CHEAP = frozenset(
    "add subtract multiply negative scale equal not_equal less less_equal greater "
    "greater_equal logical_and logical_or logical_xor logical_not absolute where "
    "getitem astype promote broadcast_to reshape transpose flip full iota square "
    "maximum minimum floor_divide remainder to_integer conj real imag".split()
)


class Split(NamedTuple):
    """The two halves of a program's reverse mode.

    forward:  ``(*params) -> (*results, *saved, *ragged)``
    backward: ``(*free, *saved, *sizes, *ragged, *lengths, *cts, *totals) ->
    cotangents``, one for each parameter that is differentiated; `cts` belong to
    results, `totals` are cotangents to add to; `lengths` are results that are extents
    of others. The backward program gets ragged arrays flat, behind their sizes; `sizes`
    computes these of the free parameters and of the int64 scalars in `saved`. Of each
    ragged array `ragged` has the dtype and the number of its size: arrays of one shape
    share it. `passed` says which parameters are saved themselves.
    """

    forward: Program
    backward: Program
    saved: tuple[ArrayType, ...]
    ragged: tuple[tuple[np.dtype, int], ...]
    sizes: Program
    passed: tuple[bool, ...]


class Importer:
    """Values of the forward program as the backward one reads them."""

    def __init__(self, forward: Stage, backward: Stage, save: bool, rows: bool) -> None:
        self.backward = backward
        self.save = save
        self.values: dict[Var, Any] = {}
        self.saved: list[Var] = []
        self.params: list[StageTracer] = []  # of the backward program, for the saved
        self.ragged: dict[Var, StageTracer] = {}  # with their flat parameters
        self.ragged_sizes: dict[Any, StageTracer] = {}  # by shape
        self.rows = rows
        self.bounds = dict(slice_bounds(forward.equations)) if rows else {}
        self.sources: dict[Var, Equation] = {
            v: e for e in forward.equations for v in e.outputs
        }
        self.forward = forward
        # Scalars in the types of what is saved have to be saved too.
        self.lengths = {n for v in self.sources for n in variables_in(v.type)}
        self.at_hand: set[Var] = set()  # parameters of both halves
        self.constant: set[Var] = set()  # those of them that are not the loop's index
        self._derivable: dict[Var, bool] = {}

    def __call__(self, value: Any) -> Any:
        """A residual, type, param or tuple of these, with its values imported."""
        if isinstance(value, StageTracer) and value.interpreter is self.forward:
            found = self.variable(value.var)
            return as_extent(found) if isinstance(value, Extent) else found
        if isinstance(value, ArrayType):
            return ArrayType(self(value.shape), value.dtype)
        if type(value) is tuple:
            return tuple(map(self, value))
        if type(value) is list:
            return list(map(self, value))
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        if type(value) is dict:
            return {k: self(v) for k, v in value.items()}
        return value

    def has(self, value: Any) -> bool:
        """Whether a value of the forward program need not be saved."""
        return not isinstance(value, StageTracer) or self.derivable(value.var)

    def replace(self, outs: Sequence[StageTracer], op: Any) -> list[StageTracer]:
        """Put in a branch with more results than that which gives `outs`: the new."""
        equations = self.forward.equations
        place = next(k for k, e in enumerate(equations) if outs[0].var in e.outputs)
        equation = equations[place]
        given = dict(zip(op.then.params, equation.inputs[1:], strict=True))
        types = op.then.result_types[len(outs) :]
        found = [Var(substitute(t, lambda n: extent_of(given[n]))) for t in types]
        outputs = (*equation.outputs[: len(outs)], *found)
        equations[place] = equation._replace(op=op, outputs=outputs)
        self.sources.update((v, equations[place]) for v in equations[place].outputs)
        return [StageTracer(self.forward, v) for v in found]

    def variable(self, var: Var) -> Any:
        if var not in self.values:
            if self.derivable(var):
                self._recompute(self.sources[var])
            else:
                self._save(var)
        return self.values[var]

    def _save(self, var: Var) -> None:
        """Give the backward program a parameter; a short row comes in a full one."""
        if not self._fits_a_row(var):
            self._save_ragged(var)
            return
        for n in () if self.rows else variables_in(var.type):
            self.variable(n)
        shape = [self.bounds.get(n, n) for n in var.type.shape]
        row = ArrayType(tuple(shape), var.type.dtype)
        param = self.backward.parameter(self(self.forward.seen(row)))
        self.saved.append(var)
        self.params.append(param)
        if row == var.type:
            self.values[var] = param
            return
        lengths = self(self.forward.seen(var.type)).shape
        with using(self.backward):
            self.values[var] = getitem(param, index=window(lengths, shape))

    def _save_ragged(self, var: Var) -> None:
        given = var.type.shape
        for n in variables_in(var.type):
            if not (n in self.saved or self._is_free(n)):
                self._save(n)
        if given not in self.ragged_sizes:
            self.ragged_sizes[given] = self.backward.parameter(INDEX)
        size = as_extent(self.ragged_sizes[given])
        flat = self.backward.parameter(ArrayType((size,), var.type.dtype))
        self.ragged[var] = flat
        with using(self.backward):
            shape = self(self.forward.seen(var.type)).shape
            self.values[var] = reshape(flat, shape=shape)

    def derivable(self, var: Var) -> bool:
        """Whether a variable costs little to compute from what is at hand."""
        if var in self.values:
            return True
        known = self._derivable.get(var)
        if known is None:
            equation = self.sources.get(var)
            if equation is not None and calls_opaque(equation.op):
                return self._must_be_saved(var, equation)
            cheap = equation is not None and equation.op.name in _CHEAP
            cheap = cheap and (self.rows or var not in self.lengths)
            known = cheap or (not self.save and equation is not None)
            if equation is not None and not all(
                map(self._can_be_saved, equation.outputs)
            ):
                # An array of a length that a branch finds: no zeros stand for it where
                # the branch is not taken. What is computed with it is computed again as
                # well, for the two are compared (a maximum), and a sum may be rounded
                # in another way.
                return True
            if known and equation is not None:
                known = all(map(self.derivable, variables_read(equation)))
            self._derivable[var] = known
        return known

    def _must_be_saved(self, var: Var, equation: Equation) -> bool:
        """False: what an opaque function gives is never computed again."""
        if not all(map(self._has_known_length, variables_in(var.type))):
            refuse_again(equation)
        return False

    def _has_known_length(self, extent: Var) -> bool:
        return extent in self.constant or self.save

    def _can_be_saved(self, var: Var) -> bool:
        """Whether a row has its length, or a step that has been made says it."""
        return self.rows or self._fits_a_row(var)

    def _fits_a_row(self, var: Var) -> bool:
        """Whether it has one length, or one that is bounded, in every step."""
        if self.save and not self.rows:
            return True
        extents = variables_in(var.type)
        return all(n in self.constant or n in self.bounds for n in extents)

    def _is_free(self, var: Var) -> bool:
        """Whether a number costs little to compute from parameters of both halves."""
        equation = self.sources.get(var)
        if equation is None or var in self.at_hand:
            return var in self.at_hand
        return equation.op.name in _CHEAP and all(
            map(self._is_free, variables_read(equation))
        )

    def take(self, free: Sequence[StageTracer]) -> None:
        """Give the backward program the parameters of both halves."""
        self.at_hand.update(p.var for p in free)
        self.constant.update(p.var for p in free[self.rows :])
        for p in free:
            self.values[p.var] = self.backward.parameter(self(type_of(p)))

    def parameters(self, free: Sequence[StageTracer]) -> list[StageTracer]:
        """Those of the backward program that are no cotangents."""
        return [
            *(self.values[p.var] for p in free),
            *self.params,
            *self.ragged_sizes.values(),
            *self.ragged.values(),
        ]

    def kinds(self) -> tuple[tuple[np.dtype, int], ...]:
        """Of each ragged array the dtype, and the number of its size."""
        order = list(self.ragged_sizes)
        return tuple((v.type.dtype, order.index(v.type.shape)) for v in self.ragged)

    def sizes(self, free: Sequence[StageTracer]) -> Program:
        """``(*free, *numbers) -> sizes`` of the ragged arrays; `numbers` are saved."""
        shapes = list(self.ragged_sizes)
        extents = tuple({n: None for s in shapes for n in s if isinstance(n, Var)})
        numbers = [v for v in self.saved if v.type == INDEX]
        params = (*(p.var for p in free), *numbers)
        left = (e for e in self.forward.equations if not {*params} & {*e.outputs})
        whole = Program(params, tuple(left), extents)
        program = prune(whole, effects=False)

        def build(*values: Any) -> list[Any]:
            found = dict(zip(extents, replay(program, values), strict=True))
            return [prod(found.get(n, n) for n in shape) for shape in shapes]

        return trace(build, params)

    def _recompute(self, equation: Equation) -> None:
        for var in variables_read(equation):
            self.variable(var)
        with using(self.backward):
            again = equation._replace(op=silent_op(equation.op))
            results = apply_equation(again, self.values)
        self.values.update(zip(equation.outputs, results, strict=True))


def slice_bounds(equations: Sequence[Equation]) -> Iterator[tuple[Var, int]]:
    """The run-time extents of slices, and the lengths of the axes that are sliced."""
    for equation in equations:
        if equation.op.name != "getitem":
            continue
        shape, out = equation.inputs[0].type.shape, equation.outputs[0].type.shape
        index = equation.params["index"]
        used = sum(item is not None and item is not Ellipsis for item in index)
        axis = place = 0
        for item in index:
            if item is Ellipsis:
                axis, place = axis + len(shape) - used, place + len(shape) - used
                continue
            if isinstance(item, slice):
                if isinstance(out[place], Var) and isinstance(shape[axis], int):
                    yield out[place], shape[axis]
            axis += item is not None
            place += item is None or isinstance(item, slice)


def window(lengths: Sequence[Any], row: Sequence[Any]) -> tuple[slice, ...]:
    """The part of a full row that a shorter one takes."""
    return tuple(
        slice(0, n) if isinstance(full, int) and not isinstance(n, int) else slice(None)
        for n, full in zip(lengths, row, strict=True)
    )


def split(
    program: Program,
    wrt: Sequence[bool],
    *,
    free: Sequence[bool],
    totals: Sequence[bool],
    outputs: Sequence[bool],
    save: bool = True,
    rows: bool = False,
    shapes: Sequence[Any] | None = None,
) -> Split:
    """Reverse mode of a program in the parameters marked in `wrt`.

    free: the parameters that the backward program gets too; totals: those (of `wrt`)
    to whose cotangents it adds; outputs: the results that have cotangents. Without
    `save` all that the backward program needs is computed again. With `rows` an array
    whose length is bounded is saved in a row of that length, and one whose length
    follows from the free parameters, the first of which is the loop's index, as a
    ragged one. With `shapes` of the results (see `result_shapes`) the backward program
    gets the results in them.
    """
    forward = DerivedStage()
    params = forward.parameters(program.params)
    with using(forward):
        tape = Tape(forward)
        given = [tape.variable(p) if w else p for p, w in zip(params, wrt, strict=True)]
        with using(tape):
            outs = replay(program, given)
    backward = DerivedStage()
    importer = Importer(forward, backward, save, rows)
    at_hand = [p for p, f in zip(params, free, strict=True) if f]
    importer.take(at_hand)
    active = [o for o, has_ct in zip(outs, outputs, strict=True) if has_ct]
    types = [importer(type_of(o)) for o in active]
    sources = shapes or [()] * len(outputs)
    wanted = [s for s, has_ct in zip(sources, outputs, strict=True) if has_ct]
    lengths: dict[int, StageTracer] = {}
    cts = [
        backward.parameter(_with_lengths(t, shape, backward, lengths))
        for t, shape in zip(types, wanted, strict=True)
    ]
    sums = {
        g.index: backward.parameter(importer(type_of(g)))
        for g, t in zip(given, totals, strict=True)
        if t and type(g) is TapeTracer
    }
    cotangents = [
        (out.index, ct, like)
        for out, ct, like in zip(active, cts, types, strict=True)
        if type(out) is TapeTracer
    ]
    results = _swept(tape, given, importer, dict(sums), cotangents)
    saved = [StageTracer(forward, v) for v in (*importer.saved, *importer.ragged)]
    back = [*importer.parameters(at_hand), *lengths.values(), *cts, *sums.values()]
    return Split(
        forward.program(params, [*map(_primal, outs), *saved]),
        backward.program(back, results),
        tuple(p.var.type for p in importer.params),
        importer.kinds(),
        importer.sizes(at_hand),
        tuple(p.var in importer.saved for p in params),
    )


def _swept(
    tape: Tape, given: Sequence[Any], importer: Importer, sums: Any, cts: Sequence[Any]
) -> list[Any]:
    """The cotangents of the parameters on the tape, by the backward program.

    sums: cotangents that there are already; cts: of results ``(number on the tape,
    cotangent, type of the result)``.
    """
    with using(importer.backward):
        for index, ct, like in cts:
            fitted = ct if ct.shape == like.shape else reshape(ct, shape=like.shape)
            present = sums.get(index)
            sums[index] = fitted if present is None else present + fitted
        found = sweep_back(_imported(tape, set(sums), importer), sums, consume=False)
        return [
            found[g.index] if g.index in found else zeros_of(importer(g.type))
            for g in given
            if type(g) is TapeTracer
        ]


def _with_lengths(
    type_: ArrayType, shape: Any, backward: Stage, lengths: dict[int, StageTracer]
) -> ArrayType:
    """A type whose extents that are results are parameters of the backward program."""
    extents = list(type_.shape)
    for i, source in enumerate(shape):
        if isinstance(source, OfResult):
            if source.place not in lengths:
                lengths[source.place] = backward.parameter(INDEX)
            extents[i] = lengths[source.place].as_extent()
    return ArrayType(tuple(extents), type_.dtype)


def _primal(value: Any) -> Any:
    return value.primal if type(value) is TapeTracer else value


def _imported(tape: Tape, reached: set[int], importer: Importer) -> Tape:
    """The entries that lead to some tape numbers, in terms of the backward program."""
    copy = Tape(importer.backward)
    needed = set(reached)
    kept = []
    for entry in reversed(tape.entries):
        op, plan, inputs, residuals, params, output, code, offset = entry
        block = op.family == "block"
        outputs = op.outputs if block else output if op.multiple else [output]
        if not any(n in needed for n in outputs):
            continue
        needed |= {n for n in (op.inputs if block else inputs) if n is not None}
        if block:
            op = op.imported(importer, copy)
        kept.append(
            (op, plan, inputs, importer(residuals), importer(params), output, code)
            + (offset,)
        )
    copy.entries = kept[::-1]
    copy.types = [t if t is None else importer(t) for t in tape.types]
    return copy
