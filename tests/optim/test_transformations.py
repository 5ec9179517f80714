"""Gradient transformations against Optax, step for step; compiled; differentiated."""

from __future__ import annotations

import json

import numpy as np
import pytest

import wengert as wg
from tests.reference import transformations as reference

FOUND = json.loads(reference.FILE.read_text(encoding="utf-8"))
COMPILED = ["adam", "lamb", "clip norm", "schedule", "rmsprop centered", "adamw mask"]


def jitted(opt):
    return wg.optim.Transformation(opt.init, wg.jit(opt.update))


def check(opt, expected):
    kept = reference.trajectory(opt, wg.optim.apply_updates)
    assert np.allclose(kept, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", reference.CHAINS)
def test_as_optax(name):
    opt = reference.chain(wg.optim, reference.CHAINS[name])
    check(opt, FOUND["chains"][name])


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_as_optax(name):
    opt = reference.chain(wg.optim, reference.CHAINS[name])
    check(jitted(opt), FOUND["chains"][name])


def accumulating():
    return wg.optim.multi_steps(wg.optim.adam(0.05), 4)


def grouped():
    groups = {"a": wg.optim.adam(0.05), "b": wg.optim.sgd(0.1)}
    return wg.optim.partition(groups, {"w": "a", "b": "b", "s": "a"})


@pytest.mark.parametrize("how", [lambda opt: opt, jitted], ids=["eager", "compiled"])
def test_accumulation_and_groups_as_optax(how):
    check(how(accumulating()), FOUND["multi_steps"])
    check(how(grouped()), FOUND["partition"])


@pytest.mark.parametrize("name", reference.SCHEDULES)
def test_schedules_as_optax(name):
    schedule = reference.built(wg.optim, reference.SCHEDULES[name])
    counts = np.arange(0, reference.STEPS, 3)
    values = [float(schedule(n)) for n in counts]
    assert np.allclose(values, FOUND["schedules"][name], rtol=1e-13, atol=1e-16)
    if name != "constant":
        assert np.allclose(wg.jit(schedule)(counts), values, rtol=1e-14)


ALL = [reference.chain(wg.optim, parts) for parts in reference.CHAINS.values()]


@pytest.mark.parametrize("dtype", [np.float32, np.complex128], ids=["f4", "c16"])
@pytest.mark.parametrize("opt", [*ALL, accumulating(), grouped()])
def test_dtypes_are_those_of_the_parameters(opt, dtype):
    """A 0-d array stays an array, though NumPy makes scalars of them."""
    params = {k: np.asarray(v).astype(dtype) for k, v in reference.start().items()}
    state = opt.init(params)
    for _ in range(2):
        updates, new = opt.update(params, state, params)
        moved = wg.optim.apply_updates(params, updates)
        for p, u, q in zip(*map(wg.tree.leaves, (params, updates, moved)), strict=True):
            assert type(u) is type(q) is np.ndarray
            assert u.dtype == q.dtype == dtype and u.shape == q.shape == p.shape
        before, after = wg.tree.leaves(state), wg.tree.leaves(new)
        for a, b in zip(before, after, strict=True):
            assert (
                type(a) is type(b) and a.dtype == b.dtype and np.shape(a) == np.shape(b)
            )
        state = new


def test_float32_stays_in_compiled_code_with_a_float64_rate():
    opt = lambda rate: wg.optim.adamw(rate, weight_decay=0.1)

    @wg.jit
    def step(params, state, rate):
        return opt(rate).update(params, state, params)

    params = {"w": np.ones((2, 3), np.float32), "b": np.float32(1.0)}
    state = opt(0.1).init(params)
    updates, state = step(params, state, np.float64(0.1))
    assert updates["w"].dtype == updates["b"].dtype == np.float32
    assert state[0].mu["w"].dtype == np.float32
    expected = -0.1 * (1.0 + 0.1 * 1.0)
    assert np.allclose(updates["w"], expected, rtol=1e-6)


def loss(params, x, y):
    hidden = np.tanh(x @ params["w"] + params["b"])
    return np.mean((hidden @ params["v"] - y) ** 2)


X = np.cos(np.arange(24.0)).reshape(8, 3)
Y = np.sin(np.arange(8.0))
PARAMS = {
    "w": np.sin(np.arange(12.0)).reshape(3, 4),
    "b": np.zeros(4),
    "v": np.cos(np.arange(4.0)),
}


def test_a_training_step_is_one_compiled_function():
    opt = wg.optim.adam(0.05)

    @wg.jit
    def step(params, state, x, y):
        value, gradients = wg.value_and_grad(loss)(params, x, y)
        updates, state = opt.update(gradients, state, params)
        return wg.optim.apply_updates(params, updates), state, value

    params, state = PARAMS, opt.init(PARAMS)
    for _ in range(100):
        params, state, value = step(params, state, X, Y)
    assert value < 0.1 * loss(PARAMS, X, Y)
    assert state[0].count == 100


def after_steps(make, *numbers):
    opt = make(*numbers)
    params = PARAMS
    state = opt.init(params)
    for _ in range(50):
        gradients = wg.grad(loss)(params, X, Y)
        updates, state = opt.update(gradients, state, params)
        params = wg.optim.apply_updates(params, updates)
    return loss(params, X, Y)


UNROLLED = {
    "momentum": (lambda rate, m: wg.optim.sgd(rate, momentum=m), (0.05, 0.8)),
    "adam": (lambda rate, b1: wg.optim.adam(rate, b1, eps_root=1e-8), (0.01, 0.8)),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", UNROLLED)
def test_learning_rate_and_momentum_by_gradients_through_50_steps(name, compiled):
    make, numbers = UNROLLED[name]
    final = lambda *numbers: after_steps(make, *numbers)
    run = wg.jit(final) if compiled else final
    tuned = wg.grad(final, argnums=(0, 1))
    found = (wg.jit(tuned) if compiled else tuned)(*numbers)
    h = 1e-5
    for i in range(2):
        up = [x + h * (i == j) for j, x in enumerate(numbers)]
        down = [x - h * (i == j) for j, x in enumerate(numbers)]
        expected = (run(*up) - run(*down)) / (2 * h)
        assert np.isclose(found[i], expected, rtol=1e-5)


def test_many_learning_rates_at_once():
    make, (_, momentum) = UNROLLED["momentum"]
    rates = np.array([0.01, 0.05])
    found = wg.jit(wg.vmap(lambda rate: after_steps(make, rate, momentum)))(rates)
    expected = [after_steps(make, rate, momentum) for rate in rates]
    assert np.allclose(found, expected, rtol=1e-10)


def test_masks_and_labels_may_be_prefixes_and_functions():
    params = {"a": {"w": np.ones(2), "b": np.ones(1)}, "c": np.ones(1)}
    opt = wg.optim.masked(wg.optim.scale(2.0), {"a": True, "c": False})
    updates, _ = opt.update(params, opt.init(params))
    assert (
        updates["a"]["w"][0] == updates["a"]["b"][0] == 2.0 and updates["c"][0] == 1.0
    )

    large = lambda tree: wg.tree.map(lambda p: "large" if p.size > 1 else "small", tree)
    groups = {"large": wg.optim.set_to_zero(), "small": wg.optim.sgd(1.0, 0.9)}
    opt = wg.optim.partition(groups, large)
    state = opt.init(params)
    updates, state = opt.update(params, state)
    assert updates["a"]["w"][0] == 0.0 and updates["c"][0] == -1.0
    assert len(wg.tree.leaves(state)) == 2


def test_an_average_of_the_weights():
    averaging = wg.optim.ema(0.9)
    weights = {"w": np.ones(3)}
    state = averaging.init(weights)
    for _ in range(5):
        average, state = averaging.update(weights, state)
    assert np.allclose(average["w"], 1.0, rtol=1e-14)


def test_what_has_no_gradient_stays():
    params = {"w": np.ones(2), "frozen": None}
    gradients = {"w": np.ones(2), "frozen": None}
    opt = wg.optim.adam(0.1)
    updates, _ = opt.update(gradients, opt.init(params), params)
    moved = wg.optim.apply_updates({**params, "frozen": "a name"}, updates)
    assert moved["frozen"] == "a name" and np.allclose(moved["w"], 0.9)


def test_clipping_of_zeros_has_a_gradient_of_its_own():
    opt = wg.optim.clip_by_global_norm(1.0)
    f = lambda g: opt.update(g, ())[0].sum()
    assert np.allclose(wg.grad(f)(np.zeros(2)), 1.0)
    assert np.array_equal(opt.update(np.zeros(2), ())[0], np.zeros(2))
