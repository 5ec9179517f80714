"""`jacobian`, `hessian`, `hvp`: derivatives of all outputs in all inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.interp import CURRENT, EVALUATE, Interpreter, using
from wengert._core.source import explain
from wengert._core.types import ArrayType, is_complex_dtype, type_of
from wengert._modes import api
from wengert._modes.batch import Batch, BatchTracer
from wengert._modes.directional import jvp, linear_part
from wengert._modes.reverse import Recorded, as_gradients, grad, record, sweep
from wengert._modes.tape import TapeTracer
from wengert._ops.indexing import getitem
from wengert._ops.structure import broadcast_to, concatenate, move_axis, reshape
from wengert.errors import ArgumentError, DTypeError

Sweep = Callable[[list[Any]], list[Any]]


def jacobian(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    mode: str = "auto",
    chunk: int | None = None,
    *,
    holomorphic: bool = False,
    convention: str = "steepest",
    strict_nan: bool = False,
) -> Callable[..., Any]:
    """All partial derivatives of all outputs.

    Args:
        fun: Function of pytrees of arrays that returns a pytree of arrays; runs once.
        argnums: Position, or positions, of the arguments to differentiate.
        mode: ``"forward"`` (a tangent per input entry), ``"reverse"`` (a cotangent per
            output entry), or ``"auto"``: evaluate once, then choose the cheaper.
        chunk: How many tangents or cotangents to carry at a time, to bound memory; all
            by default.
        holomorphic: Inputs and outputs are complex: complex derivatives.
        convention: accepted for symmetry with `grad`; a Jacobian does not depend on it.
        strict_nan: IEEE arithmetic for 0 times infinity, instead of 0.

    Returns:
        A function with the arguments of ``fun`` that returns a tree of outputs, inside
        it the tree of inputs, each leaf of shape ``out.shape + in.shape``.

    Raises:
        ArgumentError: an unknown mode, a chunk below 1, argnums out of range.
        DTypeError: integer inputs, or complex values without ``holomorphic``.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.jacobian(lambda x: x * x[0])(np.array([2.0, 3.0]))
        array([[4., 0.],
               [3., 2.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ArgumentError(
            explain(
                f"jacobian: mode={mode!r}", fix='use "auto", "forward" or "reverse"'
            )
        )
    if chunk is not None and (not isinstance(chunk, (int, np.integer)) or chunk < 1):
        raise ArgumentError(
            explain(
                f"jacobian: chunk={chunk!r}",
                fix="give a number of tangents, at least 1",
            )
        )

    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        positions, single = api.check_argnums("jacobian", argnums, len(args))
        api.refuse_static("jacobian", args, positions)
        given, rebuild = api.split_arguments(args, positions)
        target = api.with_keywords(fun, kwargs)
        run = _linear_map(mode, target, given, rebuild, strict_nan)
        outs = [None if api.is_static(v) else type_of(v) for v in run.values]
        ins = [type_of(v) for v in run.inputs.values]
        _check_complex([*ins, *(o for o in outs if o is not None)], holomorphic)
        by_columns = mode == "forward" or mode == "auto" and _count(ins) <= _count(outs)
        with using(run.base if CURRENT.get() is EVALUATE else CURRENT.get()):
            if by_columns:
                blocks = _by_columns(run.push, ins, outs, chunk)
            else:
                blocks = _by_rows(run.pull, ins, outs, chunk)
        rows = [
            None if row is None else as_gradients(run.inputs, api.hand_out(row))
            for row in blocks
        ]
        if single:
            rows = [None if row is None else row[0] for row in rows]
        return tree.unflatten(run.structure, rows)

    return jacobian_of


class LinearMap(NamedTuple):
    """A function's value, with the sweeps of its derivative."""

    base: Interpreter
    inputs: api.Inputs
    values: list[Any]
    structure: Any
    push: Sweep
    pull: Sweep


def _linear_map(
    mode: str, fun: Any, given: Any, rebuild: Any, strict_nan: bool
) -> LinearMap:
    """Run a function once, for sweeps in the modes that may be chosen."""
    if mode == "reverse":
        run = record(
            "jacobian",
            fun,
            given,
            rebuild,
            "args",
            has_aux=False,
            strict_nan=strict_nan,
        )
        values = [
            v.primal if type(v) is TapeTracer and v.interpreter is run.tape else v
            for v in run.outputs
        ]
        pull = _pull_recorded(run)
        return LinearMap(run.base, run.inputs, values, run.structure, pull, pull)
    linear = linear_part("jacobian", fun, given, rebuild, strict_nan)
    return LinearMap(
        linear.base,
        linear.inputs,
        linear.values,
        linear.structure,
        linear.push,
        linear.pull,
    )


def _pull_recorded(run: Recorded) -> Sweep:
    def pull(cts: list[Any]) -> list[Any]:
        cotangents: dict[int, Any] = {}
        for ct, v in zip(cts, run.outputs, strict=True):
            if ct is not None and type(v) is TapeTracer and v.interpreter is run.tape:
                present = cotangents.get(v.index)
                cotangents[v.index] = ct if present is None else present + ct
        return sweep(run, cotangents, consume=False, convention="steepest")

    return pull


def _check_complex(types: list[ArrayType], holomorphic: bool) -> None:
    complex_count = sum(is_complex_dtype(t.dtype) for t in types)
    if holomorphic and complex_count < len(types):
        raise DTypeError(
            explain(
                "jacobian: holomorphic=True, but an input or output is real",
                fix="pass complex inputs, or drop holomorphic",
            )
        )
    if complex_count and not holomorphic:
        raise DTypeError(
            explain(
                "jacobian: an input or output is complex",
                fix="pass holomorphic=True if the function is complex-differentiable, "
                "or write it in real and imaginary parts",
            )
        )


def _count(types: Sequence[ArrayType | None]) -> int:
    return sum(prod(t.shape) for t in types if t is not None)


def _basis(types: list[ArrayType | None], start: int, stop: int) -> list[Any]:
    """For each leaf, rows `start` to `stop` of the identity over all leaves."""
    xp = CURRENT.get().xp
    leaves: list[Any] = []
    offset = 0
    for t in types:
        if t is None:
            leaves.append(None)
            continue
        size = prod(t.shape)
        block = xp.eye(stop - start, size, k=start - offset, dtype=t.dtype)
        leaves.append(xp.reshape(block, (stop - start, *t.shape)))
        offset += size
    return leaves


def _swept(
    sweep_one: Sweep, given: list[Any], results: list[ArrayType | None], size: int
) -> list[Any]:
    """A sweep of `size` lanes at once; results have the lanes in front."""
    current = CURRENT.get()
    with Batch(current, size).running() as batch:
        lanes = [None if g is None else BatchTracer(batch, g) for g in given]
        out = sweep_one(lanes)
    return [
        None
        if t is None
        else v.value
        if type(v) is BatchTracer and v.interpreter is batch
        else broadcast_to(v, shape=(size, *t.shape))
        for v, t in zip(out, results, strict=True)
    ]


def _stacked(
    sweep_one: Sweep, given: list[Any], results: list[Any], chunk: int | None
) -> list[Any]:
    total = _count(given)
    step = min(chunk or total, total) or 1
    parts = [
        _swept(
            sweep_one,
            _basis(given, a, min(a + step, total)),
            results,
            min(step, total - a),
        )
        for a in range(0, max(total, 1), step)
    ]
    if len(parts) == 1:
        return parts[0]
    return [
        None if t is None else concatenate(*(part[i] for part in parts), axis=0)
        for i, t in enumerate(results)
    ]


def _by_columns(
    push: Sweep, ins: list[Any], outs: list[Any], chunk: int | None
) -> list[Any]:
    columns = _stacked(push, ins, outs, chunk)
    blocks: list[Any] = []
    for t, stacked in zip(outs, columns, strict=True):
        if t is None:
            blocks.append(None)
            continue
        matrix = move_axis(stacked, 0, len(t.shape))
        row, offset = [], 0
        for i in ins:
            size = prod(i.shape)
            part = getitem(matrix, index=(Ellipsis, slice(offset, offset + size)))
            row.append(reshape(part, shape=(*t.shape, *i.shape)))
            offset += size
        blocks.append(row)
    return blocks


def _by_rows(
    pull: Sweep, ins: list[Any], outs: list[Any], chunk: int | None
) -> list[Any]:
    rows = _stacked(pull, outs, ins, chunk)
    blocks: list[Any] = []
    offset = 0
    for t in outs:
        if t is None:
            blocks.append(None)
            continue
        size = prod(t.shape)
        row = []
        for i, stacked in zip(ins, rows, strict=True):
            part = getitem(stacked, index=(slice(offset, offset + size),))
            part = part.conj() if is_complex_dtype(i.dtype) else part
            row.append(reshape(part, shape=(*t.shape, *i.shape)))
        offset += size
        blocks.append(row)
    return blocks


def hessian(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    holomorphic: bool = False,
    convention: str = "steepest",
    strict_nan: bool = False,
) -> Callable[..., Any]:
    """All second derivatives of a scalar function, forward over reverse.

    Args and errors are those of `grad`.

    Returns:
        A function with the arguments of ``fun`` that returns, for each argument, a tree
        of inputs within a tree of inputs, each leaf of shape ``a.shape + b.shape``.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
        array([[6., 2.],
               [2., 0.]])

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 5.
    """
    options: dict[str, Any] = {
        "holomorphic": holomorphic,
        "convention": convention,
        "strict_nan": strict_nan,
    }
    return jacobian(grad(fun, argnums, **options), argnums, mode="forward", **options)


def hvp(fun: Callable[..., Any], x: Any, v: Any) -> Any:
    """Hessian of a scalar function at ``x`` times ``v``, without the Hessian.

    Forward over reverse: a small multiple of the cost of ``fun``.

    Args:
        fun: Scalar function of one pytree.
        x: Where; a pytree of floating arrays.
        v: What the Hessian is multiplied with; as ``x``.

    Returns:
        ``H v``, in the structure of ``x``.

    Raises:
        DTypeError, ShapeError, TreeError: as `jvp`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        array([6., 0.])

    References:
        Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6,
        1994.
    """
    return jvp(grad(fun), (x,), (v,))[1]
