"""What the transformations share: arguments in, results out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray, TracedScalar, unwrap, wrap
from wengert._core import tree
from wengert._core.interp import (
    CURRENT,
    EVALUATE,
    Evaluate,
    Interpreter,
    Tracer,
    prepared,
)
from wengert._core.op import Op
from wengert._core.source import explain
from wengert._core.types import (
    ArrayType,
    Params,
    Shape,
    is_complex_dtype,
    is_inexact,
    type_of,
)
from wengert._ops.arithmetic import multiply
from wengert._ops.families import scale_op
from wengert._ops.structure import astype, full, private_copy, reshape
from wengert.errors import ArgumentError, DTypeError, ShapeError, TreeError

STATIC_TYPES = (bool, int, str, bytes, type(None))


class StrictNan(Interpreter):
    """IEEE arithmetic everywhere: an exact zero times infinity is NaN."""

    name = "strict_nan"

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        if op is scale_op:
            return self.parent.apply(multiply, operands, {})
        return self.parent.apply(op, operands, params)


def is_static(leaf: Any) -> bool:
    """Leaves that no transformation touches: Python ints, bools, strings, callables."""
    if isinstance(leaf, STATIC_TYPES) or isinstance(leaf, type):
        return True
    return callable(leaf) and not is_array(leaf)


def is_array(leaf: Any) -> bool:
    return isinstance(
        leaf, (np.ndarray, np.generic, TracedArray, TracedScalar, float, complex)
    ) or hasattr(leaf, "__array_namespace__")


def base_interpreter(leaves: Iterable[Any], strict_nan: bool = False) -> Interpreter:
    """The interpreter below a transformation: the current, or one for these arrays."""
    current = CURRENT.get()
    if current is EVALUATE:
        for leaf in leaves:
            if type(leaf) is not np.ndarray and not isinstance(leaf, np.generic):
                if hasattr(leaf, "__array_namespace__") and not isinstance(
                    leaf, TracedArray
                ):
                    from array_api_compat import array_namespace

                    current = Evaluate(array_namespace(leaf))
                    break
    return StrictNan(current) if strict_nan else current


def engine_value(leaf: Any) -> Any:
    """An array leaf as a value that the engine may keep."""
    kind = type(leaf)
    if kind is np.ndarray:
        flags = leaf.flags
        if not flags.writeable and (leaf.base is None or _read_only(leaf.base)):
            return leaf
        return leaf.copy() if flags.c_contiguous else private_copy(leaf)
    if kind is float:
        return np.float64(leaf)
    if kind is complex:
        return np.complex128(leaf)
    if isinstance(leaf, np.ndarray):
        return private_copy(np.asarray(leaf))
    return unwrap(leaf)


def _read_only(base: Any) -> bool:
    return isinstance(base, np.ndarray) and not base.flags.writeable


def is_scalar(leaf: Any) -> bool:
    """Whether the user passed a scalar, not a 0-d array."""
    kinds = (float, complex, np.generic, TracedScalar)
    return type(leaf) is not np.ndarray and isinstance(leaf, kinds)


def user_value(value: Any, scalar: bool) -> Any:
    """An engine value as an argument of the user's function."""
    if isinstance(value, Tracer):
        return TracedScalar(value) if scalar else TracedArray(value)
    return value if scalar else TracedArray(value)


def wrap_constants(args: Any) -> Any:
    """Arguments that are not differentiated: arrays become private, writeable ones."""
    leaves, structure = tree.flatten(args)
    wrapped = [
        leaf
        if is_static(leaf) or not is_array(leaf) or is_scalar(leaf)
        else user_value(engine_value(leaf), scalar=False)
        for leaf in leaves
    ]
    return tree.unflatten(structure, wrapped)


class Inputs(NamedTuple):
    """The differentiated leaves of some arguments."""

    leaves: list[Any]  # as the user gave them; static ones too
    structure: Any
    active: list[int]  # which leaves are differentiated
    values: list[Any]  # engine values of the active leaves


def collect(name: str, args: Any, labels: str) -> Inputs:
    """Find the leaves to differentiate; refuse those that have no derivative."""
    leaves, structure = tree.flatten(args)
    active = []
    for i, leaf in enumerate(leaves):
        if type(leaf) is np.ndarray or is_array(leaf):
            dtype = None if isinstance(leaf, (float, complex)) else leaf.dtype
            if dtype is not None and not is_inexact(dtype):
                _refuse_integer(name, tree.paths(args, labels)[i], dtype)
            active.append(i)
        elif not is_static(leaf):
            path = tree.paths(args, labels)[i]
            raise DTypeError(
                explain(
                    f"{name}: {path} is a {type(leaf).__name__}, which is neither "
                    "a number nor an array nor a container",
                    fix="pass arrays, or make the class a dataclass",
                )
            )
    return Inputs(leaves, structure, active, [engine_value(leaves[i]) for i in active])


def _refuse_integer(name: str, path: str, dtype: Any) -> None:
    raise DTypeError(
        explain(
            f"{name}: {path} has dtype {dtype}, and integers have no derivative",
            fix="pass a float, such as 3.0 or x.astype(float), or leave it out of "
            "argnums",
        )
    )


def call(
    fun: Callable[..., Any],
    inputs: Inputs,
    tracers: list[Any],
    rebuild: Callable[[Any], Any],
) -> Any:
    """Call the user's function with tracers in place of the active leaves."""
    leaves = list(inputs.leaves)
    for i, tracer in zip(inputs.active, tracers, strict=True):
        leaves[i] = user_value(tracer, is_scalar(leaves[i]))
    return prepared(fun)(*rebuild(tree.unflatten(inputs.structure, leaves)))


def with_keywords(fun: Callable[..., Any], kwargs: Any) -> Callable[..., Any]:
    """The function with these keyword arguments, which are not differentiated."""
    if not kwargs:
        return fun
    return lambda *args: prepared(fun)(*args, **wrap_constants(kwargs))


def check_argnums(name: str, argnums: Any, count: int) -> tuple[tuple[int, ...], bool]:
    """``(positions, whether a single int was given)``."""
    single = not isinstance(argnums, (tuple, list))
    numbers = (argnums,) if single else tuple(argnums)
    for n in numbers:
        if not isinstance(n, (int, np.integer)) or not -count <= n < count:
            raise ArgumentError(
                explain(
                    f"{name}: argnums={argnums!r} with {count} positional argument(s)",
                    fix="give the positions of the arguments to differentiate, from 0",
                )
            )
    return tuple(int(n) % count for n in numbers), single


def refuse_static(name: str, args: tuple[Any, ...], positions: tuple[int, ...]) -> None:
    """A differentiated argument that is itself an int, bool or string is a mistake."""
    for n in positions:
        if isinstance(args[n], (bool, int)):
            _refuse_integer(name, f"argument {n}", type(args[n]).__name__)
        if is_static(args[n]):
            raise DTypeError(
                explain(
                    f"{name}: argument {n} is a {type(args[n]).__name__}, "
                    "which has no derivative",
                    fix="choose another argument with argnums",
                )
            )


def split_arguments(
    args: tuple[Any, ...], positions: tuple[int, ...]
) -> tuple[tuple[Any, ...], Callable[[Any], list[Any]]]:
    """The differentiated arguments, and a function that puts them among the rest."""

    def rebuild(given: Any) -> list[Any]:
        rest = [
            None if i in positions else wrap_constants(a) for i, a in enumerate(args)
        ]
        for i, value in zip(positions, given, strict=True):
            rest[i] = value
        return rest

    return tuple(args[i] for i in positions), rebuild


# -- results ---------------------------------------------------------------------------


def results(out: Any) -> tuple[list[Any], Any]:
    """Engine values of the array leaves of a result, and its structure.

    A plain array may be one that the user goes on using: it is copied.
    """
    if type(out) is TracedScalar:  # of `grad`; `flatten` would take it for a leaf too
        return [out._read()], tree.LEAF
    leaves, structure = tree.flatten(out)
    values = [unwrap(x) if is_array(x) else x for x in leaves]
    own = [
        private_copy(v) if isinstance(x, np.ndarray) else v
        for x, v in zip(leaves, values)  # noqa: B905  (same length)
    ]
    return own, structure


def hand_out(values: list[Any], kept: bool = False) -> list[Any]:
    """Engine values as the user gets them: writeable, and sharing memory with nothing.

    `kept`: the engine keeps references to these values (residuals of a pullback).
    """
    if not CURRENT.get().plain:
        return [wrap(v) if not is_static(v) else v for v in values]
    seen: set[int] = set()
    out = []
    for v in values:
        if isinstance(v, np.ndarray):
            if kept or v.base is not None or not v.flags.writeable or id(v) in seen:
                v = v.copy(order="K")
            seen.add(id(v))
        elif type(v) is float:
            v = np.float64(v)
        elif isinstance(v, Tracer):
            v.refuse_leak()
        out.append(v)
    return out


def filled(type_: ArrayType, value: float) -> Any:
    """A constant of this type, of the array library at the bottom of the context."""
    if not type_.shape and isinstance(type_.dtype, np.dtype):
        return type_.dtype.type(value)
    return full(shape=tuple(type_.shape), value=value, dtype=type_.dtype)


def zeros_like_type(type_: ArrayType) -> Any:
    return filled(type_, 0.0)


def check_tangent(name: str, path: str, tangent: Any, primal: Any) -> Any:
    """A tangent or cotangent with the type of its primal, or an error."""
    value = engine_value(tangent) if is_array(tangent) else unwrap(tangent)
    want = type_of(primal)
    if isinstance(tangent, (int, float)) and not isinstance(tangent, bool):
        value = filled(ArrayType((), want.dtype), tangent)
    got = type_of(value)
    if not _must_agree(got.shape, want.shape):
        raise ShapeError(
            explain(
                f"{name}: expected shape {want.shape}, got {got.shape} at {path}",
                fix="give it the shape of the value that it belongs to",
            )
        )
    if is_complex_dtype(got.dtype) and not is_complex_dtype(want.dtype):
        raise DTypeError(
            explain(
                f"{name}: expected {want.dtype}, got {got.dtype} at {path}",
                fix="give a real one",
            )
        )
    if got.shape != want.shape:
        value = reshape(value, shape=want.shape)
    return value if got.dtype == want.dtype else astype(value, dtype=want.dtype)


def _must_agree(shape: Shape, other: Shape) -> bool:
    """Whether two shapes are one; of run-time extents, that is checked at run time."""
    if len(shape) != len(other):
        return False
    for n, m in zip(shape, other, strict=True):
        if n != m:
            if type(n) is int and type(m) is int:
                return False
            n.must_equal(m) if type(m) is int else m.must_equal(n)
    return True


def match_tree(name: str, what: str, given: Any, structure: Any) -> list[Any]:
    """Leaves of `given`, which must have this structure (None for a static leaf)."""
    try:
        return structure.flatten_up_to(given)
    except (ValueError, TypeError) as error:
        raise TreeError(
            explain(
                f"{name}: the structure of the {what} differs from that of the values: "
                f"expected {structure}, got {tree.flatten(given)[1]}",
                fix=f"build the {what} with wg.tree.map over the values",
            )
        ) from error
