"""The first programs of `wengert.examples`, in plain NumPy; see also `test_gallery`."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.examples import elimination, stencil, trajectory

RNG = np.random.default_rng(5)


def plate():
    return (
        RNG.normal(size=(6, 7)),
        RNG.uniform(0.5, 1.5, size=(6, 7)),
        RNG.normal(size=(6, 7)),
    )


CASES = [
    pytest.param(
        stencil, lambda f, *args: f["heat"](*args, steps=12, dt=0.1), plate(), id="heat"
    ),
    pytest.param(
        elimination,
        lambda f, a, b: f["solve"](a, b),
        # A zero on the diagonal, and small entries there: rows are exchanged.
        (RNG.normal(size=(6, 6)) * (1.0 - np.eye(6)), RNG.normal(size=6)),
        id="elimination",
    ),
    pytest.param(
        trajectory,
        lambda f, x, v: f["orbit"](x, v, steps=40),
        (np.array([1.0, 0.1]), np.array([-0.1, 1.1])),
        id="orbit",
    ),
]


@pytest.mark.parametrize(("module", "run", "args"), CASES)
class TestProgram:
    """Value and derivative of one program."""

    def test_value_is_numpys_to_the_bit(self, module, run, args):
        expected = run(vars(module), *args)
        kept = [a.copy() for a in args]
        value, _ = wg.vjp(lambda *xs: run(vars(module), *xs), *args)
        tangents = tuple(np.ones_like(a) for a in args)
        dual, _ = wg.jvp(lambda *xs: run(vars(module), *xs), args, tangents)
        assert value.tobytes() == expected.tobytes()
        assert dual.tobytes() == expected.tobytes()
        for given, before in zip(args, kept, strict=True):
            assert given.tobytes() == before.tobytes()

    def test_gradient_is_the_complex_step(self, module, run, args):
        plain = vars(module)
        weights = RNG.normal(size=run(plain, *args).shape)

        def loss(*xs):
            return (weights * run(vars(module), *xs)).sum()

        gradients = wg.grad(loss, argnums=tuple(range(len(args))))(*args)
        for i, (x, gradient) in enumerate(zip(args, gradients, strict=True)):
            for entry in np.ndindex(x.shape):
                # All arguments complex, so that the buffers are complex as well.
                moved = [a.astype(complex) for a in args]
                moved[i][entry] += 1e-30j
                slope = (weights * run(plain, *moved)).sum().imag / 1e-30
                assert gradient[entry] == pytest.approx(slope, rel=1e-10, abs=1e-12)

    def test_forward_mode_agrees_with_reverse_mode(self, module, run, args):
        def program(*xs):
            return run(vars(module), *xs)

        tangents = tuple(RNG.normal(size=a.shape) for a in args)
        value, pullback = wg.vjp(program, *args)
        _, tangent = wg.jvp(program, args, tangents)
        ct = RNG.normal(size=value.shape)
        back = sum(np.vdot(c, t) for c, t in zip(pullback(ct), tangents, strict=True))
        assert np.vdot(ct, tangent) == pytest.approx(back, rel=1e-12)


@pytest.mark.parametrize(("module", "run", "args"), [CASES[0], CASES[2]])
def test_compiled_gradient(module, run, args):
    def loss(*xs):
        return (run(vars(module), *xs) ** 2).sum()

    argnums = tuple(range(len(args)))
    eager = wg.grad(loss, argnums=argnums)(*args)
    compiled = wg.jit(wg.grad(loss, argnums=argnums))(*args)
    for found, expected in zip(compiled, eager, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_elimination_compiled():
    """Its message names the column without a pivot, in compiled code too."""
    solve = wg.jit(elimination.solve)
    a, b = CASES[1].values[2]
    np.testing.assert_allclose(solve(a, b), elimination.solve(a, b))
    with pytest.raises(ZeroDivisionError, match="is singular: no pivot in column 1"):
        solve(np.ones((3, 3)), np.ones(3))


def test_elimination_solves():
    a, b = CASES[1].values[2]
    np.testing.assert_allclose(elimination.solve(a, b), np.linalg.solve(a, b))


def test_elimination_refuses_a_singular_matrix():
    with pytest.raises(ZeroDivisionError, match="is singular: no pivot in column 1"):
        elimination.solve(np.ones((2, 2)), np.ones(2))


def test_heat_conserves_what_the_edges_let_through():
    """Without losses the heat that is there stays: the fluxes cancel in pairs."""
    u0, k, _ = plate()
    u0[:, [0, -1]] = k[:, [0, -1]] = 1e-9
    after = stencil.heat(u0, k, np.zeros_like(u0), steps=5, dt=0.1)
    assert after[:, 1:].sum() == pytest.approx(u0[:, 1:].sum(), abs=1e-6)


def test_orbit_keeps_its_energy():
    path = trajectory.orbit(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 500, dt=0.02)
    assert np.ptp(wnp.hypot(*path.T)) < 1e-3
