"""The function that conversion makes, and what is called in place of what."""

from __future__ import annotations

import functools
import gc
import inspect
import math
import sys
import warnings
import weakref

import array_api_strict
import numpy as np
import pytest
import scipy.special

import wengert as wg
import wengert.numpy as wnp
from tests.frontend import helpers
from wengert._frontend.api import convert, runtime_for
from wengert._frontend.runtime import Plain, Raise, Return

MODES = pytest.mark.parametrize("staging", [False, True], ids=["calls", "staging"])


# -- the function ----------------------------------------------------------------------


@MODES
def test_cells_are_shared(staging):
    count = 0

    def step(by=1, *, twice=False):
        nonlocal count
        if twice:
            by = max(by, 2 * by)
        count += by
        return count

    converted = convert(step, staging)
    assert converted() == 1 and count == 1
    count = 10
    assert converted(twice=True) == 12 and step() == 13
    step.__kwdefaults__["twice"] = True
    assert converted() == 15


@MODES
def test_globals_are_shared(staging):
    names = {}
    converted = convert(helpers.table, staging)
    assert converted.__globals__ is helpers.table.__globals__
    assert names == {}


@MODES
def test_code_is_converted_once(staging):
    def make(k):
        return lambda x: max(x, k)

    one, two = (convert(make(k), staging) for k in (1, 2))
    assert one.__code__ is two.__code__
    assert (one(0), two(0)) == (1, 2)


@MODES
def test_the_lambda_is_the_right_one(staging):
    first, second = lambda x: max(x, 1) if x else 0, lambda x: max(x, 2) if x else 0
    pairs = [(lambda x: len(x) or 1), (lambda x: len(x) or 1), lambda x: len(x) or 2]
    assert [convert(f, staging)(-1) for f in (first, second)] == [1, 2]
    assert [convert(f, staging)("") for f in pairs] == [1, 1, 2]


def test_modes_can_be_asked_for_in_turn():
    def outer(n):
        def inner(k):
            if k > n:
                return len(range(k))
            return n

        return inner

    eager = convert(outer, staging=False)(2)
    staged = convert(eager, staging=True)
    assert staged is not eager and (staged(1), staged(5)) == (2, 5)
    assert "__wg_rest__" not in staged.__code__.co_qualname
    back = convert(staged, staging=False)
    assert back is staged


@MODES
def test_warnings_of_the_compiler_are_not_repeated(staging, tmp_path):
    file = tmp_path / "warns.py"
    file.write_text("def f(x):\n    return len('\\d') if x is 1 else 0\n")
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(file.read_text(), str(file), "exec"), names)
    assert convert(names["f"], staging)(1) == 2


@MODES
def test_memory_is_freed(staging):
    """Neither functions nor what they hold stay alive for having been converted."""

    class Held:
        pass

    def use():
        held = Held()

        def inner(n):
            return inner(n - 1) if n else repr(held)

        references.append(weakref.ref(held))
        return inner(2)

    references = []
    convert(use, staging)()
    held = Held()
    convert(lambda x=held: references.append(weakref.ref(x)), staging)()
    del held
    gc.collect()
    assert [r() for r in references] == [None, None]


@MODES
def test_names_of_the_helper_do_not_show(staging):
    def f(x):
        if x:
            y = len(x)
        else:
            y = 0
        return y

    converted = convert(f, staging)
    assert inspect.signature(converted) == inspect.signature(f)
    assert converted.__code__.co_varnames[:1] == ("x",)
    assert converted.__code__.co_flags & ~0x10 == f.__code__.co_flags & ~0x10 or staging


@MODES
def test_other_callables(staging):
    class A:
        k = 2

        def method(self, x):
            return max(x, self.k)

        @classmethod
        def of_class(cls, x):
            return max(x, cls.k)

        @staticmethod
        def static(x):
            return max(x, 2)

        __call__ = method

    a = A()
    for f in (a.method, a, A.of_class, A.static, functools.partial(A.method, a)):
        converted = convert(f, staging)
        assert converted is not f and (converted(1), converted(3)) == (2, 3)
    for name in ("of_class", "static"):
        raw = vars(A)[name]
        setattr(A, name, convert(raw, staging))
        assert getattr(A, name)(1) == 2
    for f in (len, math.floor, np.ndarray, wg.grad, dict, "no function"):
        if f is not len and f is not math.floor:
            assert convert(f, staging) is f


# -- what is called --------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["calls", "staging"])
def callee(request):
    return runtime_for(Plain, request.param).callee


def test_counterparts(callee):
    assert callee(np.sin) is wnp.sin
    assert callee(np.sum) is wnp.sum
    assert callee(scipy.special.erf) is wengert_special("erf")
    assert callee(np.linalg.norm) is not np.linalg.norm
    assert callee(np.add.at).__self__ is wnp.add
    assert callee(np.random.rand).args == ("RandomState.rand", np.random.rand)
    for f in (
        np.ndarray.sum,
        np.errstate,
        np.ones(2).sum,
        str,
        [].sort,
    ):
        assert callee(f) == f


def wengert_special(name):
    import wengert.scipy.special

    return getattr(wengert.scipy.special, name)


def test_what_is_left_alone(callee):
    def local():
        return 1

    jitless = wg.grad(local)
    custom = wg.custom_vjp(local)
    kept = [functools.wraps, wg.grad, jitless, custom, inspect.signature, "text", 3]
    kept += [
        array_api_strict.sin,
        dict,
        int.from_bytes,
        ValueError,
        type,
    ]
    assert [callee(f) for f in kept] == kept


def test_users_functions_are_converted(callee):
    class A:
        def __init__(self, x):
            self.x = len(x)

        def method(self):
            return len("abc") + self.x

    class Plain:
        x = 1

    class Numbers(type):
        def __call__(cls):
            return 3

    class Three(metaclass=Numbers):
        pass

    a = callee(A)("ab")
    assert type(a) is A and a.x == 2
    assert callee(a.method) != a.method and callee(a.method)() == 5
    assert callee(A.method)(a) == 5
    assert callee(Plain) is Plain and callee(Three) is Three
    assert callee(helpers.power) is callee(helpers.power) is not helpers.power
    assert callee(callee(helpers.power)) is callee(helpers.power)
    partial = callee(functools.partial(helpers.power, n=2))
    assert partial.func is callee(helpers.power) and partial(3.0) == 9.0
    same = functools.partial(str, "abc")
    assert callee(same) is same


def test_identities_are_not_mixed_up(callee):
    """A function may be made where another one was that is gone."""
    for k in range(200):
        names = {"k": k}
        f = eval("lambda: k", names)
        assert callee(f)() == k
        assert callee(lambda: len(range(k)))() == k
        del f


# -- traced values in functions of Python ----------------------------------------------


def observed(function, *args, staging=False):
    """What a converted function sees of a traced argument."""
    seen = []
    converted = convert(function, staging)
    wg.vjp(lambda x: (seen.append(converted(x, *args)), x)[1], 2.5)
    return seen[0]


def test_conversions():
    assert observed(lambda x: type(int(x)) is int and int(x) == 2)
    assert observed(lambda x: type(bool(x)) is bool)
    staged = observed(lambda x: (int(x), bool(x)), staging=True)
    assert staged == (2, True) and [type(v) for v in staged] == [int, bool]
    assert observed(lambda x: float(x).dtype) == np.float64
    assert observed(lambda x: float(np.array(x)).shape) == ()
    assert observed(lambda x: complex(x).dtype) == np.complex128
    assert observed(lambda x: np.float32(x).dtype) == np.float32
    assert observed(lambda x: (round(x), round(3 * x))) == (2, 8)
    assert observed(lambda x: type(round(x)) is int and round(x, 1) == 2.5)
    assert observed(lambda x: math.isclose(x, 2.5) and not math.isclose(x, 2.6))
    assert observed(lambda x: (float("3"), np.float64("3"), int("3"))) == (3.0, 3.0, 3)
    assert observed(lambda x: (bool(""), int("11", 2)), staging=True) == (False, 3)


def test_isinstance():
    kinds = (float, int, bool, np.float64, np.integer, int | str, np.ndarray, (list,))

    def check(x):
        n = int(x)
        for value, expected in [
            (x, {float, np.float64}),
            (n, {int, np.integer, int | str}),
            (x > 1, {int, bool, int | str}),
            (np.ones(2) * x, {np.ndarray}),
            (3, {int, int | str}),
        ]:
            assert {k for k in kinds if isinstance(value, k)} == expected, value
        return n

    assert wg.vmap(convert(check, True))(np.array([2.5, 4.5])).tolist() == [2, 4]


def test_extremes():
    assert observed(lambda x: min(x, 3.0) == 2.5 and max([x, 3, x * 2]) == 5.0)
    assert observed(lambda x: min([x]) == 2.5 and max(x, 1, key=lambda v: -v) == 1)
    assert observed(lambda x: max(np.array([x, 3 * x])) == 7.5)
    assert (
        observed(lambda x: max("abc") + min(["b", "a"]) + max([], default="d")) == "cad"
    )
    with pytest.raises(ValueError):
        observed(lambda x: max([]))
    with pytest.raises(TypeError):
        observed(lambda x: len(x))
    assert observed(lambda x: len(np.array([x, x])) == len([x, x]) == 2)


# -- the runtime -----------------------------------------------------------------------


def test_signals():
    runtime = runtime_for(Plain, True)
    assert [repr(s) for s in (runtime.BREAK, runtime.CONTINUE)] == ["BREAK", "CONTINUE"]
    assert runtime.result(None) is None and runtime.result(Return(3)) == 3
    assert runtime.Return is Return and Raise(ValueError, None).cause is None


def test_runtimes_of_ones_own():
    class Noting(Plain):
        def __init__(self):
            self.notes = []

        def if_(self, test, then, orelse, written, rest):
            self.notes.append((written, orelse is None, rest is None))
            return super().if_(test, then, orelse, written, rest)

        def raise_(self, exception, cause=None):
            return Raise(exception, cause)

        def result(self, signal):
            if isinstance(signal, Raise):
                return "raises", signal.exception()
            return super().result(signal)

        def counterparts(self):
            return [(abs, lambda x: 100)]

    def f(x):
        if x:
            y = helper(x)
        if x > 2:
            raise KeyError(x)
        return y

    def helper(x):
        a = b = x
        if x > 1:
            a, b = b, a
        return a + b

    converted = convert(f, True, Noting)
    assert converted(2) == 4
    kind, error = converted(3)
    assert kind == "raises" and repr(error) == "KeyError(3)"
    notes = runtime_for(Noting, True).notes
    assert convert(lambda x: abs(x), True, Noting)(1) == 100
    assert notes[:3] == [
        (("y",), True, True),
        (("a", "b"), True, True),
        ((), True, False),
    ]


class Asked(Plain):
    """Notes what it is asked."""

    def __init__(self):
        self.calls = []

    def __getattribute__(self, name):
        if name[-1] == "_" and name[0] != "_" or name in ("after", "choose", "compare"):
            self.calls.append(name)
        return super().__getattribute__(name)


def test_in_a_try_everything_stays_plain():
    """What a traced value decides there could raise on either path."""

    def f(n):
        for i in range(n):
            try:
                for k in range(3):
                    if k == i and not n < k < 5:
                        break
                    if k in (1, n):
                        continue
                else:
                    continue
                if i == 3:
                    return i or n
                assert i != 4
                with open("no such file"):
                    break
            except OSError:
                if i == 2:
                    break
        return n

    asked = runtime_for(Asked, True).calls
    converted = convert(f, True, Asked)
    assert [converted(n) for n in range(9)] == [f(n) for n in range(9)]
    assert set(asked) == {"for_"}


def test_a_jump_out_of_a_with_or_match():
    def f(n):
        with np.errstate():
            if n == 1:
                return "one"
        match n:
            case 2:
                return "two"
        return "many"

    asked = runtime_for(Asked, True).calls
    asked.clear()
    converted = convert(f, True, Asked)
    assert [converted(n) for n in (1, 2, 3)] == ["one", "two", "many"]
    assert asked == ["if_", "after"] + ["if_", "after", "after"] * 2


def test_the_recursion_limit_is_not_reached_sooner():
    """Conversion of calls adds no frame to a call."""

    def depth(n):
        return 0 if n == 0 else 1 + depth(n - 1)

    n = sys.getrecursionlimit() - len(inspect.stack()) - 50
    assert convert(depth, staging=False)(n) == n
