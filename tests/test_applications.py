"""The applications: what they find is what is known, and they can be drawn."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import wengert as wg
from wengert.examples import beam, inventory, molecules, options, pendulum, portfolio
from wengert.examples.applications import SIMULATIONS
from wengert.examples.study import Row, Study

NAN = float("nan")


@pytest.fixture(scope="module", params=SIMULATIONS.values(), ids=lambda a: a.name)
def study(request):
    return request.param.study()


def test_what_it_finds_is_what_is_known(study):
    missed = [row for row in study.rows if not row.agrees]
    assert not missed and study.agrees
    for row in study.rows:
        assert all(isinstance(x, float) for x in (row.found, row.known, row.within))


def test_it_can_be_drawn(study):
    figure = study.figure()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for ax in figure.axes:
        if ax.get_label() == "<colorbar>":
            continue
        assert ax.get_xlabel() or ax.get_xticklabels()
        assert ax.get_ylabel() and ax.has_data()


@pytest.mark.parametrize(
    ("found", "agrees"), [(1.1, True), (0.8, False), (NAN, False), (np.inf, False)]
)
def test_rows_agree_within_a_tolerance(found, agrees):
    row = Row("a number", found, known=1.0, within=0.11, known_by="definition")
    assert row.agrees is agrees
    assert Study((row,), lambda figure: None).agrees is agrees


# -- each simulation, eagerly and otherwise than in its study --------------------------


def test_forces_do_not_move_the_centre_of_mass():
    positions = molecules.cluster() + np.arange(39.0).reshape(13, 3) / 200.0
    force = molecules.force(positions, np.array([0.7, 0.9]))
    np.testing.assert_allclose(force.sum(axis=0), 0.0, atol=1e-11)
    by_hand = molecules.force_by_hand(positions, np.array([0.7, 0.9]))
    np.testing.assert_allclose(force, by_hand, rtol=1e-10, atol=1e-12)


def test_the_centre_of_mass_goes_straight_on():
    start = molecules.cluster()
    velocities = np.random.default_rng(2).normal(size=start.shape)
    path, _ = molecules.leapfrog(start, velocities, molecules.TRUE, 20, 0.005)
    centre = path.mean(axis=1)
    straight = 0.005 * np.arange(21)[:, None] * velocities.mean(axis=0)
    np.testing.assert_allclose(centre - centre[0], straight, atol=1e-13)


GROWTH = """
import resource
import wengert as wg
from wengert.examples import heat

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def middle(diffusivity, steps):
    return heat.cooled(diffusivity, steps, checkpoints=wg.binomial(30))

slope = wg.jit(wg.grad(middle))
slope(1.0, 1000)
before = peak()
slope(1.0, 100_000)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs")
def test_a_schedule_bounds_the_memory_of_many_steps(tmp_path):
    """All states of 100 000 steps would be 81 MB."""
    file = tmp_path / "growth.py"
    file.write_text(GROWTH)
    done = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 4_000_000


def test_money_that_stays_in_cash_stays():
    returns = portfolio.market()
    wealth = portfolio.history(np.zeros(4), returns, cost=0.1)
    np.testing.assert_array_equal(wealth, 1.0)


def test_costs_are_paid_on_what_is_traded():
    """All of it is bought in the first month, and a tenth is sold in the third."""
    returns = np.array([[0.0], [0.25], [0.0]])
    wealth = portfolio.history(np.array([0.5]), returns, cost=0.01)
    rich = 0.995 * 1.125
    last = rich - 0.01 * abs(0.5 * rich - 0.995 * 0.625)
    np.testing.assert_allclose(wealth, [1.0, 0.995, rich, last])


@pytest.mark.parametrize("market", [(90.0, 0.0, 0.4, 0.1), (130.0, 0.08, 0.1, 3.0)])
def test_the_greeks_of_other_markets(market):
    found, known = options.by_derivatives(*market), options.greeks(*market)
    for name in known:
        assert found[name] == pytest.approx(known[name], rel=1e-10, abs=1e-13)


def test_gamma_of_a_kinked_payoff_is_lost():
    normal = np.random.default_rng(1).normal(size=100)
    market = options.RATE, options.VOLATILITY, options.YEARS

    def mean(spot):
        return np.mean(options.payoffs(spot, *market, normal, options.excess))

    assert wg.grad(wg.grad(mean))(100.0) == 0.0


def test_chances_of_the_stocks_sum_to_1():
    likely = inventory.bell(inventory.STOCKS - 40.3)
    likely /= likely.sum()
    for _ in range(3):
        likely = inventory.after_demand(likely)
    assert likely.sum() == pytest.approx(1.0, abs=1e-9)
    assert likely @ inventory.STOCKS == pytest.approx(10.3, abs=1e-6)


def test_a_pendulum_that_is_pushed_a_little_swings_with_its_period():
    push = np.zeros(40)
    push[0] = 1e-4
    path, _ = pendulum.swing(push)
    signs = np.sign(path[2:, 0])
    crossing = 2 + int(np.argmax(signs < 0))
    half = np.pi / np.sqrt(pendulum.GRAVITY)
    assert crossing * pendulum.DT == pytest.approx(half, abs=2 * pendulum.DT)


def test_the_best_beam_has_slopes_that_are_all_the_same():
    slopes = beam.slopes(beam.best())
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-12)
    assert beam.best().mean() == pytest.approx(1.0)
