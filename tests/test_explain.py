"""`wengert.explain`: lists, graphs, formulas, comparisons and pictures."""

from __future__ import annotations

import io
import sys
import xml.etree.ElementTree as ElementTree
from unittest import mock

import matplotlib.image
import mpmath
import numpy
import pytest
import sympy

import wengert as wg
import wengert.numpy as np
from wengert._control.loops import fori_loop
from wengert._core.op import OPS
from wengert._modes.checkpoint import checkpoint
from wengert._modes.custom import custom_jvp
from wengert._modes.opaque import opaque
from wengert.explain import _differences, _reference
from wengert.explain._formulas import FORMULAS
from wengert.explain._layout import layered
from wengert.explain._numbers import run_on
from wengert.explain._symbolic import SymbolNumbers, _functions, _lifter


def f(x1, x2):
    return x1 * x2 + np.sin(x1)


def relax(u, rate):
    u[1:-1] += rate * (u[:-2] - 2.0 * u[1:-1] + u[2:])
    return np.sum(u * u)


def pivoted(a, b):
    """A program with branches, views, swaps and in-place updates."""
    if abs(a[1, 0]) > abs(a[0, 0]):
        a[0], a[1] = a[1], a[0].copy()
        b = -b
    a[1] -= a[0] * (a[1, 0] / a[0, 0])
    return a[0, 0] * a[1, 1] * b


MATRIX = numpy.array([[1.0, 2.0], [4.0, 3.0]])

# -- trace ----------------------------------------------------------------------------


def test_trace_prints_the_textbook_table():
    assert str(wg.explain.trace(f)(2.0, 5.0)).splitlines() == [
        "variable  expression  value     d/dx1      d/dx2  adjoint",
        "---------------------------------------------------------",
        "v1        x1          2         1          0      4.58385",
        "v2        x2          5         0          1      2",
        "v3        v1 * v2     10        5          2      1",
        "v4        sin(v1)     0.909297  -0.416147  0      1",
        "v5        v3 + v4     10.9093   4.58385    2      1",
        "result: v5",
    ]


def test_trace_prints_nothing_itself(capsys):
    found = wg.explain.trace(f)(2.0, 5.0)
    assert repr(found) == "<Trace: 5 variables, print() shows them>"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("fun", "args"),
    [
        (f, (2.0, 5.0)),
        (relax, (numpy.array([0.0, 1.0, 3.0, 2.0]), 0.25)),
        (pivoted, (MATRIX, 1.5)),
        (lambda p: p["w"] * p["x"][0] - p["x"][1], ({"w": 2.0, "x": (3.0, 1.0)},)),
        (lambda x: np.sum(np.sort(x) * x), (numpy.array([3.0, 1.0, 2.0]),)),
    ],
)
def test_adjoints_of_inputs_are_the_gradient(fun, args):
    found = wg.explain.trace(fun)(*args)
    expected = wg.tree.leaves(wg.grad(fun, argnums=tuple(range(len(args))))(*args))
    inputs = [row for row in found.rows if row.site is None]
    assert len(inputs) == len(expected)
    for row, gradient in zip(inputs, expected, strict=True):
        numpy.testing.assert_array_equal(row.adjoint, gradient)


@pytest.mark.parametrize("args", [(MATRIX, 1.5), (MATRIX[::-1], 1.5)])
def test_tangents_are_those_of_jvp(args):
    ones = tuple(numpy.ones_like(a) for a in args)
    found = wg.explain.trace(pivoted, tangents=ones)(*args)
    assert found.directions == ["tangent"]
    value, tangent = wg.jvp(pivoted, args, ones)
    assert found.rows[-1].value == value
    assert found.rows[-1].tangents == (tangent,)


def test_adjoint_of_every_variable_is_the_derivative_of_the_result():
    """Shift each variable in turn: the rest of the list is run on from there."""
    row = {r.name: r for r in wg.explain.trace(f)(2.0, 5.0).rows}
    assert row["v3"].adjoint == row["v4"].adjoint == row["v5"].adjoint == 1.0
    assert row["v1"].adjoint == row["v1"].tangents[0] * 0 + 5.0 + numpy.cos(2.0)


def test_trace_leaves_arguments_alone():
    u = numpy.array([0.0, 1.0, 0.0])
    wg.explain.trace(relax)(u, 0.25)
    assert u.tolist() == [0.0, 1.0, 0.0]


def test_earlier_versions_of_an_array_keep_their_values():
    def fill(x):
        y = np.zeros(2)
        y[0] = x
        y[1] = y[0] * 2.0
        return np.sum(y)

    texts = [r.expression for r in wg.explain.trace(fill)(3.0).rows]
    values = [numpy.asarray(r.value).tolist() for r in wg.explain.trace(fill)(3.0).rows]
    assert texts == [
        "x",
        "[0 0] with [0] = v1",
        "v2[0]",
        "v3 * 2",
        "v2 with [1] = v4",
        "sum(v5)",
    ]
    assert values == [3.0, [3.0, 0.0], 3.0, 6.0, [3.0, 6.0], 9.0]


@pytest.mark.parametrize(
    ("fun", "texts"),
    [
        (lambda x: -(x[1:] ** 2), ["v1[1:]", "v2 ** 2", "-v3"]),
        (lambda x: x[::-1] / 2.0, ["v1[::-1]", "v2 / 2"]),
        (lambda x: x[[0, 0]], ["v1[[0 0]]"]),
        (lambda x: x[..., None] @ x[None], ["v1[..., None]", "v1[None]", "v2 @ v3"]),
        (lambda x: np.where(x > 1.5, x, 0.0), ["v1 > 1.5", "where(v2, v1, 0)"]),
        (lambda x: x.astype(numpy.float32), ["float32(v1)"]),
        (lambda x: np.sum(x, axis=0), ["sum(v1)"]),
    ],
)
def test_expressions(fun, texts):
    rows = wg.explain.trace(fun)(numpy.array([1.0, 2.0])).rows
    assert [r.expression for r in rows[1:]] == texts


def test_truth_values_have_no_derivatives():
    rows = wg.explain.trace(lambda x: np.where(x > 1.5, x, 0.0))(2.0).rows
    assert rows[1].tangents == (None,) and rows[1].adjoint is None
    assert "True" in str(wg.explain.trace(lambda x: np.where(x > 1.5, x, 0.0))(2.0))


def test_what_only_chose_the_path_is_left_out():
    def choose(x):
        unused = x * 7.0
        return x * 2.0 if x > 1.0 and unused > 0.0 else x

    found = wg.explain.trace(choose)(3.0)
    assert [r.expression for r in found.rows] == ["x", "v1 * 2"]


def test_several_results_and_several_results_of_one_op():
    found = wg.explain.trace(lambda a: np.linalg.slogdet(a))(MATRIX)
    assert [r.expression for r in found.rows] == [
        "a",
        "slogdet(v1) (1 of 2)",
        "slogdet(v1) (2 of 2)",
    ]
    assert found.outputs == ["v2", "v3"]
    numpy.testing.assert_allclose(found.rows[0].adjoint, numpy.linalg.inv(MATRIX).T)


def test_a_result_without_dependence():
    found = wg.explain.trace(lambda x: 1.0)(2.0)
    assert str(found).endswith("result: constant")
    assert found.rows[0].adjoint == 0.0


def test_an_input_can_be_the_result():
    found = wg.explain.trace(lambda x: (x, x))(2.0)
    assert found.outputs == ["v1"] and found.rows[0].adjoint == 1.0


def test_names_of_arguments():
    def many(first, *rest, scale=1.0):
        return first + sum(rest) * scale

    assert [r.expression for r in wg.explain.trace(many)(1.0, 2.0, 3.0).rows[:3]] == [
        "first",
        "rest[0]",
        "rest[1]",
    ]
    assert wg.explain.trace(max)(1.0, 2.0).rows[1].expression == "x2"


def test_large_arrays_are_shown_by_their_type():
    assert "float64[100]" in str(
        wg.explain.trace(lambda x: np.sum(x * x))(numpy.ones(100))
    )


def test_at_most_four_directions():
    found = wg.explain.trace(lambda *xs: sum(xs))(1.0, 2.0, 3.0, 4.0, 5.0)
    assert found.directions == ["d/dxs[0]", "d/dxs[1]", "d/dxs[2]", "d/dxs[3]"]


def test_a_trace_inside_knows_derivatives_inside():
    """A gradient inside the function is on the list like any other computation."""
    found = wg.explain.trace(lambda x: wg.grad(lambda y: y * y * x)(3.0))(2.0)
    assert found.rows[-1].value == 12.0
    assert found.rows[0].adjoint == 6.0


def test_functions_with_rules_of_their_own_are_one_line():
    @custom_jvp
    def cube(x):
        return x * x * x

    cube.defjvp(lambda primals, tangents: (primals[0] ** 3, -tangents[0]))
    found = wg.explain.trace(lambda x: cube(x) * 2.0)(3.0)
    assert [r.expression for r in found.rows] == ["x", "custom_jvp(cube)(v1)", "v2 * 2"]
    assert found.rows[0].adjoint == -2.0 and found.rows[-1].tangents == (-2.0,)


def test_opaque_functions_are_traced():
    square = opaque(lambda y: float(y) ** 2, differences="central")
    found = wg.explain.trace(lambda x: square(x) * x)(2.0)
    assert found.rows[0].adjoint == pytest.approx(12.0, rel=1e-6)


def test_loops_and_checkpoints_are_unrolled():
    step = checkpoint(lambda y: y * 2.0)
    found = wg.explain.trace(lambda x: fori_loop(0, 3, lambda _, y: step(y), x))(1.0)
    assert [r.expression for r in found.rows] == ["x", "v1 * 2", "v2 * 2", "v3 * 2"]


# -- graph ----------------------------------------------------------------------------


def test_dot():
    text = wg.explain.trace(f)(2.0, 5.0).dot
    assert text.startswith("digraph wengert {") and text.endswith("}\n")
    assert '  v3 [label="v3 = v1 * v2\\n10", fillcolor="#ffffff"];' in text
    assert '  v1 -> v4 [label="-0.4161"];' in text


def test_partials_along_edges():
    partials = wg.explain.trace(lambda x: x * x + x)(3.0).partials
    assert partials == {("v1", "v2"): 6.0, ("v2", "v3"): 1.0, ("v1", "v3"): 1.0}


def test_paths_through_the_graph_add_up_to_the_gradient():
    found = wg.explain.trace(lambda x: np.exp(x * x) * np.sin(x) / x)(0.7)
    adjoint = {found.rows[-1].name: 1.0}
    for row in reversed(found.rows[:-1]):
        adjoint[row.name] = sum(
            p * adjoint[end]
            for (start, end), p in found.partials.items()
            if start == row.name
        )
    assert adjoint["v1"] == pytest.approx(found.rows[0].adjoint, rel=1e-15)


def test_svg(tmp_path):
    wg.explain.trace(lambda x: x * x + (x < 3.0) * x)(2.0).svg(tmp_path / "graph.svg")
    root = ElementTree.parse(tmp_path / "graph.svg").getroot()
    texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "v3 = v1 < 3" in texts
    width, height = float(root.get("width")), float(root.get("height"))
    for box in list(root.iter("{http://www.w3.org/2000/svg}rect"))[1:]:
        assert 0 <= float(box.get("x")) <= width - float(box.get("width"))
        assert 0 <= float(box.get("y")) <= height - float(box.get("height"))


def test_layout_keeps_nodes_of_a_layer_apart_and_edges_forwards():
    edges = [
        (0, 3),
        (1, 3),
        (2, 4),
        (0, 4),
        (3, 5),
        (4, 5),
        (0, 5),
        (1, 6),
        (6, 7),
        (2, 7),
    ]
    layout = layered(8, edges)
    assert all(layout.layer[start] < layout.layer[end] for start, end in edges)
    places = list(zip(layout.layer, layout.height, strict=True))
    for i, (column, y) in enumerate(places):
        for other, z in places[:i]:
            assert other != column or abs(y - z) >= 1 - 1e-9
    assert len(layout.bends[0, 5]) == layout.layer[5] - 1


# -- symbolic -------------------------------------------------------------------------


def test_symbolic():
    form = wg.explain.symbolic(f)
    x1, x2 = form.symbols
    assert form.expression == x1 * x2 + sympy.sin(x1)
    assert form.derivatives == {x1: x2 + sympy.cos(x1), x2: x1}
    assert form.operations == (3, 2, 5)
    assert form.latex == r"x_{1} x_{2} + \sin{\left(x_{1} \right)}"
    assert repr(form) == "<Symbolic: 3 operations, print() shows it>"
    assert str(form).splitlines()[:2] == [
        "f = x1*x2 + sin(x1)",
        "df/dx1 = x2 + cos(x1)",
    ]


def test_symbolic_of_arrays_with_updates():
    form = wg.explain.symbolic(relax, numpy.zeros(3), 1.0)
    u0, u1, u2, rate = form.symbols
    expected = u0**2 + (u1 + rate * (u0 - 2 * u1 + u2)) ** 2 + u2**2
    assert sympy.simplify(form.expression - expected) == 0
    gradient = wg.grad(relax)(numpy.array([1.0, 2.0, 4.0]), 0.25)
    at = {u0: 1, u1: 2, u2: 4, rate: sympy.Rational(1, 4)}
    assert [float(form.derivatives[u].subs(at)) for u in (u0, u1, u2)] == list(gradient)


def test_symbolic_array_result():
    form = wg.explain.symbolic(lambda x: np.outer(x, x)[0], numpy.ones(2))
    x0, x1 = form.symbols
    assert form.expression.tolist() == [x0**2, x0 * x1]
    assert form.derivatives[x1].tolist() == [0, x0]
    assert "x_{0}^{2}" in form.latex and "[x_0**2, x_0*x_1]" in str(form)


def test_symbolic_names_and_static_arguments():
    def power(params, n):
        result = params["scale"]
        for _ in range(n):
            result = result * params["x"]
        return result

    form = wg.explain.symbolic(power, {"scale": 1.0, "x": 1.0}, 3)
    assert str(form.expression) == "params_scale*params_x**3"
    assert [str(s) for s in wg.explain.symbolic(lambda x, n=2: x**n).symbols] == ["x"]


def test_symbolic_numbers_are_exact_and_readable():
    form = wg.explain.symbolic(lambda x: 0.5 * x + 3.0 + np.sin(-np.pi * x) + 0.1 * x)
    assert str(form.expression) == "0.6*x - sin(pi*x) + 3"
    assert wg.explain.symbolic(lambda x: x * 0.375).expression.coeff(
        sympy.Symbol("x", real=True)
    ) == sympy.Rational(3, 8)
    assert wg.explain.symbolic(lambda x: x + np.inf).expression == sympy.oo


def test_symbolic_where_compiles_to_piecewise():
    form = wg.explain.symbolic(lambda x: np.where((x > 0) & (x < 1), x, -x))
    (x,) = form.symbols
    assert form.expression == sympy.Piecewise((x, (x > 0) & (x < 1)), (-x, True))


def test_symbolic_decisions_that_need_no_value():
    """A condition that holds for all values chooses the path."""
    assert str(wg.explain.symbolic(lambda x: x if x * x >= 0 else -x).expression) == "x"


@pytest.mark.parametrize(
    ("fun", "expected"),
    [
        (lambda x: np.max(x), lambda a, b: sympy.Max(a, b)),
        (lambda x: np.min(x), lambda a, b: sympy.Min(a, b)),
        (lambda x: np.mean(x), lambda a, b: (a + b) / 2),
        (lambda x: np.prod(x), lambda a, b: a * b),
        (lambda x: np.cumsum(x)[1], lambda a, b: a + b),
        (lambda x: np.cumprod(x)[1], lambda a, b: a * b),
        (lambda x: np.dot(x, x), lambda a, b: a**2 + b**2),
        (lambda x: np.vecdot(x, x), lambda a, b: a**2 + b**2),
        (lambda x: np.vdot(x, x), lambda a, b: a**2 + b**2),
        (lambda x: np.einsum("i,i->", x, x), lambda a, b: a**2 + b**2),
        (lambda x: np.linalg.norm(x), lambda a, b: sympy.sqrt(a**2 + b**2)),
        (lambda x: np.sum(x, where=numpy.array([True, False])), lambda a, b: a),
        (lambda x: np.take(x, [1])[0], lambda a, b: b),
        (lambda x: x[numpy.array([1, 0])][0], lambda a, b: b),
        (lambda x: np.concatenate([x, x]).reshape(2, 2).T[1, 0], lambda a, b: b),
        (
            lambda x: np.clip(x, -1.0, 1.0)[0],
            lambda a, b: sympy.Min(1, sympy.Max(-1, a)),
        ),
        (lambda x: x.copy().astype(float)[1], lambda a, b: b),
        (lambda x: np.tril(np.outer(x, x))[0, 1], lambda a, b: sympy.Integer(0)),
    ],
)
def test_symbolic_functions_of_arrays(fun, expected):
    form = wg.explain.symbolic(fun, numpy.ones(2))
    assert sympy.simplify(form.expression - expected(*form.symbols)) == 0


def test_complex_numbers_on_the_way():
    def fun(x):
        z = np.exp(1j * x) * x
        return np.real(z) + np.imag(np.conj(z)) * np.abs(z)

    (x,) = wg.explain.symbolic(fun).symbols
    at = 0.7
    derivative = wg.explain.symbolic(fun).derivatives[x].subs(x, at)
    assert complex(derivative) == pytest.approx(wg.grad(fun)(at), rel=1e-13)
    assert float(_reference.derivative(fun, at)) == pytest.approx(wg.grad(fun)(at))


def test_symbolic_of_a_function_with_rules_of_its_own_is_that_of_its_code():
    square = custom_jvp(lambda x: x * x)
    square.defjvp(lambda primals, tangents: (primals[0] ** 2, 7.0 * tangents[0]))
    assert str(wg.explain.symbolic(square, 1.0).derivatives) == "{x: 2*x}"


def test_symbolic_accumulation():
    def scatter(x):
        total = np.zeros(2)
        np.add.at(total, numpy.array([0, 0, 1]), x)
        return total[0]

    form = wg.explain.symbolic(scatter, numpy.ones(3))
    assert form.expression == form.symbols[0] + form.symbols[1]


def _inside(domain):
    if domain.integer:
        return float(round(0.5 * (domain.low + domain.high)))
    return domain.low + 0.61 * (domain.high - domain.low)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formulas_have_the_value_of_the_op(name):
    """In SymPy and in mpmath, at a point inside the domain of the op."""
    op = OPS[name]
    if name in (
        "logical_and",
        "logical_or",
        "logical_not",
        "bitwise_and",
        "bitwise_or",
        "invert",
    ):
        points = [True, False][: len(op.vjps)]
    elif name in ("conj", "real", "imag"):
        points = [0.3]
    elif name == "where":
        points = [True, 0.3, 0.7]
    else:
        points = [_inside(domain) for domain in op.samples]
    value = float(op.evaluate(*map(numpy.asarray, points)))
    with mpmath.workdps(30):
        lift = _reference._lifter(mpmath)
        digits = FORMULAS[name](_reference._functions(mpmath), *map(lift, points))
    assert float(digits) == pytest.approx(value, rel=1e-13, abs=1e-15)
    lifted = map(_lifter(sympy), points)
    exact = FORMULAS[name](_functions(sympy), *lifted)
    number = bool(exact) if isinstance(exact, sympy.logic.boolalg.Boolean) else exact
    assert float(number) == pytest.approx(value, rel=1e-13, abs=1e-15)


# -- comparison -----------------------------------------------------------------------


def g(x):
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


def test_compare():
    found = wg.explain.compare(g, 1.5)
    names = [m.name for m in found.methods]
    assert names[0] == "symbolic" and names[-1] == "reverse mode" and len(names) == 6
    for name in ("symbolic", "complex step", "forward mode", "reverse mode"):
        assert found[name].error < 1e-15, name
    assert 1e-9 < found["forward difference"].error < 1e-6
    assert 1e-13 < found["central difference"].error < 1e-8
    assert [m.evaluations for m in found.methods] == [1, 2, 2, 1, 1, 1]
    assert all(m.seconds > 0 for m in found.methods)
    assert mpmath.nstr(found.exact, 20) == "4.0534278938986206577"


def test_compare_prints_a_table():
    found = wg.explain.compare(lambda x: np.sum(x**3), numpy.array([1.0, 2.0]))
    lines = str(found).splitlines()
    assert lines[0] == "derivative at [1 2]"
    assert lines[1].split() == ["method", "value", "error", "evaluations", "time"]
    assert lines[3].split() == ["50", "digits", "3.0", "12.0"]
    assert lines[9].startswith("reverse mode        [3 12]")
    assert lines[-1].startswith("symbolic: the formula was derived in ")
    assert repr(found) == "<Comparison: 6 methods, print() shows them>"


def test_compare_counts_evaluations_of_a_gradient():
    found = wg.explain.compare(lambda x: np.sum(x**3), numpy.arange(1.0, 6.0))
    assert [m.evaluations for m in found.methods] == [1, 6, 10, 5, 5, 1]
    assert found["reverse mode"].error < 1e-15


def test_compare_goes_on_where_a_method_cannot():
    def staircase(x):
        while x < 10.0:
            x = x * x
        return abs(x)

    found = wg.explain.compare(staircase, 1.5)
    assert found["symbolic"].note.startswith(
        "SymbolicError: symbolic: the program needs"
    )
    assert found["symbolic"].seconds is None
    assert "symbolic            none, see below" in str(found)
    assert found["reverse mode"].error == 0.0


def test_compare_shows_that_the_complex_step_needs_an_analytic_function():
    found = wg.explain.compare(lambda x: np.abs(x) * x, -2.0)
    assert found["complex step"].error > 0.4
    assert found["forward mode"].error == 0.0


def test_reference_is_exact():
    with mpmath.workdps(50):
        exact = mpmath.exp(mpmath.mpf(0.3)) * 8
        third = _reference.derivative(lambda x: np.exp(2.0 * x), 0.15, order=3)
        assert abs(third - exact) < mpmath.mpf(10) ** -45


def test_reference_of_structural_functions():
    x = numpy.array([0.3, 0.7, 0.1])
    for fun in (
        lambda x: np.max(x) * np.sum(np.where(x > 0.2, x, 0.0)),
        lambda x: np.sum(np.cumprod(x)) + np.linalg.norm(x),
    ):
        gradient = wg.grad(fun)(x)
        for i in range(3):
            assert float(_reference.derivative(fun, x, i)) == pytest.approx(
                gradient[i], rel=1e-14
            )


def test_differences():
    x = numpy.array([2.0, 3.0])
    cube = lambda x: x[1] ** 3
    assert _differences.forward(cube, x, 1, 1e-3, 27.0) == pytest.approx(
        27.0 + 9e-3, rel=1e-6
    )
    assert _differences.central(cube, x, 1, 1e-3) == pytest.approx(
        27.0 + 1e-6, rel=1e-9
    )
    assert _differences.complex_step(cube, x, 1, 1e-100) == pytest.approx(27.0)


# -- pictures -------------------------------------------------------------------------


def _image(drawn):
    drawn.seek(0)
    return matplotlib.image.imread(drawn)


def test_step_sizes_follow_theory():
    found = wg.explain.step_sizes(g, 1.5)
    h = found.steps
    for errors, order, low, high in (
        (found.forward, 1, 1e-6, 1e-3),
        (found.central, 2, 1e-4, 1e-2),
    ):
        inside = (h > low) & (h < high)
        slope = numpy.polyfit(numpy.log(h[inside]), numpy.log(errors[inside]), 1)[0]
        assert slope == pytest.approx(order, abs=0.05)
    rounding = (h > 1e-13) & (h < 1e-9)
    slope = numpy.polyfit(
        numpy.log(h[rounding]), numpy.log(found.forward[rounding]), 1
    )[0]
    assert slope == pytest.approx(-1, abs=0.25)
    assert numpy.log10(h[numpy.nanargmin(found.forward)] / found.forward_optimum) < 1
    assert found.forward_mode < 1e-15 and found.reverse_mode < 1e-15
    assert numpy.nanmax(found.complex_step[h < 1e-9]) < 1e-14


def test_step_sizes_of_a_parabola_have_no_central_optimum():
    assert wg.explain.step_sizes(lambda x: x * x, 1.0).central_optimum == numpy.inf


def test_plot_step_sizes():
    drawn = io.BytesIO()
    found = wg.explain.plot_step_sizes(lambda x: x * x, 1.0, drawn)
    assert found.forward_optimum == pytest.approx(1.5e-8, rel=0.1)
    assert _image(drawn).shape[0] > 300


def test_plot_modes(tmp_path):
    found = wg.explain.plot_modes(tmp_path / "modes.svg", sizes=(1, 32))
    assert (tmp_path / "modes.svg").read_text().startswith("<?xml")
    assert found.forward_seconds[0, 1] > 4 * found.reverse_seconds[0, 1]
    assert found.reverse_seconds[1, 0] > 4 * found.forward_seconds[1, 0]
    assert (found.reverse_bytes > 2 * found.forward_bytes).all()


@pytest.mark.parametrize("n", [1, 2, 7, 30])
@pytest.mark.parametrize("slots", [1, 2, 3, 10])
def test_timetable_keeps_its_promises(n, slots):
    table = wg.explain.timetable(n, slots)
    assert [m.time for m in table.moves] == list(range(len(table.moves)))
    taped = [m for m in table.moves if m.taped]
    assert [m.at for m in taped] == list(range(n))[::-1]
    for (
        m
    ) in table.moves:  # each call starts from a stored state, or goes on from the last
        stored = {s.at for s in table.stays if s.begin <= m.time <= s.end}
        assert len({s.at for s in table.stays if s.begin <= m.time < s.end}) <= slots
        before = table.moves[m.time - 1]
        assert m.at in stored or (m.time and before.at + 1 == m.at)
    assert len(table.moves) == wg.explain.tradeoff(n).binomial[min(slots, n) - 1].calls


def test_tradeoff_ends():
    costs = wg.explain.tradeoff(100)
    assert costs.all == (100, 100) and costs.none == (5050, 1)
    assert costs.binomial[0] == costs.none
    calls = [c.calls for c in costs.binomial]
    assert calls == sorted(calls, reverse=True)


def test_plot_checkpoints():
    drawn = io.BytesIO()
    assert wg.explain.plot_checkpoints(50, drawn).none.calls == 1275
    assert _image(drawn).shape[1] > 1000


def test_import_needs_no_optional_library():
    missing = {name: None for name in ("sympy", "mpmath", "matplotlib")}
    with mock.patch.dict(sys.modules, missing):
        assert wg.explain.trace(f)(2.0, 5.0).outputs == ["v5"]


def test_symbols_that_are_needed_as_numbers():
    numbers = SymbolNumbers("symbolic", _functions(sympy), _lifter(sympy))
    x = sympy.Symbol("x")
    assert run_on(numbers, lambda x: x + 1.0, (1.0,), [x])[()] == x + 1
