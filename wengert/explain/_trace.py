"""`trace`: the Wengert list of one run, with values, tangents and adjoints."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.interp import Interpreter, using
from wengert._core.source import Site, explain
from wengert._core.types import is_inexact, type_of
from wengert._modes import api
from wengert._modes.dual import Dual, DualTracer
from wengert._modes.tape import Entry, Tape, TapeTracer, backward
from wengert.errors import DTypeError
from wengert.explain import _graph
from wengert.explain._expression import expression, number_text, variable
from wengert.explain._record import Recorder, Step, needed, replay

DIRECTIONS = 4  # tangent columns by default, at most

Values = dict[int, Any]


class Row(NamedTuple):
    """A line of the list: ``name = expression``, and what is known of the variable.

    ``tangents`` has an entry per direction, None where the variable has no derivative;
    ``site`` is the line of the user's file, None for inputs.
    """

    name: str
    expression: str
    value: Any
    tangents: tuple[Any, ...]
    adjoint: Any
    site: Site | None


class Trace:
    """The Wengert list of one run of a function; ``print`` shows it as a table.

    Attributes:
        rows: The lines in order, inputs first: v1, v2, ...
        directions: Titles of the tangent columns.
        outputs: Names of the variables that the function returned.
        partials: For pairs of scalar variables, such as ``("v1", "v3")``, the partial
            derivative of the second with respect to the first, along one edge.
        dot: The graph in Graphviz's language.
    """

    def __init__(
        self,
        rows: list[Row],
        directions: list[str],
        outputs: list[str],
        partials: dict[tuple[str, str], Any],
    ) -> None:
        self.rows = rows
        self.directions = directions
        self.outputs = outputs
        self.partials = partials

    def __str__(self) -> str:
        table = [["variable", "expression", "value", *self.directions, "adjoint"]]
        for row in self.rows:
            numbers = map(number_text, (row.value, *row.tangents, row.adjoint))
            table.append([row.name, row.expression, *numbers])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]
        lines.insert(1, "-" * max(map(len, lines)))
        return "\n".join([*lines, f"result: {', '.join(self.outputs) or 'constant'}"])

    def __repr__(self) -> str:
        return f"<Trace: {len(self.rows)} variables, print() shows them>"

    @property
    def dot(self) -> str:
        return _graph.dot(*self._picture())

    def svg(self, path: str | os.PathLike[str]) -> None:
        """Draw the graph, an edge labelled with its partial derivative, into a file."""
        Path(path).write_text(_graph.svg(*self._picture()), encoding="utf-8")

    def _picture(self) -> tuple[list[_graph.Node], dict[_graph.Edge, str]]:
        place = {row.name: i for i, row in enumerate(self.rows)}
        nodes = [
            _graph.Node(
                [f"{row.name} = {row.expression}", number_text(row.value)],
                self._role(row),
            )
            for row in self.rows
        ]
        edges = {
            (place[start], place[end]): ""
            if partial is None
            else number_text(partial, 4)
            for (start, end), partial in self.partials.items()
        }
        return nodes, edges

    def _role(self, row: Row) -> str:
        if row.name in self.outputs:
            return "output"
        return "input" if row.site is None else "step"


def trace(
    fun: Callable[..., Any], *, tangents: tuple[Any, ...] | None = None
) -> Callable[..., Trace]:
    """The Wengert list of a function: every op it applies, as textbooks draw it.

    Args:
        fun: Function of pytrees of arrays; best with few scalars or small arrays.
        tangents: Direction of the tangents, one entry per argument as for `jvp`. By
            default the inputs in turn, a column each (the first four), the seed being 1
            in every entry of that input.

    Returns:
        A function with the arguments of ``fun`` that returns a `Trace`. Adjoints are
        seeded with 1 in every entry of the result. Lines that the result does not need,
        such as comparisons that only chose the path, are left out.

    Raises:
        DTypeError: an array argument is of integer or bool dtype, or no argument is
            differentiable.
        ShapeError, TreeError: ``tangents`` do not fit the arguments.

    Example:
        >>> import wengert as wg, wengert.numpy as np
        >>> print(wg.explain.trace(lambda x1, x2: x1 * x2 + np.sin(x1))(2.0, 5.0))
        variable  expression  value     d/dx1      d/dx2  adjoint
        ---------------------------------------------------------
        v1        x1          2         1          0      4.58385
        v2        x2          5         0          1      2
        v3        v1 * v2     10        5          2      1
        v4        sin(v1)     0.909297  -0.416147  0      1
        v5        v3 + v4     10.9093   4.58385    2      1
        result: v5

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 2.
    """

    def trace_of(*args: Any) -> Trace:
        inputs = api.collect("trace", args, "args")
        if not inputs.active:
            raise DTypeError(
                explain(
                    "trace: no argument is a float or an array of floats",
                    fix="pass the numbers to differentiate at as floats, such as 2.0",
                )
            )
        base = api.base_interpreter(inputs.leaves)
        with Recorder(base).running() as recorder:
            tracers = [recorder.variable(v) for v in inputs.values]
            results, _ = api.results(api.call(fun, inputs, tracers, list))
        returned = [recorder.number_of(r) for r in results]
        steps, old = needed(
            recorder, len(tracers), [n for n in returned if n is not None]
        )
        values = [recorder.values[n] for n in old]
        outputs = list(dict.fromkeys(old.index(n) for n in returned if n is not None))
        names = _input_names(fun, args, inputs.active)
        seeds, titles = _directions(inputs, args, names, tangents)
        columns = [_tangents(base, steps, inputs.values, seed) for seed in seeds]
        adjoints, partials = _adjoints(base, steps, inputs.values, outputs)
        rows = _rows(values, steps, names, columns, adjoints)
        edges = {
            (variable(start), variable(end)): partials.get((start, end))
            for step in steps
            for end in step.numbers
            for start in step.reads
        }
        return Trace(rows, titles, [variable(n) for n in outputs], edges)

    return trace_of


def _input_names(fun: Callable[..., Any], args: Any, active: list[int]) -> list[str]:
    """What the user calls each differentiated leaf: ``x``, ``params['w']``, ..."""
    try:
        bound = inspect.signature(fun).bind(*args)
    except (TypeError, ValueError):
        labels = [f"x{i + 1}" for i in range(len(args))]
    else:
        kinds = bound.signature.parameters
        labels = []
        for name, value in bound.arguments.items():
            many = kinds[name].kind is inspect.Parameter.VAR_POSITIONAL
            labels += [f"{name}[{i}]" for i in range(len(value))] if many else [name]
    paths = [
        path
        for arg, label in zip(args, labels, strict=True)
        for path in tree.paths(arg, label)
    ]
    return [paths[i] for i in active]


def _directions(
    inputs: api.Inputs, args: Any, names: list[str], tangents: Any
) -> tuple[list[list[Any]], list[str]]:
    """For each column the tangent seeds of the inputs (None is zero), and its title."""
    if tangents is not None:
        leaves = api.match_tree("trace", "tangents", tuple(tangents), inputs.structure)
        paths = tree.paths(args, "tangents")
        seed = [
            api.check_tangent("trace", paths[i], leaves[i], value)
            for i, value in zip(inputs.active, inputs.values, strict=True)
        ]
        return [seed], ["tangent"]
    seeds = [
        [_ones(v) if i == chosen else None for i, v in enumerate(inputs.values)]
        for chosen in range(min(DIRECTIONS, len(names)))
    ]
    return seeds, [f"d/d{name}" for name in names[: len(seeds)]]


def _ones(value: Any) -> Any:
    type_ = type_of(value)
    return np.ones(type_.shape, type_.dtype)[()]


def _tangents(
    base: Interpreter, steps: list[Step], inputs: list[Any], seed: list[Any]
) -> Values:
    """Tangents of the variables where they are not zero: a run of dual numbers."""
    with Dual(base).running() as dual:
        values: Values = {
            i: v if t is None else DualTracer(dual, v, t)
            for i, (v, t) in enumerate(zip(inputs, seed, strict=True))
        }
        replay(steps, values)
    return {
        n: v.tangent
        for n, v in values.items()
        if type(v) is DualTracer and v.interpreter is dual
    }


def _adjoints(
    base: Interpreter, steps: list[Step], inputs: list[Any], outputs: list[int]
) -> tuple[Values, dict[tuple[int, int], Any]]:
    """Adjoints of all variables, and partial derivatives along the edges.

    The tape's own backward sweep, one entry at a time, so that each adjoint is seen.
    """
    with Tape(base).running() as tape:
        values = replay(steps, {i: tape.variable(v) for i, v in enumerate(inputs)})
    own = {
        n: v
        for n, v in values.items()
        if type(v) is TapeTracer and v.interpreter is tape
    }
    number = {tracer.index: n for n, tracer in own.items()}
    adjoints: Values = {}
    partials: dict[tuple[int, int], Any] = {}
    with using(base):
        cotangents = {own[n].index: _ones(own[n]) for n in outputs if n in own}
        for entry in tape.entries[::-1]:
            tape.entries = [entry]
            output = Entry._make(entry).output
            results = output if isinstance(output, list) else [output]
            adjoints.update(
                (number[i], cotangents[i]) for i in results if i in cotangents
            )
            if results == [output] and own[number[output]].shape == ():
                seed = {output: _ones(own[number[output]])}
                for i, partial in backward(tape, seed).items():
                    if np.shape(partial) == ():
                        partials[number[i], number[output]] = partial
            backward(tape, cotangents)
        adjoints.update((number[i], ct) for i, ct in cotangents.items() if i in number)
    return adjoints, partials


def _rows(
    values: list[Any],
    steps: list[Step],
    names: list[str],
    columns: list[Values],
    adjoints: Values,
) -> list[Row]:
    def row(number: int, text: str, site: Site | None) -> Row:
        value = values[number]
        zero = api.zeros_like_type(type_of(value)) if is_inexact(value.dtype) else None
        tangents = tuple(column.get(number, zero) for column in columns)
        adjoint = adjoints.get(number, zero)
        return Row(variable(number), text, value, tangents, adjoint, site)

    rows = [row(i, name, None) for i, name in enumerate(names)]
    for step in steps:
        text = expression(step, values[step.numbers[0]].shape)
        for i, number in enumerate(step.numbers):
            part = f" ({i + 1} of {len(step.numbers)})" if len(step.numbers) > 1 else ""
            rows.append(row(number, text + part, step.site))
    return rows
