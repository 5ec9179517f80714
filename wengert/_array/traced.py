"""`TracedArray` and `TracedScalar`: how traced values look to user code.

A `TracedArray` behaves like `numpy.ndarray`. It is a mutable reference to an immutable
value of the engine: a write rebinds the reference to an updated value. A view refers to
its base and to the steps that lead to it, so that a write through either end is seen at
both. A `TracedScalar` is a value of shape ``()`` that NumPy would return as a scalar.
"""

from __future__ import annotations

import operator
from typing import Any, NoReturn

import numpy as np

from wengert._array.convert import SCALARS, cast, snapshot
from wengert._array.views import (
    IndexStep,
    Step,
    concrete_array,
    follow,
    put,
    without_leading_ones,
)
from wengert._core.interp import CURRENT, Tracer
from wengert._core.source import explain
from wengert._core.tree import Listed
from wengert._core.types import (
    broadcast_shapes,
    can_assign,
    dtype_of,
    is_bool,
    is_inexact,
    ndim_of,
    shape_of,
)
from wengert._ops.index import Slot
from wengert._ops.indexing import getitem
from wengert.errors import (
    DTypeError,
    IndexingError,
    MutationError,
    ShapeError,
)

_NO_PARAMS: dict[str, Any] = {}


class TracedScalar:
    """A traced value that NumPy would return as a scalar: immutable, never a view.

    It has no `__getitem__`: NumPy would take it for a sequence, and hide our error when
    it is written into a plain array.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Tracer) -> None:
        self._value = value

    shape = ()
    ndim = 0
    size = 1
    __hash__ = None  # type: ignore[assignment]

    @property
    def dtype(self) -> Any:
        return self._value.dtype

    def _read(self) -> Tracer:
        if CURRENT.get().plain:
            self._value.refuse_leak()
        return self._value

    def __repr__(self) -> str:
        return f"TracedScalar({_shown(self._value)})"

    def __format__(self, spec: str) -> str:
        return format(_shown(self._value), spec)


class TracedArray:
    """A traced array; behaves like `numpy.ndarray`."""

    __slots__ = (
        "_base",
        "_exclusive",
        "_owner",
        "_path",
        "_seen",
        "_twins",
        "_value",
        "_version",
    )

    _path: tuple[Step, ...]  # of a view: the steps from its base
    _seen: int  # of a view: the version of its base when `_value` was computed
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, exclusive: bool = False) -> None:
        self._value = value
        self._base: TracedArray | None = None
        self._exclusive = exclusive
        self._version = 0
        self._twins: tuple[TracedArray, ...] = ()  # which it may be: see `_staging`
        self._owner = CURRENT.get()

    @classmethod
    def _view(
        cls, base: TracedArray, path: tuple[Step, ...], value: Any
    ) -> TracedArray:
        view = cls(value)
        view._base = base
        view._path = path
        view._seen = base._version
        return view

    # -- reading -------------------------------------------------------------------

    def _read(self) -> Any:
        """The value now; whoever asked may keep it, so it is no longer exclusive."""
        base = self._base
        if not self._owner.alive:
            self._owner.refuse_use()
        interpreter = CURRENT.get()
        if interpreter.guarded:
            interpreter.touch(self)
        if base is None:
            self._exclusive = False
            return self._value
        if self._seen != base._version:
            self._value = follow(self._path, base._read())
            self._seen = base._version
        return self._value

    def _peek(self) -> Any:
        """The value now, for looking at its type or for an op that keeps nothing."""
        if self._base is not None:
            return self._read()
        if not self._owner.alive:
            self._owner.refuse_use()
        interpreter = CURRENT.get()
        if interpreter.guarded:
            interpreter.touch(self)
        return self._value

    def _step(self, step: Step, value: Any) -> TracedArray:
        """A view of this array one step further; its value is a view of this value."""
        base = self._base
        if base is None:
            return TracedArray._view(self, (step,), value)
        return TracedArray._view(base, (*self._path, step), value)

    @property
    def shape(self) -> Any:
        shape = self._peek().shape
        for n in shape:
            if type(n) is not int:
                return tuple(wrap(n) for n in shape)
        return shape

    @property
    def dtype(self) -> Any:
        return self._peek().dtype

    @property
    def ndim(self) -> int:
        return len(self._peek().shape)

    @property
    def size(self) -> Any:
        return wrap(_size(self._peek()))

    def __len__(self) -> int:
        shape = self._peek().shape
        if not shape:
            raise DTypeError(
                explain(
                    "len() of unsized object",
                    fix="use x.size, or give x an axis: x[None]",
                )
            )
        return shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        index, operands = parse_index(key)
        if operands and not _basic(index, operands):
            return wrap(getitem(self._read(), *operands, index=index))
        if operands:
            part = getitem(self._read(), *operands, index=index)
            whole = len(index) == len(self._peek().shape)
            if whole and all(type(i) in (int, Slot) for i in index):
                return wrap(part)
            return self._step(IndexStep(index, tuple(operands)), part)
        value = self._peek()
        if len(index) == len(value.shape) and _all_integers(index):
            return wrap(getitem(value, index=index, copy=True))
        root = self if self._base is None else self._base
        if root._exclusive:
            # A small part is copied: the next write still finds the array its own.
            part = getitem(value, index=index, copy=True)
            if not _is_small(part, root._value):
                root._exclusive = False
                part = getitem(value, index=index)
        else:
            part = getitem(value, index=index)
        return self._step(IndexStep(index), part)

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        index, operands = parse_index(key)
        if type(value) is TracedArray and self._is_own_view(index, operands, value):
            return  # the end of `x[index] += y`, which has written through already
        self._write(index, operands, unwrap(value))

    def _is_own_view(
        self, index: tuple[Any, ...], operands: Any, value: TracedArray
    ) -> bool:
        root = self if self._base is None else self._base
        if value._base is not root:
            return False
        path = () if self._base is None else self._path
        return _same_path(value._path, (*path, IndexStep(index, tuple(operands))))

    def _write(self, index: tuple[Any, ...], operands: Any, v: Any) -> None:
        root = self if self._base is None else self._base
        _check_owner(root)
        v = cast(v, root._value.dtype if self._base is None else self.dtype)
        path = () if self._base is None else self._path
        if ndim_of(v) and v.shape[0] == 1:
            v = without_leading_ones(v, self._peek(), index, operands)
        new = put(root._value, path, index, operands, v, root._exclusive)
        root._rebind(new)

    def _rebind(self, value: Any) -> None:
        self._value = value
        self._version += 1
        self._exclusive = True

    def _assign(self, new: Any) -> TracedArray:
        """Replace all entries, as the in-place operators and ``out=`` do."""
        old = self._peek()
        if tuple(shape_of(new)) != tuple(old.shape):
            if not _fits(shape_of(new), old.shape):
                raise ShapeError(
                    explain(
                        "non-broadcastable output operand with shape "
                        f"{old.shape} doesn't match the broadcast shape {new.shape}",
                        fix="write the result to a new array: x = x + y, not x += y",
                    )
                )
        new_dtype = (
            np.result_type(new)
            if type(new) in (int, float, bool, complex)
            else new.dtype
        )
        if not can_assign(new_dtype, old.dtype):
            raise DTypeError(
                explain(
                    f"Cannot cast output from {new_dtype} to {old.dtype} "
                    "with casting rule 'same_kind'",
                    fix="convert the array first: x = x.astype(float)",
                )
            )
        if (
            self._base is None
            and not isinstance(new, np.generic)
            and _same_layout(new, old)
        ):
            _check_owner(self)
            self._rebind(new)
            self._exclusive = False
        else:
            self._write((Ellipsis,), (), new)
        return self

    def __repr__(self) -> str:
        return f"TracedArray({_shown(self._peek())!r})"


def _fits(shape: Any, room: Any) -> bool:
    """Whether an array stretches to the shape of another; run-time lengths are checked.

    A length that only the run knows never stretches.
    """
    try:
        found = broadcast_shapes(room, shape)
    except ValueError:
        return False
    return len(found) == len(room) and all(
        n == m or (type(n) is not int or type(m) is not int) and m != 1
        for n, m in zip(found, room, strict=True)
    )


def _same_layout(new: Any, old: Any) -> bool:
    if getattr(new, "shape", None) != old.shape or new.dtype != old.dtype:
        return False
    if not old.shape:
        return False
    a, b = concrete_array(new), concrete_array(old)
    return a is not None and b is not None and a.strides == b.strides


def _size(x: Any) -> Any:
    size = 1
    for extent in x.shape:
        size = size * extent
    return size


def _is_small(part: Any, whole: Any) -> bool:
    """Whether a copy costs little; run-time extents are not known here."""
    sizes = _size(part), _size(whole)
    return all(type(n) is int for n in sizes) and sizes[0] * 8 <= sizes[1]


def _same_path(path: tuple[Step, ...], other: tuple[Step, ...]) -> bool:
    """Whether two paths are one; a traced index is the same only as an object."""
    if len(path) != len(other):
        return False
    for a, b in zip(path, other, strict=True):
        if type(a) is not type(b):
            return False
        if isinstance(a, IndexStep) and isinstance(b, IndexStep):
            if a.key != b.key or len(a.operands) != len(b.operands):
                return False
            if not all(x is y for x, y in zip(a.operands, b.operands, strict=True)):
                return False
        elif a != b:
            return False
    return True


def _basic(index: tuple[Any, ...], operands: list[Any]) -> bool:
    """Whether all index operands are integers, whose result is a view."""
    return all(ndim_of(i) == 0 and not is_bool(dtype_of(i)) for i in operands)


def _all_integers(index: tuple[Any, ...]) -> bool:
    for item in index:
        if type(item) is not int:
            return False
    return True


def _shown(value: Any) -> Any:
    while isinstance(value, Tracer):
        value = value.shown()
    return value


def root_of(value: Any) -> TracedArray | None:
    """The array that a user value is, or is a view of."""
    if not isinstance(value, TracedArray):
        return None
    return value if value._base is None else value._base


def make_twins(a: TracedArray, b: TracedArray) -> None:
    """Note that two arrays, or those that they are views of, may be one."""
    a, b = (x if x._base is None else x._base for x in (a, b))
    if a is not b and all(b is not twin for twin in a._twins):
        a._twins = (*a._twins, b)
        b._twins = (*b._twins, a)


def _check_owner(root: TracedArray) -> None:
    interpreter = CURRENT.get()
    if root._owner is not interpreter:
        if not root._owner.alive:
            root._owner.refuse_use()
        if interpreter.guarded:
            interpreter.touch(root)
        if not interpreter.adopts(root):
            _refuse_write()
    if root._twins:
        interpreter.lose_twins(root)


def _refuse_write() -> NoReturn:
    raise MutationError(
        explain(
            "write into an array that was made outside the innermost "
            "transformation, checkpoint or custom rule",
            why="the write would be lost, or seen by a derivative that must not "
            "see it.",
            fix="write into a copy, and return it (has_aux=True for extra results)",
        )
    )


# -- indices ---------------------------------------------------------------------------


def parse_index(key: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """NumPy's index expression as ``(index with slots, index operands)``."""
    kind = type(key)
    if kind is int or kind is slice and _plain_slice(key):
        return (key,), []
    items = key if kind is tuple else (key,)
    index: list[Any] = []
    operands: list[Any] = []
    for item in items:
        kind = type(item)
        if kind is int or item is None or item is Ellipsis:
            index.append(item)
        elif kind is slice:
            index.append(item if _plain_slice(item) else _int_slice(item))
        elif isinstance(item, np.integer):
            index.append(int(item))
        else:
            index.append(Slot(len(operands)))
            operands.append(_index_operand(item))
    return tuple(index), operands


_SLICE_TYPES = (int, type(None))


def _plain_slice(s: slice) -> bool:
    return (
        type(s.start) in _SLICE_TYPES
        and type(s.stop) in _SLICE_TYPES
        and type(s.step) in _SLICE_TYPES
    )


def _int_slice(s: slice) -> slice:
    return slice(_bound(s.start), _bound(s.stop), _bound(s.step))


def _bound(part: Any) -> Any:
    """A bound of a slice: an int, or an extent of a staged program."""
    if part is None:
        return None
    value = part._value if isinstance(part, TracedScalar) else part
    as_extent = getattr(value, "as_extent", None)
    return operator.index(part) if as_extent is None else as_extent()


def length(n: Any) -> Any:
    """An extent that user code gives: an int, or one of a staged program."""
    value = n._value if isinstance(n, TracedScalar) else n
    as_length = getattr(value, "as_length", None)
    return operator.index(n) if as_length is None else as_length()


def _index_operand(item: Any) -> Any:
    if isinstance(item, bool) or (isinstance(item, list) and not has_traced(item)):
        item = np.asarray(item, dtype=None if np.size(item) else np.int64)
    value = unwrap(item)
    dtype = getattr(value, "dtype", None)
    if dtype is None or is_inexact(dtype):
        raise IndexingError(
            explain(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) "
                "and integer or boolean arrays are valid indices",
                fix="convert the index: x[i.astype(int)]",
            )
        )
    return value


# -- the boundary ----------------------------------------------------------------------


def wrap(value: Any) -> Any:
    """An engine value as user code sees it."""
    if isinstance(value, Tracer):
        return TracedScalar(value) if value.ndim == 0 else TracedArray(value)
    if type(value) in SCALARS or CURRENT.get().plain:
        return value
    return TracedArray(value) if getattr(value, "ndim", 0) else value


def unwrap(x: Any) -> Any:
    """A user value as the engine takes it: a tracer, a private array, or a scalar."""
    kind = type(x)
    if kind is TracedScalar or kind is TracedArray:
        return x._read()
    if kind in SCALARS:
        return x
    if kind is np.ndarray:
        interpreter = CURRENT.get()
        return snapshot(x, interpreter) if interpreter.keeps_values else x
    if isinstance(x, (list, tuple)):
        return unwrap_sequence(x)
    if isinstance(x, np.ndarray):
        return unwrap(np.asarray(x))
    if (
        isinstance(x, Tracer)
        or isinstance(x, np.generic)
        or hasattr(x, "__array_namespace__")
    ):
        return x
    return np.asarray(x)


def unwrap_sequence(items: Any) -> Any:
    """A nested list as an array; one with traced entries is stacked."""
    items = items.as_tree() if isinstance(items, Listed) else items
    if not isinstance(items, (list, tuple)):
        return unwrap(items)
    if not has_traced(items):
        return np.asarray(items)
    from wengert._ops.structure import concatenate, reshape

    parts = [unwrap(item) for item in items]
    dtype = np.result_type(
        *(p if type(p) in (int, float, complex, bool) else p.dtype for p in parts)
    )
    rows = []
    for p in parts:
        row = p if hasattr(p, "shape") else np.asarray(p, dtype)
        rows.append(reshape(cast(row, dtype), shape=(1, *row.shape)))
    return concatenate(*rows, axis=0)


def has_traced(x: Any) -> bool:
    if isinstance(x, Listed) and x.grown:
        return True
    if isinstance(x, (list, tuple)):
        return any(has_traced(item) for item in x)
    return isinstance(x, (TracedArray, TracedScalar))


def depends(value: Any) -> bool:
    """Whether an engine value depends on an input that is being differentiated."""
    return isinstance(value, Tracer) and value.depends()
