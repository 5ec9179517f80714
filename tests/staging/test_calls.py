"""Calls of compiled functions: from threads, interrupted, many times, and quickly."""

from __future__ import annotations

import gc
import resource
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from tests.staging.programs import ARRAY, X


def in_threads(*tasks: Callable[[], Any]) -> list[Any]:
    """The results of tasks that begin together; an error of one is raised."""
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(tasks))

    def work(number: int, task: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[number] = task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


@pytest.fixture(autouse=True)
def switching_often() -> Any:
    """Threads take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def growing(x, n):
    y = np.zeros(len(x))
    for i in range(n):
        y[i % len(x)] += np.sin(x[i % len(x)] + i)
        if y[i % len(x)] > 2.0:
            y[:] = y * 0.5
    return y


def running(n):
    total = 0.0
    while total < n:
        total += 1.0
    return total


# -- threads ---------------------------------------------------------------------------


def test_the_same_function_in_threads():
    compiled = wg.jit(growing)
    xs = [np.linspace(k, k + 1.0, 7) for k in range(4)]
    expected = [growing(x, 300) for x in xs]

    def calls(k: int) -> Callable[[], Any]:
        return lambda: [compiled(xs[k], 300) for _ in range(50)]

    for found, y in zip(in_threads(*map(calls, range(4))), expected, strict=True):
        for each in found:
            np.testing.assert_allclose(each, y, rtol=1e-13)


def test_different_functions_while_others_compile():
    fixed = wg.jit(growing)
    expected = fixed(X, 200)

    def calls() -> list[Any]:
        return [fixed(X, 200) for _ in range(200)]

    def compiles(f: Any) -> Callable[[], Any]:
        return lambda: (wg.jit(f)(X), wg.jit(wg.grad(lambda x: np.sum(f(x))))(X))

    some = ARRAY[:3]
    found = in_threads(calls, calls, *map(compiles, some), *map(compiles, some))
    for each in (*found[0], *found[1]):
        np.testing.assert_array_equal(each, expected)
    for f, first, second in zip(some, found[2:5], found[5:], strict=True):
        np.testing.assert_allclose(first[0], f(X), rtol=1e-13)
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)


def test_threads_that_need_the_same_function_at_once():
    for _ in range(5):
        compiled = wg.jit(lambda x, n: np.reshape(x, (n, -1)).sum(axis=0))

        def call(n: int, compiled: Any = compiled) -> Callable[[], Any]:
            return lambda: [compiled(np.arange(12.0), n) for _ in range(5)]

        found = in_threads(*map(call, (1, 2, 3, 4)))
        for n, results in enumerate(found, 1):
            for each in results:
                expected = np.arange(12.0).reshape(n, -1).sum(axis=0)
                np.testing.assert_array_equal(each, expected)


def test_ops_of_python_and_errors_in_threads():
    solve = wg.jit(lambda a, b: np.linalg.solve(a, b))
    read = wg.jit(lambda x, i: x[i])
    a = np.array([[2.0, 1.0], [1.0, 3.0]])

    def solves(k: int) -> Callable[[], Any]:
        b = np.array([1.0, float(k)])
        return lambda: [(solve(a, b), np.linalg.solve(a, b)) for _ in range(50)]

    def fails(k: int) -> Callable[[], Any]:
        def work() -> int:
            for _ in range(50):
                with pytest.raises(IndexError, match=f"index {k} is out of bounds"):
                    read(X, k)
            return k

        return work

    found = in_threads(solves(1), solves(2), fails(100), fails(200))
    for pairs in found[:2]:
        for x, y in pairs:
            np.testing.assert_array_equal(x, y)


def test_python_goes_on_during_a_native_call():
    """Another thread runs, though Python would not take the lock from this one."""
    compiled = wg.jit(running)
    compiled(10.0)
    start, ran = threading.Lock(), []
    start.acquire()

    def other() -> None:
        with start:
            ran.append(True)

    thread = threading.Thread(target=other)
    thread.start()
    sys.setswitchinterval(60.0)
    start.release()
    assert not ran
    for _ in range(1000):
        compiled(1e6)
        if ran:
            break
    assert ran
    thread.join()


# -- signals ---------------------------------------------------------------------------

INTERRUPTED = """
import signal
import numpy as np
import wengert as wg

# A process that a shell has put into the background ignores it, and so its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

def steps_while(n):
    total = 0.0
    while total < n:
        total += 0.5
    return total

def steps_for(n):
    total = 0.0
    for i in range(n):
        total += np.sin(i * total)
    return total

def nested(n):
    total = 0.0
    for i in range(n):
        for j in range(3):
            total += np.sin(i * total)
    return total

def gradient(n):
    return wg.grad(lambda x: np.sum(x * steps_for(n)))(1.0)

compiled = wg.jit({kind})
short, long = {numbers}
first = compiled(short)
print("ready", flush=True)
try:
    compiled(long)
except KeyboardInterrupt:
    print("interrupted", compiled(short) == first, flush=True)
"""
LOOPS = {
    "steps_while": "10.0, 1e15",
    "steps_for": "10, 10**15",
    "nested": "10, 10**15",
    "gradient": "10, 10**15",
}


@pytest.mark.parametrize("kind", LOOPS)
def test_control_c_ends_a_loop(kind, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(kind=kind, numbers=LOOPS[kind]))
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted True\n"
    assert process.returncode == 0


# -- memory ----------------------------------------------------------------------------

REPEATED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "known extents": (growing, (X, 20)),
    "a gradient": (wg.grad(lambda x: np.sum(growing(x, 20))), (X,)),
    "run-time extents": (lambda x, n: x[:n] * 2.0, (X, 3)),
    "several results": (lambda x: {"a": x * 2, "b": (x.sum(), x > 0)}, (X,)),
    "ops of Python": (lambda x: np.sort(x), (X,)),
    "a written argument": (lambda x: x.__setitem__(0, 1.0), (X.copy(),)),
    "complex": (lambda z: z * 1j, (1.0 + 2.0j,)),
}


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def assert_no_growth(
    call: Callable[[], Any], count: int = 3000, *, each: int = 16
) -> None:
    """Neither Python's memory nor the process's grows with the number of calls.

    Python keeps some freed objects for later, which is why a few bytes are nothing.
    """
    for _ in range(50):
        call()
    gc.collect()
    tracemalloc.start()
    try:
        before, resident = tracemalloc.get_traced_memory()[0], peak_bytes()
        for _ in range(count):
            call()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < each * count, f"{grown / count:.1f} bytes a call"
    assert peak_bytes() - resident < 1000 * count


@pytest.mark.parametrize("name", REPEATED)
def test_calls_keep_no_memory(name):
    f, args = REPEATED[name]
    compiled = wg.jit(f)
    assert_no_growth(lambda: compiled(*args))


def test_calls_that_fail_keep_no_memory():
    def checked(x, i):
        y = np.cumsum(np.concatenate([x, x]))
        if i > 3:
            raise ValueError("large")
        return y[i]

    compiled = wg.jit(checked)

    def call(i: int) -> None:
        with pytest.raises((ValueError, IndexError)):
            compiled(X, i)

    assert_no_growth(lambda: call(5), 500)
    assert_no_growth(lambda: call(-1000), 500)


def test_a_function_is_freed_with_its_code():
    def make() -> None:
        wg.jit(lambda x: x * 2.0)(X)

    assert_no_growth(make, 100, each=500)


# -- overhead --------------------------------------------------------------------------


def events(call: Callable[[], Any]) -> int:
    """Calls of functions, Python's and C's."""
    found = []
    sys.setprofile(lambda frame, event, argument: found.append(event))
    try:
        call()
    finally:
        sys.setprofile(None)
    return sum(event in ("call", "c_call") for event in found)


@pytest.mark.parametrize("args", [(X, X + 1, X + 2), (0.5, 1.5, 2.5), (X, 1.0, X + 1)])
def test_a_call_runs_few_functions(args):
    """Ten microseconds a call; counted here, and measured by the benchmarks."""
    compiled = wg.jit(lambda a, b, c: a * b + c)
    compiled(*args)
    assert events(lambda: compiled(*args)) <= 48
