"""Programs as ONNX models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wengert._core import tree
from wengert._core.source import explain
from wengert._ir.program import Equation, Literal, Program, Var
from wengert._passes.pipeline import optimise
from wengert._staging.function import staged_for
from wengert.errors import ExportError
from wengert.export.arrays import ARRAYS
from wengert.export.elementwise import ARITHMETIC, COMPARISONS
from wengert.export.graph import OPSET, Graph, Value
from wengert.export.products import PRODUCTS
from wengert.train.files import write

_WHOLE = {**ARRAYS, **PRODUCTS}


def onnx(f: Callable[..., Any], *example: Any, path: Any = None) -> Any:
    """A function as an ONNX model, for arguments like these.

    Inputs and outputs are the leaves of arguments and results, under the names that
    `wg.tree.names` gives them, behind ``in.`` and ``out.``; shapes and dtypes are those
    of the example. Arrays that the function reads besides are constants of the model.
    Loops and branches that values decide are ONNX's ``Loop`` and ``If``.

    Args:
        f: A function of pytrees of arrays and numbers, as for `wg.jit`: a model, or the
            ``wg.value_and_grad`` of its loss.
        example: Arguments; only their types matter.
        path: A file to write the model to.

    Returns:
        An ``onnx.ModelProto``.

    Raises:
        ExportError: an operation has no translation, or a length is known at run time
            only; the message names the operation and the line.
        MissingLibraryError: onnx is not installed.
        FileError: the file cannot be written.

    Example:
        >>> import numpy as np, wengert as wg
        >>> model = wg.export.onnx(wg.grad(lambda x: np.sum(x * x)), np.ones(3))
        >>> [node.op_type for node in model.graph.node][-1]
        'Identity'
    """
    graph = Graph()
    leaves, structure = tree.flatten((example, {}))
    leaves = [
        np.array(x, x.dtype.newbyteorder("="), order="C")
        if isinstance(x, np.ndarray)
        else x
        for x in leaves
    ]
    staged, given = staged_for(f, structure, leaves)
    program = optimise(staged.program)
    if staged.written or staged.hidden_written:
        raise ExportError(
            explain(
                "onnx: the function writes to its arguments, or to other arrays",
                why="a graph has results only.",
                fix="write to a copy, and return it",
            )
        )
    names = [f"in.{name}" for name in tree.names(example)]
    names = [n for n, kind in zip(names, given, strict=True) if kind.type is not None]
    inputs = [_input(graph, n, p) for n, p in zip(names, program.params, strict=False)]
    hidden = [graph.constant(np.asarray(x)) for x in staged.hidden]
    found = emit(graph, program, [*inputs, *hidden])
    out = staged.rebuilt(found, lambda value, _: value)
    return _model(graph, f, inputs, out, path)


def _input(graph: Graph, name: str, param: Var) -> Value:
    return Value(graph, name, param.type.dtype, param.type.shape)


def _model(graph: Graph, f: Any, inputs: list[Value], out: Any, path: Any) -> Any:
    helper = graph.onnx.helper
    outputs = []
    for name, value in zip(tree.names(out), tree.leaves(out), strict=True):
        if isinstance(value, Value):
            named = Value(
                graph,
                ".".join(("out", *name.split("."))).rstrip("."),
                value.dtype,
                value.shape,
            )
            node = helper.make_node("Identity", [value.name], [named.name])
            graph.nodes.append(node)
            outputs.append(named)
    name = getattr(f, "__name__", "function")
    body = graph.made(name, graph.nodes, inputs, outputs)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        body, opset_imports=opsets, ir_version=10, producer_name="wengert"
    )
    graph.onnx.checker.check_model(model)
    if path is not None:
        write(Path(path), model.SerializeToString())
    return model


def emit(graph: Graph, program: Program, values: Sequence[Value]) -> list[Value]:
    """The nodes of a program; its results."""
    graph.parameters(program, values)
    for equation in program.equations:
        for atom in (*equation.inputs, *equation.outputs):
            _check_type(equation, atom)
        results = _results(graph, equation)
        for var, value in zip(equation.outputs, results, strict=True):
            graph.values[var] = value
    return [graph.read(r) for r in program.results]


def _check_type(equation: Equation, atom: Any) -> None:
    if atom.type.dtype.kind == "c":
        _refuse(equation, "ONNX has no kernels for complex numbers.")
    if any(not isinstance(n, int) or n < 0 for n in atom.type.shape):
        _refuse(equation, "it has a length that is known at run time only.")


def _results(graph: Graph, equation: Equation) -> list[Value]:
    name = equation.op.name
    control = _CONTROL.get(name)
    if control is not None:
        return control(graph, equation)
    values = [graph.read(a) for a in equation.inputs]
    found: Value | None = None
    if name in ARITHMETIC:
        dtype = equation.outputs[0].type.dtype
        found = ARITHMETIC[name](*(v.cast(dtype) for v in values), **equation.params)
    elif name in COMPARISONS:
        dtype = np.result_type(*map(_compared, equation.inputs))
        found = COMPARISONS[name](*(v.cast(dtype) for v in values))
    elif name in _WHOLE:
        found = _WHOLE[name](graph, equation, *values)
    if found is None:
        _refuse(equation, "")
    assert found is not None and found.dtype == equation.outputs[0].type.dtype
    return [found]


def _compared(atom: Any) -> Any:
    """A dtype, or a Python number, which takes that of the other operand."""
    weak = isinstance(atom, Literal) and atom.weak
    return atom.value.item() if weak else atom.type.dtype


def _refuse(equation: Equation, why: str) -> None:
    place = "" if equation.site is None else f", at {equation.site}"
    raise ExportError(
        explain(
            f"onnx: {equation.op.name} has no translation{place}",
            why=why,
            fix="write it with other operations, or save machine code with "
            "wg.export.save",
        )
    )


# -- control flow ----------------------------------------------------------------------


def _call(graph: Graph, equation: Equation) -> list[Value]:
    if equation.op.label is not None:
        _refuse(equation, "a function of a model cannot call itself.")
    return emit(graph, equation.op.callee, [graph.read(a) for a in equation.inputs])


def _if(graph: Graph, equation: Equation) -> list[Value]:
    predicate, *operands = (graph.read(a) for a in equation.inputs)
    bodies = {}
    for name, region in (("then", equation.op.then), ("else", equation.op.orelse)):
        with graph.region() as nodes:
            found = graph.own(emit(graph, region, operands))
        bodies[f"{name}_branch"] = graph.made(graph.name(), nodes, [], found)
    return _node(graph, equation, "If", [predicate.name], **bodies)


def _for(graph: Graph, equation: Equation) -> list[Value]:
    steps, *operands = (graph.read(a) for a in equation.inputs)
    count = equation.op.constants
    number, going = _names(graph, (np.int64, ()), (bool, ()))
    carries = _names(graph, *((v.dtype, v.shape) for v in operands[count:]))
    with graph.region() as nodes:
        given = [number, *operands[:count], *carries]
        found = graph.own([going, *emit(graph, equation.op.body, given)])
    body = graph.made(graph.name(), nodes, [number, going, *carries], found)
    # onnx's reference evaluator takes no step where the condition is left out.
    start = [steps.cast(np.int64), graph.constant(np.array(True)), *operands[count:]]
    names = [v.name for v in start]
    return _node(graph, equation, "Loop", names, body=body)


def _while(graph: Graph, equation: Equation) -> list[Value]:
    op, operands = equation.op, [graph.read(a) for a in equation.inputs]
    constants, start = operands[: op.constants], operands[op.constants :]
    (first,) = emit(graph, op.test, operands)
    number, going = _names(graph, (np.int64, ()), (bool, ()))
    carries = _names(graph, *((v.dtype, v.shape) for v in start))
    with graph.region() as nodes:
        results = emit(graph, op.body, [*constants, *carries])
        (goes_on,) = emit(graph, op.test, [*constants, *results])
        found = graph.own([goes_on, *results])
    body = graph.made(graph.name(), nodes, [number, going, *carries], found)
    names = ["", first.name, *(v.name for v in start)]
    return _node(graph, equation, "Loop", names, body=body)


def _names(graph: Graph, *types: Any) -> list[Value]:
    return [Value(graph, graph.name(), dtype, shape) for dtype, shape in types]


def _node(
    graph: Graph, equation: Equation, op: str, inputs: list[str], **given: Any
) -> list[Value]:
    out = _names(graph, *((v.type.dtype, v.type.shape) for v in equation.outputs))
    make = graph.onnx.helper.make_node
    graph.nodes.append(make(op, inputs, [v.name for v in out], **given))
    return out


_CONTROL: dict[str, Callable[[Graph, Equation], list[Value]]] = {
    "call": _call,
    "if": _if,
    "for": _for,
    "while": _while,
}
