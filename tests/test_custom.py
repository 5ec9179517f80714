"""custom_jvp, custom_vjp, opaque, straight_through, stop_gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._modes.custom import (
    custom_jvp,
    custom_vjp,
    stop_gradient,
    straight_through,
)
from wengert._modes.opaque import opaque
from wengert.errors import ArgumentError, CustomRuleError, MutationError, ShapeError

X = np.array([0.3, 0.7])
Y = 1.3


def reference(x, y):
    return wnp.sin(x) * y


def with_rules(forward: bool, reverse: bool):
    f = custom_jvp(reference)
    if forward:
        f.defjvp(
            lambda p, t: (
                f(*p),
                wnp.cos(p[0]) * p[1] * t[0] + wnp.sin(p[0]) * t[1],
            )
        )
    if reverse:
        f.defvjp(
            lambda x, y: (f(x, y), (x, y)),
            lambda r, ct: (wnp.cos(r[0]) * r[1] * ct, wnp.sum(wnp.sin(r[0]) * ct)),
        )
    return f


def square(g):
    return lambda x, y: wnp.sum(g(x, y) ** 2)


LANES = np.stack([X, X + 1])
MODES = {
    "grad": lambda g: wg.grad(square(g), argnums=(0, 1))(X, Y),
    "jvp": lambda g: wg.jvp(g, (X, Y), (X, Y)),
    "jvp of one": lambda g: wg.jvp(lambda x: g(x, Y), (X,), (X,)),
    "linearize": lambda g: wg.linearize(g, X, Y)[1](X, Y),
    "hessian": lambda g: wg.hessian(square(g))(X, Y),
    "grad of grad": lambda g: wg.grad(lambda x: wnp.sum(wg.grad(square(g))(x, Y) ** 2))(
        X
    ),
    "grad of jvp": lambda g: wg.grad(
        lambda x: wnp.sum(wg.jvp(lambda z: g(z, Y), (x,), (x,))[1])
    )(X),
    "vmap of grad": lambda g: wg.vmap(
        wg.grad(square(g), argnums=(0, 1)), in_axes=(0, None)
    )(LANES, Y),
    "grad of vmap": lambda g: wg.grad(
        lambda x, y: wnp.sum(wg.vmap(square(g), in_axes=(0, None))(x, y)),
        argnums=(0, 1),
    )(LANES, Y),
    "jvp of vmap": lambda g: wg.jvp(wg.vmap(lambda x: g(x, Y)), (LANES,), (LANES,)),
}


def agree(a, b, rtol=1e-10):
    for u, v in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(u, v, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rules", [(True, False), (False, True), (True, True)])
def test_every_mode_with_either_rule(mode, rules):
    agree(MODES[mode](with_rules(*rules)), MODES[mode](reference))


def test_rules_are_what_is_used():
    f = with_rules(True, False)
    f.defjvp(lambda p, t: (f(*p), 10.0 * t[0]))
    assert wg.grad(lambda x: wnp.sum(f(x, Y)))(X).tolist() == [10.0, 10.0]
    g = with_rules(False, True)
    g.defvjp(lambda x, y: (g(x, y), None), lambda _, ct: (5.0 * ct, None))
    assert wg.grad(lambda x: wnp.sum(g(x, Y)))(X).tolist() == [5.0, 5.0]
    assert wg.jvp(lambda x: g(x, Y), (X,), (X,))[1].tolist() == (5.0 * X).tolist()
    assert wg.grad(lambda y: wnp.sum(g(X, y)))(Y) == 0.0


def test_pytrees_and_nondiff_arguments():
    f = custom_vjp(
        lambda n, d: {"s": d["a"] ** n, "t": (d["a"] * d["b"], n)}, nondiff_argnums=0
    )
    f.defvjp(
        lambda n, d: (f(n, d), d),
        lambda n, d, ct: (
            {
                "a": n * d["a"] ** (n - 1) * ct["s"] + d["b"] * ct["t"][0],
                "b": wnp.sum(d["a"] * ct["t"][0]),
            },
        ),
    )

    def loss(d):
        out = f(3, d)
        assert out["t"][1] == 3
        return wnp.sum(out["s"] * out["t"][0])

    def plain(d):
        return wnp.sum(d["a"] ** 3 * d["a"] * d["b"])

    d = {"a": X, "b": 2.0}
    agree(wg.grad(loss)(d), wg.grad(plain)(d))
    agree(wg.jvp(loss, (d,), (d,)), wg.jvp(plain, (d,), (d,)))


def test_keyword_and_integer_arguments():
    f = custom_jvp(lambda x, k=2, table=None: x * k + table[0])

    @f.defjvp
    def rule(primals, tangents):
        assert tangents[1] is None and tangents[2] is None
        return f(*primals), tangents[0] * primals[1]

    assert wg.grad(lambda x: f(x, table=np.array([4, 5])))(3.0) == 2.0
    assert f(3.0, table=np.array([4, 5])) == 10.0


def test_the_tangent_of_an_infinite_constant_is_zero():
    f = custom_jvp(lambda x, y: x)
    f.defjvp(lambda primals, ts: (f(*primals), ts[0] + ts[1]))
    assert wg.jvp(lambda x: f(x, math.inf), (1.0,), (1.0,))[1] == 1.0


def test_calls_outside_transformations_leave_arguments_alone():
    @custom_jvp
    def f(x):
        x += 1.0
        return x

    f.defjvp(lambda p, t: (f(*p), t[0]))
    x = X.copy()
    assert f(x).tolist() == (X + 1).tolist()
    assert x.tolist() == X.tolist()
    assert wg.grad(lambda x: wnp.sum(f(x)))(x).tolist() == [1.0, 1.0]


def test_complex_rules_are_adjoint():
    z = np.array([0.3 + 0.4j, -0.2 + 1j])
    f = custom_jvp(lambda z: z * z)
    f.defjvp(lambda p, t: (p[0] * p[0], 2.0 * p[0] * t[0]))
    g = custom_vjp(lambda z: z * z)
    g.defvjp(lambda z: (z * z, z), lambda z, ct: (2.0 * wnp.conj(z) * ct,))
    loss = lambda h: lambda z: wnp.sum(wnp.abs(h(z)))
    for h in (f, g):
        agree(wg.grad(loss(h))(z), wg.grad(loss(lambda z: z * z))(z))
        agree(wg.jvp(h, (z,), (z,)), wg.jvp(lambda z: z * z, (z,), (z,)))


# -- errors --------------------------------------------------------------------------


def test_no_rule():
    with pytest.raises(
        CustomRuleError, match=r"custom_jvp\(reference\).*it has no rule"
    ) as e:
        wg.grad(lambda x: wnp.sum(with_rules(False, False)(x, Y)))(X)
    assert "test_custom.py" in str(e.value) and "Fix: attach one" in str(e.value)


NONLINEAR = {
    "maximum": lambda ct: wnp.maximum(ct, 0.5),
    "square": lambda ct: ct * ct,
    "greater": lambda ct: wnp.where(ct > 0, ct, 0.0),
    "bool": lambda ct: ct if ct else ct,
    "a constant": lambda ct: ct + 1.0,
}


@pytest.mark.parametrize("what", NONLINEAR)
def test_rule_that_is_not_linear_in_the_missing_mode(what):
    f = custom_vjp(lambda x: x)
    f.defvjp(lambda x: (x, None), lambda _, ct: (NONLINEAR[what](ct),))
    text = "the jvp rule is missing, and the vjp rule is not linear"
    with pytest.raises(CustomRuleError, match=text):
        wg.jvp(f, (1.0,), (1.0,))
    g = custom_jvp(lambda x: x)
    g.defjvp(lambda p, t: (p[0], NONLINEAR[what](t[0])))
    text = "the vjp rule is missing, and the jvp rule is not linear"
    with pytest.raises(CustomRuleError, match=text):
        wg.grad(g)(1.0)
    wg.grad(f)(1.0), wg.jvp(g, (1.0,), (1.0,))  # in their own mode both are allowed


def test_tangent_in_the_value_and_custom_call_of_a_tangent():
    g = custom_jvp(lambda x: x)
    g.defjvp(lambda p, t: (p[0] + t[0], t[0]))
    with pytest.raises(CustomRuleError, match="the tangent into its value"):
        wg.grad(g)(1.0)
    h = custom_jvp(lambda x: x)
    h.defjvp(lambda p, t: (p[0], with_rules(True, True)(t[0], 1.0)))
    with pytest.raises(CustomRuleError, match=r"it takes custom_jvp\(reference\)"):
        wg.grad(h)(1.0)


def jvp_rule(rule):
    f = custom_jvp(lambda x: x * 2.0)
    f.defjvp(rule)
    return lambda: wg.jvp(f, (X,), (X,))


def bwd_rule(bwd, fwd=lambda x: (x * 2.0, None)):
    f = custom_vjp(lambda x: x * 2.0)
    f.defvjp(fwd, bwd)
    return lambda: wg.grad(lambda x: wnp.sum(f(x)))(X)


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (jvp_rule(lambda p, t: p[0]), "the jvp rule returned TracedArray, not a pair"),
        (
            jvp_rule(lambda p, t: (p[0], (t[0], t[0]))),
            "returned a tangent of type|structure",
        ),
        (jvp_rule(lambda p, t: ({"a": p[0]}, t[0])), "a tangent of structure"),
        (
            jvp_rule(lambda p, t: (p[0], t[0][0])),
            r"type float64\[\] for a value of type float64\[2\]",
        ),
        (jvp_rule(lambda p, t: (p[0], t[0] * 1j)), "for a real value"),
        (
            bwd_rule(lambda r, ct: ct),
            "bwd returned TracedArray, and the function has 1 argument",
        ),
        (bwd_rule(lambda r, ct: (ct, ct)), "bwd returned 2 entries"),
        (bwd_rule(lambda r, ct: (ct[0],)), r"a cotangent of type float64\[\] for"),
        (
            bwd_rule(lambda r, ct: (ct,), fwd=lambda x: x),
            "fwd returned TracedArray, not a pair",
        ),
    ],
)
def test_results_of_the_wrong_type(run, text):
    with pytest.raises((CustomRuleError, AttributeError), match=text):
        run()


def test_closures_and_outer_writes_are_refused():
    def closing(x):
        f = custom_jvp(lambda y: y * x)
        f.defjvp(lambda p, t: (p[0] * x, t[0] * x))
        return f(2.0 * x)

    with pytest.raises(
        CustomRuleError, match="reads a traced value that is not one of its"
    ):
        wg.grad(closing)(1.0)

    def writing(x):
        buffer = wnp.zeros(2)

        @custom_jvp
        def f(y):
            buffer[0] = 1.0
            return y

        f.defjvp(lambda p, t: (f(*p), t[0]))
        return wnp.sum(f(x))

    with pytest.raises(MutationError, match="made outside the innermost"):
        wg.grad(writing)(X)


def test_nondiff_argnums_errors():
    f = custom_jvp(lambda x, y: x * y, nondiff_argnums=(1,))
    f.defjvp(lambda y, p, t: (p[0] * y, t[0] * y))
    assert wg.grad(lambda x: f(x, 3.0))(2.0) == 3.0
    with pytest.raises(
        CustomRuleError, match="argument 1 is in nondiff_argnums, and depends"
    ):
        wg.grad(lambda x: f(x, x))(2.0)
    g = custom_jvp(lambda x: x, nondiff_argnums=(4,))
    with pytest.raises(ArgumentError, match="nondiff_argnums has 4"):
        wg.grad(g)(1.0)


# -- opaque --------------------------------------------------------------------------


def hidden(x, y):
    assert type(x) is np.ndarray
    return np.array([math.sin(v) for v in x]) * y


def tangent_rule(primals, tangents):
    (x, y), (dx, dy) = primals, tangents
    return wnp.cos(x) * y * dx + wnp.sin(x) * dy


def cotangent_rule(primals, ct):
    x, y = primals
    return wnp.cos(x) * y * ct, wnp.sum(wnp.sin(x) * ct)


OPAQUE = {
    "jvp": lambda: opaque(hidden, jvp=tangent_rule),
    "vjp": lambda: opaque(hidden, vjp=cotangent_rule, out=lambda x, y: x),
    "both": lambda: opaque(hidden, jvp=tangent_rule, vjp=cotangent_rule),
    "central": lambda: opaque(hidden, differences="central"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rules", OPAQUE)
def test_opaque(mode, rules):
    rtol = 1e-3 if rules == "central" else 1e-9
    agree(MODES[mode](OPAQUE[rules]()), MODES[mode](reference), rtol)


def test_opaque_by_complex_step():
    f = opaque(lambda x, y: np.sin(x) * y, differences="complex")
    for mode in ("grad", "jvp", "vmap of grad"):
        agree(MODES[mode](f), MODES[mode](reference), 1e-14)
    for mode in ("hessian", "grad of grad"):
        with pytest.raises(CustomRuleError, match="gives first derivatives only"):
            MODES[mode](f)
    with pytest.raises(CustomRuleError, match="of a complex argument"):
        wg.jvp(opaque(lambda z: z, differences="complex"), (1j,), (1j,))


def test_opaque_of_complex_arguments_by_central_differences():
    z = np.array([0.3 + 0.4j, -0.2 + 1j])
    f = opaque(lambda z: np.abs(z) ** 2 * z, differences="central")
    g = lambda z: wnp.abs(z) ** 2 * z
    loss = lambda h: lambda z: wnp.sum(wnp.abs(h(z)))
    agree(wg.grad(loss(f))(z), wg.grad(loss(g))(z), 1e-7)
    agree(wg.jvp(f, (z,), (z,)), wg.jvp(g, (z,), (z,)), 1e-7)


def test_opaque_may_write_to_its_arguments():
    def f(x):
        x *= 2.0
        return x

    g = opaque(f, differences="central")
    assert g(X).tolist() == (2 * X).tolist() and X.tolist() == [0.3, 0.7]
    agree(wg.grad(lambda x: wnp.sum(g(x)))(X), np.array([2.0, 2.0]), 1e-8)


def test_opaque_errors():
    with pytest.raises(
        CustomRuleError, match=r"opaque\(hidden\): a derivative is asked for"
    ):
        wg.grad(lambda x: wnp.sum(opaque(hidden)(x, Y)))(X)
    with pytest.raises(
        CustomRuleError, match=r"returned float64\[2\], and out= says float32\[2\]"
    ):
        f = opaque(hidden, jvp=tangent_rule, out=lambda x, y: (x.shape, np.float32))
        wg.jvp(f, (X, Y), (X, Y))
    with pytest.raises(CustomRuleError, match="returned a object"):
        wg.jvp(opaque(lambda x: object(), jvp=tangent_rule), (X,), (X,))
    with pytest.raises(ArgumentError, match="differences='nearby'"):
        opaque(hidden, differences="nearby")
    with pytest.raises(ArgumentError, match="beside a rule"):
        opaque(hidden, differences="central", jvp=tangent_rule)
    with pytest.raises(ShapeError, match="under vmap of 0 lanes"):
        wg.vmap(opaque(np.sin))(np.zeros(0))


# -- straight_through and stop_gradient ----------------------------------------------


def test_straight_through():
    f = straight_through(wnp.rint, lambda x: x)
    agree(wg.value_and_grad(lambda x: f(x) ** 2)(1.7), (4.0, 4.0))
    agree(wg.hessian(lambda x: f(x) ** 2)(1.7), 2.0)
    agree(wg.jvp(f, (1.7,), (3.0,)), (2.0, 3.0))
    agree(wg.vmap(wg.grad(lambda x: f(x) ** 2))(X), 2 * np.rint(X))
    step = straight_through(lambda x: x > 0, lambda x: 1 / (1 + wnp.exp(-x)))
    agree(wg.value_and_grad(step)(0.0), (0.0, 0.25))
    assert f(1.7) == 2.0
    w = 3.0
    through = lambda w: straight_through(wnp.rint, lambda x: x * w)(1.2)
    agree(wg.grad(through)(w), 1.2)


def test_straight_through_errors():
    with pytest.raises(
        CustomRuleError, match=r"returned the shape \(2,\), the surrogate \(\)"
    ):
        wg.grad(lambda x: wnp.sum(straight_through(wnp.rint, wnp.sum)(x)))(X)
    with pytest.raises(
        CustomRuleError, match="the surrogate returned a result of structure"
    ):
        wg.grad(straight_through(lambda x: (x, x), lambda x: x))(1.0)


def test_stop_gradient():
    assert wg.grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    d = stop_gradient({"a": X, "n": 3, "s": "text", "i": np.arange(2), "f": 2.0})
    assert d["a"].tolist() == X.tolist() and d["n"] == 3 and d["s"] == "text"
    assert d["i"].dtype.kind == "i" and d["f"] == 2.0
    assert wg.jvp(lambda x: stop_gradient(x) * 2, (3.0,), (1.0,))[1] == 0.0
    assert (
        wg.grad(lambda x: wnp.sum(stop_gradient((x, x))[0] * x))(X).tolist()
        == X.tolist()
    )
    assert wg.grad(lambda x: math.sin(stop_gradient(x)) * x)(1.0) == math.sin(1.0)
