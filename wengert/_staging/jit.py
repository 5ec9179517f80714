"""`jit`: a Python function as one native function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray, unwrap
from wengert._core import tree
from wengert._core.interp import CURRENT, prepared
from wengert._core.source import explain
from wengert._ir.control import Call
from wengert._modes import api
from wengert._staging.control import CallFunction
from wengert._staging.current import Current
from wengert._staging.function import (
    StagedFunction,
    describe,
    outer_place,
    staged_for,
)
from wengert._staging.lengths import Axis, Lengths, Pattern
from wengert._staging.recursion import is_active
from wengert._staging.shortcut import Shortcut, rebuilder, taker
from wengert.errors import ArgumentError, MutationError, StagedValueError


class Entry(NamedTuple):
    """A function compiled for arguments of some types."""

    staged: StagedFunction
    call: CallFunction
    extents: list[Axis]  # where the run-time extents are read
    given: list[int]  # the leaves that are parameters of the program
    foreign: bool  # whether an array has the byte order of other machines
    shortcuts: dict[Any, Shortcut | None]  # by the types of all leaves, and dtypes

    def shortcut(self, args: Any, full: Any) -> Shortcut | None:
        """What calls this with arguments like these, if that is possible."""
        dtypes = [id(x.dtype) for x in tree.leaves(args) if type(x) is np.ndarray]
        key = (full, *dtypes)  # dtypes that are equal may be several objects
        if key not in self.shortcuts:
            if len(self.shortcuts) >= _SHORTCUTS:
                self.shortcuts.clear()
            self.shortcuts[key] = self._made(args)
        return self.shortcuts[key]

    def _made(self, args: Any) -> Shortcut | None:
        staged = self.staged
        if self.extents or self.foreign or not staged.serves_again:
            return None
        if staged.written or staged.hidden_written:
            return None
        shapes = [atom.type.shape for atom in staged.program.results]
        take = taker(args, self.given)
        rebuild = rebuilder(staged.structure, staged.results, shapes)
        if take is None or rebuild is None:
            return None
        given = [tree.leaves(args)[i] for i in self.given]
        call = self.call.native().alike(given, staged.hidden)
        return call and Shortcut(take, Current(staged.watch), call, rebuild)


def jit(
    fun: Callable[..., Any] | None = None, *, static_argnames: Sequence[str] = ()
) -> Any:
    """Compile a function, with its loops and branches, to native code.

    The function is run once for each combination of types of its arguments, on values
    that have only a type; what it does to them becomes a program, which LLVM compiles.
    Every transformation works through it: ``jit(grad(f))``, ``grad(jit(f))``,
    ``jit(vmap(grad(f)))``.

    Args:
        fun: A function of pytrees of arrays and numbers: ordinary NumPy code. Without
            it, `jit` returns a decorator.
        static_argnames: Names of arguments that are not traced: the function is
            compiled anew for each of their values, which must be hashable.

    Returns:
        A function with the arguments of `fun` that returns what it returns. Arrays that
        `fun` writes to are written to; results are new arrays.

    Raises:
        StagedValueError: the function needs the number of a value that is known only
            when the compiled function runs.
        JoinError: a variable has values of different types on two paths.
        MutationError: what the function does to a list, dictionary or attribute cannot
            be compiled; or arguments that share memory are written to.
        ArgumentError: a name in `static_argnames` is no argument of `fun`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> @wg.jit
        ... def running_sum(x):
        ...     y = np.zeros(len(x))
        ...     total = 0.0
        ...     for i in range(len(x)):
        ...         if x[i] > 0:
        ...             total += x[i]
        ...         y[i] = total
        ...     return y
        >>> running_sum(np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0]))
        array([ 1.,  1.,  4.,  8., 13., 19.])
        >>> wg.grad(lambda x: running_sum(x)[-1])(np.array([1.0, -2.0, 3.0]))
        array([1., 0., 1.])
    """
    if fun is None:
        return functools.partial(jit, static_argnames=static_argnames)
    names = (static_argnames,) if isinstance(static_argnames, str) else static_argnames
    _check_names(fun, names)
    jitted = Jitted(fun, tuple(names))

    @functools.wraps(fun, updated=())
    def compiled(*args: Any, **kwargs: Any) -> Any:
        return jitted(*args, **kwargs)

    return compiled


def _check_names(fun: Callable[..., Any], names: Sequence[str]) -> None:
    if not names:
        return
    known = inspect.signature(fun).parameters
    for name in names:
        if name not in known:
            raise ArgumentError(
                explain(
                    f"jit: static_argnames has {name!r}, and the function takes "
                    f"{', '.join(known)}",
                    fix="give names of its arguments",
                )
            )


class Jitted:
    """The compiled forms of a function."""

    def __init__(self, fun: Callable[..., Any], static: tuple[str, ...]) -> None:
        self.fun = fun
        self.static = static
        self.exact: dict[Any, Form] = {}  # by the types of all leaves
        self.families: dict[Any, Family] = {}
        self.shortcut: Shortcut | None = None  # for calls like the last one

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        shortcut = self.shortcut
        if shortcut is not None and not kwargs and CURRENT.get().plain:
            done = shortcut(args)
            if done is not None:
                return done[0]
        return self._general(*args, **kwargs)

    def _general(self, *args: Any, **kwargs: Any) -> Any:
        fun, key = self.fun, ()
        if not CURRENT.get().plain and is_active(fun):
            return prepared(fun)(*args, **kwargs)
        if self.static:
            fun, key, args, kwargs = self._without_static(args, kwargs)
        leaves, structure, shape = _flattened(args, kwargs)
        full = (key, shape, _aliases(leaves), *map(_signature, leaves))
        form = self.exact.get(full)
        entry = None if form is None else form.find(leaves)
        if entry is None:
            entry = self._entry(fun, structure, leaves, full)
        staged = entry.staged
        operands = (*[leaves[i] for i in entry.given], *staged.hidden)
        if entry.extents:
            operands = (*[leaves[i].shape[k] for i, k in entry.extents], *operands)
        if staged.written or staged.hidden_written:
            _refuse_overlap(entry, leaves)
        if CURRENT.get().plain:
            if entry.foreign:
                operands = tuple([_native(x) for x in operands])
            outs = entry.call.run(operands)
            result = staged.rebuilt(outs, _plain_result)
            if not self.static and not kwargs and not full[2]:
                self.shortcut = entry.shortcut(args, full)
        else:
            given = tuple([unwrap(x) for x in operands])
            outs = CURRENT.get().call(entry.call, given)
            result = staged.rebuilt(outs, api.user_value)
        for leaf, place in staged.written:
            leaves[leaf][...] = _written(outs[place])
        for i, place in staged.hidden_written:
            staged.hidden[i][...] = _written(outs[place])
        return result

    def _entry(self, fun: Any, structure: Any, leaves: Any, full: Any) -> Entry:
        """The code for these leaves, compiled where there is none."""
        inputs = [describe(x) for x in leaves]
        shapes = [None if x.type is None else x.type.shape for x in inputs]
        ranks = [
            signature
            if given.type is None
            else (
                getattr(x, "dtype", given.type.dtype),
                given.type.ndim,
                api.is_scalar(x),
                given.in_c_order,
            )
            for x, given, signature in zip(leaves, inputs, full[3:], strict=True)
        ]
        family = self.families.setdefault((*full[:3], *ranks), Family())
        form, entry = family.entry(fun, structure, leaves, shapes)
        if all(type(n) is int for shape in shapes for n in shape or ()):
            if len(self.exact) >= _REMEMBERED:
                self.exact.clear()
            self.exact[full] = form
        return entry

    def _without_static(self, args: Any, kwargs: Any) -> Any:
        """The function with its static arguments given, and what is left."""
        bound = inspect.signature(self.fun).bind(*args, **kwargs)
        bound.apply_defaults()
        given = {n: bound.arguments[n] for n in self.static}
        rest = {n: v for n, v in bound.arguments.items() if n not in given}
        fun = self.fun

        def with_static(rest: dict[str, Any]) -> Any:
            bound.arguments = {**rest, **given}
            return prepared(fun)(*bound.args, **bound.kwargs)

        with_static.__wrapped__ = fun  # type: ignore[attr-defined]
        return with_static, tuple(given.items()), (rest,), {}


class Family:
    """A function for arguments of some ranks and dtypes."""

    def __init__(self) -> None:
        self.lengths = Lengths()
        self.forms: dict[Pattern, Form] = {}

    def entry(
        self, fun: Any, structure: Any, leaves: Sequence[Any], shapes: list[Any]
    ) -> tuple[Form, Entry]:
        """The code for these leaves.

        Where it cannot be compiled for lengths that are known at run time only, it is
        compiled for each length. If that fails too, the error is the function's own,
        and says nothing about lengths.
        """
        self.lengths.note(shapes)
        fixed = frozenset(self.lengths.fixed)
        while True:
            pattern = self.lengths.pattern(shapes)
            form = self.forms.setdefault(pattern, Form(pattern))
            try:
                return form, form.find(leaves) or form.compile(fun, structure, leaves)
            except Exception as error:
                if not form.entries:
                    self.forms.pop(pattern, None)
                if not self.lengths.fix(_needed(error, pattern, leaves)):
                    self.lengths.fixed &= fixed
                    raise


def _needed(error: Exception, pattern: Pattern, leaves: Sequence[Any]) -> list[Axis]:
    """The axes whose length code asks for; all of them, where another error hides it.

    An error that goes on to an outer function names the parameter of that one.
    """
    axes = pattern.axes()
    if not isinstance(error, StagedValueError) or error.parameter not in axes:
        return [axis for several in axes.values() for axis in several]
    found = axes[error.parameter]
    leaf, axis = found[0]
    error.parameter = outer_place(leaves[leaf].shape[axis])
    return found


class Form:
    """A function for arguments of some types: compiled for each number that it needs.

    `known` are the integers whose numbers the code has asked for. An entry's key says
    which they were then: another thread may be finding out about more.
    """

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self.known: tuple[int, ...] = ()
        self.entries: dict[Any, Entry] = {}

    def find(self, leaves: Sequence[Any]) -> Entry | None:
        known = self.known
        entry = self.entries.get((known, *[leaves[i] for i in known]))
        return entry if entry is not None and entry.staged.is_current() else None

    def compile(self, fun: Any, structure: Any, leaves: Sequence[Any]) -> Entry:
        shapes = self.pattern.shapes
        staged, inputs = staged_for(fun, structure, leaves, self.known, shapes)
        known = tuple(
            i
            for i, (given, leaf) in enumerate(zip(inputs, leaves, strict=True))
            if type(leaf) is int and given.type is None
        )
        axes = self.pattern.axes()
        entry = Entry(
            staged,
            CallFunction(Call(staged.program)),
            [axes[number][0] for number in sorted(axes)],
            [i for i, given in enumerate(inputs) if given.type is not None],
            any(_native(x) is not x for x in (*leaves, *staged.hidden)),
            {},
        )
        if staged.serves_again:
            self.entries[known, *[leaves[i] for i in known]] = entry
        self.known = known
        return entry


def _flattened(args: Any, kwargs: Any) -> tuple[Sequence[Any], Any, Any]:
    """The leaves, their structure, and what stands for that in a key: quick to hash."""
    if not kwargs and _LEAVES.issuperset(map(type, args)):
        return args, _flat(len(args)), len(args)
    leaves, structure = tree.flatten((args, kwargs))
    return leaves, structure, structure


_LEAVES = frozenset({np.ndarray, np.float64, float, int})


@functools.cache
def _flat(count: int) -> Any:
    """The structure of so many arguments, each of them a leaf."""
    return tree.flatten((("leaf",) * count, {}))[1]


def _signature(leaf: Any) -> Any:
    """What two leaves share for which one program serves."""
    kind = type(leaf)
    if kind is np.ndarray:
        return leaf.dtype, leaf.shape, leaf.flags.c_contiguous
    if kind is float or kind is int or kind is np.float64:
        return kind
    given = describe(leaf)
    if given.type is not None:
        return given.type, given.scalar, given.in_c_order
    return kind, leaf if isinstance(leaf, _BY_VALUE) else id(leaf)


_SHORTCUTS = 64  # of a program
_REMEMBERED = 4096  # types of arguments whose code is found by one look-up
_BY_VALUE = (bool, int, str, bytes, type(None))


def _aliases(leaves: Sequence[Any]) -> tuple[int, ...]:
    """Which arrays are one and the same object: the place of its first appearance."""
    if len(set(map(id, leaves))) == len(leaves):
        return ()
    arrays = (np.ndarray, TracedArray)
    ids = [id(x) if isinstance(x, arrays) else i for i, x in enumerate(leaves)]
    if len(set(ids)) == len(ids):
        return ()
    return tuple(ids.index(n) for n in ids)


def _native(x: Any) -> Any:
    """An array in the byte order of the machine."""
    if type(x) is np.ndarray and not x.dtype.isnative:
        return x.astype(x.dtype.newbyteorder("="))
    return x


def _plain_result(value: Any, scalar: bool) -> Any:
    if scalar or isinstance(value, np.ndarray):
        return value
    return np.asarray(value)


def _written(value: Any) -> Any:
    return value if isinstance(value, (np.ndarray, np.generic)) else TracedArray(value)


def _refuse_overlap(entry: Entry, leaves: Sequence[Any]) -> None:
    """Raise if an array that is written to shares memory with another one.

    An argument that is given twice is one array in the compiled code too; an argument
    that the function also reaches as a global is not.
    """
    staged = entry.staged
    given = [x for x in leaves if type(x) is np.ndarray]
    hidden = [x for x in staged.hidden if type(x) is np.ndarray]
    pairs = [(leaves[i], x) for i, _ in staged.written for x in given]
    pairs = [(a, b) for a, b in pairs if a is not b]
    pairs += [(leaves[i], x) for i, _ in staged.written for x in hidden]
    pairs += [(staged.hidden[i], x) for i, _ in staged.hidden_written for x in given]
    for target, other in pairs:
        if type(target) is np.ndarray and np.may_share_memory(target, other):
            if np.shares_memory(target, other):
                raise MutationError(
                    explain(
                        "jit: the function writes to an argument that shares memory "
                        "with another one, or with an array that it reads otherwise",
                        why="compiled code takes them for two arrays.",
                        fix="pass a copy of one of them",
                    )
                )
