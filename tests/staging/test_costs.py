"""Costs of compiled gradients: memory by the size of updates, code by the source."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from tests.passes.staging import equations, staged
from wengert._backend import compile_program
from wengert._passes.pipeline import optimise
from wengert.examples import lu


def nonlinear(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = np.sin(y[i - 1]) * y[i]
    return np.sum(y * y)


def branching(x):
    y = x.copy()
    for i in range(1, len(x)):
        if x[i] > 0.5:
            y[i] = np.sin(y[i - 1]) * y[i]
        elif y[i - 1] > 0.1:
            y[i] = y[i] * y[i - 1]
    return np.sum(y * y)


def swapping(x):
    y = x.copy()
    for i in range(1, len(x)):
        if y[i] * x[i - 1] > 0.3:
            kept = y[i]
            y[i] = y[i - 1] * y[i]
            y[i - 1] = kept * kept
    return np.sum(y * y)


def ragged(x):
    """Inner loops of different lengths, 10 steps at most."""
    y = x.copy()
    for i in range(10, len(x)):
        for j in range(i % 10):
            y[i] = y[i] * y[i - j] * 0.9 + 0.1
    return np.sum(y * y)


def growing(x):
    """A list that nobody knows the length of."""
    ys = [x[0]]
    for i in range(1, len(x)):
        if x[i] > 0.4:
            ys.append(np.sin(ys[-1]) * x[i])
    return np.sum(np.array(ys) ** 2)


def until(x):
    """A number of steps that nobody knows, of a loop in a loop."""
    total = 0.0
    for i in range(len(x)):
        y = x[i] + 2.0
        while y > 1.1:
            y = np.sqrt(y) * 1.02
        total += y
    return total


LINEAR = [nonlinear, branching, swapping, ragged]


def copied(function, n):
    """Bytes that one call of the compiled gradient copies."""
    x = np.cos(np.arange(n) * 0.7) * 0.5 + 0.6
    program, args = staged(wg.grad(function), x)
    results, counts = compile_program(optimise(program)).counted(*args)
    np.testing.assert_allclose(results[0], wg.grad(function)(x), rtol=1e-10)
    return counts.copied


@pytest.mark.parametrize("function", LINEAR)
def test_a_loop_of_writes_costs_the_writes(function):
    """Ten times the steps copy at most ten times the bytes, not a hundred."""
    assert copied(function, 1000) <= 15 * copied(function, 100)


@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_a_list_that_grows_is_copied_twice(n):
    """A buffer doubles, so that the copies of all sizes are one of the last."""
    assert copied(growing, n) <= 4 * 8 * n


@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_what_a_while_saves_is_copied_linearly(n):
    """Buffers grow by a factor, so that a step costs a few numbers on average."""
    steps = sum(_steps_until(x) for x in np.cos(np.arange(n) * 0.7) * 0.5 + 0.6)
    assert copied(until, n) <= 4 * 8 * steps


def _steps_until(x):
    y, steps = x + 2.0, 0
    while y > 1.1:
        y, steps = np.sqrt(y) * 1.02, steps + 1
    return steps


def test_a_while_runs_once_for_its_gradient():
    program, _ = staged(wg.grad(until), np.linspace(0.1, 1.0, 50))
    assert sorted(_loops(optimise(program))) == ["for", "for", "for", "while"]


def _loops(program):
    for equation in program.equations:
        if equation.op.name in ("for", "while"):
            yield equation.op.name
        for region in equation.regions.values():
            yield from _loops(region)


@pytest.mark.parametrize("function", [*LINEAR, growing, until])
def test_residuals_are_linear(function):
    """No array of the gradient has two axes of the length of the loop."""
    program, _ = staged(wg.grad(function), np.linspace(0.1, 1.0, 50))
    for shape in _shapes(optimise(program)):
        assert len(shape) <= 1, shape


def by_entries(a):
    a = a.copy()
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            a[i, k] /= a[k, k]
            for j in range(k + 1, len(a)):
                a[i, j] -= a[i, k] * a[k, j]
    return np.sum(np.log(np.diag(a)))


def by_rows(a):
    a = a.copy()
    total = 0.0
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            a[i, k:] -= a[i, k] / a[k, k] * a[k, k:]
        total += np.log(a[k, k])
    return total


@pytest.mark.parametrize("function", [by_entries, by_rows, lu.log_determinant])
def test_elimination_saves_a_row_once(function):
    """Of n^3/3 multiplications residuals of the size of the matrix are saved."""
    sizes = []
    for n in (20, 40):
        a = np.random.default_rng(0).normal(size=(n, n)) + 2.0 * n * np.eye(n)
        program, _ = staged(wg.grad(function), a)
        sizes.append(max(np.prod(s) for s in _shapes(optimise(program)) if _fixed(s)))
        found = wg.jit(wg.grad(function))(a)
        np.testing.assert_allclose(found, np.linalg.inv(a).T, rtol=1e-9, atol=1e-12)
    assert sizes == [20 * 20, 40 * 40]


def _fixed(shape):
    return all(isinstance(n, int) for n in shape)


def _shapes(program):
    for equation in program.equations:
        yield from (v.type.shape for v in equation.outputs)
        for region in equation.regions.values():
            yield from _shapes(region)


def repeated(x, n):
    for _ in range(n):
        x = np.sin(x) * 0.5 + x
    return x


def lengths(x):
    y = x.copy()
    for i in range(1, len(y)):
        y[i] = 0.5 * (y[i - 1] + np.tanh(x[i]))
    return np.sum(y)


@pytest.mark.parametrize("transform", [lambda f: f, wg.grad, wg.hessian])
def test_code_does_not_grow_with_steps(transform):
    sizes = set()
    for n in (100, 1_000_000):
        program, _ = staged(transform(lambda x, n=n: repeated(x, n)), 0.3)
        sizes.add((equations(program), equations(optimise(program))))
    assert len(sizes) == 1


@pytest.mark.parametrize("transform", [lambda f: f, wg.grad])
def test_code_does_not_grow_with_arrays(transform):
    sizes = set()
    for n in (100, 1_000_000):
        program, _ = staged(transform(lengths), np.ones(n))
        sizes.add((equations(program), equations(optimise(program))))
    assert len(sizes) == 1


def long_source(statements):
    """A function of so many lines in a loop, each of which writes an array."""
    lines = ["def solver(x):", "    y = x.copy()", "    for i in range(1, 40):"]
    for k in range(statements):
        lines.append(f"        y[i] = y[i] * 0.5 + np.sin(y[i - 1] + {k % 7})")
    return "\n".join([*lines, "    return np.sum(y)"])


def test_code_grows_with_source_linearly(tmp_path):
    counts = []
    for statements in (40, 80):
        name = f"solver_{statements}"
        path = tmp_path / f"{name}.py"
        path.write_text(f"import numpy as np\n\n{long_source(statements)}\n")
        space: dict = {"__name__": name}
        exec(compile(path.read_text(), str(path), "exec"), space)
        program, _ = staged(wg.grad(space["solver"]), np.linspace(0.1, 1.0, 40))
        counts.append(equations(optimise(program)))
    assert counts[1] < 2.2 * counts[0]


def summed(x, rows):
    total = 0.0
    for row in rows:
        total = total * x + np.sin(row)
    return total


@pytest.mark.parametrize(
    "given",
    [
        lambda args: lambda x: summed(x, *args),
        lambda args: lambda x: summed(x, np.linspace(0.0, 1.0, len(args[0]))),
        lambda args: lambda x: wg.jvp(lambda x: summed(x, *args), (x,), (1.0,))[1],
        lambda args: wg.grad(lambda x: summed(x, *args)),
    ],
)
def test_a_loop_over_an_array_is_a_loop_however_the_array_came(given):
    sizes = []
    for n in (6, 30):
        f = given((np.linspace(0.0, 1.0, n),))
        sizes.append(equations(staged(f, 0.5)[0]))
        np.testing.assert_allclose(wg.jit(f)(0.5), f(0.5), rtol=1e-12)
    assert sizes[0] == sizes[1]


def test_a_few_integers_that_a_loop_runs_over_are_pythons():
    def f(x):
        total = 0.0
        for n in np.array([2, 3, 5, 5, 5]):
            total += np.sum(np.full(n, x))
        return total

    assert wg.jit(f)(0.5) == f(0.5) == 10.0
