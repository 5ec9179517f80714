"""audit and debug_nans."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._modes.audit import Record, audit, debug_nans
from wengert._modes.custom import custom_jvp, stop_gradient
from wengert.errors import NonFiniteError

X = np.array([0.3, 0.7])


def kinds(f, *args):
    return [r.kind for r in audit(f, *args)]


def test_nothing_to_report():
    report = audit(lambda x: wnp.sum(wnp.sin(x) * x), X)
    assert list(report) == []
    assert (
        str(report)
        == "no place where dependence is cut or a derivative is a convention"
    )


@pytest.mark.parametrize(
    ("f", "args", "kind", "reason"),
    [
        (
            lambda x: x * stop_gradient(x),
            (X,),
            "stop_gradient",
            "stop_gradient asks for it",
        ),
        (
            lambda x: wnp.where(x > 0.5, x, 0.0),
            (X,),
            "greater",
            "a comparison is constant",
        ),
        (lambda x: wnp.floor(x), (X,), "floor", "it is constant between its jumps"),
        (lambda x: wnp.round(x), (X,), "rint", "it is constant between its jumps"),
        (lambda x: x[wnp.argmax(x)], (X,), "argmax", ""),
        (lambda x: x * x.astype(int), (X,), "to_integer", "truncates"),
        (lambda x: x * int(x), (1.5,), "int()", "chooses a path or an index"),
        (lambda x: x if x else 2 * x, (1.5,), "bool()", "chooses a path or an index"),
        (
            lambda x: wnp.abs(x),
            (np.array([0.0, 1.0]),),
            "kink",
            r"absolute: abs(x) at 0; ours: 0",
        ),
        (lambda x: wnp.maximum(x, 0.3), (X,), "kink", "maximum(x, y) at x = y"),
        (
            lambda x: wnp.floor(x),
            (2.0,),
            "floor",
            "hit exactly: floor(x) at an integer",
        ),
        (
            lambda x: wnp.where(x > 0, wnp.sqrt(x), 0.0),
            (np.array([0.0, 1.0]),),
            "zero times infinity",
            "taken as 0",
        ),
    ],
)
def test_each_kind(f, args, kind, reason):
    report = audit(f, *args)
    found = [r for r in report if r.kind == kind]
    assert found, str(report)
    assert reason in found[0].reason
    assert found[0].file == __file__
    assert "test_audit.py" in str(report) and kind in str(report)


def test_lines_and_the_table():
    def f(x, n):
        y = wnp.floor(x)
        for _ in range(n):
            y = y + wnp.sign(x)
        return wnp.sum(y)

    first = f.__code__.co_firstlineno
    report = audit(f, X, 3)
    assert [(r.kind, r.line) for r in report] == [
        ("floor", first + 1),
        ("sign", first + 3),
    ]
    assert isinstance(report[0], Record) and isinstance(report, list)
    lines = str(report).splitlines()
    assert lines[0].split() == ["kind", "place", "reason"] and len(lines) == 4
    assert repr(report) == str(report)


def test_values_without_dependence_are_not_reported():
    def f(x, table):
        k = int(table[0]) if table[0] > 0 else 0
        return x[k] * wnp.floor(table[1])

    assert kinds(f, X, np.array([1, 2])) == []
    assert kinds(lambda d: d["x"] * d["n"], {"x": 1.0, "n": 2, "name": "a"}) == []


def test_nested_transformations_are_seen():
    assert "greater" in kinds(wg.grad(lambda x: wnp.where(x > 0, x * x, 0.0)), 1.0)
    assert "sign" in kinds(wg.vmap(lambda x: x * wnp.sign(x)), X)
    g = custom_jvp(lambda x: x * wnp.floor(x))
    g.defjvp(lambda p, t: (g(*p), t[0]))
    assert kinds(g, 1.5) == []  # its rule says what its derivative is


# -- debug_nans ----------------------------------------------------------------------

ZERO = np.array([0.0, 1.0])


def first(f):
    with pytest.raises(NonFiniteError) as e, debug_nans():
        f()
    assert f"{__file__}:" in str(e.value) and "Fix: " in str(e.value)
    return e.value.value, e.value.op, e.value.role


@pytest.mark.parametrize(
    ("f", "found"),
    [
        (lambda: wnp.log(ZERO), ("inf", "log", "primal")),
        (lambda: wnp.sqrt(-1.0 - ZERO), ("nan", "sqrt", "primal")),
        (lambda: wnp.exp(1000.0 * ZERO), ("inf", "exp", "primal")),
        (
            lambda: wg.grad(lambda x: wnp.sum(wnp.log(x)))(ZERO),
            ("inf", "log", "primal"),
        ),
        (
            lambda: wg.grad(lambda x: wnp.sum(wnp.sqrt(x)))(ZERO),
            ("inf", "sqrt", "cotangent"),
        ),
        (lambda: wg.jvp(wnp.sqrt, (ZERO,), (ZERO + 1,)), ("inf", "sqrt", "tangent")),
        (lambda: wg.vmap(wg.grad(wnp.sqrt))(ZERO), ("inf", "sqrt", "cotangent")),
        (lambda: wg.hessian(lambda x: x**1.5)(0.0), ("inf", "power", "tangent")),
    ],
)
def test_first_non_finite_value(f, found):
    value, op, role = first(f)
    assert (value, role) == (found[0], found[2])
    assert op == found[1] or role != "primal"


def test_the_line_is_the_users():
    def f(x):
        y = wnp.sqrt(x)
        return wnp.sum(y * 2.0)

    with pytest.raises(NonFiniteError) as e, debug_nans():
        wg.grad(f)(ZERO)
    assert f"{__file__}:{f.__code__.co_firstlineno + 1}: y = wnp.sqrt(x)" in str(
        e.value
    )


def test_custom_rules_are_named():
    g = custom_jvp(lambda x: x * 2.0)
    g.defjvp(lambda p, t: (g(*p), t[0] / (p[0] - p[0])))
    for run in (lambda: wg.jvp(g, (1.0,), (1.0,)), lambda: wg.grad(g)(1.0)):
        with pytest.raises(NonFiniteError), debug_nans():
            run()


def test_finite_derivatives_pass():
    with debug_nans():
        safe = wg.grad(lambda x: wnp.sum(wnp.where(x > 0, wnp.sqrt(x), 0.0)))(ZERO)
        assert safe.tolist() == [0.0, 0.5]
        masked = wnp.where(ZERO > 0, ZERO, -np.inf)
        assert masked.tolist() == [-np.inf, 1.0]
        assert wg.grad(lambda x: wnp.sum(x * x))(ZERO).tolist() == [0.0, 2.0]


def test_user_code_still_gets_plain_arrays():
    with debug_nans():
        assert type(wnp.zeros(3)) is np.ndarray
        assert type(wnp.sin(ZERO)) is np.ndarray
        assert type(wg.grad(lambda x: wnp.sum(x * x))(ZERO)) is np.ndarray
        x = wnp.arange(3.0)
        x[0] = 5.0
        assert x.tolist() == [5.0, 1.0, 2.0]
    with np.errstate(all="ignore"):
        assert np.isinf(wnp.log(ZERO)[0])  # outside nothing is checked
