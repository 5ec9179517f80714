"""The robot: its physics, its gradients, its calibration, and what it refuses."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize
from scipy.integrate import solve_ivp

import wengert as wg
from wengert.examples.data import make_throw
from wengert.examples.robot import (
    calibration,
    flight,
    inverse,
    lesson,
    minimise,
    policy,
    sensitivity,
    training,
)
from wengert.examples.robot.problems import Unusable

DRAG = flight.drag_per_metre(0.47)
DISTANCES = np.array([2.0, 3.7, 6.0, 10.0])
SPEEDS = np.array([6.0, 8.0, 9.0, 12.0])
ANGLES = np.radians([55.0, 50.0, 48.0, 44.0])


def exact_height(distance, speed, angle, drag):
    """By SciPy's integrator, with an event where the ball passes the distance."""

    def slope(_t, state):
        _, _, vx, vy = state
        resistance = drag * np.hypot(vx, vy)
        return [vx, vy, -resistance * vx, -resistance * vy - flight.GRAVITY]

    def passes(_t, state):
        return state[0] - distance

    passes.terminal = True
    start = [0.0, 0.0, speed * np.cos(angle), speed * np.sin(angle)]
    run = solve_ivp(slope, (0.0, 20.0), start, events=passes, rtol=1e-12, atol=1e-12)
    return run.y[1, -1]


class TestFlight:
    """Heights at the basket, in closed form and simulated."""

    def test_closed_form_is_the_parabola(self):
        reach = SPEEDS**2 * np.sin(2.0 * ANGLES) / flight.GRAVITY
        top = (SPEEDS * np.sin(ANGLES)) ** 2 / (2.0 * flight.GRAVITY)
        np.testing.assert_allclose(
            flight.height_at_basket(reach, SPEEDS, ANGLES), 0.0, atol=1e-12
        )
        np.testing.assert_allclose(
            flight.height_at_basket(reach / 2.0, SPEEDS, ANGLES), top
        )

    def test_without_drag_the_simulation_is_the_closed_form(self):
        np.testing.assert_allclose(
            flight.height_with_drag(DISTANCES, SPEEDS, ANGLES, 0.0),
            flight.height_at_basket(DISTANCES, SPEEDS, ANGLES),
            rtol=1e-12,
            atol=1e-12,
        )

    def test_with_drag_it_is_what_scipy_integrates(self):
        expected = [
            exact_height(*throw, DRAG)
            for throw in zip(DISTANCES, SPEEDS, ANGLES, strict=True)
        ]
        found = flight.height_with_drag(DISTANCES, SPEEDS, ANGLES, DRAG)
        np.testing.assert_allclose(found, expected, atol=1e-5)

    @pytest.mark.parametrize("argument", range(4))
    def test_gradient_through_the_stop_is_the_difference(self, argument):
        args = [DISTANCES, SPEEDS, ANGLES, np.float64(DRAG)]
        gradient = wg.grad(
            lambda *xs: flight.height_with_drag(*xs).sum(), argnums=argument
        )(*args)
        step = 1e-6 * args[argument]
        sides = []
        for sign in (1.0, -1.0):
            moved = list(args)
            moved[argument] = args[argument] + sign * step
            sides.append(flight.height_with_drag(*moved))
        slopes = (sides[0] - sides[1]) / (2.0 * step)
        expected = slopes.sum() if argument == 3 else slopes
        np.testing.assert_allclose(gradient, expected, rtol=1e-7)

    def test_a_ball_that_air_holds_up_is_far_below(self):
        """It would never come to a basket so far away; the gradient says: faster."""
        far, angle = np.array([300.0, 2.0]), np.array([0.5, 0.9])
        heights, pullback = wg.vjp(
            lambda v: flight.height_with_drag(far, v, angle, DRAG), np.array([5.0, 6.0])
        )
        assert heights[0] < flight.DEEPEST < heights[1]
        assert pullback(np.ones(2))[0][0] > 0.0

    def test_a_path_in_uneven_steps_is_the_path_in_even_ones(self):
        start = np.array([0.0, 0.0, 8.0, 7.0])
        times = np.array([0.0, 0.03, 0.5, 1.2])
        path = flight.path_with_drag(times, start, DRAG)
        fine = flight.path_with_drag(np.linspace(0.0, 1.2, 121), start, DRAG)
        np.testing.assert_allclose(path, fine[[0, 3, 50, 120]], atol=1e-5)


class TestPolicy:
    """The network, and what the arm can do."""

    def test_layers_are_those_of_1_16_16_2(self):
        layers = policy.first_layers(np.random.default_rng(0))
        assert [layer.weight.shape for layer in layers] == [(1, 16), (16, 16), (16, 2)]
        assert [layer.bias.shape for layer in layers] == [(16,), (16,), (2,)]

    @pytest.mark.parametrize("shape", [(), (5,)])
    def test_throws_have_the_shape_of_the_distances(self, shape):
        layers = policy.first_layers(np.random.default_rng(0))
        speed, angle = policy.throw(layers, np.full(shape, 4.0))
        assert np.shape(speed) == np.shape(angle) == shape

    def test_throws_stay_within_the_limits(self):
        raw = np.array([[-80.0, 80.0], [80.0, -80.0]])
        speed, angle = policy.within_limits(raw)
        np.testing.assert_allclose(speed, policy.SPEEDS)
        np.testing.assert_allclose(angle, policy.ANGLES[::-1])

    def test_slowest_throw_is_the_textbooks(self):
        speed, angle = policy.slowest_throw(5.0, 1.0)
        assert speed**2 == pytest.approx(flight.GRAVITY * (1.0 + math.hypot(5.0, 1.0)))
        assert angle == pytest.approx(math.pi / 4 + math.atan2(1.0, 5.0) / 2, abs=1e-3)

    @pytest.mark.parametrize("basket", [(40.0, 0.0), (5.0, 30.0), (0.01, 0.0)])
    def test_there_is_none_beyond_reach(self, basket):
        assert policy.slowest_throw(*basket) is None


class TestMinimise:
    """Each method on a function whose minimum is known."""

    @staticmethod
    def bowl(x):
        return wg.value_and_grad(
            lambda x: (x[0] - 1.0) ** 2 + 10.0 * (x[1] + 2.0) ** 2 + 3.0
        )(x)

    @pytest.mark.parametrize(
        "method",
        [
            lambda f, x: minimise.gradient_descent(
                f, x, iterations=500, tolerance=1e-6
            ),
            lambda f, x: minimise.adam(f, x, rate=0.2, iterations=800, tolerance=1e-6),
            lambda f, x: minimise.quasi_newton(
                f, x, method="BFGS", iterations=50, tolerance=1e-6
            ),
            lambda f, x: minimise.quasi_newton(
                f, x, method="L-BFGS-B", iterations=50, tolerance=1e-6
            ),
        ],
    )
    def test_finds_the_minimum(self, method):
        run = method(self.bowl, np.zeros(2))
        np.testing.assert_allclose(run.point, [1.0, -2.0], atol=1e-6)
        assert run.losses[0] == 44.0
        assert run.losses[-1] == pytest.approx(3.0)
        assert run.iterations == len(run.losses) - 1 <= run.evaluations
        assert run.converged and run.gradient_norm <= 1e-6

    def test_says_when_it_has_not_converged(self):
        run = minimise.gradient_descent(
            self.bowl, np.zeros(2), iterations=2, tolerance=1e-6
        )
        assert not run.converged


def test_three_methods_find_the_same_throw():
    throws = inverse.solve(6.0, 1.5)
    speed, angle = policy.slowest_throw(6.0, 1.5)
    assert [t.descent.name for t in throws] == ["gradient descent", "Adam", "BFGS"]
    for throw in throws:
        assert throw.speed == pytest.approx(speed, rel=2e-3)
        assert throw.angle == pytest.approx(angle, abs=0.01)
        assert throw.miss < 0.01
    assert throws[2].descent.iterations < throws[1].descent.iterations


def test_gradient_of_the_inverse_problem_is_scipys_difference():
    raw = np.array([0.3, -0.2])
    gradient = wg.grad(inverse.loss)(raw, 5.0, 1.0)
    expected = optimize.approx_fprime(raw, inverse.loss, 1e-7, 5.0, 1.0)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def fly_in_air(distance, speed, angle):
    return flight.height_with_drag(distance, speed, angle, DRAG)


@pytest.fixture(scope="module", params=[flight.height_at_basket, fly_in_air])
def problems(request):
    """The same training problem, eager and compiled, without air and with it."""
    layers = policy.first_layers(np.random.default_rng(3))
    return [
        training.Problem(layers, request.param, 1.0, compiled=compiled)
        for compiled in (False, True)
    ]


@pytest.fixture(scope="module")
def vector(problems):
    return problems[0].ravel(policy.first_layers(np.random.default_rng(3)))


def seconds(function, x, repeats):
    """The shortest of some calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(x)
        times.append(time.perf_counter() - start)
    return min(times)


class TestTraining:
    """The network in the loop with the physics."""

    def test_gradient_is_the_difference_along_a_direction(self, problems, vector):
        along = np.random.default_rng(4).normal(size=vector.shape)
        step = 1e-6
        for problem in problems:
            after, before = (problem(vector + s * along)[0] for s in (step, -step))
            slope = problem(vector)[1] @ along
            assert slope == pytest.approx((after - before) / (2.0 * step), rel=1e-6)

    def test_compiled_steps_have_the_same_numbers(self, problems, vector):
        runs = [minimise.adam(p, vector, rate=0.005, iterations=40) for p in problems]
        np.testing.assert_allclose(runs[0].losses, runs[1].losses, rtol=1e-10)
        np.testing.assert_allclose(runs[0].point, runs[1].point, rtol=1e-10, atol=1e-12)
        for x in (vector, runs[0].point):
            (value, gradient), (loss, slopes) = (problem(x) for problem in problems)
            assert loss == pytest.approx(value, rel=1e-10)
            np.testing.assert_allclose(slopes, gradient, rtol=1e-10, atol=1e-12)

    def test_compiled_steps_with_drag_are_20_times_as_fast(self):
        layers = policy.first_layers(np.random.default_rng(3))
        eager, compiled = (
            training.Problem(layers, fly_in_air, 1.0, compiled=c) for c in (False, True)
        )
        x = eager.ravel(layers)
        compiled(x)
        assert 20.0 * seconds(compiled, x, 50) < seconds(eager, x, 3)

    def test_layers_come_back_from_the_vector(self, problems, vector):
        layers = problems[0].unravel(vector)
        expected = policy.first_layers(np.random.default_rng(3))
        assert wg.tree.flatten(layers)[1] == wg.tree.flatten(expected)[1]
        for leaf, first in zip(*map(wg.tree.leaves, (layers, expected)), strict=True):
            np.testing.assert_array_equal(leaf, first)

    def test_misses_of_unseen_distances_are_below_2_cm(self):
        layers = policy.first_layers(np.random.default_rng(0))
        problem = training.Problem(layers, flight.height_at_basket, 1.0, compiled=True)
        run = training.train(
            problem,
            layers,
            rate=0.02,
            epochs=400,
            polish=150,
            seed=0,
        )
        known = training.training_distances(48)
        assert len(run.unseen) == 200 and not set(run.unseen) & set(known)
        assert run.worst_miss < 0.02
        speed, angle = policy.throw(run.layers, run.unseen)
        heights = flight.height_at_basket(run.unseen, speed, angle)
        assert run.worst_miss == np.abs(heights - 1.0).max()


def test_sensitivity_is_that_of_throws_with_a_wrong_reading():
    layers = policy.first_layers(np.random.default_rng(1))

    def fly(distance, speed, angle):
        return flight.height_with_drag(distance, speed, angle, DRAG)

    effect = sensitivity.analyse(layers, fly, count=9)
    error = sensitivity.SENSOR_ERROR
    before, after = (
        policy.throw(layers, effect.distances + sign * error) for sign in (-1.0, 1.0)
    )
    np.testing.assert_allclose(effect.speed, (after[0] - before[0]) / 2.0, rtol=1e-3)
    np.testing.assert_allclose(effect.angle, (after[1] - before[1]) / 2.0, rtol=1e-3)
    heights = [fly(effect.distances, *throw) for throw in (before, after)]
    np.testing.assert_allclose(
        effect.height, (heights[1] - heights[0]) / 2.0, rtol=1e-2, atol=1e-4
    )
    assert effect.linear_error < 0.1


def test_the_error_budget_is_that_of_random_throws():
    layers = policy.first_layers(np.random.default_rng(1))

    def fly(distance, speed, angle):
        return flight.height_with_drag(distance, speed, angle, DRAG)

    found = sensitivity.budget(layers, fly, 4.0)
    assert found.std == pytest.approx(found.sampled, rel=0.05)
    assert {r.name for r in found.ranked} == set(sensitivity.SPREADS)
    assert sum(r.share for r in found.ranked) == pytest.approx(1.0)


def test_sensitive_distances_are_intervals():
    ones = np.ones(6)
    effect = sensitivity.Sensitivity(
        np.arange(6.0),
        np.array([2.0, 2.0, 1.0, 1.0, 1.0, -2.0]),
        *(ones, ones, ones, 0.0, []),
    )
    assert effect.sensitive("speed") == [(0.0, 1.0), (5.0, 5.0)]
    assert effect.sensitive("angle") == []


class TestCalibration:
    """The drag coefficient from a file."""

    def test_sample_is_labelled_and_is_what_its_maker_makes(self):
        shipped = calibration.sample_file().read_text(encoding="utf-8")
        made = make_throw.sample()
        head = shipped.splitlines()[:5]
        assert head == made.splitlines()[:5]
        assert "Synthetic" in head[0]
        assert f"{make_throw.NOISE} m" in head[2]
        assert f"seed: {make_throw.SEED}" in head[2]
        rows = [text.splitlines()[5:] for text in (shipped, made)]
        tables = [np.loadtxt(lines, delimiter=",") for lines in rows]
        np.testing.assert_allclose(*tables, atol=2e-5)

    def test_sample_gives_the_true_coefficient_within_2_percent(self):
        found = calibration.calibrate(
            calibration.read_measurements(calibration.sample_file())
        )
        assert found.measurements.true_coefficient == make_throw.DRAG_COEFFICIENT
        assert found.relative_error < 0.02
        low, high = found.interval
        assert low < make_throw.DRAG_COEFFICIENT < high
        assert high - low < 0.04
        assert found.noise == pytest.approx(make_throw.NOISE, rel=0.2)

    def test_exact_positions_of_another_ball(self):
        times = np.linspace(2.0, 3.0, 21)
        start = np.array([1.0, 2.0, 11.0, 7.0])
        path = flight.path_with_drag(times, start, flight.drag_per_metre(0.8))
        found = calibration.calibrate(
            calibration.Measurements("made here", times, path, None)
        )
        assert found.coefficient == pytest.approx(0.8, rel=1e-6)
        np.testing.assert_allclose(found.start, start, atol=1e-6)
        assert found.relative_error is None

    def test_columns_may_stand_in_any_order_beside_others(self, tmp_path):
        file = tmp_path / "throw.csv"
        rows = [f"{2 * n}, b, {n / 10}, {3 * n}" for n in range(8)]
        file.write_text("\n".join(["# a comment", "x, camera, t, y", *rows, ""]))
        read = calibration.read_measurements(file)
        np.testing.assert_array_equal(read.times, np.arange(8) / 10)
        np.testing.assert_array_equal(read.positions[3], [6.0, 9.0])
        assert read.true_coefficient is None


ROWS = [f"{n / 20},{n / 2},{n / 3 - n * n / 80}" for n in range(12)]
FILES = {
    "header.csv": ["t,x", *ROWS],
    "empty.csv": ["# nothing here"],
    "word.csv": ["t,x,y", *ROWS[:3], "0.15,wide,1.0", *ROWS[4:]],
    "nan.csv": ["t,x,y", *ROWS[:3], "0.15,nan,1.0", *ROWS[4:]],
    "short.csv": ["t,x,y", *ROWS[:3], "0.15,1.5", *ROWS[4:]],
    "few.csv": ["t,x,y", *ROWS[:7]],
    "many.csv": ["t,x,y", *(f"{n / 100},{n},{n}" for n in range(1001))],
    "back.csv": ["t,x,y", *ROWS, "0.0,1.0,1.0"],
    "slow.csv": ["t,x,y", *ROWS, "1000.0,1.0,1.0"],
    "quote.csv": ["t,x,y", '"0.0,1.0,1.0', *ROWS],
    "line.csv": ["t,x,y", *(f"{n / 20},{n / 2},0.0" for n in range(12))],
    "absurd.csv": ["t,x,y", *(f"{n / 20},{(-3.0) ** n},{n}" for n in range(20))],
}
UNUSABLE_FILES = {
    "header.csv": "header.csv has no column y: its first line must be t,x,y",
    "empty.csv": "empty.csv has no column t, x, y: its first line must be t,x,y",
    "word.csv": "word.csv, line 5: 'wide' in column x is not a finite number",
    "nan.csv": "nan.csv, line 5: 'nan' in column x is not a finite number",
    "short.csv": "short.csv, line 5: '' in column y is not a finite number",
    "few.csv": "few.csv has 7 rows, but a fit needs 8",
    "many.csv": "many.csv has 1001 rows; give at most 1000",
    "back.csv": "back.csv: the times in column t must increase",
    "slow.csv": "slow.csv: the times span 1000 s, and no throw lasts 60 s",
    "quote.csv": "quote.csv, line 2: unexpected end of data",
    "line.csv": "line.csv does not determine the drag: the fit gives a coefficient of",
    "absurd.csv": "absurd.csv: no ball flies like this",
    "missing.csv": "measurements: there is no file",
    "binary.csv": "binary.csv is not a text file (UTF-8)",
    "folder.csv": "folder.csv: Is a directory",
}


def write_file(folder, name):
    """Write one of the files that cannot be used; ``missing.csv`` is not written."""
    file = folder / name
    if name in FILES:
        file.write_text("\n".join([*FILES[name], ""]))
    elif name == "binary.csv":
        file.write_bytes(b"t,x,y\n\xff\xfe\x00")
    elif name == "folder.csv":
        file.mkdir()
    return file


@pytest.mark.parametrize("name", UNUSABLE_FILES)
def test_measurements_that_cannot_be_used(tmp_path, name):
    file = write_file(tmp_path, name)
    with pytest.raises(Unusable) as caught:
        calibration.calibrate(calibration.read_measurements(file))
    message = str(caught.value)
    assert UNUSABLE_FILES[name] in message
    assert str(file) in message and "\n" not in message


def settings(**changed):
    chosen = {"distance": 5.0, "height": 1.0, "seed": 0, "epochs": 1}
    file = {"measurements": calibration.sample_file()}
    return lesson.Settings(**{**chosen, **file, **changed})


class Silent:
    """Watches nothing."""

    def begin(self, title, steps):
        pass

    def step(self):
        pass

    def end(self):
        pass


def test_a_basket_out_of_reach_is_refused():
    with pytest.raises(Unusable, match="reaches a basket 50 m away and 1 m high"):
        lesson.prepare(settings(distance=50.0))


def test_a_height_out_of_reach_in_the_training_range_is_refused():
    with pytest.raises(Unusable, match=r"pass 2 m at 8\.\d+ m at most: choose"):
        lesson.prepare(settings(height=9.6))


def test_a_height_out_of_reach_in_air_is_refused():
    chosen = settings(height=6.8)
    measured = lesson.prepare(chosen)
    with pytest.raises(Unusable, match="with drag 0.0173/m its fastest throws"):
        lesson.run(chosen, measured, Silent())


def test_sample_is_part_of_the_package():
    assert calibration.sample_file().parent == Path(make_throw.__file__).parent
