"""Schedules held against theory, and checkpointed functions and loops."""

from __future__ import annotations

import weakref
from functools import lru_cache

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert._array.traced import unwrap
from wengert._control import fori_loop, scan, while_loop
from wengert._modes.block import concrete
from wengert._modes.checkpoint import checkpoint
from wengert._modes.schedule import (
    Binomial,
    Counts,
    Free,
    Segments,
    Store,
    binomial,
    counts,
    optimal_advances,
    plan_of,
)
from wengert._modes.tape import Tape
from wengert.errors import CheckpointError, LeakedValueError, MutationError

X = np.array([0.3, 0.7])


# -- the schedules as such -----------------------------------------------------------


@lru_cache(None)
def fewest_advances(n: int, slots: int) -> int:
    """Griewank's recursion, by trying every place of the next state."""
    if n == 1:
        return 0
    if slots == 1:
        return n * (n - 1) // 2
    return min(
        m + fewest_advances(n - m, slots - 1) + fewest_advances(m, slots)
        for m in range(1, n)
    )


def follow(plan, n, held=None, taped=None) -> Counts:
    """Calls and stored states of a plan, counted action by action."""
    held = plan.place(n) if held is None else held
    taped = plan.taped_from(n) if taped is None else taped
    calls, stored = n, set(held)
    peak = len(stored) + n - taped - 1
    for action in plan.reversal(held, taped):
        if isinstance(action, Free):
            stored.remove(action.at)
            continue
        assert action.origin in stored
        if isinstance(action, Store):
            calls += action.at - action.origin
            stored.add(action.at)
            peak = max(peak, len(stored))
        else:
            calls += action.stop - action.origin
            peak = max(peak, len(stored) + action.stop - action.start - 1)
            taped -= action.stop - action.start
    assert taped == 0
    return Counts(calls, peak)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 45])
def test_binomial_is_optimal(n):
    for slots in range(1, 10):
        assert optimal_advances(n, slots) == fewest_advances(n, slots)
        assert follow(Binomial(slots), n) == Binomial(slots).counts(n)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 45])
def test_segments_follow_their_formula(n):
    for k in range(1, 10):
        longest = -(-n // min(k, n))
        expected = Counts(2 * n - longest, min(k, n) + longest - 1)
        assert follow(Segments(k), n) == Segments(k).counts(n) == expected


def test_extremes():
    assert counts("all", 12) == (12, 12)
    assert counts("none", 12) == (12 * 13 // 2, 1)
    assert counts(1, 12) == counts("all", 12)
    assert counts("96B", 12, state_bytes=32) == counts(binomial(3), 12)


@pytest.mark.parametrize("slots", range(2, 9))
def test_online_binomial_comes_close_to_the_optimum(slots):
    for n in [*range(1, 60), 200, 500, 1000]:
        online = Binomial(slots).online()
        for i in range(n):
            online.visit(i)
            assert len(online.held) <= slots
        got = follow(Binomial(slots), n, online.held, n - 1)
        assert got.calls <= 1.25 * Binomial(slots).counts(n).calls


def test_online_segments_are_equal():
    for k in (1, 2, 5):
        online = Segments(k).online()
        for i in range(100):
            online.visit(i)
        assert len(online.held) <= k
        assert set(np.diff(online.held)) <= {online.spacing}
        assert follow(Segments(k), 100, online.held, 99).calls <= 200


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "many", "12 apples"])
def test_what_is_no_schedule(bad):
    with pytest.raises(CheckpointError, match="is not a schedule") as e:
        plan_of(bad, 8)
    assert "Fix: use" in str(e.value)
    with pytest.raises(CheckpointError, match="is not a schedule"):
        checkpoint(np.sin, checkpoints=bad)
    with pytest.raises(CheckpointError, match="is not a schedule"):
        fori_loop(0, 2, lambda i, x: x, 1.0, checkpoints=bad)


def test_binomial_and_budget_errors():
    for bad in (0, True, 2.0):
        with pytest.raises(CheckpointError, match="binomial: slots="):
            binomial(bad)
    with pytest.raises(CheckpointError, match="one state of the loop takes 16 bytes"):
        wg.grad(
            lambda x: wnp.sum(fori_loop(0, 3, lambda i, y: y * x, x, checkpoints="10B"))
        )(X)


# -- loops: calls, stored states, derivatives ----------------------------------------

SCHEDULES = ["all", "none", 1, 2, 3, 7, binomial(1), binomial(2), binomial(4), "48B"]


class Counter:
    """A step that counts its calls, and the states of the loop that are alive."""

    def __init__(self) -> None:
        self.calls = 0
        self.peak = 0
        self.alive = weakref.WeakSet()

    def __call__(self, i, y):
        self.calls += 1
        value = concrete(unwrap(y))
        self.alive.add(_Handle.of(value))
        self.peak = max(self.peak, len(self.alive))
        return 0.9 * y + 0.1 * i


class _Handle:
    """Stands for an array as long as that lives; arrays themselves are not hashable."""

    @classmethod
    def of(cls, array):
        handle = cls()
        weakref.finalize(array, lambda h: None, handle)
        handle.number = id(array)
        return handle

    def __hash__(self):
        return hash(self.number)

    def __eq__(self, other):
        return self.number == other.number


@pytest.mark.parametrize("n", [1, 2, 6, 13])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_calls_of_the_step_and_stored_states(schedule, n):
    step = Counter()
    wg.grad(lambda x: wnp.sum(fori_loop(0, n, step, x, checkpoints=schedule)))(X)
    theory = counts(schedule, n, state_bytes=X.nbytes)
    assert step.calls == theory.calls
    # The step here is linear, and keeps nothing of the state it is given: what is alive
    # are the stored states, and the one that is at hand.
    assert step.peak <= theory.stored + 1


@pytest.mark.parametrize("schedule", ["none", 3, binomial(2), binomial(5)], ids=str)
def test_calls_of_a_while_loop(schedule):
    for n in (1, 2, 9, 30):
        step = Counter()

        def loss(x, step=step, n=n):
            def body(s):
                return s[0] + 1, step(s[0], s[1])

            return wnp.sum(
                while_loop(lambda s: s[0] < n, body, (0, x), checkpoints=schedule)[1]
            )

        wg.grad(loss)(X)
        theory = counts(schedule, n)
        if schedule == "none":
            assert step.calls == theory.calls
        elif isinstance(schedule, int):
            assert step.calls <= 2 * n
        else:
            assert theory.calls <= step.calls <= 1.25 * theory.calls
        assert (
            step.peak
            <= (1 if schedule == "none" else getattr(schedule, "slots", 3)) + 2
        )


def loops(n, schedule):
    """One recurrence, x closed over, as each of the loops."""

    def counted(x):
        return fori_loop(
            0, n, lambda i, y: wnp.sin(y) * x[0] + i * y, x, checkpoints=schedule
        )

    def uncounted(x):
        body = lambda s: (s[0] + 1, wnp.sin(s[1]) * x[0] + s[0] * s[1])
        return while_loop(lambda s: s[0] < n, body, (0, x), checkpoints=schedule)[1]

    def scanned(x):
        if not n:
            return x
        xs = {"i": wnp.arange(n), "x": x[0] + wnp.zeros(n)}
        step = lambda y, s: (wnp.sin(y) * s["x"] + s["i"] * y, (y, y * x))
        y, (before, times) = scan(step, x, xs, checkpoints=schedule)
        return y + wnp.sum(before**2, axis=0) + wnp.sum(times, axis=0)

    return counted, uncounted, scanned


MODES = {
    "grad": lambda f: wg.grad(lambda x: wnp.sum(f(x) ** 2))(X),
    "hessian": lambda f: wg.hessian(lambda x: wnp.sum(f(x)))(X),
    "grad of grad": lambda f: wg.grad(
        lambda x: wnp.sum(wg.grad(lambda z: wnp.sum(f(z)))(x) ** 2)
    )(X),
    "grad of jvp": lambda f: wg.grad(lambda x: wnp.sum(wg.jvp(f, (x,), (x,))[1]))(X),
    "linearize": lambda f: wg.linearize(f, X)[1](X),
    "vmap of grad": lambda f: wg.vmap(wg.grad(lambda x: wnp.sum(f(x))))(
        np.stack([X, X + 1])
    ),
    "grad of vmap": lambda f: wg.grad(lambda x: wnp.sum(wg.vmap(f)(x)))(
        np.stack([X, X + 1])
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("schedule", ["none", 2, binomial(2), "48B"], ids=str)
def test_every_mode_of_every_loop(mode, schedule):
    for n in (0, 1, 2, 5):
        for f, g in zip(loops(n, schedule), loops(n, "all"), strict=True):
            np.testing.assert_allclose(
                MODES[mode](f), MODES[mode](g), rtol=1e-10, atol=1e-12
            )


def test_pullback_may_be_called_again():
    f = lambda x: fori_loop(
        0, 6, lambda i, y: wnp.sin(y) * x, x, checkpoints=binomial(2)
    )
    _, pullback = wg.vjp(f, X)
    first = pullback(np.ones(2))[0]
    assert first.tolist() == pullback(np.ones(2))[0].tolist()
    np.testing.assert_allclose(
        wg.grad(lambda ct: wnp.sum(pullback(ct)[0]))(np.ones(2)),
        wg.jvp(f, (X,), (np.ones(2),))[1],
    )


def test_state_that_is_put_out_and_passed_on_counts_once():
    def f(x, schedule):
        step = lambda c, _: (lambda d: (d, (d, c)))(wnp.sin(c) * x)
        c, (new, old) = scan(step, x, length=6, checkpoints=schedule)
        return wnp.sum(c**2) + wnp.sum(new) + wnp.sum(old**3)

    expected = wg.grad(lambda x: f(x, "all"))(X)
    for schedule in ("none", 2, 3, binomial(3)):
        np.testing.assert_allclose(wg.grad(lambda x, s=schedule: f(x, s))(X), expected)


def test_nested_loops_and_checkpoints():
    @checkpoint
    def inner(y, x):
        return fori_loop(0, 3, lambda i, z: wnp.sin(z) * x, y, checkpoints="none")

    def f(x, schedule):
        return wnp.sum(
            fori_loop(0, 4, lambda i, y: inner(y, x) + x, x, checkpoints=schedule)
        )

    expected = wg.grad(lambda x: f(x, "all"))(X)
    np.testing.assert_allclose(wg.grad(lambda x: f(x, binomial(2)))(X), expected)
    np.testing.assert_allclose(
        wg.hessian(lambda x: f(x, binomial(2)))(X), wg.hessian(lambda x: f(x, "all"))(X)
    )


# -- checkpoint(f) -------------------------------------------------------------------


def chain(x):
    for _ in range(20):
        x = wnp.sin(x) + 0.5 * x
    return x


def test_nothing_from_inside_is_kept():
    lengths = {}

    def length_of(f):
        def counted(x):
            y = f(x)
            value = unwrap(y)
            assert isinstance(value.interpreter, Tape)
            lengths[f] = len(value.interpreter.entries)
            return wnp.sum(y)

        return wg.grad(counted)(X)

    kept = checkpoint(chain)
    np.testing.assert_array_equal(length_of(kept), length_of(chain))
    assert lengths[kept] == 1 and lengths[chain] >= 60


def test_checkpoint_runs_twice():
    calls = []
    f = checkpoint(lambda x: calls.append(1) or wnp.sum(wnp.sin(x)))
    wg.grad(f)(X)
    assert len(calls) == 2
    f(X), wg.jvp(f, (X,), (X,))
    assert len(calls) == 4
    g = checkpoint(lambda x: calls.append(1) or wnp.sum(x), checkpoints="all")
    wg.grad(g)(X)
    assert len(calls) == 5


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_checkpoint(mode):
    closing = lambda x: checkpoint(lambda y: wnp.sin(y) * x + wnp.exp(y))(2 * x)
    plain = lambda x: wnp.sin(2 * x) * x + wnp.exp(2 * x)
    nested = lambda x: checkpoint(
        lambda y: checkpoint(lambda z: wnp.sin(z) * x)(y) + wnp.exp(y)
    )(2 * x)
    for f in (closing, nested):
        np.testing.assert_allclose(MODES[mode](f), MODES[mode](plain), rtol=1e-12)


def test_pytrees_views_and_own_writes():
    @checkpoint(checkpoints=2)
    def f(d, *, k):
        d["a"][0] *= d["b"]
        view = d["a"][1:]
        view += d["b"] ** k
        loop = fori_loop(0, 5, lambda i, y: wnp.sin(y) * d["b"], d["a"])
        return {"y": d["a"], "n": 3, "loop": loop}

    def loss(d):
        out = f(d, k=2)
        assert out["n"] == 3
        return wnp.sum(out["y"] ** 2) + wnp.sum(out["loop"])

    d = {"a": X, "b": 2.0}
    assert f(d, k=2)["y"].tolist() == [0.6, 4.7] and d["a"].tolist() == X.tolist()
    got = wg.grad(loss)(d)
    expected = wg.finite_difference(loss, d)
    np.testing.assert_allclose(got["a"], expected["a"], rtol=1e-8)
    np.testing.assert_allclose(got["b"], expected["b"], rtol=1e-8)
    assert d["a"].tolist() == X.tolist()


def test_schedule_of_a_checkpoint_is_that_of_its_loops():
    step = Counter()
    f = checkpoint(lambda x: wnp.sum(fori_loop(0, 8, step, x)), checkpoints="none")
    wg.grad(f)(X)
    # The first run is the primal sweep alone; the second one reverses.
    assert step.calls == 8 + 8 * 9 // 2


def test_what_changes_between_the_runs_is_an_error():
    draws = iter(np.random.default_rng(0).standard_normal(9))
    with pytest.raises(
        CheckpointError, match=r"checkpoint\(.*\) was run again.*something else"
    ):
        wg.grad(checkpoint(lambda x: wnp.sum(x) * next(draws)))(X)
    with pytest.raises(CheckpointError, match="fori_loop: step 2 was run again"):
        f = lambda i, y: y * next(draws)
        wg.grad(lambda x: wnp.sum(fori_loop(0, 4, f, x, checkpoints="none")))(X)

    scale = np.array([2.0, 3.0])

    def changing(x):
        y = checkpoint(lambda x: wnp.sum((x * scale) ** 2))(x)
        scale[0] = -2.0  # the square hides it from the value
        return y

    with pytest.raises(
        CheckpointError, match="was written to after a checkpointed function"
    ):
        wg.grad(changing)(X)


def test_outer_writes_and_leaks_are_errors():
    def writing(x):
        buffer = wnp.zeros(2)

        @checkpoint
        def f(y):
            buffer[0] = y[0]
            return y

        return wnp.sum(f(x))

    with pytest.raises(MutationError, match="made outside the innermost"):
        wg.grad(writing)(X)

    def leaking(x):
        kept = []
        y = checkpoint(lambda x: kept.append(wnp.sin(x)) or x * 2)(x)
        return y * kept[0]

    with pytest.raises(
        LeakedValueError, match=r"a value made inside checkpoint\(<lambda>\)"
    ):
        wg.grad(leaking)(1.0)
    with pytest.raises(LeakedValueError):
        wg.grad(lambda x: wnp.sum(leaking(x)))(X)
