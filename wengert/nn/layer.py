"""What a layer is, and the two functions of a model: `setup` and `apply`.

A layer is a frozen dataclass of its sizes, with two methods. ``setup(key, x, context)``
returns ``(params, state)``, trees of arrays, for a sample input ``x`` (None: the sizes
are stated). ``apply(x, params, state, context)`` returns ``(y, state)`` and changes
nothing. A layer made of layers calls them by its `Context`, which names them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, TreeError


class Layer:
    """Base of the layers: derive a frozen dataclass from it.

    Example:
        >>> import dataclasses, numpy as np, wengert as wg
        >>> from wengert import nn
        >>> @dataclasses.dataclass(frozen=True)
        ... class Scale(nn.Layer):
        ...     start: float = 1.0
        ...     def setup(self, key, x, context):
        ...         return {"scale": np.full(x.shape[-1], self.start)}, ()
        ...     def apply(self, x, params, state, context):
        ...         return params["scale"] * x, state
        >>> params, state = nn.setup(wg.random.key(0), Scale(3.0), np.ones((2, 1)))
        >>> nn.apply(Scale(3.0), np.ones((2, 1)), params, state)[0]
        array([[3.],
               [3.]])
    """

    @property
    def name(self) -> str:
        """What errors and summaries call the layer."""
        return type(self).__name__

    @property
    def takes_given(self) -> bool:
        """Whether the layer takes ``(x, *given)`` in a chain with ``given=True``."""
        return False

    def setup(self, key: Any, x: Any, context: Context) -> tuple[Any, Any]:
        """``(params, state)`` for a sample input; a layer without any has none."""
        return (), ()

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        """``(y, state)``."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Function(Layer):
    """A plain function of an array, as a layer without parameters."""

    function: Callable[[Any], Any]

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def apply(
        self, x: Any, params: Any, state: Any, context: Context
    ) -> tuple[Any, Any]:
        return self.function(x), state


def as_layer(layer: Any) -> Layer:
    """A layer as it is, and a function as a layer."""
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, type) or not callable(layer):
        raise ArgumentError(
            explain(
                f"nn: expected a layer or a function, got {layer!r}",
                fix="make the layer with its sizes, for example nn.Dense(10)",
            )
        )
    return Function(layer)


class Row(NamedTuple):
    """What `summary` says of a layer that has been set up."""

    path: str
    y: Any
    params: Any


@dataclasses.dataclass(frozen=True)
class Context:
    """Where a layer stands in the model, and how the model runs.

    Attributes:
        path: The layer's place, for example ``Chain[2].Dense``.
        training: Whether the model learns: `Dropout` and `BatchNorm` ask.
        dtype: The floats that `setup` makes.
        report: Told of each layer that has been set up, if not None.
    """

    path: str
    training: bool = False
    dtype: Any = np.float64
    report: Callable[[Row], None] | None = None

    def inside(self, step: str, layer: Layer) -> Context:
        """The context of a layer of this one, which `step` leads to."""
        return dataclasses.replace(self, path=f"{self.path}{step}.{layer.name}")

    def setup(self, step: str, layer: Layer, key: Any, x: Any) -> tuple[Any, Any, Any]:
        """``(params, state, y)`` of a layer of this one; y is None where x is."""
        return set_up(layer, key, x, self.inside(step, layer))

    def apply(
        self, step: str, layer: Layer, x: Any, params: Any, state: Any
    ) -> tuple[Any, Any]:
        """``(y, state)`` of a layer of this one."""
        return layer.apply(x, params, state, self.inside(step, layer))


def set_up(layer: Layer, key: Any, x: Any, context: Context) -> tuple[Any, Any, Any]:
    """``(params, state, y)``: y is what the layer makes of the sample."""
    params, state = layer.setup(key, x, context)
    y = None
    if x is not None:
        y, _ = layer.apply(x, params, state, context)
    if context.report is not None:
        context.report(Row(context.path, y, params))
    return params, state, y


def setup(
    key: Any,
    model: Any,
    x: Any = None,
    dtype: Any = None,
    *,
    report: Callable[[Row], None] | None = None,
) -> tuple[Any, Any]:
    """The parameters and the state that a model begins with.

    Args:
        key: Of `wengert.random`; the same key makes the same numbers.
        model: A layer, or a function without parameters.
        x: A sample input, an array or a tree of them: the model runs on it once, and
            sizes that its layers do not state are read off. A small batch will do.
        dtype: Of the floats; by default that of the sample's floats, or float64.
        report: Called with a row for each layer, for `summary`.

    Returns:
        ``(params, state)``: nested dicts and tuples of arrays; ``()`` where a layer has
        none. Gradients are taken of `params`; `state` is what `apply` hands on.

    Raises:
        ShapeError: the sample does not fit a layer; the text names the layer.
        ArgumentError: a size is not stated, and there is no sample.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Chain(nn.Dense(4), nn.relu, nn.Dense(2))
        >>> params, state = nn.setup(wg.random.key(0), model, np.ones((1, 3)))
        >>> params[0]["weight"].shape, params[1], params[2]["weight"].shape
        ((4, 3), (), (2, 4))
    """
    layer = as_layer(model)
    dtype = np.dtype(_dtype_of(x) if dtype is None else dtype)
    context = Context(layer.name, dtype=dtype, report=report)
    params, state, _ = set_up(layer, key, x, context)
    return params, state


def _dtype_of(x: Any) -> Any:
    """What the floats of a sample promote to; float64 where there are none."""
    dtypes = [np.dtype(x.dtype) for x in wg.tree.leaves(x) if hasattr(x, "dtype")]
    floats = [dtype for dtype in dtypes if dtype.kind not in "biu"]
    return np.result_type(*floats) if floats else np.float64


def apply(
    model: Any, x: Any, params: Any, state: Any = (), training: bool = False
) -> tuple[Any, Any]:
    """What a model makes of an input, and its next state.

    Args:
        model: The layer that `params` and `state` were set up for.
        x: The input: an array, or a tree of them where the model takes several.
        params: From `setup`, or as an optimiser has changed them.
        state: From `setup`, or from the last call.
        training: Whether to drop out, and to normalise by the batch: Python's True or
            False, not a traced value.

    Returns:
        ``(y, state)``.

    Raises:
        ShapeError: the input or the parameters do not fit a layer; the text names it.
        TreeError: the parameters are those of another model.

    Example:
        >>> import numpy as np, wengert as wg
        >>> from wengert import nn
        >>> model = nn.Chain(nn.Dense(4), nn.relu, nn.Dense(2))
        >>> x = np.ones((5, 3))
        >>> params, state = nn.setup(wg.random.key(0), model, x)
        >>> y, state = nn.apply(model, x, params, state)
        >>> y.shape
        (5, 2)
    """
    layer = as_layer(model)
    return layer.apply(x, params, state, Context(layer.name, training))


def main(x: Any) -> Any:
    """x itself, where something is given beside it."""
    return x[0] if isinstance(x, tuple) else x


def apart(context: Context, what: str, trees: Any, count: int) -> tuple[Any, ...]:
    """The entries of the parameters or state of a layer that is made of `count`."""
    if not isinstance(trees, (tuple, list)) or len(trees) != count:
        found = f"{len(trees)}" if isinstance(trees, (tuple, list, dict)) else "no"
        raise TreeError(
            explain(
                f"{context.path}: {count} layers, and {what} for {found}",
                fix="pass what nn.setup returned for this model",
            )
        )
    return tuple(trees)


def part(context: Context, what: str, tree: Any, name: str) -> Any:
    """An entry of the parameters or state of a layer, by its name."""
    if not isinstance(tree, dict) or name not in tree:
        found = sorted(tree) if isinstance(tree, dict) else type(tree).__name__
        raise TreeError(
            explain(
                f"{context.path}: expected {what} with {name!r}, got {found}",
                fix="pass what nn.setup returned for this model",
            )
        )
    return tree[name]
