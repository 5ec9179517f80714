"""`wengert.uncertainty` against closed forms and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import uncertainty

MEAN = {"p": 0.7, "q": np.array([1.2, -0.4])}
FACTOR = np.random.default_rng(0).normal(size=(3, 3)) * 0.12
COV = FACTOR @ FACTOR.T


def both(x):
    return {"a": np.sin(x["p"]) * x["q"][0] ** 2, "b": np.exp(0.3 * x["q"])}


def test_a_linear_function_is_exact():
    matrix = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]])
    for order in (1, 2):
        found = uncertainty.propagate(
            lambda x: matrix @ x, np.arange(3.0), COV, order=order
        )
        np.testing.assert_allclose(found.mean, matrix @ np.arange(3.0))
        np.testing.assert_allclose(found.cov, matrix @ COV @ matrix.T)
        np.testing.assert_allclose(found.std**2, np.diag(found.cov))


def test_a_square_of_a_normal_number_is_exact_to_second_order():
    """Mean m² + s² and variance 4m²s² + 2s⁴."""
    found = uncertainty.propagate(lambda x: x * x, 1.5, 0.3**2, order=2)
    assert found.mean == pytest.approx(1.5**2 + 0.3**2, rel=1e-14)
    expected = 4 * 1.5**2 * 0.3**2 + 2 * 0.3**4
    assert found.std**2 == pytest.approx(expected, rel=1e-13)


def test_second_order_is_nearer_to_monte_carlo():
    vector, unravel = wg.tree.ravel(MEAN)
    samples = np.random.default_rng(1).multivariate_normal(vector, COV, size=400_000)
    values = np.stack(
        [
            np.sin(samples[:, 0]) * samples[:, 1] ** 2,
            *np.exp(0.3 * samples[:, 1:]).T,
        ]
    )
    errors = []
    for order in (1, 2):
        found = uncertainty.propagate(both, MEAN, COV, order=order)
        mean, _ = wg.tree.ravel(found.mean)
        errors.append(np.abs(mean - values.mean(axis=1)))
        np.testing.assert_allclose(found.cov, np.cov(values), rtol=0.03)
    standard = values.std(axis=1) / np.sqrt(values.shape[1])
    assert np.all(errors[1] < 4.0 * standard)
    assert errors[0][0] > 10.0 * standard[0]


def test_compiled_and_differentiated():
    def spread(p):
        return uncertainty.propagate(both, {**MEAN, "p": p}, COV, order=2).std["a"]

    assert wg.jit(spread)(0.7) == pytest.approx(spread(0.7), rel=1e-13)
    slope = (spread(0.7 + 1e-5) - spread(0.7 - 1e-5)) / 2e-5
    assert wg.grad(spread)(0.7) == pytest.approx(slope, rel=1e-8)
    assert wg.jit(wg.grad(spread))(0.7) == pytest.approx(slope, rel=1e-8)


def test_sensitivities_of_a_product_of_powers_are_its_exponents():
    found = uncertainty.sensitivities(
        lambda x: {"y": x["a"] ** 2 * x["b"][1] ** -0.5 * x["b"][0]},
        {"a": 3.0, "b": np.array([2.0, 5.0])},
    )
    np.testing.assert_allclose(found.normalised, [[2.0, 1.0, -0.5]], rtol=1e-13)
    assert found.inputs == ("x['a']", "x['b'][0]", "x['b'][1]")
    assert found.outputs == ("y",)
    assert str(found).splitlines()[0].split() == ["y"]
    assert str(found).splitlines()[3].split() == ["x['b'][1]", "-0.5"]


def test_a_zero_output_has_no_normalised_sensitivity():
    found = uncertainty.sensitivities(lambda x: x - 1.0, 1.0)
    assert found.slopes[0, 0] == 1.0 and np.isinf(found.normalised[0, 0])


def test_shares_of_independent_inputs_add_up():
    def flow(x):
        return x[0] ** 4 * x[1] / x[2]

    std = np.array([0.01, 0.2, 0.1]) * np.array([2.0, 3.0, 4.0])
    ranked = uncertainty.rank(
        flow, [2.0, 3.0, 4.0], np.diag(std**2), inputs=["radius", "head", "length"]
    )
    assert [r.name for r in ranked] == ["head", "length", "radius"]
    # By the exponents: (4 * 1 %)², (20 %)² and (10 %)².
    parts = np.array([0.2**2, 0.1**2, 0.04**2])
    np.testing.assert_allclose([r.share for r in ranked], parts / parts.sum())


def test_what_is_known_already_has_no_share():
    ranked = uncertainty.rank(lambda x: x[0] + x[1], np.ones(2), np.diag([0.0, 1.0]))
    assert [(r.name, r.share) for r in ranked] == [("x[1]", 1.0), ("x[0]", 0.0)]
    nothing = uncertainty.rank(lambda x: 0.0 * x[0] + x[1] * 0.0, np.ones(2), np.eye(2))
    assert [r.share for r in nothing] == [0.0, 0.0]


def test_a_correlated_input_tells_of_the_others():
    cov = np.array([[1.0, 0.8], [0.8, 1.0]])
    ranked = uncertainty.rank(lambda x: x[0], np.zeros(2), cov)
    assert ranked[0].share == pytest.approx(1.0)
    assert ranked[1].share == pytest.approx(0.64)
