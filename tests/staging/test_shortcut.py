"""Calls like the one before go by a shortcut; any other argument does not pass it."""

from __future__ import annotations

import pickle
import sys
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert._staging.jit import Jitted


class State(NamedTuple):
    count: object
    mean: object


class Other(NamedTuple):
    count: object
    mean: object


class Row(np.ndarray):
    pass


class NoShortcut(Exception):
    pass


def only_by_shortcut(jitted):
    """From now on, a call that needs more than the shortcut fails."""

    def general(*args, **kwargs):
        raise NoShortcut

    jitted._general = general


def step(params, state, flag, shift):
    """Several kinds of nodes and leaves, in and out."""
    w = params["layers"][0]["w"] + shift
    mean = 0.5 * state.mean + 0.5 * w
    out = {"b": [mean.sum(), None], "a": (w, "name"), "z": np.asarray(w.max())}
    return out, State(state.count + 1, mean), flag


def arguments():
    params = {
        "layers": [{"w": np.arange(6.0).reshape(2, 3), "b": None}],
        "more": np.ones(2),
    }
    return params, State(np.array(3), np.ones((2, 3))), True, np.array(0.5)


@pytest.fixture
def jitted():
    made = Jitted(step, ())
    made(*arguments())
    return made


def check(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            check(found[key], expected[key])
    elif isinstance(expected, (tuple, list)):
        for a, b in zip(found, expected, strict=True):
            check(a, b)
    elif isinstance(expected, (np.ndarray, np.generic)):
        assert found.dtype == expected.dtype and np.array_equal(found, expected)
    else:
        assert found is expected or found == expected


def test_a_call_like_the_one_before(jitted):
    expected = step(*arguments())
    only_by_shortcut(jitted)
    for _ in range(2):
        found = jitted(*arguments())
        check(found, expected)
    assert found[0]["a"][0] is not jitted(*arguments())[0]["a"][0]


def _changed(change):
    def changed():
        args = list(arguments())
        change(args)
        return tuple(args)

    return changed


def _weights(make):
    def change(args):
        args[0]["layers"][0]["w"] = make(np.arange(6.0).reshape(2, 3))

    return change


def _unaligned(x):
    found = np.frombuffer(bytearray(x.nbytes + 1), np.uint8)[1:].view(x.dtype)
    found = found.reshape(x.shape)
    found[...] = x
    return found


CHANGES = {
    "dtype": _weights(lambda x: x.astype(np.float32)),
    "byte order": _weights(lambda x: x.astype(">f8")),
    "shape": _weights(lambda x: x[:, :1] + np.zeros((2, 4))),
    "rank": _weights(lambda x: x[None]),
    "order": _weights(np.asfortranarray),
    "slice": _weights(lambda x: np.repeat(x, 2, axis=1)[:, ::2]),
    "alignment": _weights(_unaligned),
    "subclass": _weights(lambda x: x.view(Row)),
    "scalar": _weights(lambda x: 2.0),
    "list of numbers": _weights(lambda x: [1.0, 2.0]),
    "None": _weights(lambda x: None),
    "key": lambda args: args[0]["layers"][0].update(c=1.0),
    "other key": lambda args: args[0].update(rest=args[0].pop("more")),
    "fewer layers": lambda args: args[0]["layers"].clear(),
    "more layers": lambda args: args[0]["layers"].append(np.ones(2)),
    "a tuple": lambda args: args[0].update(layers=tuple(args[0]["layers"])),
    "no None": lambda args: args[0]["layers"][0].update(b=np.ones(1)),
    "class": lambda args: args.__setitem__(1, Other(*args[1])),
    "number": lambda args: args.__setitem__(3, np.float64(0.5)),
    "dtype of a number": lambda args: args.__setitem__(3, np.array(0.5, np.float32)),
    "axes of a number": lambda args: args.__setitem__(3, np.array([0.5])),
    "static": lambda args: args.__setitem__(2, False),
    "static of another type": lambda args: args.__setitem__(2, 1),
    "one array twice": lambda args: args.__setitem__(
        1, State(np.int64(3), args[0]["layers"][0]["w"])
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_arguments_do_not_pass(jitted, name):
    only_by_shortcut(jitted)
    with pytest.raises(NoShortcut):
        jitted(*_changed(CHANGES[name])())


@pytest.mark.parametrize("name", ["dtype", "order", "alignment", "static"])
def test_other_arguments_have_their_own_results(jitted, name):
    changed = _changed(CHANGES[name])
    check(jitted(*changed()), Jitted(step, ())(*changed()))
    check(jitted(*arguments()), step(*arguments()))


def test_dtypes_that_are_equal_and_not_one_object(jitted):
    args = arguments()
    first = args[0]["layers"][0]
    first["w"] = pickle.loads(pickle.dumps(first["w"]))
    assert first["w"].dtype is not np.dtype(float)
    expected = step(*args)
    for _ in range(2):
        check(jitted(*args), expected)
    only_by_shortcut(jitted)
    check(jitted(*args), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_results_may_come_back_whether_the_code_is_from_the_disk_or_not(dtype):
    for _ in range(2):  # the second has its code from the cache
        jitted = Jitted(lambda x: x + x, ())
        x = jitted(np.ones(3, dtype))
        assert x.dtype is np.dtype(dtype)
        only_by_shortcut(jitted)
        jitted(x)


def test_a_step_with_many_leaves_makes_few_calls():
    """What it spends outside of native code, whatever the speed of the machine."""
    jitted = Jitted(lambda params, x: wg.tree.map(lambda p: p + x, params), ())
    params = {str(k): {"w": np.ones(3), "b": np.ones(3)} for k in range(10)}
    params = jitted(jitted(params, 1.0), 1.0)
    calls = [0]

    def count(frame, event, argument):
        calls[0] += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        jitted(params, 1.0)
    finally:
        sys.setprofile(None)
    assert calls[0] < 12 * 20


def test_a_traced_argument_and_one_by_name(jitted):
    only_by_shortcut(jitted)
    args = arguments()
    with pytest.raises(NoShortcut):
        jitted(*args[:3], shift=args[3])


FACTOR = 2.0


class Settings:
    factor = 2.0
    kinds = {"a": 1.0}


def test_what_staging_has_read_is_compared():
    global FACTOR
    offset = [1.0]
    closed = 3.0

    def f(x):
        return (x * FACTOR + offset[0]) * Settings.factor * closed + Settings.kinds["a"]

    jitted = Jitted(f, ())
    x = np.ones(3)

    def both():
        jitted(x)
        assert np.array_equal(jitted(x), f(x))

    both()
    FACTOR = 5.0
    both()
    offset[0] = 7.0
    both()
    Settings.factor = 4.0
    both()
    Settings.kinds["a"] = 9.0
    both()
    closed = 11.0
    both()
    FACTOR, Settings.factor = 2.0, 2.0
    both()


def test_an_equal_global_is_no_change():
    global FACTOR
    jitted = Jitted(lambda x: x * FACTOR, ())
    jitted(np.ones(2))
    FACTOR = float(str(FACTOR))
    only_by_shortcut(jitted)
    assert np.array_equal(jitted(np.ones(2)), FACTOR * np.ones(2))


def test_arrays_by_closure_are_read_anew():
    weights = np.arange(3.0)
    jitted = Jitted(lambda x: weights * x, ())
    jitted(2.0)
    weights[:] = 5.0
    only_by_shortcut(jitted)
    assert np.array_equal(jitted(2.0), [10.0] * 3)


def test_a_function_that_writes_to_its_argument_goes_the_general_way():
    def f(x):
        x += 1.0
        return x.sum()

    jitted = Jitted(f, ())
    x = np.zeros(3)
    for _ in range(3):
        total = jitted(x)
    assert total == 9.0 and jitted.shortcut is None


def test_errors_of_compiled_code_come_through():
    def f(x, k):
        return x[k]

    jitted = Jitted(f, ())
    assert jitted(np.arange(3.0), np.int64(1)) == 1.0
    assert jitted.shortcut is not None
    with pytest.raises(IndexError):
        jitted(np.arange(3.0), np.int64(5))
    assert jitted(np.arange(3.0), np.int64(2)) == 2.0


@pytest.mark.parametrize(
    "make", [bool, int, float, np.float32, np.float16, np.int8, np.uint64, np.bool_]
)
def test_numbers_of_all_types(make):
    jitted = Jitted(lambda x, y: (x * 1, y + x), ())
    args = make(1), np.ones(2)
    expected = jitted(*args)
    check(jitted(*args), expected)


def test_numbers_are_read_anew():
    jitted = Jitted(lambda x, y, z: x + 2 * y + z.sum(), ())
    jitted(np.array(1.0), 2.0, np.ones(2))
    only_by_shortcut(jitted)
    assert jitted(np.array(5.0), 3.0, np.zeros(2)) == 11.0


def test_complex_numbers_and_bfloat16():
    import ml_dtypes

    jitted = Jitted(lambda x: x + x, ())
    for x in (1.0 + 2.0j, np.ones(2) * 1j, ml_dtypes.bfloat16(1.5)):
        for _ in range(2):
            assert np.array_equal(jitted(x), x + x)
