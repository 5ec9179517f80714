"""Products of matrices and convolutions in ONNX."""

from __future__ import annotations

from typing import Any

from wengert.export.arrays import Rule
from wengert.export.graph import Graph, Value


def _matmul(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    out = equation.outputs[0].type
    same = [x.cast(out.dtype), y.cast(out.dtype)]
    return graph.node("MatMul", same, out.dtype, out.shape)


def _matvec(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    """(*b, m, n), (*b, n) -> (*b, m)."""
    out = equation.outputs[0].type
    column = y.reshape(*y.shape, 1).cast(out.dtype)
    pair = [x.cast(out.dtype), column]
    return graph.node("MatMul", pair, out.dtype, (*out.shape, 1)).reshape(*out.shape)


def _tensordot(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    letters = [chr(97 + i) for i in range(x.ndim + y.ndim)]
    first, second = letters[: x.ndim], letters[x.ndim :]
    for i, k in zip(*equation.params["axes"], strict=True):
        second[k] = first[i]
    kept = [a for a in first if a not in second] + [a for a in second if a not in first]
    text = f"{''.join(first)},{''.join(second)}->{''.join(kept)}"
    return _by_letters(graph, equation, text, x, y)


def _einsum(graph: Graph, equation: Any, *xs: Value) -> Value | None:
    text = equation.params["subscripts"]
    if "->" not in text or "." in text:
        return None
    return _by_letters(graph, equation, text, *xs)


def _by_letters(graph: Graph, equation: Any, text: str, *xs: Value) -> Value:
    out = equation.outputs[0].type
    same = [x.cast(out.dtype) for x in xs]
    return graph.node("Einsum", same, out.dtype, out.shape, equation=text)


def _inner(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    dtype = equation.outputs[0].type.dtype
    product = x.cast(dtype) * y.cast(dtype)
    return product.reduced("ReduceSum", (product.ndim - 1,))


def _dot(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    if not (x.ndim and y.ndim):
        dtype = equation.outputs[0].type.dtype
        return x.cast(dtype) * y.cast(dtype)
    letters = "abcdefghijklmnopqrstuvw"
    first, second = [*letters[: x.ndim]], [*letters[x.ndim : x.ndim + y.ndim]]
    second[max(y.ndim - 2, 0)] = first[-1]
    kept = [a for a in first + second if a != first[-1]]
    text = f"{''.join(first)},{''.join(second)}->{''.join(kept)}"
    return _by_letters(graph, equation, text, x, y)


# -- convolutions ----------------------------------------------------------------------


def _pads(how: Any) -> list[int]:
    return [low for low, _ in how.padding] + [high for _, high in how.padding]


def _slid(
    graph: Graph, name: str, equation: Any, x: Value, w: Value, **more: Any
) -> Value:
    """A window that slides over an array: a convolution, or its transpose."""
    out, how = equation.outputs[0].type, equation.params["how"]
    return graph.node(
        name,
        [x.cast(out.dtype), w.cast(out.dtype)],
        out.dtype,
        out.shape,
        kernel_shape=[*w.shape[2:]],
        strides=[*how.strides],
        pads=_pads(how),
        dilations=[*how.dilation],
        group=equation.params["groups"],
        **more,
    )


def _conv(graph: Graph, equation: Any, x: Value, w: Value) -> Value:
    return _slid(graph, "Conv", equation, x, w)


def _conv_input(graph: Graph, equation: Any, y: Value, w: Value) -> Value:
    """The transposed convolution, with the entries that no window had reached."""
    p, how = equation.params, equation.params["how"]
    reach = [
        (n - 1) * s + d * (k - 1) + 1 - low - high
        for n, k, s, d, (low, high) in zip(
            y.shape[2:],
            w.shape[2:],
            how.strides,
            how.dilation,
            how.padding,
            strict=True,
        )
    ]
    beyond = [n - r for n, r in zip(p["space"], reach, strict=True)]
    return _slid(graph, "ConvTranspose", equation, y, w, output_padding=beyond)


def _conv_kernel(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    """Channels as examples, outputs as kernels; strides and dilation change places."""
    out, groups = equation.outputs[0].type, equation.params["groups"]
    x, y = x.cast(out.dtype), y.cast(out.dtype)
    c, o = x.shape[1] // groups, y.shape[1] // groups
    parts = [
        _kernel_of_group(
            graph, equation, x.slice(1, g * c, g * c + c), y.slice(1, g * o, g * o + o)
        )
        for g in range(groups)
    ]
    if groups == 1:
        return parts[0]
    return graph.node("Concat", parts, out.dtype, out.shape, axis=0)


def _kernel_of_group(graph: Graph, equation: Any, x: Value, y: Value) -> Value:
    how, window = equation.params["how"], equation.params["window"]
    swapped = (1, 0, *range(2, x.ndim))
    space = [
        (n + low + high - s * (m - 1) - 1) // d + 1
        for n, m, s, d, (low, high) in zip(
            x.shape[2:],
            y.shape[2:],
            how.strides,
            how.dilation,
            how.padding,
            strict=True,
        )
    ]
    found = graph.node(
        "Conv",
        [x.transpose(swapped), y.transpose(swapped)],
        x.dtype,
        (x.shape[1], y.shape[1], *space),
        kernel_shape=[*y.shape[2:]],
        strides=[*how.dilation],
        pads=_pads(how),
        dilations=[*how.strides],
    )
    for axis, n in enumerate(window, 2):
        found = found.slice(axis, 0, n)
    return found.transpose(swapped)


PRODUCTS: dict[str, Rule] = {
    "matmul": _matmul,
    "matvec": _matvec,
    "tensordot": _tensordot,
    "dot": _dot,
    "vecdot": _inner,
    "vdot": _inner,
    "einsum": _einsum,
    "conv": _conv,
    "conv_input": _conv_input,
    "conv_kernel": _conv_kernel,
}
