"""Compiled functions as files: machine code, and a description of how it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wengert._backend.cache import native_for
from wengert._backend.call import Compiled, Native
from wengert._core import tree
from wengert._core.source import explain
from wengert._core.types import ArrayType
from wengert._ir.program import Program, Var
from wengert._staging.jit import Entry, Form
from wengert._staging.lengths import SPECIAL, Length, Lengths, Pattern
from wengert.errors import (
    ArgumentError,
    DTypeError,
    ExportError,
    MutationError,
    ShapeError,
)
from wengert.export.container import read_parts, write_parts
from wengert.export.machine import here, refuse_other
from wengert.export.sites import error_site, error_spec, host_site, host_spec
from wengert.export.trees import builder, spec_of, taken
from wengert.export.values import dtype

_STATIC = (bool, int, float, str, type(None))


def save(
    path: Any,
    f: Callable[..., Any],
    *example: Any,
    others: Sequence[tuple[Any, ...]] = (),
) -> None:
    """Compile a function for arguments like these, and write it to a file.

    The file holds machine code for this processor, the arrays that the function reads
    besides its arguments, and a description of arguments, results and exceptions, in
    JSON. `load` needs neither the source of the function nor a compiler.

    Args:
        path: The file. It is written whole or not at all.
        f: A function of pytrees of arrays and numbers, as for `wg.jit`: a model, its
            loss's ``wg.value_and_grad``, a step of training.
        example: Arguments; of arrays only shapes and dtypes matter. What is neither
            array nor number is built into the code.
        others: Further tuples of arguments. An axis that has another length in them
            may have any length from 2 on.

    Raises:
        ExportError: the function has a part that only Python can run, writes to an
            array that is no argument, or takes or gives what has no description.
        FileError: the file cannot be written.
        ArgumentError: `others` have another structure than the example.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np, wengert as wg
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "slope.wengert")
        ...     wg.export.save(path, wg.grad(lambda x: np.sum(x**3)), np.ones(2))
        ...     slope = wg.export.load(path)
        >>> slope(np.array([1.0, 2.0]))
        array([ 3., 12.])
    """
    leaves, structure = tree.flatten((example, {}))
    leaves = [_plain(x) for x in leaves]
    pattern = _pattern(leaves, structure, others)
    entry = Form(pattern).compile(f, structure, leaves)
    _refuse_hidden(entry)
    native = native_for(entry.staged.program)
    arrays = [np.ascontiguousarray(x) for x in entry.staged.hidden]
    about = {
        "machine": here(),
        "arguments": _arguments(structure, leaves, pattern, entry),
        "results": _results(entry),
        "native": _described(native),
        "arrays": [_array_type(x) for x in entry.staged.hidden],
    }
    write_parts(Path(path), about, [native.code, *(x.tobytes() for x in arrays)])


def load(path: Any) -> Saved:
    """A function that `save` has written.

    Loading runs no code of the file; calling the function does: load and call files
    from people whom you trust.

    Raises:
        FileError: the file cannot be read, is cut off or was changed.
        ExportError: it was written on another processor, or by another version.
    """
    path = Path(path)
    about, parts = read_parts(path)
    refuse_other(path, about["machine"])
    return Saved(about, parts)


class Saved:
    """A saved function: ``f(*arguments)``, for arguments as it was saved with.

    Arrays are taken in C order; those that the function writes to are written to.

    Raises:
        TreeError, DTypeError, ShapeError, ArgumentError: arguments of another kind.
        MutationError: an array that is written to shares memory with another one.
    """

    def __init__(self, about: Any, parts: list[bytes]) -> None:
        code, *arrays = parts
        self._compiled = Compiled(_native(about["native"], code))
        self._hidden = [
            np.frombuffer(part, dtype(kind["dtype"])).reshape(kind["shape"])
            for part, kind in zip(arrays, about["arrays"], strict=True)
        ]
        self._hidden = [x[()] if x.ndim == 0 else x for x in self._hidden]
        given = about["arguments"]
        self._tree, self._lengths = given["tree"], given["lengths"]
        self._leaves = [_Leaf(**kind) for kind in given["leaves"]]
        self._results = about["results"]
        self._build = builder(self._results["tree"])

    def __call__(self, *arguments: Any) -> Any:
        found: dict[int, Any] = {}
        taken(self._tree, arguments, found, "arguments")
        pairs = [(found[i], kind) for i, kind in enumerate(self._leaves)]
        for value, kind in pairs:
            kind.check(value)
        operands = [value for value, kind in pairs if kind.dtype is not None]
        written = [(found[i], place) for i, place in self._results["written"]]
        _refuse_overlap([x for x, _ in written], operands)
        extents = [self._extent(found, axes) for axes in self._lengths]
        outs = self._compiled(*extents, *operands, *self._hidden)
        for target, place in written:
            target[...] = outs[place]
        leaves = [_result(outs, *kind) for kind in self._results["leaves"]]
        return self._build(leaves)

    def _extent(self, found: dict[int, Any], axes: list[list[int]]) -> int:
        """The length that some axes of the arguments share."""
        lengths = [found[i].shape[k] for i, k in axes]
        if len(set(lengths)) > 1 or lengths[0] in SPECIAL:
            names = [f"axis {k} of {self._leaves[i].place}" for i, k in axes]
            raise ShapeError(
                explain(
                    f"{' and '.join(names)}: lengths {', '.join(map(str, lengths))}",
                    why="the function was saved for one length there, from 2 on.",
                    fix="pass arrays that agree; save another function for length 1",
                )
            )
        return int(lengths[0])


class _Leaf(NamedTuple):
    """What an argument has to be: of this dtype and shape, or this very value."""

    place: str
    dtype: str | None
    shape: list[int | None]
    static: Any

    def check(self, value: Any) -> None:
        if self.dtype is None:
            if type(value) is not type(self.static) or value != self.static:
                raise ArgumentError(
                    explain(
                        f"{self.place} is {value!r}",
                        why=f"the function was saved with {self.static!r} built in.",
                        fix=f"pass {self.static!r}, or save another function",
                    )
                )
            return
        numbers = (np.ndarray, np.generic, int, float, complex)
        found = np.result_type(value) if isinstance(value, numbers) else type(value)
        if found != dtype(self.dtype):
            raise DTypeError(
                explain(
                    f"{self.place} is {getattr(found, '__name__', found)}, and the "
                    f"function was saved for {self.dtype}",
                    fix=f"convert it: np.asarray(x, {self.dtype!r}); a function that "
                    "is to be differentiated is saved with its derivative",
                )
            )
        shape = np.shape(value)
        declared = ", ".join("any" if n is None else str(n) for n in self.shape)
        same = all(m in (n, None) for n, m in zip(shape, self.shape, strict=False))
        if len(shape) != len(self.shape) or not same:
            raise ShapeError(
                explain(
                    f"{self.place} has shape {shape}, and the function was saved for "
                    f"({declared})",
                    fix="pass an array of this shape, or save with others=, where the "
                    "axis has another length",
                )
            )


# -- descriptions ----------------------------------------------------------------------


def _plain(x: Any) -> Any:
    """An array in C order and the machine's byte order, and an object of its own."""
    if not isinstance(x, np.ndarray):
        return x
    return np.array(x, x.dtype.newbyteorder("="), order="C")


def _shapes(leaves: Sequence[Any]) -> list[Any]:
    return [x.shape if isinstance(x, np.ndarray) else None for x in leaves]


def _pattern(leaves: list[Any], structure: Any, others: Any) -> Pattern:
    lengths = Lengths()
    lengths.note(_shapes(leaves))
    for other in others:
        found, other_structure = tree.flatten((tuple(other), {}))
        ranks = [*map(np.ndim, _arrays(found))] == [*map(np.ndim, _arrays(leaves))]
        if other_structure != structure or not ranks:
            raise ArgumentError(
                explain(
                    "save: others have another structure than the example",
                    fix="give tuples of arguments that differ in lengths only",
                )
            )
        lengths.note(_shapes(found))
    return lengths.pattern(_shapes(leaves))


def _arrays(leaves: Sequence[Any]) -> list[Any]:
    return [x if isinstance(x, np.ndarray) else 0.0 for x in leaves]


def _refuse_hidden(entry: Entry) -> None:
    if entry.staged.hidden_written:
        raise ExportError(
            explain(
                "save: the function writes to an array that is no argument",
                why="where it is loaded there is no such array.",
                fix="give the array as an argument",
            )
        )


def _static(value: Any, what: str) -> Any:
    if type(value) not in _STATIC:
        raise ExportError(
            explain(
                f"save: {what} is a {type(value).__name__}",
                why="it has no text that could be written to the file.",
                fix="bind it before: lambda x: f(x, option)",
            )
        )
    return value


def _arguments(structure: Any, leaves: Any, pattern: Pattern, entry: Entry) -> Any:
    numbered = tree.unflatten(structure, range(len(leaves)))
    paths = tree.paths(numbered[0], "arguments")
    kinds = []
    for i, (leaf, path) in enumerate(zip(leaves, paths, strict=True)):
        kind: dict[str, Any] = {"place": path, "dtype": None, "shape": []}
        if i in entry.given:
            shape = pattern.shapes[i] or ()
            kind["shape"] = [None if isinstance(n, Length) else n for n in shape]
            kind |= {"dtype": np.result_type(leaf).name, "static": None}
        else:
            kind["static"] = _static(leaf, kind["place"])
        kinds.append(kind)
    axes = pattern.axes()
    return {
        "tree": spec_of(numbered[0]),
        "leaves": kinds,
        "lengths": [axes[number] for number in sorted(axes)],
    }


def _results(entry: Entry) -> Any:
    staged = entry.staged
    leaves = [
        (r.place, r.scalar, _static(r.static, "a result") if r.place is None else None)
        for r in staged.results
    ]
    numbered = tree.unflatten(staged.structure, range(len(leaves)))
    return {"tree": spec_of(numbered), "leaves": leaves, "written": staged.written}


def _result(outs: Sequence[Any], place: int | None, scalar: bool, static: Any) -> Any:
    if place is None:
        return static
    return outs[place] if scalar else np.asarray(outs[place])


def _described(native: Native) -> Any:
    order = {p: i for i, p in enumerate(native.interface.params)}
    types = [p.type for p in native.interface.params], native.interface.result_types
    params, results = ([_type(t, order) for t in part] for part in types)
    return {
        "params": params,
        "results": results,
        "errors": [*map(error_spec, native.errors)],
        "hosts": [*map(host_spec, native.hosts)],
        "entries": native.entries,
    }


def _type(type_: ArrayType, order: dict[Any, int]) -> Any:
    """Extents: numbers, the places of parameters in lists, None if made on the way."""
    shape = [
        n if isinstance(n, int) else [order[n]] if n in order else None
        for n in type_.shape
    ]
    return {"dtype": np.dtype(type_.dtype).name, "shape": shape}


def _array_type(x: Any) -> Any:
    return {"dtype": np.result_type(x).name, "shape": np.shape(x)}


def _native(about: Any, code: bytes) -> Native:
    params: list[Var] = []

    def extent(n: Any) -> Any:
        if n is None:
            return Var(ArrayType((), np.dtype(np.int64)))
        return params[n[0]] if isinstance(n, list) else n

    def var(kind: Any) -> Var:
        return Var(ArrayType((*map(extent, kind["shape"]),), dtype(kind["dtype"])))

    for kind in about["params"]:
        params.append(var(kind))
    interface = Program(tuple(params), (), (*map(var, about["results"]),))
    errors = [*map(error_site, about["errors"])]
    hosts = [*map(host_site, about["hosts"])]
    return Native(code, interface, errors, hosts, about["entries"])


def _refuse_overlap(written: list[Any], operands: list[Any]) -> None:
    for target in written:
        others = [x for x in operands if x is not target and isinstance(x, np.ndarray)]
        repeated = sum(x is target for x in operands) > 1
        if repeated or any(np.shares_memory(target, x) for x in others):
            raise MutationError(
                explain(
                    "a saved function writes to an argument that shares memory with "
                    "another one",
                    why="compiled code takes them for two arrays.",
                    fix="pass a copy of one of them",
                )
            )
