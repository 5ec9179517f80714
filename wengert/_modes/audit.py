"""`audit` and `debug_nans`: where a derivative is a convention, and where it breaks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.interp import CURRENT, Interpreter, prepared, using
from wengert._core.op import Op
from wengert._core.source import INTERNAL_FILES, Site, user_site
from wengert._core.types import Params, is_inexact, type_of
from wengert._modes import api
from wengert._modes.block import concrete, entries_of
from wengert._modes.dual import Dual, DualTracer
from wengert._modes.tape import Tape, TapeTracer, backward, sweep_back
from wengert._ops.families import scale_op
from wengert.errors import NonFiniteError


class Record(NamedTuple):
    """A place where dependence is cut, or a derivative is a convention."""

    kind: str
    file: str
    line: int
    reason: str


class Audit(list[Record]):
    """The records of an audit; prints as a table."""

    def __str__(self) -> str:
        if not self:
            return "no place where dependence is cut or a derivative is a convention"
        rows = [("kind", "place", "reason")]
        rows += [(r.kind, f"{r.file}:{r.line}", r.reason) for r in self]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        lines = [
            f"{kind:{widths[0]}}  {place:{widths[1]}}  {why}"
            for kind, place, why in rows
        ]
        lines.insert(1, "  ".join("-" * n for n in (*widths, len(rows[0][2]))))
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__

    def note(self, kind: str, site: Site, reason: str) -> None:
        """Add a record, once for each kind and line."""
        record = Record(kind, site.file, site.line, reason)
        if record not in self:
            self.append(record)


def audit(fun: Callable[..., Any], *args: Any) -> Audit:
    """Run a function and list where its derivative is cut off or is a convention.

    Args:
        fun: Function of pytrees that returns a pytree of arrays.
        *args: Its arguments; all floating and complex arrays in them are
            differentiated.

    Returns:
        A list of records ``(kind, file, line, reason)``, one for each kind and line of
        the user's files: `stop_gradient`, comparisons, rounding, `argmax`, integer
        casts, ``bool()`` and ``int()`` of values that depend on an argument; kinks and
        jumps that are hit exactly; and exact zeros that met an infinite or undefined
        partial derivative. It prints as a table.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> report = wg.audit(lambda x: wnp.floor(x) + wnp.abs(x), 0.0)
        >>> [r.kind for r in report]
        ['floor', 'kink']
    """
    report = Audit()
    watch = _WatchZeros(CURRENT.get(), report)
    with np.errstate(all="ignore"):
        _audit_forward(fun, args, watch, report)
        _audit_reverse(fun, args, watch)
    return report


class _WatchZeros(Interpreter):
    """Sees each product of a tangent or cotangent and a partial derivative."""

    name = "audit"
    site: Site | None = None  # of the entry that is being pulled back

    def __init__(self, parent: Interpreter, report: Audit) -> None:
        super().__init__(parent)
        self.report = report

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        assert self.parent is not None
        if op is scale_op:
            t, w = (np.asarray(concrete(x)) for x in operands)
            if bool(((t == 0) & ~np.isfinite(w)).any()):
                self.report.note(
                    "zero times infinity",
                    self.site or user_site(),
                    "an exact zero met an infinite or undefined partial derivative; "
                    "taken as 0",
                )
        return self.parent.apply(op, operands, params)


class _WatchOps(Dual):
    """Forward mode that notes the ops where a dependence ends."""

    name = "audit"

    def __init__(self, parent: Interpreter, report: Audit) -> None:
        super().__init__(parent)
        self.report = report

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        if any(type(x) is DualTracer and x.interpreter is self for x in operands):
            self._look(op, operands)
        return super().apply(op, operands, params)

    def _look(self, op: Op, operands: tuple[Any, ...]) -> None:
        hit = False
        if op.kinks is not None:
            with np.errstate(all="ignore"):
                hit = bool(np.any(op.kinks.hit(*map(concrete, operands))))
        if op.cut is not None:
            reason = op.cut + (f"; hit exactly: {op.kinks.where}" if hit else "")
            self.report.note(op.name, user_site(), reason)
        elif hit:
            reason = f"{op.name}: {op.kinks.where}; ours: {op.kinks.ours}"
            self.report.note("kink", user_site(), reason)

    def observer(self, what: str, _: Any) -> None:
        self.report.note(what, user_site(), "the value chooses a path or an index")


def _run(fun: Any, args: Any, variable: Callable[[Any], Any]) -> list[Any]:
    """Engine values of the results, every inexact argument being a variable."""
    leaves, structure = tree.flatten(args)
    given = [
        api.user_value(variable(value), api.is_scalar(leaf))
        if api.is_array(leaf)
        and is_inexact(type_of(value := api.engine_value(leaf)).dtype)
        else leaf
        for leaf in leaves
    ]
    args = api.wrap_constants(tree.unflatten(structure, given))
    return api.results(prepared(fun)(*args))[0]


def _ones(value: Any) -> Any:
    return api.zeros_like_type(type_of(value)) + np.dtype(value.dtype).type(1)


def _audit_forward(fun: Any, args: Any, watch: Interpreter, report: Audit) -> None:
    with using(watch), _WatchOps(watch, report).running() as dual:
        _run(fun, args, lambda v: DualTracer(dual, v, _ones(v)))


def _audit_reverse(fun: Any, args: Any, watch: _WatchZeros) -> None:
    """One entry at a time, so that a zero is found where its op was applied."""
    with using(watch), Tape(watch).running() as tape:
        assert isinstance(tape, Tape)
        outs = _run(fun, args, tape.variable)
    with using(watch):
        cotangents: dict[int, Any] = {}
        for out in outs:
            if type(out) is TapeTracer and out.interpreter is tape:
                cotangents[out.index] = _ones(out.primal)
        for entry in reversed(tape.entries):
            watch.site = Site(entry[-2], entry[-1])
            with entries_of(tape, [entry]):
                backward(tape, cotangents)


# -- debug_nans ----------------------------------------------------------------------


@contextmanager
def debug_nans() -> Iterator[None]:
    """Report the first NaN or infinity, in a primal, a tangent or a cotangent.

    A context manager: inside it every op is checked, in user code and in derivatives,
    and the first that makes a NaN from none, or an infinity from finite operands,
    raises. A partial derivative that is infinite where an exact zero meets it is none.

    Raises:
        NonFiniteError: with the value, the op, the user's file and line, and the role.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> try:
        ...     with wg.debug_nans():
        ...         wg.grad(lambda x: wnp.sqrt(x))(0.0)
        ... except FloatingPointError as error:
        ...     print(error.value, error.op, error.role)
        inf sqrt cotangent
    """
    current = CURRENT.get()
    with np.errstate(all="ignore"), using(_DebugNans(current)):
        yield


class _DebugNans(Interpreter):
    """Checks what the interpreter below returns, and each tangent and cotangent.

    Rules are left alone while they run: a partial derivative may be infinite where an
    exact zero meets it. What they return is checked.
    """

    name = "debug_nans"

    def __init__(self, parent: Interpreter) -> None:
        super().__init__(parent)
        self.plain = parent.plain
        self.checks = self
        self.sweeping = False

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        assert self.parent is not None
        out = self.parent.apply(op, operands, params)
        if not self.sweeping and not _in_rule():
            # A pushforward multiplies by partials that may be infinite.
            is_product = op is scale_op
            seen = operands[:1] if is_product else operands
            role = "tangent" if is_product else "primal"
            for value in out if op.multiple else (out,):
                self._check(value, seen, op.name, user_site(), role)
        return out

    def check_tangent(self, op: Any, tangent: Any, operands: tuple[Any, ...]) -> None:
        """Called by forward mode with the tangent that a rule returned."""
        for value in tangent if op.multiple else (tangent,):
            self._check(value, operands, op.name, user_site(), "tangent")

    def check_backward(
        self, tape: Tape, cotangents: dict[int, Any], consume: bool
    ) -> dict[int, Any]:
        """The backward sweep, one entry at a time."""
        entries = tape.entries
        outer, self.sweeping = self.sweeping, True
        try:
            for entry in reversed(list(entries)):
                before = dict(cotangents)
                with entries_of(tape, [entry]):
                    sweep_back(tape, cotangents, consume)
                site = Site(entry[-2], entry[-1])
                for number, ct in cotangents.items():
                    if ct is not before.get(number):
                        self._check(
                            ct, (*before.values(),), entry[0].name, site, "cotangent"
                        )
        finally:
            self.sweeping = outer
        if consume:
            entries.clear()
        return cotangents

    def _check(
        self, value: Any, operands: Any, name: str, site: Site, role: str
    ) -> None:
        made = _made(value, operands)
        if made:
            raise NonFiniteError(made, name, site, role)


def _made(value: Any, operands: tuple[Any, ...]) -> str:
    """``"nan"`` or ``"inf"`` where a value has one and no operand accounts for it."""
    x = _inexact(value)
    if x is None or np.isfinite(x).all():
        return ""
    before = [y for y in map(_inexact, operands) if y is not None]
    if np.isnan(x).any():
        return "" if any(np.isnan(y).any() for y in before) else "nan"
    return "inf" if before and all(np.isfinite(y).all() for y in before) else ""


def _inexact(value: Any) -> Any:
    x = concrete(value)
    x = (
        np.asarray(x)
        if isinstance(x, (np.ndarray, np.generic, float, complex))
        else None
    )
    return x if x is not None and x.dtype.kind in "fc" else None


def _in_rule() -> bool:
    """Whether forward mode is running a rule; only the call stack tells."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename in INTERNAL_FILES:
        if frame.f_code is Dual.apply.__code__ and "out" in frame.f_locals:
            return True
        frame = frame.f_back
    return False
