"""`vmap`: one call for many lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._core import tree
from wengert._core.interp import Tracer, prepared
from wengert._core.source import explain
from wengert._modes import api
from wengert._modes.batch import Batch, BatchTracer
from wengert._ops.structure import broadcast_to, move_axis
from wengert.errors import ArgumentError, LanesDisagreeError, ShapeError


def vmap(
    fun: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0
) -> Callable[..., Any]:
    """Map a function over an axis of its arguments, in one vectorised run.

    Args:
        fun: Function of pytrees of arrays, written for one lane.
        in_axes: The axis to map over: an int or None (not mapped) for all arguments, or
            a tuple with an entry per argument, each an int, None or a pytree prefix.
        out_axes: Where the lanes stand in the results; None for results that do not
            depend on the lane.

    Returns:
        A function of the batched arguments that returns the batched results.

    Raises:
        ArgumentError: nothing is mapped, or an axis is out of range.
        ShapeError: mapped axes have different lengths.
        LanesDisagreeError: `bool` or `int` of a value whose lanes differ.

    Example:
        >>> import numpy as np, wengert as wg
        >>> rows_times = wg.vmap(lambda a, b: a @ b, in_axes=(0, None))
        >>> rows_times(np.eye(2), np.array([3.0, 4.0]))
        array([3., 4.])
    """

    def vmapped(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = tree.flatten((args, kwargs))
        axes = _leaf_axes(in_axes, args, kwargs)
        paths = tree.paths((args, kwargs), "args")
        size = _lane_count(leaves, axes, paths)
        base = api.base_interpreter(leaves)
        values = []
        for leaf, axis in zip(leaves, axes, strict=True):
            if api.is_static(leaf) or not api.is_array(leaf):
                values.append(leaf)
            elif axis is None:
                values.append(leaf if api.is_scalar(leaf) else api.engine_value(leaf))
            else:
                value = api.engine_value(leaf)
                values.append(move_axis(value, axis % len(value.shape), 0))

        def lane_of(take: Callable[[Any, bool], Any]) -> tuple[list[Any], Any]:
            """Outputs of `fun`, of what `take` makes of the arguments."""
            lanes = [
                leaf
                if axis is None and (not api.is_array(leaf) or api.is_scalar(leaf))
                else api.user_value(value, False)
                if axis is None
                else take(value, len(value.shape) == 1)
                for leaf, value, axis in zip(leaves, values, axes, strict=True)
            ]
            lane_args, lane_kwargs = tree.unflatten(structure, lanes)
            return api.results(prepared(fun)(*lane_args, **lane_kwargs))

        mapped = [v for v, a in zip(values, axes, strict=True) if a is not None]
        results, out_structure = _run(base, size, lane_of, mapped, out_axes)
        return tree.unflatten(out_structure, api.hand_out(results))

    return vmapped


def _run(
    base: Any, size: Any, lane_of: Any, mapped: list[Any], out_axes: Any
) -> tuple[list[Any], Any]:
    """Results of all lanes and their structure, by one run.

    Where the lanes disagree and a program is staged, they run one after the other.
    """
    undo = base.undoing()
    try:
        with Batch(base, size).running() as batch:
            outputs, out_structure = lane_of(
                lambda value, scalar: api.user_value(BatchTracer(batch, value), scalar)
            )
        axes = _out_axes(out_axes, out_structure)
        return _gather(batch, outputs, axes), out_structure
    except LanesDisagreeError:
        if base.lane_by_lane() is None:
            raise
        undo()
        return _apart(base, lane_of, mapped, out_axes)


def _apart(
    base: Any, lane_of: Any, mapped: list[Any], out_axes: Any
) -> tuple[list[Any], Any]:
    """Results of the lanes one after the other: each takes its own path."""

    def lane(rows: list[Any]) -> Any:
        given = iter(rows)
        outputs, out_structure = lane_of(lambda *_: next(given))
        return tree.unflatten(out_structure, api.hand_out(outputs))

    rows = [api.user_value(value, False) for value in mapped]
    results, out_structure = api.results(base.lane_by_lane()(lane, rows))
    moved = [
        value if axis in (0, None) else move_axis(value, 0, axis % len(value.shape))
        for value, axis in zip(results, _out_axes(out_axes, out_structure), strict=True)
    ]
    return moved, out_structure


def _leaf_axes(in_axes: Any, args: Any, kwargs: Any) -> list[Any]:
    """An axis for each leaf of ``(args, kwargs)``: 0 for keyword arguments."""
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise ArgumentError(
            explain(
                f"vmap: in_axes has {len(in_axes)} entries for {len(args)} argument(s)",
                fix="give one entry per positional argument",
            )
        )
    try:
        axes = tree.broadcast_prefix(in_axes, args)
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            explain(f"vmap: in_axes={in_axes!r} does not fit the arguments: {error}",
                    fix="give an int, None, or a tuple of them or of pytree prefixes")
        ) from error  # fmt: skip
    static = [api.is_static(leaf) for leaf in tree.leaves(args)]
    axes = [None if s else a for a, s in zip(axes, static, strict=True)]
    return axes + [
        0 if api.is_array(leaf) and not api.is_scalar(leaf) else None
        for leaf in tree.leaves(kwargs)
    ]


def _lane_count(leaves: list[Any], axes: list[Any], paths: list[str]) -> int:
    sizes: dict[str, Any] = {}
    for leaf, axis, path in zip(leaves, axes, paths, strict=True):
        if axis is None:
            continue
        shape = leaf.shape if hasattr(leaf, "shape") else ()
        if not isinstance(axis, (int, np.integer)) or not -len(shape) <= axis < len(
            shape
        ):
            raise ArgumentError(
                explain(
                    f"vmap: in_axes is {axis!r} for {path}, which has shape {shape}",
                    fix="give an axis that it has, or None not to map over it",
                )
            )
        sizes[path] = api.engine_value(leaf).shape[axis]
    if not sizes:
        raise ArgumentError(
            explain(
                "vmap: no argument is mapped over", fix="give in_axes an int somewhere"
            )
        )
    known = {n for n in sizes.values() if type(n) is int}
    if len(known) > 1:
        listing = ", ".join(f"{path}: {n}" for path, n in sizes.items())
        raise _different(listing)
    at_run_time = [n for n in sizes.values() if type(n) is not int]
    size = known.pop() if known else at_run_time[0]
    for n in at_run_time:
        n.must_equal(size, _lengths_differ)
    return size


def _lengths_differ(a: Any, b: Any) -> ShapeError:
    return _different(f"{a} and {b}")


def _different(lengths: str) -> ShapeError:
    return ShapeError(
        explain(
            f"vmap: the mapped axes have different lengths ({lengths})",
            fix="map over axes of one length, or set in_axes to None for the others",
        )
    )


def _out_axes(out_axes: Any, structure: Any) -> list[Any]:
    dummy = tree.unflatten(structure, [0.0] * structure.num_leaves)
    return tree.broadcast_prefix(out_axes, dummy)


def _gather(batch: Batch, outputs: list[Any], axes: list[Any]) -> list[Any]:
    results = []
    for value, axis in zip(outputs, axes, strict=True):
        if type(value) is BatchTracer and value.interpreter is batch:
            if axis is None:
                raise ArgumentError(
                    explain(
                        "vmap: out_axes is None for a result that differs between "
                        "lanes",
                        fix="give the axis where the lanes should stand",
                    )
                )
            ndim = len(value.value.shape)
            results.append(move_axis(value.value, 0, axis % ndim))
        elif axis is None or not (api.is_array(value) or isinstance(value, Tracer)):
            if axis is not None and isinstance(value, (bool, int)):
                value = broadcast_to(np.asarray(value), shape=(batch.size,))
            results.append(value)
        else:
            value = np.float64(value) if isinstance(value, float) else value
            repeated = broadcast_to(value, shape=(batch.size, *value.shape))
            results.append(move_axis(repeated, 0, axis % len(repeated.shape)))
    return results
