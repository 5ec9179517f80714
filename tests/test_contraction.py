"""Products of arrays: NumPy's bits, and derivatives of every order."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

RNG = np.random.default_rng(7)


def reals(*shapes):
    return tuple(RNG.normal(size=shape) for shape in shapes)


def complexes(*shapes):
    return tuple(RNG.normal(size=s) + 1j * RNG.normal(size=s) for s in shapes)


# name, shapes of the operands, keywords
CALLS = [
    ("matmul", ((2, 3), (3, 4)), {}),
    ("matmul", ((3,), (3,)), {}),
    ("matmul", ((17, 3), (3,)), {}),
    ("matmul", ((3,), (3, 5)), {}),
    ("matmul", ((4, 1, 2, 3), (5, 3, 2)), {}),
    ("matmul", ((5, 2, 3), (3,)), {}),
    ("matmul", ((3,), (5, 3, 2)), {}),
    ("matmul", ((2, 0), (0, 3)), {}),
    ("matmul", ((1, 1), (1, 1)), {}),
    ("matvec", ((4, 2, 3), (3,)), {}),
    ("vecdot", ((4, 3), (3,)), {}),
    ("vecdot", ((3, 4), (3, 4)), {"axis": 0}),
    ("dot", ((2, 3), (3, 4)), {}),
    ("dot", ((33,), (33,)), {}),
    ("dot", ((), (3,)), {}),
    ("dot", ((), ()), {}),
    ("dot", ((5, 2, 3), (4, 3, 2)), {}),
    ("dot", ((0,), (0,)), {}),
    ("inner", ((2, 3), (4, 3)), {}),
    ("inner", ((3,), (5, 4, 3)), {}),
    ("inner", ((2, 3), ()), {}),
    ("outer", ((2, 2), (3,)), {}),
    ("vdot", ((2, 3), (3, 2)), {}),
    ("tensordot", ((2, 3, 4), (3, 4, 5)), {}),
    ("tensordot", ((2, 3, 4), (4, 3, 5)), {"axes": ([-1, 1], [0, 1])}),
    ("tensordot", ((2,), (3,)), {"axes": 0}),
    ("tensordot", ((2, 3), (4, 3)), {"axes": (1, 1)}),
    ("kron", ((2, 3), (3, 2)), {}),
    ("kron", ((2,), (3, 2, 2)), {}),
    ("cross", ((3,), (3,)), {}),
    ("cross", ((4, 3), (3,)), {}),
    ("cross", ((3, 4), (3, 4)), {"axis": 0}),
]
EINSUMS = [
    ("ij,jk->ik", ((2, 3), (3, 4))),
    ("ij,jk", ((2, 3), (3, 4))),
    ("ba,ab", ((2, 3), (3, 2))),
    ("ii->i", ((3, 3),)),
    ("ii", ((3, 3),)),
    ("ij->", ((2, 3),)),
    ("ij->ji", ((2, 3),)),
    ("...ij,...jk->...ik", ((4, 1, 2, 3), (5, 3, 2))),
    ("i...,i...", ((3, 2), (3, 4, 2))),
    ("bi,ij,bj->b", ((4, 2), (2, 3), (4, 3))),
    ("iji,jk,k->k", ((2, 3, 2), (3, 4), (4,))),
    ("ij,jk->ik", ((1, 3), (1, 2))),
    (",ij->ij", ((), (2, 3))),
    ("ij,ij->i", ((0, 3), (0, 3))),
]
MAKERS = [reals, complexes]


def cases():
    for name, shapes, keywords in CALLS:
        yield pytest.param(
            lambda np_, *xs, n=name, k=keywords: getattr(np_, n)(*xs, **k),
            shapes,
            id=f"{name}-{shapes}-{keywords}",
        )
    for subscripts, shapes in EINSUMS:
        yield pytest.param(
            lambda np_, *xs, s=subscripts: np_.einsum(s, *xs),
            shapes,
            id=f"einsum-{subscripts}-{shapes}",
        )


CASES = list(cases())


def same_bits(x, y):
    x, y = np.asarray(x), np.asarray(y)
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


def inner(xs, ys):
    return sum(np.real(np.vdot(x, y)) for x, y in zip(xs, ys, strict=True))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("call", "shapes"), CASES)
def test_value_is_numpys(call, shapes, maker):
    xs = maker(*shapes)
    expected = call(np, *xs)
    assert same_bits(call(wnp, *xs), expected)
    assert type(call(wnp, *xs)) is type(expected)
    assert same_bits(wg.vjp(lambda *a: call(wnp, *a), *xs)[0], expected)
    assert same_bits(wg.jvp(lambda *a: call(wnp, *a), xs, xs)[0], expected)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("call", "shapes"), CASES)
def test_derivatives(call, shapes, maker):
    xs, dxs = maker(*shapes), maker(*shapes)

    def function(*a):
        return call(wnp, *a)

    value, tangent = wg.jvp(function, xs, dxs)
    h = 1e-5
    ahead = call(np, *(x + h * dx for x, dx in zip(xs, dxs, strict=True)))
    behind = call(np, *(x - h * dx for x, dx in zip(xs, dxs, strict=True)))
    np.testing.assert_allclose(
        tangent, (ahead - behind) / (2 * h), rtol=1e-7, atol=1e-7
    )
    (ct,) = maker(np.shape(value))
    cts = wg.vjp(function, *xs)[1](ct)
    expected = inner([ct], [tangent])
    assert abs(inner(cts, dxs) - expected) <= 1e-12 * (1 + abs(expected))


@pytest.mark.parametrize(("call", "shapes"), CASES)
def test_second_order(call, shapes):
    xs, dxs = reals(*shapes), reals(*shapes)
    (ct,) = reals(np.shape(call(np, *xs)))

    def gradients(*a):
        return wg.vjp(lambda *b: call(wnp, *b), *a)[1](ct)

    forward = wg.jvp(gradients, xs, dxs)[1]
    reverse = wg.vjp(gradients, *xs)[1](dxs)  # a Hessian is symmetric
    for f, r in zip(forward, reverse, strict=True):
        np.testing.assert_allclose(f, r, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mapped", ["first", "last", "all"])
@pytest.mark.parametrize(("call", "shapes"), CASES)
def test_vmap_is_a_loop(call, shapes, mapped):
    count, lanes = len(shapes), 3
    chosen = {"first": {0}, "last": {count - 1}, "all": set(range(count))}[mapped]
    in_axes = tuple(0 if i in chosen else None for i in range(count))
    xs = [reals((lanes, *s) if i in chosen else s)[0] for i, s in enumerate(shapes)]
    batched = wg.vmap(lambda *a: call(wnp, *a), in_axes=in_axes)(*xs)
    for lane in range(lanes):
        alone = call(np, *(x[lane] if i in chosen else x for i, x in enumerate(xs)))
        np.testing.assert_allclose(batched[lane], alone, rtol=1e-12, atol=1e-12)


def test_numpys_own_names_arrive_here():
    x, y = reals((3, 3), (3, 3))
    for name in (
        "matmul",
        "dot",
        "vdot",
        "tensordot",
        "kron",
        "inner",
        "outer",
        "cross",
    ):
        got = wg.grad(lambda a, n=name: wnp.sum(getattr(np, n)(a, y)))(x)
        want = wg.grad(lambda a, n=name: wnp.sum(getattr(wnp, n)(a, y)))(x)
        assert same_bits(got, want)
    assert same_bits(wg.grad(lambda a: np.einsum("ii", a))(x), np.eye(3))
    assert same_bits(
        wg.grad(lambda a: (a @ y).sum())(x), wg.grad(lambda a: (y.T @ a.T).sum())(x)
    )


def test_einsum_with_lists_of_axes():
    x, y = reals((2, 3), (3, 4))
    call = wg.vjp(lambda a: wnp.einsum(a, [0, 1], y, [1, 2], [0, 2]), x)[0]
    assert same_bits(call, np.einsum(x, [0, 1], y, [1, 2], [0, 2]))
    call = wg.vjp(lambda a: wnp.einsum(a, [Ellipsis, 0], a, [Ellipsis, 0]), x)[0]
    assert same_bits(call, np.einsum(x, [Ellipsis, 0], x, [Ellipsis, 0]))


def test_out():
    x, y = reals((2, 3), (3, 2))
    out = np.zeros((2, 2))
    assert wnp.matmul(x, y, out=out) is out
    assert same_bits(out, x @ y)

    def written(a):
        result = wnp.zeros((2, 2))
        assert wnp.matmul(a, y, out=result) is result
        total = result.sum()
        wnp.dot(a, y, out=result)
        wnp.einsum("ij,jk->ik", a, y, out=result)
        return total + result.sum()

    np.testing.assert_allclose(wg.grad(written)(x), 2 * np.ones((2, 2)) @ y.T)


def test_gradients_have_the_dtype_of_their_input():
    x = np.ones((2, 3), np.float32)
    for y in (np.ones((3, 2)), np.ones((3, 2), complex), np.ones((3, 2), int)):
        assert (
            wg.vjp(lambda a, y=y: a @ y, x)[1](x[:, :2] + 0 * y[:2])[0].dtype == x.dtype
        )


def test_integers_are_constants():
    n = np.arange(6).reshape(2, 3)
    assert same_bits(
        wg.grad(lambda x: (n @ x).sum())(np.ones(3)), n.sum(0).astype(float)
    )


def test_the_diagonal_of_a_real_operand_beside_a_complex_one():
    z = np.array([1.0 + 2.0j, 3.0 - 1.0j])
    gradient = wg.grad(lambda a: abs(wnp.einsum("ii,i->", a, z)) ** 2)(np.eye(2))
    expected = 2 * np.diag((np.conj(z) * z.sum()).real)
    np.testing.assert_allclose(gradient, expected, rtol=1e-14)


ERRORS = [
    (lambda x: wnp.matmul(x, np.ones((2, 2))), (3, 3), ValueError, "matmul"),
    (lambda x: wnp.matmul(x, 2.0), (3, 3), ValueError, "matmul"),
    (
        lambda x: wnp.dot(x, np.ones(2)),
        (3,),
        ValueError,
        "shapes (3,) and (2,) not aligned",
    ),
    (lambda x: wnp.tensordot(x, x, 1), (2, 3), ValueError, "shape-mismatch"),
    (
        lambda x: wnp.tensordot(x, x, ([2], [0])),
        (2, 3),
        np.exceptions.AxisError,
        "axis 2",
    ),
    (
        lambda x: wnp.einsum("ij,jk", x),
        (2, 3),
        wg.errors.ShapeError,
        "describes 2 operand(s)",
    ),
    (
        lambda x: wnp.einsum("ij", x),
        (3,),
        wg.errors.ShapeError,
        "'ij' names 2 axes of operand 0",
    ),
    (
        lambda x: wnp.cross(x, x),
        (2,),
        wg.errors.ShapeError,
        "expected vectors of 3 entries",
    ),
]


@pytest.mark.parametrize(("call", "shape", "error", "text"), ERRORS)
def test_error_texts(call, shape, error, text):
    with pytest.raises(error) as caught:
        wg.vjp(call, np.ones(shape))
    assert text in str(caught.value)
    if issubclass(error, wg.errors.WengertError):
        assert "test_contraction.py" in str(caught.value)
