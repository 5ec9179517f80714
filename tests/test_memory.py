"""Whose memory is whose: arguments, residuals and results at the boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

import wengert as wg
import wengert._ops.indexing as indexing
import wengert.numpy as np
from wengert.errors import DependenceError, MutationError

X = numpy.array([1.0, 2.0, 3.0, 4.0])


def cube(x: Any) -> Any:
    return x * x * x


def overwrites(x: Any) -> Any:
    x *= x
    x[0] = 7.0
    return (x * x).sum()


def tree_overwrites(p: Any) -> Any:
    p["a"][0] += p["b"][1][1] * 2.0
    p["b"][1] *= p["a"]
    return (p["a"] * p["b"][1]).sum()


# -- arguments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: wg.grad(f)(x),
        lambda f, x: wg.value_and_grad(f)(x),
        lambda f, x: wg.vjp(f, x)[1](1.0),
        lambda f, x: wg.jvp(f, (x,), (numpy.ones_like(x),)),
        lambda f, x: wg.vmap(f)(x.reshape(1, -1)),
        lambda f, x: wg.linearize(f, x)[1](numpy.ones_like(x)),
        lambda f, x: wg.vmap(wg.grad(f))(x.reshape(1, -1)),
        lambda f, x: wg.grad(lambda z, y: z * f(y))(2.0, x),
    ],
    ids="grad value_and_grad vjp jvp vmap linearize vmap-grad constant".split(),
)
def test_arguments_are_never_changed(run: Callable[[Any, Any], Any]) -> None:
    x = X.copy()
    run(overwrites, x)
    assert (x == X).all()
    view = numpy.stack([X, X])[1]
    run(overwrites, view)
    assert (view == X).all()


def test_no_leaf_of_a_tree_is_changed() -> None:
    p = {"a": X.copy(), "b": [1, X[::-1].copy()]}
    gradient = wg.grad(tree_overwrites)(p)
    wg.jvp(tree_overwrites, (p,), ({"a": X, "b": [None, X]},))
    assert (p["a"] == X).all() and (p["b"][1] == X[::-1]).all()
    assert gradient["b"][0] is None


def test_keyword_arguments_are_not_changed() -> None:
    def f(x: Any, *, c: Any) -> Any:
        c += 1.0
        return (x * c).sum()

    c = X.copy()
    assert (wg.grad(f)(X, c=c) == X + 1.0).all()
    assert (c == X).all()


def test_one_array_in_two_arguments_is_two_inputs() -> None:
    def f(x: Any, y: Any) -> Any:
        x[0] = 10.0
        return (x * y).sum()

    x = X.copy()
    gx, gy = wg.grad(f, argnums=(0, 1))(x, x)
    assert (gx == [0.0, 2.0, 3.0, 4.0]).all()
    assert (gy == [10.0, 2.0, 3.0, 4.0]).all()


# -- results ---------------------------------------------------------------------------


def shares_with(x: numpy.ndarray, others: list[Any]) -> bool:
    return any(numpy.shares_memory(x, other) for other in others)


def ruin(*arrays: Any) -> None:
    for a in arrays:
        assert a.flags.writeable
        a[...] = numpy.nan


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x,
        lambda x: x * 1.0,
        lambda x: x[1:],
        lambda x: x[::-1],
        lambda x: x.reshape(2, 2).T,
        lambda x: np.broadcast_to(x[:1], (3, 1)),
        lambda x: np.exp(x),
        lambda x: np.array([1.0, 2.0]),
        lambda x: X,
        lambda x: x + 0.0 * X,
    ],
    ids="same times view reversed transposed broadcast exp constant outer sum".split(),
)
def test_results_are_private_and_writeable(f: Any) -> None:
    x = X.copy()
    for _ in range(2):
        value, pullback = wg.vjp(f, x)
        ct = numpy.ones_like(value)
        (first,) = pullback(ct)
        kept = first.copy(), value.copy()
        assert not shares_with(value, [x, X, ct, first])
        assert not shares_with(first, [x, X, ct])
        (second,) = pullback(ct)
        assert not shares_with(first, [second])
        ruin(first, value, ct)
        assert (second == kept[0]).all()
        assert (pullback(numpy.ones_like(value))[0] == kept[0]).all()
    tangent_in = numpy.ones_like(x)
    out, tangent = wg.jvp(f, (x,), (tangent_in,))
    assert not shares_with(out, [x, X, tangent_in, tangent])
    assert not shares_with(tangent, [x, X, tangent_in])
    ruin(out, tangent)
    value, pushforward = wg.linearize(f, x)
    one, two = pushforward(tangent_in), pushforward(tangent_in)
    assert not shares_with(one, [two, x, X, tangent_in, value])
    ruin(one, value)
    assert (pushforward(tangent_in) == two).all()
    batched = wg.vmap(f)(x.reshape(1, 4))
    assert not shares_with(batched, [x, X])
    ruin(batched)
    assert (x == [1.0, 2.0, 3.0, 4.0]).all() and (X == x).all()


def test_two_results_that_are_one_array_are_handed_out_apart() -> None:
    def f(x: Any) -> Any:
        y = x * 2.0
        return y, y, y[1:], x

    for results in (
        wg.vjp(f, X)[0],
        wg.jvp(f, (X,), (X,))[0],
        wg.jvp(f, (X,), (X,))[1],
    ):
        for i, a in enumerate(results):
            assert a.flags.writeable
            assert not shares_with(a, [b for b in results[:i]] + [X])
    gradients = wg.grad(lambda x, y: (x + y).sum(), argnums=(0, 1))(X, X)
    assert not shares_with(gradients[0], [gradients[1]])
    batched = wg.vmap(f)(numpy.stack([X, X]))
    assert not shares_with(batched[0], [batched[1], batched[2]])


def test_aux_is_private() -> None:
    kept = X.copy()

    def f(x: Any) -> Any:
        return (x * x).sum(), (x, kept, x[1:])

    gradient, aux = wg.grad(f, has_aux=True)(X)
    for a in aux:
        assert a.flags.writeable and not shares_with(a, [X, kept, gradient])


# -- residuals -------------------------------------------------------------------------


def test_constant_mutated_after_use_inside_f() -> None:
    def f(x: Any) -> Any:
        c = numpy.array([1.0, 2.0, 3.0, 4.0])
        y = x * c
        c[:] = 100.0
        z = y * c
        c[:] = numpy.nan
        return z.sum()

    value, gradient = wg.value_and_grad(f)(X)
    assert value == 100.0 * (X * X).sum()
    assert (gradient == 100.0 * X).all()
    assert wg.jvp(f, (X,), (numpy.ones(4),))[1] == 100.0 * X.sum()


@pytest.mark.parametrize("layout", [lambda c: c, lambda c: c[::-1], lambda c: c[:1]])
def test_constant_mutated_between_vjp_and_pullback(layout: Any) -> None:
    c = X.copy()
    value, pullback = wg.vjp(lambda x: x * layout(c), X)
    expected = layout(X) * numpy.ones(4)
    c[:] = -1.0
    assert (pullback(numpy.ones(4))[0] == expected).all()
    _, pushforward = wg.linearize(lambda x: x * layout(c), X)
    c[:] = 5.0
    assert (pushforward(numpy.ones(4)) == -1.0).all()


def test_constant_mutated_through_a_view_that_looks_read_only() -> None:
    owner = X.copy()
    view = owner.view()
    view.flags.writeable = False
    _, pullback = wg.vjp(lambda x: x * view, X)
    owner[:] = -1.0
    assert (pullback(numpy.ones(4))[0] == X).all()


def test_read_only_constant_is_kept_by_reference() -> None:
    c = X.copy()
    c.flags.writeable = False
    assert numpy.shares_memory(c, _snapshot_of(c))


def _snapshot_of(c: Any) -> Any:
    from wengert._array.traced import unwrap

    kept = []

    def f(x: Any) -> Any:
        kept.append(unwrap(c))
        return x

    wg.vjp(f, 1.0)
    return kept[0]


def test_one_snapshot_serves_while_the_bytes_match() -> None:
    from wengert._array.traced import unwrap

    c = X.copy()
    seen = []

    def f(x: Any) -> Any:
        seen.append(unwrap(c))
        seen.append(unwrap(c))
        c[0] += 1.0
        seen.append(unwrap(c))
        return x

    wg.vjp(f, 1.0)
    assert seen[0] is seen[1] and seen[2] is not seen[0]
    assert seen[0][0] == 1.0 and seen[2][0] == 2.0


def test_argument_mutated_between_vjp_and_pullback() -> None:
    x = X.copy()
    value, pullback = wg.vjp(cube, x)
    x[:] = 0.0
    value[:] = 0.0
    assert (pullback(numpy.ones(4))[0] == 3.0 * X * X).all()


def test_cotangent_is_not_changed_and_not_kept() -> None:
    ct = numpy.ones(4)
    _, pullback = wg.vjp(lambda x: np.concatenate([x[:2], x[2:]]), X)
    first = pullback(ct)[0]
    assert (ct == 1.0).all()
    ct[:] = 2.0
    assert (first == 1.0).all()
    assert (pullback(ct)[0] == 2.0).all()


def test_pullback_of_a_program_with_writes_may_be_called_again() -> None:
    def f(x: Any) -> Any:
        y = np.zeros(4)
        for i in range(4):
            y[i] = x[i] * x[i - 1]
            y *= 1.5
        return y

    _, pullback = wg.vjp(f, X)
    ct = numpy.arange(1.0, 5.0)
    first = pullback(ct)[0]
    kept = first.copy()
    ruin(first)
    for _ in range(3):
        assert (pullback(ct)[0] == kept).all()
    rows = wg.vmap(pullback)(numpy.stack([ct, 2.0 * ct]))[0]
    assert numpy.allclose(rows, [kept, 2.0 * kept], rtol=1e-14)


# -- writes that are refused -----------------------------------------------------------


def outer_write(transform: Any) -> None:
    def f(x: Any) -> Any:
        y = x * 1.0

        def inner(z: Any) -> Any:
            y[0] = z
            return z * z

        return transform(inner)(x[0]) + y.sum()

    wg.grad(f)(X)


@pytest.mark.parametrize(
    "transform",
    [
        wg.grad,
        lambda f: lambda z: wg.jvp(f, (z,), (1.0,))[1],
        lambda f: lambda z: wg.vmap(f)(np.array([z, z])).sum(),
    ],
    ids=["grad", "jvp", "vmap"],
)
def test_writing_an_outer_array_raises(transform: Any) -> None:
    with pytest.raises(MutationError) as caught:
        outer_write(transform)
    text = str(caught.value)
    for part in ("made outside", "y[0] = z", __file__, "lost", "Fix:", "has_aux"):
        assert part in text


@pytest.mark.parametrize(
    "write",
    [
        lambda y, z: y.__iadd__(z),
        lambda y, z: y[1:].__setitem__(0, z),
        lambda y, z: y.fill(z),
        lambda y, z: np.add(y, z, out=y),
        lambda y, z: np.add.at(y, [0, 0], z),
        lambda y, z: y.T.__setitem__(Ellipsis, z),
        lambda y, z: y.reshape(2, 2).__setitem__(0, 1.0),
        lambda y, z: y.sort(),
    ],
    ids="iadd view fill out at transpose reshape sort".split(),
)
def test_every_write_into_an_outer_array_raises(write: Any) -> None:
    def f(x: Any) -> Any:
        y = x * 1.0

        def inner(z: Any) -> Any:
            write(y, z)
            return z

        return wg.grad(inner)(x[0])

    with pytest.raises(MutationError):
        wg.grad(f)(X)


def test_plain_array_of_the_caller_takes_no_traced_value() -> None:
    buffer = numpy.zeros(4)

    def f(x: Any) -> Any:
        buffer[0] = x[0]
        return x.sum()

    for run in (lambda: wg.grad(f)(X), lambda: wg.jvp(f, (X,), (X,))):
        with pytest.raises(DependenceError):
            run()
    assert (buffer == 0.0).all()


@pytest.mark.parametrize(
    "write",
    [
        lambda b, x: numpy.add(x, 1.0, out=b),
        lambda b, x: numpy.add.at(b, [0], x[0]),
        lambda b, x: b.__setitem__(slice(None), x),
        lambda b, x: numpy.sum(x, out=b[0, ...]),
        lambda b, x: numpy.copyto(b, x),
        lambda b, x: numpy.put(b, [0], x[0]),
        lambda b, x: b.__iadd__(x),
        lambda b, x: b.fill(x[0]),
    ],
    ids="out at slice reduction copyto put iadd fill".split(),
)
def test_every_write_into_a_plain_array_is_refused(write: Any) -> None:
    buffer = numpy.zeros(4)

    def f(x: Any) -> Any:
        write(buffer, x)
        return x.sum()

    with pytest.raises((DependenceError, NotImplementedError, TypeError)):
        wg.grad(f)(X)
    assert (buffer == 0.0).all()


# -- the cost of a write ---------------------------------------------------------------


def copied_bytes(monkeypatch: pytest.MonkeyPatch, run: Callable[[], Any]) -> int:
    """Bytes that writes copy because the old version of the array is still read."""
    total = 0
    original = indexing.copied

    def counting(x: Any) -> Any:
        nonlocal total
        total += getattr(x, "nbytes", 0)
        return original(x)

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "copied", counting)
        run()
    return total


def trajectory(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = np.zeros(n)
        y[0] = x
        for i in range(1, n):
            y[i] = y[i - 1] * 0.5 + x
        return y.sum()

    return f


def accumulation(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = np.ones(n)
        for i in range(n):
            y[i] += x * x
            y[i - 1] *= 0.5
        return y[0] + y[n - 1]

    return f


def rows(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = np.zeros((n, 2))
        y[0] = x
        for i in range(1, n):
            y[i] = y[i - 1] + x
        return y.sum()

    return f


@pytest.mark.parametrize("program", [trajectory, accumulation, rows])
@pytest.mark.parametrize("mode", ["grad", "jvp", "pullback again", "hessian"])
def test_n_writes_copy_a_linear_number_of_bytes(
    program: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(n: int) -> Callable[[], Any]:
        f = program(n)
        if mode == "grad":
            return lambda: wg.grad(f)(1.5)
        if mode == "jvp":
            return lambda: wg.jvp(f, (1.5,), (1.0,))
        if mode == "pullback again":
            pullback = wg.vjp(f, 1.5)[1]
            return lambda: (pullback(1.0), pullback(2.0))
        return lambda: wg.jvp(wg.grad(f), (1.5,), (1.0,))

    small = copied_bytes(monkeypatch, run(50))
    large = copied_bytes(monkeypatch, run(400))
    assert large <= 8 * small + 400 * 8 * 20, (small, large)
