"""Linear algebra in native code: what NumPy gives, and NumPy's exceptions.

The routines of LAPACK are those that NumPy calls, on the same layout, but of another
build: NumPy and SciPy each ship one. Where both are of one version results are equal to
the last bit; else they may differ in blocking, and so by the rounding errors of a
backward stable algorithm, ``eps`` times the condition of the matrix and a small factor.
The matrices here have conditions below 10: 64 eps of the largest entry is allowed, and
for products of many numbers (determinants) and vectors 256.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.linalg import LinAlgError

import wengert as wg
import wengert.numpy as wnp
import wengert.scipy.linalg as wsl
from tests.backend.building import I64, Builder, var
from wengert._backend import compile_program
from wengert._core.op import OPS
from wengert._ir.evaluate import evaluate

RNG = np.random.default_rng(7)
DTYPES = ["float32", "float64", "complex64", "complex128"]
SIZES = [0, 1, 2, 5, 33]
ULPS = dict.fromkeys(["det", "det_derivative", "eigh", "svd"], 256)


def general(*shape: int, dtype: str = "float64") -> np.ndarray:
    a = RNG.normal(size=shape) + 1j * RNG.normal(size=shape)
    return (a if np.dtype(dtype).kind == "c" else a.real).astype(dtype)


def regular(*shape: int, dtype: str = "float64") -> np.ndarray:
    """Well-conditioned matrices."""
    scaled = general(*shape, dtype=dtype) / max(shape[-1], 1) ** 0.5
    return (scaled + 3.0 * np.eye(shape[-1])).astype(dtype)


def positive(*shape: int, dtype: str = "float64") -> np.ndarray:
    a = regular(*shape, dtype=dtype)
    return (a @ np.swapaxes(a, -1, -2).conj()).astype(dtype)


class Native:
    """One op in guarded native code; axes longer than 3 have run-time extents."""

    def __init__(self, name: str, *examples: np.ndarray, **params: Any) -> None:
        self.name = name
        lengths = sorted({n for x in examples for n in x.shape if n > 3})
        if params.pop("static", False):
            lengths = []
        extents = {n: var((), I64) for n in lengths}
        shapes = [tuple(extents.get(n, n) for n in x.shape) for x in examples]
        atoms = [var(s, x.dtype) for s, x in zip(shapes, examples, strict=True)]
        places = [(i, k) for i, x in enumerate(examples) for k in range(x.ndim)]
        self.axes = [
            next((i, k) for i, k in places if examples[i].shape[k] == n)
            for n in lengths
        ]
        builder = Builder(*extents.values(), *atoms)
        out = builder.emit(name, *atoms, **params)
        self.program = builder.program(*(out if OPS[name].multiple else (out,)))
        self.compiled = compile_program(self.program, guarded=True)
        assert self.compiled.host_calls == []

    def arguments(self, *operands: np.ndarray) -> list[Any]:
        """The operands behind their run-time extents."""
        return [*(operands[i].shape[k] for i, k in self.axes), *operands]

    def check(self, *operands: np.ndarray) -> None:
        """Results are the row's; no byte beside them is written, none leaks."""
        arguments = self.arguments(*operands)
        found, counts = self.compiled.counted(*arguments)
        assert counts.overruns == 0 and counts.leaked == 0
        for x, wanted in zip(found, evaluate(self.program, arguments), strict=True):
            close(x, wanted, ULPS.get(self.name, 64))


def close(found: Any, wanted: Any, ulps: float) -> None:
    wanted = np.asarray(wanted)
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, wanted)
    elif wanted.size:
        error = np.abs(found - wanted).max()
        assert error <= ulps * np.finfo(wanted.dtype).eps * np.abs(wanted).max()


MATRIX_OPS = [
    ("inv", {}, regular),
    ("det", {}, regular),
    ("slogdet", {}, regular),
    ("det_derivative", {}, regular),
    ("cholesky", {"upper": False}, positive),
    ("cholesky", {"upper": True}, positive),
    ("eigh", {"uplo": "L"}, positive),
    ("eigvalsh", {"uplo": "U"}, positive),
    ("svd", {}, regular),
    ("svdvals", {}, regular),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "params", "make"), MATRIX_OPS)
def test_stacks_of_matrices_of_run_time_extents(
    name: str, params: Any, make: Callable[..., np.ndarray], dtype: str
) -> None:
    if name.startswith("svd"):  # the smaller of two run-time extents is no type
        return
    stacked = Native(name, make(5, 4, 4, dtype=dtype), **params)
    for n in SIZES:
        stacked.check(make(6, n, n, dtype=dtype))
    stacked.check(make(0, 2, 2, dtype=dtype))
    alone = Native(name, make(4, 4, dtype=dtype), **params)
    for n in SIZES:
        alone.check(make(n, n, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "params", "make"), MATRIX_OPS)
def test_stacks_of_small_matrices(
    name: str, params: Any, make: Callable[..., np.ndarray], dtype: str
) -> None:
    x = make(2, 3, 3, 3, dtype=dtype)
    Native(name, x, static=True, **params).check(x)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize(
    "shape", [(2, 3, 3), (7, 2), (2, 9), (0, 3), (2, 3, 0), (40, 33), (5, 40)]
)
@pytest.mark.parametrize("name", ["svd", "svdvals"])
def test_singular_values(name: str, shape: tuple[int, ...], dtype: str) -> None:
    x = general(*shape, dtype=dtype)
    Native(name, x, static=True).check(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_solve_broadcasts(dtype: str) -> None:
    def a(*lead: int) -> np.ndarray:
        return regular(*lead, 4, 4, dtype=dtype)

    def b(*shape: int) -> np.ndarray:
        return general(*shape, dtype=dtype)

    for x, y in [
        (a(), b(4)),
        (a(3), b(4)),
        (a(), b(4, 5)),
        (a(3), b(4, 5)),
        (a(), b(3, 4, 5)),
        (a(3), b(2, 1, 4, 5)),
        (a(0), b(4, 5)),
        (a(), b(0, 4, 5)),
        (a(), b(4, 5).real.copy()),
        (a().real.copy(), b(4, 5)),
    ]:
        Native("solve", x, y).check(x, y)
    run_time = Native("solve", a(6), b(6, 4, 5))
    for n, m in [(0, 3), (2, 0), (40, 3), (3, 40)]:
        run_time.check(regular(2, n, n, dtype=dtype), general(2, n, m, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("lower", [True, False])
def test_triangular_systems(lower: bool, trans: int, dtype: str) -> None:
    a, b = regular(4, 4, dtype=dtype), general(4, 5, dtype=dtype)
    native = Native("solve_triangular", a, b, lower=lower, trans=trans)
    for n, m in [(4, 5), (0, 2), (2, 0), (40, 7)]:
        native.check(regular(n, n, dtype=dtype), general(n, m, dtype=dtype))


def test_no_number_is_a_matrix_of_integers() -> None:
    x = np.array([[2, 1], [1, 3]])
    for name in ("inv", "det", "slogdet", "svdvals"):
        Native(name, x, static=True).check(x)
    Native("solve", x, np.array([1, 2]), static=True).check(x, np.array([1, 2]))


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool", *DTYPES])
def test_norms(dtype: str) -> None:
    x = (8.0 * general(5, 6, dtype=dtype if dtype in DTYPES else "float64")).real
    x = x.astype(dtype)
    Native("two_norm", x).check(x)
    Native("two_norm", x, axes=(0,)).check(x)
    Native("two_norm", x, ord="fro", axes=(1, 0)).check(x)
    Native("p_norm", x, ord=3, axes=(1,)).check(x)
    Native("p_norm", x, ord=2.5, axes=(0,)).check(x)


def test_a_factorisation_reads_a_delayed_and_a_transposed_matrix() -> None:
    x, y = regular(3, 3), general(2, 3)
    f = wg.jit(lambda x, y: wnp.linalg.solve((2.0 * x).T, y.T))
    np.testing.assert_array_equal(f(x, y), np.linalg.solve((2.0 * x).T, y.T))


# -- failures --------------------------------------------------------------------------

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
REFUSED = [
    (wnp.linalg.solve, (SINGULAR, np.ones(2)), "Singular matrix"),
    (wnp.linalg.solve, (SINGULAR, np.ones((3, 2, 1))), "Singular matrix"),
    (wnp.linalg.inv, (np.stack([np.eye(2), SINGULAR]),), "Singular matrix"),
    (wnp.linalg.inv, (SINGULAR.astype(complex),), "Singular matrix"),
    (wnp.linalg.cholesky, (-np.eye(3),), "Matrix is not positive definite"),
    (
        lambda a, b: wsl.solve_triangular(a, b, lower=True),
        (np.diag([1.0, 0.0]), np.ones(2)),
        "singular matrix: resolution failed at diagonal 1",
    ),
    (wnp.linalg.svd, (np.full((3, 3), np.nan),), "SVD did not converge"),
    (wnp.linalg.svd, (np.full((3, 3), np.inf),), "SVD did not converge"),
    (wnp.linalg.svdvals, (np.full((3, 3), np.nan),), "SVD did not converge"),
    (wnp.linalg.inv, (np.ones((2, 3)),), "Last 2 dimensions of the array must be"),
]


@pytest.mark.parametrize(("function", "arguments", "text"), REFUSED)
def test_a_failure_is_numpys_exception(
    function: Any, arguments: Any, text: str
) -> None:
    with pytest.raises(LinAlgError, match=text):
        function(*arguments)
    compiled = wg.jit(lambda *xs: function(*xs))
    with pytest.raises(LinAlgError, match=text) as caught:
        compiled(*arguments)
    assert any("test_linalg.py" in note for note in caught.value.__notes__)


def _square(name: str, **params: Any) -> Any:
    """An op whose operand has two run-time extents, which should be the same."""
    rows, width = var((), I64), var((), I64)
    x = var((rows, width))
    builder = Builder(rows, width, x)
    out = builder.emit(name, x, **params)
    results = out if OPS[name].multiple else (out,)
    return compile_program(builder.program(*results), guarded=True)


@pytest.mark.parametrize(
    ("name", "params"), [(n, p) for n, p, _ in MATRIX_OPS if not n.startswith("svd")]
)
def test_run_time_extents_that_are_not_square(name: str, params: Any) -> None:
    native = _square(name, **params)
    assert native.host_calls == []
    with pytest.raises(LinAlgError, match="must be square"):
        native(2, 3, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("name", "params", "shapes", "n"),
    [
        ("eigvalsh", {"uplo": "L"}, [(0, 32767, 32767)], 32767),
        ("svdvals", {}, [(0, 16385, 16385)], 16385),
        ("svdvals", {}, [(0, 1, 2**24 + 1)], 2**24 + 1),
        ("solve", {}, [(0, 0), (0, 2**31)], 2**31),
    ],
)
def test_sizes_beyond_fortrans_integers(
    name: str, params: Any, shapes: Any, n: int
) -> None:
    """Refused before any memory is made: the arrays here have no entries."""
    atoms = [var(shape) for shape in shapes]
    builder = Builder(*atoms)
    program = builder.program(builder.emit(name, *atoms, **params))
    native = compile_program(program)
    with pytest.raises(ValueError, match=f"an axis of {n} entries"):
        native(*(np.empty(shape) for shape in shapes))


def test_a_failure_frees_what_the_call_has_allocated() -> None:
    native = Native("cholesky", regular(5, 4, 4), upper=False)
    x = np.broadcast_to(np.eye(40), (6, 40, 40)).copy()
    x[5] *= -1.0
    for _ in range(3):
        with pytest.raises(LinAlgError):
            native.compiled(*native.arguments(x))
    native.check(np.broadcast_to(np.eye(40), (6, 40, 40)).copy())


# -- in programs -----------------------------------------------------------------------


def test_factorisations_in_a_loop() -> None:
    def f(a: Any, b: Any, n: Any) -> Any:
        x = b.copy()
        for _ in range(n):
            factor = wnp.linalg.cholesky(a @ a.T + wnp.eye(3) * 2.0)
            x = wsl.solve_triangular(factor, x, lower=True)
            x = x + wnp.linalg.solve(a, b) * wnp.linalg.det(a)
        return wnp.linalg.norm(x)

    a, b = regular(3, 3), general(3)
    np.testing.assert_allclose(wg.jit(f)(a, b, 5), f(a, b, 5), rtol=1e-13)
    for k in range(2):
        found = wg.jit(wg.grad(f, k))(a, b, 5)
        np.testing.assert_allclose(found, wg.grad(f, k)(a, b, 5), rtol=1e-11)


GRADIENTS: list[Any] = [
    lambda a: wnp.linalg.solve(a, wnp.ones(3)).sum(),
    lambda a: wnp.linalg.inv(a)[0].sum(),
    lambda a: wnp.linalg.det(a),
    lambda a: wnp.linalg.slogdet(a)[1],
    lambda a: wnp.linalg.cholesky(a @ a.T).sum(),
    lambda a: wnp.linalg.eigh(a + a.T).eigenvectors[0].sum(),
    lambda a: wnp.linalg.eigvalsh(a @ a.T)[0],
    lambda a: wnp.linalg.svd(a, full_matrices=False)[0][0].sum(),
    lambda a: wnp.linalg.svdvals(a)[0],
    lambda a: wnp.linalg.norm(a, "nuc") + wnp.linalg.norm(a) + wnp.linalg.norm(a[0], 3),
    lambda a: wnp.linalg.matrix_power(a, -3)[0, 1],
    lambda a: wnp.einsum("ij,jk,kl->il", a, a, a)[0, 1],
    lambda a: wnp.tensordot(a, a, axes=([0, 1], [1, 0])),
    lambda a: wsl.solve_triangular(a, a[0], trans=1)[2],
]


@pytest.mark.parametrize("f", GRADIENTS, ids=range(len(GRADIENTS)))
def test_gradients_in_native_code(f: Any) -> None:
    a = regular(3, 3)
    value, gradient = wg.jit(wg.value_and_grad(f))(a)
    wanted, slope = wg.value_and_grad(f)(a)
    np.testing.assert_allclose(value, wanted, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(gradient, slope, rtol=1e-11, atol=1e-13)
    stack = regular(4, 3, 3)
    found = wg.jit(wg.vmap(wg.grad(f)))(stack)
    np.testing.assert_allclose(
        found, wg.vmap(wg.grad(f))(stack), rtol=1e-11, atol=1e-13
    )
