"""Python objects that compiled code must not change: noticed wherever they are."""

from __future__ import annotations

import collections
import functools
import itertools
import types
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import MutationError

COUNT = 0
TABLE: dict[Any, Any] = {}


class Slotted:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Counter:
    made = 0

    def __init__(self) -> None:
        self.n = 0

    def add(self) -> int:
        self.n += 1
        return self.n


def add_to_global() -> int:
    global COUNT
    COUNT += 1
    return COUNT


def add_to_class() -> int:
    Counter.made += 1
    return Counter.made


def of_closure() -> Any:
    n = 0

    def add() -> int:
        nonlocal n
        n += 1
        return n

    return add


def of_slots() -> Any:
    slotted = Slotted()

    def add() -> int:
        slotted.value += 1
        return slotted.value

    return add


def of_queue() -> Any:
    queue = collections.deque([0, 1, 2, 3])

    def add() -> int:
        queue.rotate(1)
        return queue[0]

    return add


def of_generator() -> Any:
    def numbers() -> Any:
        n = 0
        while True:
            yield n
            n += 1

    return functools.partial(next, numbers())


def of_function() -> Any:
    def add() -> int:
        add.n += 1  # type: ignore[attr-defined]
        return add.n  # type: ignore[attr-defined]

    add.n = 0  # type: ignore[attr-defined]
    return add


def of_set() -> Any:
    seen: set[int] = set()

    def add() -> int:
        seen.add(len(seen))
        return len(seen)

    return add


def of_namespace() -> Any:
    state = types.SimpleNamespace(n=0)

    def add() -> int:
        state.n += 1
        return state.n

    return add


MAKERS = {
    "global": lambda: add_to_global,
    "class": lambda: add_to_class,
    "attribute": lambda: Counter().add,
    "in a tuple": lambda: functools.partial(lambda c: c[0].add(), (Counter(),)),
    "closure": of_closure,
    "slots": of_slots,
    "queue": of_queue,
    "iterator": lambda: functools.partial(next, itertools.count()),
    "list iterator": lambda: functools.partial(next, iter([*range(100)])),
    "generator": of_generator,
    "function": of_function,
    "set": of_set,
    "namespace": of_namespace,
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("where", ["loop", "branch", "function"])
def test_state_that_changes_is_refused(name, where):
    """Counted in a loop, a branch or the function, by the one call that compiles."""
    add = MAKERS[name]()

    def loop(x):
        total = 0.0
        for i in range(10):
            total += x * add() + i
        return total

    def branch(x):
        return x * add() if x > 0 else x

    def function(x):
        return x * add()

    f = {"loop": loop, "branch": branch, "function": function}[where]
    with pytest.raises(MutationError, match="is changed in a"):
        wg.jit(f)(2.0)


def test_what_a_call_that_failed_changed_is_as_before():
    counter, kept = Counter(), [1, 2]

    def f(x):
        counter.n = x
        counter.other = 5
        kept.append(x)
        TABLE["x"] = x
        return add_to_global() * x

    before = COUNT
    with pytest.raises(MutationError):
        wg.jit(f)(1.0)
    assert vars(counter) == {"n": 0} and kept == [1, 2]
    assert COUNT == before and "x" not in TABLE


def test_caches_may_grow():
    class Model:
        @functools.cached_property
        def nodes(self):
            return np.linspace(0.0, 1.0, 5)

        @wg.jit
        def __call__(self, x):
            return (self.nodes * x).sum() * weight(3)[1]

    def weight(n):
        if n not in TABLE:
            TABLE[n] = np.arange(n)
        return TABLE[n]

    TABLE.clear()
    model = Model()
    for x in (1.0, 2.0, 3.0):
        assert model(x) == 2.5 * x
    assert type(TABLE[3]) is type(model.nodes) is np.ndarray
    TABLE[3] = np.ones(3)
    assert model(2.0) == 5.0


def test_arrays_of_objects_are_written_to():
    class Model:
        def __init__(self):
            self.w = np.ones(3)

        @wg.jit
        def step(self, x):
            self.w -= 0.5 * x
            self.w[0] += 1.0
            return self.w.sum()

    model = Model()
    w = model.w
    assert [model.step(1.0), model.step(1.0)] == [2.5, 2.0]
    assert model.w is w
    np.testing.assert_array_equal(w, [2.0, 0.0, 0.0])


def test_settings_are_read_at_each_call():
    def power(x):
        return x ** functools.partial(exponent)()

    def exponent():
        return Counter.made + SETTINGS.n + of_default()

    f = wg.jit(power)
    SETTINGS.n, Counter.made, of_default.n = 1, 1, 0
    assert f(3.0) == 9.0
    SETTINGS.n = 2
    assert f(3.0) == 27.0
    Counter.made = 0
    assert f(3.0) == 9.0
    of_default.n = 1
    assert f(3.0) == 27.0


def test_modules_are_read_at_each_call(tmp_path, monkeypatch):
    (tmp_path / "rates_of_users.py").write_text("rate = 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    import rates_of_users

    f = wg.jit(lambda x: x * rates_of_users.rate)
    assert f(3.0) == 6.0
    rates_of_users.rate = 5.0
    assert f(3.0) == 15.0


def test_objects_of_installed_classes_hold_what_is_the_users(tmp_path, monkeypatch):
    """What their library keeps for itself may change: a cache, a counter."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "tanks_of_others.py").write_text(
        "calls = 0\n\n\n"
        "class Tank:\n"
        "    def __init__(self):\n"
        "        self.full = False\n\n"
        "    def level(self, x):\n"
        "        global calls\n"
        "        calls += 1\n"
        "        if x > 3.5:\n"
        "            self.full = True\n"
        "        return 4.0 if self.full else x\n"
    )
    monkeypatch.syspath_prepend(folder)
    import tanks_of_others

    def f(x):
        tank, level = tanks_of_others.Tank(), x
        for _ in range(11):
            level = tank.level(level + 0.5)
        return level, tank.full

    def outside(x):
        return shared.level(x)

    for x in (0.5, -9.0):
        assert wg.jit(f)(x) == f(x)
    shared = tanks_of_others.Tank()
    with pytest.raises(MutationError, match="full"):
        wg.jit(outside)(5.0)
    assert not shared.full


SETTINGS = types.SimpleNamespace(n=1)


def of_default() -> Any:
    return of_default.n  # type: ignore[attr-defined]


of_default.n = 0  # type: ignore[attr-defined]


def with_state():
    """A function that changes a variable that is not its caller's, and its value."""
    total = 0.5

    def add(z):
        nonlocal total
        total = np.tanh(total + z)
        return z

    return add, lambda: total


def in_conditional_expression(a):
    add, total = with_state()
    a = add(a) if a < 0.3 else 1.0
    return a + total()


def in_own_variable(a):
    total = 0.5

    def add(z):
        nonlocal total
        total = np.tanh(total + z)
        return z

    a = a - (add(total) if a < 0.3 else 1.0)
    return a + total


def in_and(a):
    add, total = with_state()
    found = a < 0.3 and add(a) > 0.05 and add(a) > 0.0
    return total() + (1.0 if found else 0.0)


def in_or(a):
    add, total = with_state()
    found = a > 0.5 or add(0.5 * a) > 0.3 or add(a) > 0.0
    return total() + (1.0 if found else 0.0)


def in_comparisons(a):
    add, total = with_state()
    found = 0.0 < a < add(0.3) < add(0.5)
    return total() + (1.0 if found else 0.0)


def in_cond(a):
    add, total = with_state()
    return wg.cond(a < 0.3, add, lambda z: 2.0 * z, a) + total()


@pytest.mark.parametrize("x", [-0.2, 0.02, 0.1, 0.4, 0.9])
@pytest.mark.parametrize(
    "f",
    [
        in_conditional_expression,
        in_own_variable,
        in_and,
        in_or,
        in_comparisons,
        in_cond,
    ],
)
def test_state_that_an_expression_changes_when_it_is_evaluated(f, x):
    assert wg.jit(f)(x) == pytest.approx(f(x), abs=1e-15)
    expected = wg.finite_difference(f, x)
    assert wg.jit(wg.grad(f))(x) == pytest.approx(expected, abs=1e-8)
