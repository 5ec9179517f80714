"""`cond`, `while_loop`, `fori_loop`, `scan` and `map` as regions of a program.

They are what a user's branch or loop is: functions that share the carry as a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, unwrap
from wengert._control import loops
from wengert._control.cond import cond
from wengert._core import tree
from wengert._core.interp import prepared, using
from wengert._core.source import explain
from wengert._core.types import dtype_of, shape_of, type_of
from wengert._frontend.runtime import Plain
from wengert._modes.checkpoint import inherited
from wengert._ops.arithmetic import maximum
from wengert._ops.index import Slot
from wengert._ops.indexing import update
from wengert._ops.structure import empty
from wengert._staging.body import stage_body
from wengert._staging.cells import Cells
from wengert._staging.joins import Leaf, engine_leaf, refuse_join, take_apart
from wengert._staging.loops import Loop, TestChanges, stage_for, stage_while
from wengert._staging.ranges import Range
from wengert._staging.stage import as_extent
from wengert._staging.truth import is_staged
from wengert._staging.watch import Watch
from wengert.errors import MutationError


class Combinators:
    """The functions as a runtime stages them; few steps are written out."""

    def __init__(self, runtime: Any, unrolled: int) -> None:
        self.runtime = runtime
        self.unrolled = unrolled

    def counterparts(self) -> Iterable[tuple[Any, Any]]:
        return (
            (cond, self.cond),
            (loops.while_loop, self.while_loop),
            (loops.fori_loop, self.fori_loop),
            (loops.scan, self.scan),
            (loops.map, self.map),
        )

    def cond(
        self,
        pred: Any,
        true_fun: Callable[..., Any],
        false_fun: Callable[..., Any],
        *operands: Any,
    ) -> Any:
        return self.runtime.choose(
            pred,
            lambda: prepared(true_fun)(*operands),
            lambda: prepared(false_fun)(*operands),
        )

    def while_loop(
        self,
        cond_fun: Callable[[Any], Any],
        body_fun: Callable[[Any], Any],
        init_val: Any,
        *,
        checkpoints: Any = None,
    ) -> Any:
        checkpoints, carry = inherited(checkpoints), self._own(init_val)
        goes_on, step = prepared(cond_fun), prepared(body_fun)

        def test() -> Any:
            return goes_on(carry)

        def body() -> Any:
            nonlocal carry
            carry = loops.same_structure("while_loop", carry, step(carry))
            return Plain.CONTINUE

        while not is_staged(holds := test()):
            if not holds:
                return carry
            body()
        try:
            stage_while(test, body, ("carry",), checkpoints, (cond_fun, body_fun))
        except TestChanges:
            raise MutationError(
                explain(
                    "while_loop: cond_fun changes an array or another object",
                    why="it is called once more than body_fun, when the loop ends.",
                    fix="change it in body_fun",
                )
            ) from None
        return carry

    def fori_loop(
        self,
        lower: Any,
        upper: Any,
        body_fun: Callable[[Any, Any], Any],
        init_val: Any,
        *,
        checkpoints: Any = None,
    ) -> Any:
        bounds = [
            loops.bound("fori_loop", what, value) if not _is_integer(value) else value
            for what, value in (("lower", lower), ("upper", upper))
        ]
        span = Range(bounds[0], bounds[1], 1, checkpoints=inherited(checkpoints))
        carry, step = self._own(init_val), prepared(body_fun)

        def body(i: Any) -> Any:
            nonlocal carry
            carry = loops.same_structure("fori_loop", carry, step(i, carry))
            return Plain.CONTINUE

        if not span.is_staged(self.unrolled):
            for i in span:
                body(i)
            return carry
        stage_for(span, body, ("carry",), (body_fun,))
        return carry

    def scan(
        self,
        f: Callable[[Any, Any], tuple[Any, Any]],
        init: Any,
        xs: Any = None,
        length: Any = None,
        reverse: bool = False,
        *,
        checkpoints: Any = None,
    ) -> tuple[Any, Any]:
        xs = tree.map(self.runtime.reached, xs)
        n = length if xs is None and _is_integer(length) else None
        n = loops.length_of("scan", xs, length) if n is None else n
        start, stop, by = (n - 1, -1, -1) if reverse else (0, n, 1)
        span = Range(start, stop, by, checkpoints=inherited(checkpoints))
        if not span.is_staged(self.unrolled):
            return loops.scan.__wrapped__(f, init, xs, length, reverse)
        carry, step, y = self._own(init), prepared(f), None

        def body(i: Any) -> Any:
            nonlocal carry, y
            after, y = loops.pair("scan", step(carry, loops.entry(xs, i)))
            carry = loops.same_structure("scan", carry, after)
            return Plain.CONTINUE

        stacked = stage_scan(span, body, ("carry",), (f,), lambda: y)
        return carry, stacked

    def _own(self, init: Any) -> Any:
        """A first carry with arrays that no other name reaches."""
        return tree.map(self._own_leaf, init)

    def _own_leaf(self, leaf: Any) -> Any:
        leaf = self.runtime.reached(leaf)
        return TracedArray(unwrap(leaf)) if isinstance(leaf, TracedArray) else leaf

    def map(self, f: Callable[[Any], Any], xs: Any) -> Any:
        fun = prepared(f)
        loops.length_of("map", xs, None)
        return self.scan(lambda _, x: (None, fun(x)), None, xs)[1]


def _is_integer(value: Any) -> bool:
    """Whether it is an integer that is known when the program runs."""
    return is_staged(value) and value.ndim == 0 and value.dtype.kind in "iu"


def stage_scan(
    span: Range,
    body: Callable[[Any], Any],
    written: Any,
    scope: Any,
    output: Callable[[], Any],
) -> Any:
    """``for item in span: body(item)``; the outputs of the steps, stacked.

    output: what the last step has put out, a pytree.
    """
    steps = span.length()
    cells = Cells((body,), written)
    watch = Watch((body, *scope), cells.cells.values())
    one = stage_body(cells, lambda i: body(span.item(i)), watch)
    loop = Loop(one, runs=False)
    apart = take_apart("output of a step", output())
    at = loop.within(lambda: maximum(unwrap(span.item(one.index)), 0))
    places = [_stacked(loop, leaf, steps, at) for leaf in apart.leaves]
    outs = loop.apply_for(steps, span.checkpoints)
    loop.finish(outs)
    return apart.rebuilt([TracedArray(outs[place]) for place in places])


def _stacked(loop: Loop, leaf: Any, steps: Any, at: Any) -> int:
    """A carry with a row for each step, this one's at a place."""
    if not isinstance(leaf, Leaf):
        refuse_join("output of a step", "a number or array", repr(leaf))
    value = loop.within(lambda: engine_leaf(leaf))
    dtype = np.result_type(dtype_of(value))
    if loop.region.outside(shape_of(value)) is None:
        length = f"{dtype} of a length that a step finds"
        refuse_join("output of a step", length, "a row of an array")
    with using(loop.region.parent):
        shape = (as_extent(steps), *shape_of(value))
        rows = empty(shape=shape, dtype=dtype)
        param = loop.region.parameter(type_of(rows))
    written = loop.within(lambda: update(param, value, at, index=(Slot(0),)))
    return loop.add("output of a step", rows, param, written)
