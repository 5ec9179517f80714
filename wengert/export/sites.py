"""What machine code refers to by number, as JSON: exceptions, and ops run by Python."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any, NoReturn

import numpy as np

from wengert._backend.sites import ErrorSite, HostSite
from wengert._core.op import OPS, Op
from wengert._core.source import explain
from wengert._core.types import ArrayType
from wengert._ir.program import Equation, Var
from wengert.errors import ExportError
from wengert.export.values import dtype, spec, value


def error_spec(site: ErrorSite) -> dict[str, Any]:
    """How an exception is made: a function of Wengert's own, and what it is given.

    Raises:
        ExportError: it is given something that has no text.
    """
    function: Any = site.make
    given: tuple[Any, ...] = ()
    if isinstance(site.make, partial):
        function, given = site.make.func, site.make.args
    # The cache on disk finds them by name too.
    assert function.__module__.startswith("wengert.")
    try:
        arguments = [spec(x) for x in given]
    except TypeError as error:
        _refuse("an exception of the function", site.place, error)
    return {
        "make": [function.__module__, function.__qualname__, arguments],
        "dtypes": [np.dtype(d).name for d in site.dtypes],
        "ranks": site.ranks,
        "place": None if site.place is None else str(site.place),
    }


def error_site(found: Any) -> ErrorSite:
    """What `error_spec` has described."""
    module, name, given = found["make"]
    function = getattr(importlib.import_module(module), name)
    return ErrorSite(
        partial(function, *map(value, given)),
        tuple(map(dtype, found["dtypes"])),
        tuple(found["ranks"]),
        found["place"],
    )


def host_spec(site: HostSite) -> dict[str, Any]:
    """An op that Python evaluates, where there is no machine code for it.

    Raises:
        ExportError: it is a function of the user's.
    """
    equation = site.equation
    try:
        if not isinstance(equation.op, Op):
            raise TypeError(f"{equation.op.name} is a function of yours, run by Python")
        params = [[k, spec(v, site.variables)] for k, v in equation.params.items()]
    except TypeError as error:
        _refuse(f"{equation.op.name} of the function", equation.site, error)
    return {
        "op": equation.op.name,
        "params": params,
        "variables": len(site.variables),
        "inputs": [_rank(a.type) for a in equation.inputs],
        "outputs": [_rank(a.type) for a in equation.outputs],
        "place": None if equation.site is None else str(equation.site),
    }


def host_site(found: Any) -> HostSite:
    """What `host_spec` has described."""
    index = ArrayType((), np.dtype(np.int64))
    variables = tuple(Var(index) for _ in range(found["variables"]))
    params = {k: value(v, variables) for k, v in found["params"]}
    inputs, outputs = (
        tuple(Var(ArrayType((0,) * rank, dtype(name))) for name, rank in found[part])
        for part in ("inputs", "outputs")
    )
    equation = Equation(OPS[found["op"]], inputs, params, outputs, found["place"])
    return HostSite(equation, variables)


def _rank(type_: ArrayType) -> tuple[str, int]:
    return np.dtype(type_.dtype).name, type_.ndim


def _refuse(what: str, place: Any, error: TypeError) -> NoReturn:
    raise ExportError(
        explain(
            f"save: {what} cannot be written to a file: {error}",
            why=f"it is at {place}.",
            fix="leave it out of the function, or do it outside",
        )
    ) from None
