"""Loops as functions: `fori_loop`, `while_loop`, `scan`, `map`, and a `range`.

Eagerly they are plain Python loops; with ``checkpoints=`` reverse mode stores some of
their states and runs steps again.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._array.traced import TracedArray, unwrap, wrap
from wengert._core import tree
from wengert._core.interp import prepared, replaceable
from wengert._core.source import explain
from wengert._modes import api
from wengert._modes.checkpoint import (
    check,
    counted_loop,
    plan_for,
    uncounted_loop,
)
from wengert._ops.structure import concatenate
from wengert.errors import ArgumentError, DTypeError, ShapeError, TreeError


def bound(name: str, what: str, value: Any) -> int:
    """An integer that was given to a function under some name."""
    try:
        return operator.index(value)
    except TypeError:
        pass
    raise DTypeError(
        explain(
            f"{name}: {what} is {value!r}, not an integer",
            fix=f"convert it, as in int({what})",
        )
    )


def same_structure(name: str, before: Any, after: Any) -> Any:
    """The next carry, which must have the structure of the one before."""
    old, new = tree.flatten(before)[1], tree.flatten(after)[1]
    if old != new:
        raise TreeError(
            explain(
                f"{name}: a step turned a carry of structure {old} into {new}",
                fix="return a carry of the structure that came in",
            )
        )
    return after


@replaceable
def fori_loop(
    lower: int,
    upper: int,
    body_fun: Callable[[int, Any], Any],
    init_val: Any,
    *,
    checkpoints: Any = None,
) -> Any:
    """``carry = body_fun(i, carry)`` for i from ``lower`` to ``upper - 1``.

    Args:
        lower, upper: The bounds, integers.
        body_fun: The step: takes the index and the carry, returns the next carry.
        init_val: The first carry, a pytree.
        checkpoints: What reverse mode stores. ``"all"`` (the default): every step is
            taped. ``"none"``: the first carry only. An int k: k segments, each taped as
            a whole. ``wg.binomial(slots)``: at most so many carries. ``"200MB"``: as
            many carries as fit. The step must then write to no outer array.

    Returns:
        The last carry.

    Raises:
        DTypeError: a bound is no integer.
        TreeError: a step changes the structure of the carry.
        CheckpointError: `checkpoints` is no schedule, or a second run of a step
            differs.

    Example:
        >>> import wengert as wg
        >>> step = lambda x: lambda i, y: y * x
        >>> f = lambda x: wg.fori_loop(0, 3, step(x), 1.0, checkpoints="none")
        >>> wg.grad(f)(2.0)
        np.float64(12.0)

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 12.
    """
    check(checkpoints)
    low = bound("fori_loop", "lower", lower)
    n = max(bound("fori_loop", "upper", upper) - low, 0)
    plan = plan_for(checkpoints, init_val)
    if plan is not None:
        return counted_loop(
            "fori_loop",
            lambda i, carry: (body_fun(low + i, carry), None),
            n,
            init_val,
            plan,
        )[0]
    carry, body_fun = init_val, prepared(body_fun)
    for i in builtins.range(low, low + n):
        carry = same_structure("fori_loop", carry, body_fun(i, carry))
    return carry


@replaceable
def while_loop(
    cond_fun: Callable[[Any], Any],
    body_fun: Callable[[Any], Any],
    init_val: Any,
    *,
    checkpoints: Any = None,
) -> Any:
    """``carry = body_fun(carry)`` while ``cond_fun(carry)`` holds.

    Args:
        cond_fun: Takes the carry, returns a truth value.
        body_fun: The step: takes the carry, returns the next one.
        init_val: The first carry, a pytree.
        checkpoints: What reverse mode stores, as in `fori_loop`. The number of steps is
            unknown: `binomial` places its carries as the loop runs, and an int k keeps
            at most k carries at equal distances.

    Returns:
        The last carry.

    Raises:
        TreeError, CheckpointError: as `fori_loop`.
        LanesDisagreeError: under `vmap`, the lanes do not all go on or end together.

    Example:
        >>> import wengert as wg
        >>> f = lambda x: wg.while_loop(lambda y: y < 100.0, lambda y: y * y, x)
        >>> wg.value_and_grad(f)(3.0)
        (np.float64(6561.0), np.float64(17496.0))

    References:
        Wang, Moin & Iaccarino, "Minimal repetition dynamic checkpointing algorithm for
        unsteady adjoint calculation", SIAM J. Sci. Comput. 31(4), 2009.
    """
    plan = plan_for(checkpoints, init_val)
    if plan is not None:
        return uncounted_loop(
            "while_loop",
            cond_fun,
            lambda _, carry: (body_fun(carry), None),
            init_val,
            plan,
        )
    carry, body_fun, cond_fun = init_val, prepared(body_fun), prepared(cond_fun)
    while cond_fun(carry):
        carry = same_structure("while_loop", carry, body_fun(carry))
    return carry


@replaceable
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    checkpoints: Any = None,
) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` over the leading axis of `xs`; the y are stacked.

    Args:
        f: The step: takes the carry and an x, returns the next carry and a y, pytrees.
        init: The first carry.
        xs: Pytree of arrays with one leading axis of one length, or None.
        length: The number of steps, where `xs` is None.
        reverse: Run from the last x to the first; the y keep the places of their x.
        checkpoints: What reverse mode stores, as in `fori_loop`.

    Returns:
        ``(carry, ys)``: the last carry, and the y stacked along a new leading axis.

    Raises:
        ArgumentError: f returns no pair, or the number of steps is not given.
        ShapeError: leading axes of different lengths, or y of different shapes.
        TreeError, CheckpointError: as `fori_loop`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.scan(lambda c, x: (c + x, c * x), 0.0, np.array([1.0, 2.0, 3.0]))
        (np.float64(6.0), array([0., 2., 9.]))
    """
    check(checkpoints)
    n = length_of("scan", xs, length)
    order = builtins.range(n - 1, -1, -1) if reverse else builtins.range(n)

    def step(i: int, carry: Any) -> Any:
        return pair("scan", f(carry, entry(xs, order[i])))

    plan = plan_for(checkpoints, init)
    if plan is not None:
        carry, ys = counted_loop("scan", step, n, init, plan)
    else:
        carry, ys = init, []
        for i in builtins.range(n):
            after, y = step(i, carry)
            carry = same_structure("scan", carry, after)
            ys.append(y)
    return carry, _stack("scan", ys[::-1] if reverse else ys)


@replaceable
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """``f`` of each entry of `xs` along its leading axis; the results are stacked.

    As ``vmap(f)(xs)``, but each lane runs on its own, so that they may take different
    paths through branches and loops.

    Args:
        f: Function of a pytree that returns a pytree.
        xs: Pytree of arrays with leading axes of one length.

    Returns:
        The results of the lanes, stacked along a new leading axis.

    Raises:
        ArgumentError: `xs` has no arrays.
        ShapeError: leading axes of different lengths, or results of different shapes.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.map(lambda x: x if x > 0 else -x, np.array([1.0, -2.0]))
        array([1., 2.])
    """
    n = length_of("map", xs, None)
    return _stack("map", [f(entry(xs, i)) for i in builtins.range(n)])


def range(
    *bounds: Any, unroll: bool = False, parallel: bool = False, checkpoints: Any = None
) -> builtins.range:
    """Python's ``range``, on which `jit` can be told how to compile the loop.

    Outside `jit` it is ``range``: the keyword arguments are checked, and change
    nothing.

    Args:
        *bounds: ``stop``, or ``start, stop``, or ``start, stop, step``: integers.
        unroll: Write the steps out one after the other.
        parallel: The steps do not depend on each other.
        checkpoints: What reverse mode stores, as in `fori_loop`.

    Returns:
        A ``range``.

    Raises:
        ArgumentError: not one to three bounds, a step of 0, or a keyword argument that
            is no bool.
        DTypeError: a bound is no integer.
        CheckpointError: `checkpoints` is no schedule.

    Example:
        >>> import wengert as wg
        >>> list(wg.range(1, 6, 2, checkpoints="none"))
        [1, 3, 5]
    """
    if not 1 <= len(bounds) <= 3:
        raise ArgumentError(
            explain(
                f"range: {len(bounds)} bounds were given",
                fix="call it as range is: range(stop) or range(start, stop, step)",
            )
        )
    for name, value in (("unroll", unroll), ("parallel", parallel)):
        if not isinstance(value, bool):
            raise ArgumentError(
                explain(
                    f"range: {name}={value!r}", fix=f"use {name}=True or {name}=False"
                )
            )
    check(checkpoints)
    numbers = [bound("range", f"bound {i}", b) for i, b in enumerate(bounds)]
    if len(numbers) == 3 and numbers[2] == 0:
        raise ArgumentError(explain("range: the step is 0", fix="give another step"))
    return builtins.range(*numbers)


def pair(name: str, given: Any) -> tuple[Any, Any]:
    """What a step returned, which must be a carry and an output."""
    if not isinstance(given, tuple) or len(given) != 2:
        raise ArgumentError(
            explain(
                f"{name}: the step returned {type(given).__name__}, not a pair",
                fix="return (carry, y); y may be None",
            )
        )
    return given


# -- leading axes --------------------------------------------------------------------


def length_of(name: str, xs: Any, length: int | None) -> int:
    """The common length of the leading axes of a pytree."""
    lengths = {} if length is None else {"length": bound(name, "length", length)}
    for path, leaf in zip(tree.paths(xs, "xs"), tree.leaves(xs), strict=True):
        shape = tuple(leaf.shape) if hasattr(leaf, "shape") else np.shape(leaf)
        if not shape:
            raise ShapeError(
                explain(
                    f"{name}: {path} has no leading axis to run over",
                    fix="pass an array, or close over the value",
                )
            )
        lengths[path] = shape[0]
    if not lengths:
        raise ArgumentError(
            explain(
                f"{name}: the number of steps is not given",
                fix="give xs" + (", or length=" if name == "scan" else ""),
            )
        )
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f"{path}: {n}" for path, n in lengths.items())
        raise ShapeError(
            explain(
                f"{name}: the lengths differ ({listing})",
                fix="give arrays whose leading axes have one length",
            )
        )
    return next(iter(lengths.values()))


def entry(xs: Any, i: Any) -> Any:
    """The part of a pytree with this place in the leading axes."""
    return tree.map(lambda x: x[i], xs)


def _stack(name: str, ys: list[Any]) -> Any:
    """Pytrees of one structure as one, their leaves stacked along a new axis 0."""
    if not ys:
        return None
    structure = tree.flatten(ys[0])[1]
    rows = []
    for i, y in enumerate(ys):
        leaves, own = tree.flatten(y)
        if own != structure:
            raise TreeError(
                explain(
                    f"{name}: step {i} returned the structure {own}, step 0 "
                    f"{structure}",
                    fix="return results of one structure from every step",
                )
            )
        rows.append(leaves)
    columns = zip(*rows, strict=True)
    return tree.unflatten(structure, [_stack_leaves(name, list(c)) for c in columns])


def _stack_leaves(name: str, leaves: list[Any]) -> Any:
    values = [
        unwrap(leaf) if api.is_array(leaf) else np.asarray(leaf) for leaf in leaves
    ]
    values = [v if hasattr(v, "shape") else np.asarray(v) for v in values]
    for i, v in enumerate(values):
        if tuple(v.shape) != tuple(values[0].shape):
            raise ShapeError(
                explain(
                    f"{name}: step {i} returned the shape {tuple(v.shape)}, step 0 "
                    f"{tuple(values[0].shape)}",
                    fix="return results of one shape from every step",
                )
            )
    rows = [v.reshape((1, *v.shape)) for v in values]
    stacked = wrap(concatenate(*rows, axis=0))
    if type(stacked) is np.ndarray and any(type(x) is TracedArray for x in leaves):
        return TracedArray(stacked)
    return stacked


__all__ = ["fori_loop", "map", "range", "scan", "while_loop"]
