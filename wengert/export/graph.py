"""An ONNX graph that is being written, and the values in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from wengert._ir.program import Literal, Program, Var
from wengert.explain._optional import library

OPSET = 18
Operand: TypeAlias = "Value | float"


def onnx_library() -> Any:
    library("onnx", "onnx", "export")
    import onnx

    return onnx


class Value:
    """A tensor in the graph, by its name; Python's operators append nodes."""

    def __init__(self, graph: Graph, name: str, dtype: Any, shape: Any) -> None:
        self.graph, self.name = graph, name
        self.dtype, self.shape = np.dtype(dtype), tuple(shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def _with(self, op: str, other: Operand, swap: bool = False) -> Value:
        pair = [self, self.like(other)]
        return self.graph.elementwise(op, *(pair[::-1] if swap else pair))

    def like(self, other: Operand) -> Value:
        """A number in the dtype of this value."""
        return other if isinstance(other, Value) else self.graph.number(other, self)

    def __add__(self, other: Operand) -> Value:
        return self._with("Add", other)

    def __radd__(self, other: Operand) -> Value:
        return self._with("Add", other, swap=True)

    def __sub__(self, other: Operand) -> Value:
        return self._with("Sub", other)

    def __rsub__(self, other: Operand) -> Value:
        return self._with("Sub", other, swap=True)

    def __mul__(self, other: Operand) -> Value:
        return self._with("Mul", other)

    def __rmul__(self, other: Operand) -> Value:
        return self._with("Mul", other, swap=True)

    def __truediv__(self, other: Operand) -> Value:
        return self._with("Div", other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self._with("Div", other, swap=True)

    def __neg__(self) -> Value:
        return self.graph.elementwise("Neg", self)

    def equals(self, other: Operand) -> Value:
        return self._with("Equal", other)

    def below(self, other: Operand) -> Value:
        return self._with("Less", other)

    def above(self, other: Operand) -> Value:
        return self._with("Greater", other)

    def cast(self, dtype: Any) -> Value:
        if self.dtype == dtype:
            return self
        to = self.graph.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.graph.node("Cast", [self], dtype, self.shape, to=to)

    def reshape(self, *shape: int) -> Value:
        if self.shape == shape:
            return self
        target = self.graph.constant(np.array(shape, np.int64))
        return self.graph.node(
            "Reshape", [self, target], self.dtype, shape, allowzero=int(0 in shape)
        )

    def transpose(self, axes: Sequence[int]) -> Value:
        shape = [self.shape[i] for i in axes]
        return self.graph.node("Transpose", [self], self.dtype, shape, perm=[*axes])

    def expand(self, shape: Sequence[int]) -> Value:
        if self.shape == tuple(shape):
            return self
        target = self.graph.constant(np.array(shape, np.int64))
        return self.graph.node("Expand", [self, target], self.dtype, shape)

    def slice(self, axis: int, start: int, stop: int, step: int = 1) -> Value:
        """Bounds as Python's slice.indices gives them."""
        if (start, stop, step) == (0, self.shape[axis], 1):
            return self
        stop = stop if stop >= 0 else -self.shape[axis] - 1
        parts = [self.graph.constant(np.array([n])) for n in (start, stop, axis, step)]
        count = len(range(*slice(start, stop, step).indices(self.shape[axis])))
        shape = (*self.shape[:axis], count, *self.shape[axis + 1 :])
        return self.graph.node("Slice", [self, *parts], self.dtype, shape)

    def reduced(self, op: str, axes: Sequence[int], keep: bool = False) -> Value:
        if not axes:
            return self
        shape = [1 if i in axes else n for i, n in enumerate(self.shape)]
        if not keep:
            shape = [n for i, n in enumerate(self.shape) if i not in axes]
        where = self.graph.constant(np.array(axes, np.int64))
        return self.graph.node(op, [self, where], self.dtype, shape, keepdims=int(keep))


_TRUTHS = {
    "Equal",
    "Less",
    "Greater",
    "LessOrEqual",
    "GreaterOrEqual",
    "IsNaN",
    "IsInf",
}


class Graph:
    """Nodes in order. Those of a region are in a list of their own."""

    def __init__(self) -> None:
        self.onnx = onnx_library()
        self.nodes: list[Any] = []
        self.count = 0
        self.values: dict[Var, Value] = {}

    def name(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def node(
        self, op: str, inputs: Sequence[Value], dtype: Any, shape: Any, **given: Any
    ) -> Value:
        out = Value(self, self.name(), dtype, shape)
        names = [x.name for x in inputs]
        make = self.onnx.helper.make_node
        self.nodes.append(make(op, names, [out.name], **given))
        return out

    def elementwise(self, op: str, *xs: Value, **given: Any) -> Value:
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        dtype = np.dtype(bool) if op in _TRUTHS else xs[-1].dtype
        return self.node(op, xs, dtype, shape, **given)

    def where(self, condition: Value, x: Operand, y: Operand) -> Value:
        if not isinstance(x, Value):
            assert isinstance(y, Value)
            x = y.like(x)
        return self.elementwise("Where", condition, x, x.like(y))

    def constant(self, array: Any) -> Value:
        array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        name = self.name()
        tensor = self.onnx.numpy_helper.from_array(array, name)
        node = self.onnx.helper.make_node("Constant", [], [name], value=tensor)
        self.nodes.append(node)
        return Value(self, name, array.dtype, array.shape)

    def number(self, number: Any, like: Value) -> Value:
        return self.constant(np.asarray(number, like.dtype))

    def read(self, atom: Any) -> Value:
        if isinstance(atom, Literal):
            return self.constant(np.asarray(atom.value))
        return self.values[atom]

    def declared(self, value: Value) -> Any:
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
        return self.onnx.helper.make_tensor_value_info(value.name, kind, value.shape)

    def made(
        self, name: str, nodes: list[Any], inputs: list[Value], outputs: list[Value]
    ) -> Any:
        """A graph of these nodes, without those that nothing reads."""
        read, kept = {v.name for v in outputs}, []
        for node in reversed(nodes):
            if not read.isdisjoint(node.output):
                kept.append(node)
                read |= _names_read(node)
        declared = [[self.declared(v) for v in part] for part in (inputs, outputs)]
        return self.onnx.helper.make_graph(kept[::-1], name, *declared)

    @contextmanager
    def region(self) -> Any:
        """A list for the nodes that are written meanwhile."""
        outer, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = outer

    def own(self, values: Sequence[Value]) -> list[Value]:
        """Values under names of this region, which has to give each a name."""
        return [self.node("Identity", [v], v.dtype, v.shape) for v in values]

    def parameters(self, program: Program, values: Sequence[Value]) -> None:
        self.values.update(zip(program.params, values, strict=True))


def _names_read(node: Any) -> set[str]:
    """By a node, or in the graphs of its branches."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            names |= {output.name for output in attribute.g.output}
            names = names.union(*map(_names_read, attribute.g.node))
    return names
