"""Traced values that outlive their transformation, or reach another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import wengert as wg
import wengert.numpy as np
from wengert.errors import LeakedValueError, MutationError

X = numpy.array([1.0, 2.0, 3.0, 4.0])


def leaked(transform: str) -> list[Any]:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        buffer = np.zeros(4)
        view = buffer[1:]
        buffer[0] = x[0]
        kept.extend([x, x[0], x * 2.0, x[1:], buffer, view, x.T])
        return (x * x).sum()

    if transform == "grad":
        wg.grad(f)(X)
    elif transform == "vjp":
        wg.vjp(f, X)
    elif transform == "jvp":
        wg.jvp(f, (X,), (X,))
    elif transform == "vmap":
        wg.vmap(f)(numpy.stack([X, X]))
    else:
        wg.linearize(f, X)
    return kept


USES: dict[str, Callable[[Any], Any]] = {
    "operator": lambda v: v + 1.0,
    "reflected": lambda v: 1.0 - v,
    "negative": lambda v: -v,
    "with a plain array": lambda v: numpy.ones(1) * v,
    "numpy function": lambda v: numpy.sin(v),
    "our function": lambda v: np.exp(v),
    "compare": lambda v: v > 0.0,
    "sum": lambda v: v.sum(),
    "in a new transformation": lambda v: wg.grad(lambda x: (x * v).sum())(2.0),
    "in a new vmap": lambda v: wg.vmap(lambda x: x * v)(X),
    "as an argument": lambda v: wg.grad(lambda x: (x * x).sum())(v),
    "constant in jvp": lambda v: wg.jvp(lambda x: x * v, (2.0,), (1.0,)),
    "stored": lambda v: np.array([v]),
    "bool": lambda v: bool(v.any()) if v.ndim else bool(v),
    "float": lambda v: float(v.sum()),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("transform", ["grad", "vjp", "jvp", "vmap", "linearize"])
def test_leaked_values_raise(transform: str, use: str) -> None:
    for value in leaked(transform):
        with pytest.raises(LeakedValueError) as caught:
            USES[use](value)
        text = str(caught.value)
        assert text.count(__file__) == 2, "both the line of use and that of the start"
        assert "ended" in text and "Fix:" in text


@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.__setitem__(0, 1.0),
        lambda a: a.__iadd__(1.0),
        lambda a: a.fill(0.0),
        lambda a: a[1:].__setitem__(0, 1.0),
        lambda a: np.add(a, 1.0, out=a),
    ],
    ids="setitem iadd fill view out".split(),
)
def test_writes_into_leaked_arrays_raise(write: Any) -> None:
    for value in leaked("grad"):
        if type(value).__name__ == "TracedArray":
            with pytest.raises(LeakedValueError):
                write(value)


def test_value_used_in_another_thread_raises() -> None:
    errors: list[BaseException] = []

    def f(x: Any) -> Any:
        def work() -> None:
            for use in (lambda: x * 2.0, lambda: x[0] + 1.0, lambda: np.sin(x)):
                try:
                    use()
                except LeakedValueError as error:
                    errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return (x * x).sum()

    assert (wg.grad(f)(X) == 2.0 * X).all()
    assert len(errors) == 3
    assert all("another thread" in str(error) for error in errors)


def test_write_in_another_thread_raises() -> None:
    errors: list[BaseException] = []

    def f(x: Any) -> Any:
        y = x * 1.0

        def work() -> None:
            try:
                y[0] = 5.0
            except (MutationError, LeakedValueError) as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return (y * y).sum()

    assert (wg.grad(f)(X) == 2.0 * X).all()
    assert len(errors) == 1


def test_threads_differentiate_apart() -> None:
    results: dict[int, Any] = {}

    def work(n: int) -> None:
        for _ in range(50):
            results[n] = wg.grad(lambda x: (x**n).sum())(X)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for n in range(1, 5):
        assert numpy.allclose(results[n], n * X ** (n - 1), rtol=1e-14)


def test_an_exception_inside_leaves_no_transformation_running() -> None:
    def f(x: Any) -> Any:
        return wg.vmap(lambda y: wg.grad(lambda z: z * y[10])(1.0))(x.reshape(2, 2))

    for run in (lambda: wg.grad(f)(X), lambda: wg.jvp(f, (X,), (X,)), lambda: f(X)):
        with pytest.raises(IndexError):
            run()
    assert isinstance(np.zeros(2), numpy.ndarray)
