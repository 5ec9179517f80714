"""Linear algebra: NumPy's bits, derivatives, singular matrices, norms."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

RNG = np.random.default_rng(11)


def regular(*shape, kind=float):
    a = RNG.normal(size=shape) + 3 * np.eye(shape[-1])
    return a + 1j * RNG.normal(size=shape) if kind is complex else a


def positive(*shape, kind=float):
    a = regular(*shape, kind=kind)
    return a @ np.swapaxes(a.conj(), -1, -2)


def vector(*shape, kind=float):
    x = RNG.normal(size=shape)
    return x + 1j * RNG.normal(size=shape) if kind is complex else x


def same_bits(x, y):
    x, y = np.asarray(x), np.asarray(y)
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


def inner(xs, ys):
    return sum(np.real(np.vdot(x, y)) for x, y in zip(xs, ys, strict=True))


def differences(function, xs, dxs, h=1e-6):
    ahead = function(*(x + h * dx for x, dx in zip(xs, dxs, strict=True)))
    behind = function(*(x - h * dx for x, dx in zip(xs, dxs, strict=True)))
    return (ahead - behind) / (2 * h)


# Each takes the namespace, so that NumPy's value is the same code.
CALLS = {
    "solve": (lambda np_, a, b: np_.linalg.solve(a, b), (regular, 4, 4), (vector, 4)),
    "solve matrix": (
        lambda np_, a, b: np_.linalg.solve(a, b),
        (regular, 4, 4),
        (vector, 4, 2),
    ),
    "solve stack": (
        lambda np_, a, b: np_.linalg.solve(a, b),
        (regular, 2, 3, 3),
        (vector, 3),
    ),
    "solve stacks": (
        lambda np_, a, b: np_.linalg.solve(a, b),
        (regular, 2, 1, 3, 3),
        (vector, 4, 3, 1),
    ),
    "inv": (lambda np_, a: np_.linalg.inv(a), (regular, 4, 4)),
    "inv stack": (lambda np_, a: np_.linalg.inv(a), (regular, 2, 3, 3)),
    "det": (lambda np_, a: np_.linalg.det(a), (regular, 4, 4)),
    "det stack": (lambda np_, a: np_.linalg.det(a), (regular, 2, 3, 3)),
    "sign": (lambda np_, a: np_.linalg.slogdet(a).sign, (regular, 3, 3)),
    "logabsdet": (lambda np_, a: np_.linalg.slogdet(a)[1], (regular, 2, 3, 3)),
    "cholesky": (lambda np_, a: np_.linalg.cholesky(a), (positive, 3, 3)),
    "cholesky upper": (
        lambda np_, a: np_.linalg.cholesky(a, upper=True),
        (positive, 2, 3, 3),
    ),
    "power 0": (lambda np_, a: np_.linalg.matrix_power(a, 0) * a, (regular, 3, 3)),
    "power 1": (lambda np_, a: np_.linalg.matrix_power(a, 1), (regular, 3, 3)),
    "power 3": (lambda np_, a: np_.linalg.matrix_power(a, 3), (regular, 3, 3)),
    "power 7": (lambda np_, a: np_.linalg.matrix_power(a, 7), (regular, 2, 3, 3)),
    "power -2": (lambda np_, a: np_.linalg.matrix_power(a, -2), (regular, 3, 3)),
    "multi_dot 2": (
        lambda np_, *x: np_.linalg.multi_dot(x),
        (vector, 3, 2),
        (vector, 2),
    ),
    "multi_dot 3": (
        lambda np_, *x: np_.linalg.multi_dot(x),
        (vector, 5, 2),
        (vector, 2, 7),
        (vector, 7, 3),
    ),
    "multi_dot 4": (
        lambda np_, *x: np_.linalg.multi_dot(x),
        (vector, 4),
        (vector, 4, 7),
        (vector, 7, 3),
        (vector, 3),
    ),
}
CASES = [pytest.param(call, makers, id=name) for name, (call, *makers) in CALLS.items()]


def operands(makers, kind):
    return tuple(make(*shape, kind=kind) for make, *shape in makers)


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize(("call", "makers"), CASES)
def test_value_and_derivatives(call, makers, kind):
    xs = operands(makers, kind)
    dxs = tuple(0.3 * vector(*x.shape, kind=kind) for x in xs)

    def function(*a):
        return call(wnp, *a)

    expected = call(np, *xs)
    assert same_bits(function(*xs), expected)
    value, tangent = wg.jvp(function, xs, dxs)
    assert same_bits(value, expected)
    slope = differences(lambda *a: call(np, *a), xs, dxs)
    np.testing.assert_allclose(
        tangent, slope, rtol=1e-6, atol=1e-6 * (1 + abs(slope).max())
    )
    value, pullback = wg.vjp(function, *xs)
    assert same_bits(value, expected)
    ct = vector(*np.shape(value), kind=complex if np.iscomplexobj(value) else float)
    cts = pullback(ct)
    expected = inner([ct], [tangent])
    assert abs(inner(cts, dxs) - expected) <= 1e-11 * (1 + abs(expected))
    assert all(c.dtype == x.dtype for c, x in zip(cts, xs, strict=True))


@pytest.mark.parametrize(("call", "makers"), CASES)
def test_second_order_and_vmap(call, makers):
    xs = operands(makers, float)
    dxs = tuple(0.3 * vector(*x.shape) for x in xs)
    ct = vector(*np.shape(call(np, *xs)))

    def gradients(*a):
        return wg.vjp(lambda *b: call(wnp, *b), *a)[1](ct)

    forward = wg.jvp(gradients, xs, dxs)[1]
    reverse = wg.vjp(gradients, *xs)[1](dxs)
    for i, (f, r) in enumerate(zip(forward, reverse, strict=True)):
        slope = differences(lambda *a, i=i: gradients(*a)[i], xs, dxs)
        np.testing.assert_allclose(
            f, slope, rtol=1e-5, atol=1e-5 * (1 + abs(slope).max())
        )
        np.testing.assert_allclose(f, r, rtol=1e-9, atol=1e-9 * (1 + abs(slope).max()))
    lanes = tuple(
        np.stack([x, x + 0.1 * dx @ np.eye(dx.shape[-1])])
        for x, dx in zip(xs, dxs, strict=True)
    )
    if "cholesky" not in str(makers) and "positive" in str(makers[0][0]):
        lanes = tuple(np.stack([x, 2 * x]) for x in xs)
    batched = wg.vmap(gradients)(*lanes)
    for lane in range(2):
        for b, alone in zip(batched, gradients(*(x[lane] for x in lanes)), strict=True):
            np.testing.assert_allclose(b[lane], alone, rtol=1e-9, atol=1e-9)


def test_many_right_hand_sides_of_one_matrix():
    a, bs = regular(4, 4), vector(5, 4)
    batched = wg.vmap(lambda b: wnp.linalg.solve(a, b))(bs)
    np.testing.assert_allclose(batched, np.linalg.solve(a, bs.T).T, rtol=1e-13)


# -- determinants ---------------------------------------------------------------------

SINGULAR = {
    "exactly": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "to rounding": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
    "rank n - 2": np.outer([1.0, 2.0, 3.0], [1.0, 0.5, 2.0]),
    "zero": np.zeros((3, 3)),
    "large": np.diag([1.0, 2.0, 0.0, 4.0]) + np.triu(np.ones((4, 4)), 1),
}


def cofactors(a):
    n = len(a)
    minors = [
        [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)]
        for i in range(n)
    ]
    return np.array(minors) * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_gradient_of_det_at_singular_matrices(a):
    gradient = wg.grad(wnp.linalg.det)(a)
    np.testing.assert_allclose(gradient, cofactors(a), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_higher_derivatives_of_det_at_singular_matrices(a):
    e = vector(*a.shape)

    def along(t):
        return wnp.linalg.det(a + t * e)

    # A determinant is a polynomial: its coefficients, from values at n + 1 points.
    t = np.linspace(-1, 1, len(a) + 1)
    c = (
        np.polynomial.Polynomial.fit(t, [np.linalg.det(a + s * e) for s in t], len(a))
        .convert()
        .coef
    )
    second = wg.grad(wg.grad(along))
    np.testing.assert_allclose(second(0.0), 2 * c[2], rtol=1e-10, atol=1e-10)
    third = 6 * c[3] if len(c) > 3 else 0.0
    np.testing.assert_allclose(wg.grad(second)(0.0), third, rtol=1e-10, atol=1e-10)


def test_det_of_nothing_and_of_a_number():
    assert wnp.linalg.det(np.zeros((0, 0))) == 1.0
    assert wg.grad(wnp.linalg.det)(np.zeros((0, 0))).shape == (0, 0)
    assert wg.grad(wnp.linalg.det)(np.array([[0.0]])) == 1.0


def test_slogdet_is_numpys_result():
    a = regular(3, 3)
    assert type(wnp.linalg.slogdet(a)) is type(np.linalg.slogdet(a))
    gradient = wg.grad(lambda a: wnp.linalg.slogdet(a).logabsdet)(a)
    np.testing.assert_allclose(gradient, np.linalg.inv(a).T, rtol=1e-12)
    assert not wg.grad(lambda a: wnp.linalg.slogdet(a).sign)(a).any()


# -- singular systems, cholesky -------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda a: wnp.linalg.solve(a, np.ones(2)),
        lambda a: wnp.linalg.inv(a),
        lambda a: wnp.linalg.matrix_power(a, -1),
        lambda a: wnp.linalg.slogdet(a)[1],
    ],
)
def test_singular_matrices_are_numpys_error(call):
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        wg.vjp(call, np.ones((2, 2)))[1](np.ones(np.shape(call(np.eye(2)))))


def test_cholesky_of_an_indefinite_matrix_is_numpys_error():
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        wg.grad(lambda a: wnp.linalg.cholesky(a).sum())(-np.eye(2))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_reads_one_triangle(upper):
    a, e = positive(3, 3), vector(3, 3)
    function = lambda a: wnp.linalg.cholesky(a, upper=upper)
    gradient = wg.vjp(function, a)[1](vector(3, 3))[0]
    assert same_bits(gradient, np.triu(gradient) if upper else np.tril(gradient))
    symmetric = e + e.T
    tangent = wg.jvp(function, (a,), (symmetric,))[1]
    np.testing.assert_allclose(
        tangent, differences(function, [a], [symmetric]), atol=1e-8
    )
    one_sided = np.triu(symmetric) if upper else np.tril(symmetric)
    assert same_bits(wg.jvp(function, (a,), (one_sided,))[1], tangent)


def test_cholesky_of_a_product_has_the_gradient_of_the_whole():
    b = regular(3, 3)
    gradient = wg.grad(lambda b: (wnp.linalg.cholesky(b @ b.T) ** 2).sum())(b)
    np.testing.assert_allclose(gradient, 2 * b, rtol=1e-10)  # |L|^2 = trace(b b^T)


# -- eigenvalues and singular values --------------------------------------------------

SPECTRAL = {
    "eigenvalues": (lambda np_, a: np_.linalg.eigh(a)[0], (3, 3)),
    "eigenvectors": (lambda np_, a: np_.linalg.eigh(a).eigenvectors, (3, 3)),
    "upper": (lambda np_, a: np_.linalg.eigh(a, "U")[1], (2, 3, 3)),
    "eigvalsh": (lambda np_, a: np_.linalg.eigvalsh(a), (2, 3, 3)),
    "svdvals": (lambda np_, a: np_.linalg.svdvals(a), (2, 3, 4)),
    "svd of values": (lambda np_, a: np_.linalg.svd(a, compute_uv=False), (3, 4)),
    "svd square": (lambda np_, a: np_.linalg.svd(a)[0], (4, 4)),
    "svd left": (lambda np_, a: np_.linalg.svd(a, full_matrices=False)[0], (4, 3)),
    "svd right": (lambda np_, a: np_.linalg.svd(a, full_matrices=False).Vh, (2, 3, 4)),
}


@pytest.mark.parametrize(("call", "shape"), SPECTRAL.values(), ids=SPECTRAL)
def test_spectral_value_and_derivatives(call, shape):
    a, da = vector(*shape), vector(*shape)

    def function(a):
        return call(wnp, a)

    assert same_bits(function(a), call(np, a))
    value, tangent = wg.jvp(function, (a,), (da,))
    assert same_bits(value, call(np, a))
    np.testing.assert_allclose(
        tangent, differences(function, [a], [da]), rtol=1e-6, atol=1e-6
    )
    ct = vector(*value.shape)
    gradient = wg.vjp(function, a)[1](ct)[0]
    assert abs(inner([gradient], [da]) - inner([ct], [tangent])) < 1e-9
    second = wg.jvp(lambda a: wg.vjp(function, a)[1](ct)[0], (a,), (da,))[1]
    slope = differences(lambda a: wg.vjp(function, a)[1](ct)[0], [a], [da])
    np.testing.assert_allclose(
        second, slope, rtol=1e-5, atol=1e-5 * (1 + abs(slope).max())
    )


def test_product_of_the_factors_is_the_identity_map():
    a = vector(4, 3)

    def rebuilt(a):
        u, s, vh = wnp.linalg.svd(a, full_matrices=False)
        return (u * s) @ vh

    np.testing.assert_allclose(
        wg.jacobian(rebuilt)(a).reshape(12, 12), np.eye(12), atol=1e-12
    )


def test_coinciding_eigenvalues_have_finite_sums():
    gradient = wg.grad(lambda a: (wnp.linalg.eigvalsh(a) ** 2).sum())(np.eye(3))
    np.testing.assert_allclose(gradient, 2 * np.eye(3), atol=1e-15)


def test_complex_eigenvalues_are_real_and_differentiable():
    a = positive(3, 3, kind=complex)
    for name in ("eigvalsh", "svdvals"):
        function = lambda a, n=name: getattr(wnp.linalg, n)(a)
        da = vector(3, 3, kind=complex)
        da = da + da.conj().T
        tangent = wg.jvp(function, (a,), (da,))[1]
        np.testing.assert_allclose(tangent, differences(function, [a], [da]), atol=1e-7)
    assert wg.vjp(lambda a: wnp.linalg.eigh(a)[0], a)[1](np.ones(3))[0].dtype == a.dtype


# -- norms ----------------------------------------------------------------------------

NORMS = [
    ((5,), None, None),
    ((5,), 2, None),
    ((5,), 3, None),
    ((5,), 1.5, None),
    ((5,), 1, None),
    ((5,), np.inf, None),
    ((5,), -np.inf, None),
    ((5,), -1, None),
    ((5,), 0.5, None),
    ((3, 4), None, None),
    ((3, 4), "fro", None),
    ((3, 4), 1, None),
    ((3, 4), -1, None),
    ((3, 4), np.inf, None),
    ((3, 4), -np.inf, None),
    ((3, 4), 2, None),
    ((3, 4), -2, None),
    ((3, 4), "nuc", None),
    ((3, 2, 4), 2, (2, 0)),
    ((3, 4), 2, 1),
    ((3, 4), 3, 0),
    ((2, 3, 4), None, None),
    ((2, 3, 4), None, (0, 2)),
    ((2, 3, 4), 1, (2, 0)),
    ((2, 3, 4), np.inf, (-1, 1)),
    ((1,), 2, None),
    ((0,), None, None),
]


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("shape", "ord", "axis"), NORMS)
def test_norm(shape, ord, axis, keepdims, kind):
    x, dx = vector(*shape, kind=kind), vector(*shape, kind=kind)

    def function(x):
        return wnp.linalg.norm(x, ord, axis, keepdims)

    expected = np.linalg.norm(x, ord, axis, keepdims)
    assert same_bits(function(x), expected)
    value, tangent = wg.jvp(function, (x,), (dx,))
    assert same_bits(value, expected)
    np.testing.assert_allclose(
        tangent, differences(function, [x], [dx]), rtol=1e-6, atol=1e-7
    )
    ct = vector(*np.shape(value))
    (gradient,) = wg.vjp(function, x)[1](ct)
    assert abs(inner([gradient], [dx]) - inner([ct], [tangent])) < 1e-12
    lanes = np.stack([x, 2 * x + dx])
    batched = wg.vmap(function)(lanes)
    for lane in range(2):
        np.testing.assert_allclose(batched[lane], function(lanes[lane]), rtol=1e-13)


@pytest.mark.parametrize("axis", [None, 0, (0, 1), (0, 2)])
@pytest.mark.parametrize("ord", [2, 1, 3, np.inf])
@pytest.mark.parametrize("keepdims", [False, True])
def test_vector_norm(axis, ord, keepdims):
    x = vector(2, 3, 4)
    function = lambda x: wnp.linalg.vector_norm(
        x, axis=axis, ord=ord, keepdims=keepdims
    )
    expected = np.linalg.vector_norm(x, axis=axis, ord=ord, keepdims=keepdims)
    assert same_bits(function(x), expected)
    assert same_bits(wg.vjp(function, x)[0], expected)
    assert same_bits(wnp.linalg.matrix_norm(x), wg.vjp(wnp.linalg.matrix_norm, x)[0])


def test_count_of_nonzero_entries_has_no_slope():
    x = np.array([1.0, 0.0, 2.0])
    assert wg.value_and_grad(lambda x: wnp.linalg.norm(x, 0))(x)[0] == 2.0
    assert not wg.grad(lambda x: wnp.linalg.norm(x, 0))(x).any()


@pytest.mark.parametrize("ord", [None, 1, 2, 3, np.inf])
def test_gradient_of_a_norm_at_zero_is_finite(ord):
    gradient = wg.grad(lambda x: wnp.linalg.norm(x, ord))(np.zeros(3))
    assert same_bits(gradient, np.zeros(3))
    assert not wg.jvp(lambda x: wnp.linalg.norm(x, ord), (np.zeros(3),), (np.ones(3),))[
        1
    ]


def test_one_zero_row_does_not_spoil_the_others():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    gradient = wg.grad(lambda x: wnp.linalg.norm(x, axis=1).sum())(x)
    np.testing.assert_allclose(gradient, [[0.6, 0.8], [0.0, 0.0]], rtol=1e-15)


def test_hessian_of_the_norm():
    x = np.array([3.0, 4.0])
    expected = (np.eye(2) - np.outer(x, x) / 25) / 5
    np.testing.assert_allclose(wg.hessian(wnp.linalg.norm)(x), expected, atol=1e-15)


def test_numpys_own_names_arrive_here():
    a, b = regular(3, 3), vector(3)
    assert same_bits(wg.grad(lambda a: np.linalg.det(a))(a), wg.grad(wnp.linalg.det)(a))
    got = wg.grad(lambda b: np.linalg.norm(np.linalg.solve(a, b)))(b)
    assert same_bits(got, wg.grad(lambda b: wnp.linalg.norm(wnp.linalg.solve(a, b)))(b))
    assert wnp.linalg.matrix_rank(a) == 3
    assert wnp.linalg.LinAlgError is np.linalg.LinAlgError
    assert {"solve", "matrix_rank"} <= set(dir(wnp.linalg))


ERRORS = [
    (lambda x: wnp.linalg.norm(x, "odd"), (3,), ValueError, "Invalid norm order 'odd'"),
    (
        lambda x: wnp.linalg.norm(x, 1),
        (2, 2, 2),
        ValueError,
        "Improper number of dimensions",
    ),
    (lambda x: wnp.linalg.norm(x, axis=3), (2, 2), np.exceptions.AxisError, "axis 3"),
    (lambda x: wnp.linalg.det(x), (2, 3), np.linalg.LinAlgError, "must be square"),
    (lambda x: wnp.linalg.solve(x, np.ones(3)), (2, 2), ValueError, "mismatch"),
    (
        lambda x: wnp.linalg.multi_dot([x]),
        (2, 2),
        wg.errors.ArgumentError,
        "at least two arrays",
    ),
    (
        lambda x: wnp.linalg.svd(x),
        (2, 3),
        wg.errors.MissingRuleError,
        "full_matrices=False",
    ),
    (
        lambda x: wg.jvp(lambda z: wnp.linalg.eigh(z)[1], (x + 0j,), (x * 1j,)),
        (2, 2),
        wg.errors.MissingRuleError,
        "eigh: complex vectors have no derivative",
    ),
]


@pytest.mark.parametrize(("call", "shape", "error", "text"), ERRORS)
def test_error_texts(call, shape, error, text):
    with pytest.raises(error) as caught:
        wg.vjp(call, np.ones(shape))
    assert text in str(caught.value)
