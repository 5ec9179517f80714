"""Tests that a row of the op table must pass, generated from its samples.

`check_op` runs them all; it is for writers of rules. The samples of an elementwise row
are a `Domain` per operand, those of any other row a list of `Sample`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, combinations
from typing import Any

import numpy as np

from wengert._array.traced import unwrap
from wengert._cases import (
    Case,
    Function,
    Report,
    any_complex,
    as_scalar,
    at_kink,
    cases,
    complex_step,
    differences,
    direction,
    directions,
    dot,
    draw,
    function_of,
    numbers,
    operands_at,
)
from wengert._core import tree
from wengert._core.op import Op
from wengert._core.types import ArrayType, is_inexact, type_of
from wengert._modes.directional import jvp
from wengert._modes.reverse import vjp
from wengert._modes.vectorized import vmap
from wengert._ops.families import Domain
from wengert.errors import (
    GradientCheckError,
    LanesDisagreeError,
    MissingRuleError,
    WengertError,
)

__all__ = ["CHECKS", "Case", "cases", "check_op"]

# -- checks --------------------------------------------------------------------------

EXACT = 1e-12
# Ops whose purpose is a derivative that is not that of their value.
BY_DEFINITION = ("stop_gradient", "substitute")
DIFFERENCES = 2e-8


def check_type(op: Op, case: Case, report: Report, _: Any) -> None:
    """`abstract` gives the type of what `evaluate` returns, or says that it cannot."""
    out = op(*map(unwrap, case.operands), **case.params)
    if not all(hasattr(x, "dtype") for x in case.operands):
        return  # a type does not say that a Python number is weak
    try:
        types = op.abstract(*map(type_of, case.operands), **case.params)
    except MissingRuleError:
        return
    got = types if op.multiple else (types,)
    for a, b in zip(got, out if op.multiple else (out,), strict=True):
        if ArrayType(tuple(a.shape), np.dtype(a.dtype)) != type_of(b):
            report.fail("abstract type", a, type_of(b))


def check_value(op: Op, case: Case, report: Report, rng: Any) -> None:
    """The value under jvp and vjp is that of NumPy, to the bit."""
    expected = op(*map(unwrap, case.operands), **case.params)
    numpy_function = getattr(np, op.name, None)
    if isinstance(numpy_function, np.ufunc) and not case.params:
        report.equal("against NumPy", expected, numpy_function(*case.operands))
    positions = case.differentiate
    if not positions:
        return
    fun, xs = function_of(op, case, positions), operands_at(case, positions)
    if not all(is_inexact(x.dtype) for x in xs):
        return
    report.equal("under vjp", vjp(fun, *xs)[0], expected)
    report.equal("under jvp", jvp(fun, xs, directions(xs, rng))[0], expected)


def check_forward(op: Op, case: Case, report: Report, rng: Any) -> None:
    """jvp against the complex step, or differences; of a cut op, against 0."""
    if op.name in BY_DEFINITION:
        return
    for positions in _nonempty_subsets(case.differentiate):
        fun, xs = function_of(op, case, positions), operands_at(case, positions)
        dxs = directions(xs, rng)
        tangent = numbers(jvp(fun, xs, dxs)[1])
        if case.analytic and not any_complex(xs):
            close = report.entrywise_close if len(xs) == 1 else report.close
            close("complex step", tangent, complex_step(fun, xs, dxs), 10 * EXACT)
        elif case.label != "stress" and not at_kink(op, case):
            report.close("differences", tangent, differences(fun, xs, dxs), DIFFERENCES)


def check_reverse(op: Op, case: Case, report: Report, rng: Any) -> None:
    """vjp against jvp: <ct, J t> = <J* ct, t>; gradients have the types of operands."""
    for positions in _nonempty_subsets(case.differentiate):
        _transposed(
            function_of(op, case, positions), operands_at(case, positions), report, rng
        )


def _transposed(fun: Function, xs: tuple[Any, ...], report: Report, rng: Any) -> None:
    dxs = directions(xs, rng)
    out, tangent = jvp(fun, xs, dxs)
    value, pullback = vjp(fun, *xs)
    ct = tree.map(lambda v: direction(v, rng), out)
    cotangents = pullback(ct)
    for x, cotangent in zip(xs, cotangents, strict=True):
        if type_of(cotangent) != type_of(x):
            report.fail("type of a gradient", type_of(cotangent), type_of(x))
    left, left_size = dot(ct, tangent)
    right, right_size = dot(cotangents, dxs)
    size = left_size + right_size
    if not (abs(left - right) <= EXACT * size or (np.isnan(left) and np.isnan(right))):
        report.fail("dot-product test, <J* ct, t>", right, left)


def check_second_order(op: Op, case: Case, report: Report, rng: Any) -> None:
    """jvp of jvp and vjp against differences, vjp of both against those."""
    positions = case.differentiate
    if op.cut or case.label == "stress" or not positions:
        return
    fun, xs = function_of(op, case, positions), operands_at(case, positions)
    dxs, again = directions(xs, rng), directions(xs, rng)
    ct = directions(fun(*xs), rng)

    def reverse(*xs: Any) -> Any:
        return vjp(fun, *xs)[1](ct)

    def forward(*xs: Any) -> Any:
        return jvp(fun, xs, again)[1]

    for name, first in (("vjp", reverse), ("jvp", forward)):
        got = numbers(jvp(first, xs, dxs)[1])
        if not at_kink(op, case):
            expected = differences(first, xs, dxs)
            report.close(f"jvp of {name}", got, expected, 10 * DIFFERENCES)
        _transposed(first, xs, report._replace(check=f"vjp of {name}"), rng)


def check_batch(op: Op, case: Case, report: Report, rng: Any) -> None:
    """vmap against a loop: of the value, of jvp and of vjp, whatever is batched."""
    candidates = tuple(i for i, x in enumerate(case.operands) if hasattr(x, "dtype"))
    if not case.batch:
        return
    for positions in _nonempty_subsets(candidates):
        lanes = [
            operands_at(case, positions),
            operands_at(_other_lane(op, case, rng), positions),
        ]
        stacked = tuple(np.stack(xs) for xs in zip(*lanes, strict=True))
        for fun in (
            function_of(op, case, positions),
            _derivatives(op, case, positions),
        ):
            try:
                got = vmap(fun)(*stacked)
            except LanesDisagreeError:
                continue
            rows = [fun(*lane) for lane in lanes]
            expected = tree.map(lambda *xs: np.stack(xs), *rows)
            report.close(f"vmap over operands {positions}", got, expected, EXACT)
            if positions == candidates:  # one lane must not be taken for broadcasting
                alone = vmap(fun)(*(x[:1] for x in stacked))
                first = tree.map(lambda x: np.stack([x]), rows[0])
                report.close("vmap over one lane", alone, first, EXACT)
    _batched_directions(op, case, report, rng)


def _other_lane(op: Op, case: Case, rng: np.random.Generator) -> Case:
    """The case with other numbers, for which the op is defined too."""
    if isinstance(op.samples[0], Domain):
        drawn = [
            draw(d, np.shape(x), rng)
            for d, x in zip(op.samples, case.operands, strict=True)
        ]
        return case._replace(operands=tuple(drawn))
    return case._replace(operands=tuple(map(_changed, case.operands)))


def _changed(x: Any) -> Any:
    if not hasattr(x, "dtype"):
        return x
    if is_inexact(x.dtype):
        return x * x.dtype.type(1.125)
    return np.flip(x, 0) if np.ndim(x) else x


def _derivatives(op: Op, case: Case, positions: tuple[int, ...]) -> Function:
    """jvp and vjp at fixed directions, as a function of the operands at `positions`."""

    def fun(*xs: Any) -> Any:
        operands = list(case.operands)
        for i, x in zip(positions, xs, strict=True):
            operands[i] = x
        moved, active = case._replace(operands=tuple(operands)), case.differentiate
        if not active or op.cut:
            return ()
        at = operands_at(moved, active)
        inner = function_of(op, moved, active)
        # The directions are drawn from the types, which every lane shares.
        rng = np.random.default_rng(1)
        tangent = jvp(inner, at, directions(at, rng))[1]
        value, pullback = vjp(inner, *at)
        return tangent, pullback(directions(value, rng))

    return fun


def _batched_directions(op: Op, case: Case, report: Report, rng: Any) -> None:
    if op.cut or not case.differentiate:
        return
    xs = operands_at(case, case.differentiate)
    fun = function_of(op, case, case.differentiate)
    value, pullback = vjp(fun, *xs)

    def pushforward(*dxs: Any) -> Any:
        return jvp(fun, xs, dxs)[1]

    for name, linear, rows in (
        ("cotangents", pullback, [(directions(value, rng),) for _ in range(2)]),
        ("tangents", pushforward, [directions(xs, rng) for _ in range(2)]),
    ):
        stacked = tree.map(lambda *xs: np.stack(xs), *rows)
        expected = tree.map(lambda *xs: np.stack(xs), *(linear(*row) for row in rows))
        report.close(f"vmap over {name}", vmap(linear)(*stacked), expected, EXACT)


def check_dtypes(op: Op, case: Case, report: Report, rng: Any) -> None:
    """float32: values as NumPy's, gradients of the operand's dtype and nearly right."""
    if case.label == "stress":
        return
    arrays = [i for i, x in enumerate(case.operands) if hasattr(x, "dtype")]
    inexact = [i for i in arrays if is_inexact(case.operands[i].dtype)]
    for positions in {tuple(inexact), *((i,) for i in inexact)} - {()}:
        operands = list(case.operands)
        for i in positions:
            operands[i] = _single(operands[i])
        narrow = case._replace(operands=tuple(operands))
        check_type(op, narrow, report, rng)
        check_value(op, narrow, report, rng)
        if not op.cut:
            _compare_precisions(op, narrow, case, report, rng)


def _single(x: Any) -> Any:
    return x.astype(np.complex64 if x.dtype.kind == "c" else np.float32)


def _compare_precisions(
    op: Op, narrow: Case, wide: Case, report: Report, rng: Any
) -> None:
    active = narrow.differentiate
    if not active:
        return
    xs, wide_xs = operands_at(narrow, active), operands_at(wide, active)
    value, pullback = vjp(function_of(op, narrow, active), *xs)
    wide_value, wide_pullback = vjp(function_of(op, wide, active), *wide_xs)
    ct = directions(wide_value, rng)
    wide_cts = wide_pullback(ct)
    cts = pullback(tree.map(lambda c, v: c.astype(v.dtype), ct, value))
    for x, c in zip(xs, cts, strict=True):
        if type_of(c) != type_of(x):
            report.fail("type of a float32 gradient", type_of(c), type_of(x))
    report.close("float32 gradient", cts, wide_cts, 1e-3)


def check_layouts(op: Op, case: Case, report: Report, rng: Any) -> None:
    """Fortran-ordered, strided and reversed operands give the same numbers."""
    active = case.differentiate
    for name, layout in _LAYOUTS.items():
        operands = tuple(layout(x) if np.ndim(x) else x for x in case.operands)
        laid = case._replace(operands=operands)
        check_value(op, laid, report._replace(check=f"{report.check}, {name}"), rng)
        plain, other = (op(*map(unwrap, c.operands), **c.params) for c in (case, laid))
        report.close(f"value, {name}", other, plain, EXACT)
        if op.cut or not active:
            continue
        value, pullback = vjp(function_of(op, case, active), *operands_at(case, active))
        ct = directions(value, rng)
        laid_ct = tree.map(lambda c: layout(c) if np.ndim(c) else c, ct)
        got = vjp(function_of(op, laid, active), *operands_at(laid, active))[1](laid_ct)
        report.close(f"gradient, {name}", got, pullback(ct), EXACT)


def _strided(x: np.ndarray) -> np.ndarray:
    spread = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    spread[..., ::2] = x
    return spread[..., ::2]


_LAYOUTS: dict[str, Function] = {
    "Fortran order": np.asfortranarray,
    "strided": _strided,
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
}


def check_complex(op: Op, case: Case, report: Report, rng: Any) -> None:
    """An op differentiates what it computes of complex numbers, or raises.

    The first operand alone is complex, then all are. A row that declares a complex
    domain must not refuse.
    """
    active = [i for i in case.differentiate if case.operands[i].dtype.kind == "f"]
    if case.label == "stress" or not active or at_kink(op, case):
        return
    for positions in {tuple(active), tuple(active[:1])}:
        operands = list(case.operands)
        for i in positions:
            turn = 1j * rng.uniform(0.1, 0.5, np.shape(operands[i]))
            operands[i] = as_scalar(operands[i] + turn)
        rotated = case._replace(operands=tuple(operands), analytic=False)
        try:
            op(*operands, **case.params)
        except (TypeError, WengertError):
            if case.analytic:
                raise
            continue
        try:
            _complex_checks(op, rotated, report, rng)
        except GradientCheckError:
            raise
        except WengertError:
            if case.analytic:
                raise


def _complex_checks(op: Op, case: Case, report: Report, rng: Any) -> None:
    for check in (check_value, check_forward, check_reverse, check_second_order):
        if not (op.cut and check is check_reverse):
            check(op, case, report, rng)


def _nonempty_subsets(positions: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    sizes = range(1, len(positions) + 1)
    return chain.from_iterable(combinations(positions, n) for n in sizes)


CHECKS: dict[str, Callable[[Op, Case, Report, Any], None]] = {
    "type": check_type,
    "value": check_value,
    "forward": check_forward,
    "reverse": check_reverse,
    "second order": check_second_order,
    "batch": check_batch,
    "dtypes": check_dtypes,
    "layouts": check_layouts,
    "complex": check_complex,
}


def check_op(op: Op, checks: Iterable[str] = tuple(CHECKS), seed: int = 0) -> None:
    """Test a row of the op table on the cases that its samples describe.

    Args:
        op: The row.
        checks: Names out of `CHECKS`; all of them by default.
        seed: Of the random operands and directions.

    Raises:
        GradientCheckError: a rule is wrong; the text names the op, the check, the case
            and both numbers.
        OpDefinitionError: the row has no samples.

    Example:
        >>> from wengert._ops.transcendental import exp
        >>> from wengert.testing import check_op
        >>> check_op(exp)
    """
    for name in checks:
        for case in cases(op, seed):
            rng = np.random.default_rng(seed + 1)
            report = Report(op, case, name)
            with np.errstate(all="ignore"):
                CHECKS[name](op, case, report, rng)
