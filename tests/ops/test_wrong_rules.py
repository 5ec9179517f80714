"""`check_op` finds wrong rules: each test breaks one rule and demands a failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert.numpy  # noqa: F401  (fills the table)
from wengert._core.op import OPS, Op, Undefined
from wengert._core.types import ArrayType
from wengert._ops.families import (
    ONE,
    Domain,
    Sample,
    bilinear,
    elementwise,
    linear,
    piecewise_constant,
    structural,
)
from wengert._ops.reduction import expand, reduce_sum
from wengert._ops.structure import broadcast_to, swap_last
from wengert.errors import GradientCheckError, OpDefinitionError
from wengert.testing import check_op


@pytest.fixture(autouse=True)
def own_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rows that a test declares do not stay in the table."""
    monkeypatch.setattr(OPS, "_rows", dict(OPS._rows))
    yield


def wrong(op: Op, check: str, text: str = "") -> None:
    """This check, and no earlier one, finds the fault."""
    with pytest.raises(GradientCheckError, match=f"{op.name}: {check}.*{text}"):
        check_op(op)
    with pytest.raises(GradientCheckError, match=f"{op.name}: {check}"):
        check_op(op, [check])


def cube(partial: Any, name: str = "cube", **columns: Any) -> Op:
    domains = (Domain(complex=True),)
    return elementwise(
        name, lambda x: x * x * x, (partial,), domains=domains, **columns
    )


def test_a_right_rule_passes() -> None:
    check_op(cube(lambda _out, x: 3.0 * x * x))


@pytest.mark.parametrize(
    "partial",
    [
        lambda _out, x: 2.0 * x * x,
        lambda _out, x: -3.0 * x * x,
        lambda _out, x: 3.0 * x * x + 1e-9,
        lambda _out, x: 3.0 * x,
        ONE,
    ],
    ids=["factor", "sign", "offset 1e-9", "power", "one"],
)
def test_wrong_partial(partial: Any) -> None:
    wrong(cube(partial), "forward", "complex step")


def test_wrong_partial_that_only_differences_can_see() -> None:
    op = elementwise(
        "real_cube", lambda x: np.abs(x) ** 3, (lambda _o, x: 3.001 * x * abs(x),)
    )
    wrong(op, "forward", "differences")


def test_partial_whose_own_derivative_is_cut() -> None:
    """The value of the partial is right; it does not depend on x as it should."""
    op = cube(lambda _out, x: 3.0 * OPS["stop_gradient"](x * x))
    wrong(op, "second order", "jvp of vjp")


def test_forward_and_reverse_that_differ() -> None:
    op = cube(lambda _out, x: 3.0 * x * x)
    op.vjps = (lambda ct, _out, x: ct * 3.0000001 * x * x,)
    wrong(op, "reverse", "dot-product")


def test_partial_that_is_not_holomorphic() -> None:
    op = elementwise(
        "weight",
        lambda x: x * x,
        (lambda _out, x: 2.0 * OPS["real"](x),),
        domains=(Domain(complex=True),),
    )
    wrong(op, "complex")


def test_vjp_of_a_holomorphic_function_without_conjugate() -> None:
    op = cube(lambda _out, x: 3.0 * x * x)
    op.vjps = (lambda ct, _out, x: ct * 3.0 * x * x,)
    wrong(op, "complex", "dot-product")


def swapped_matmul(transpose_lhs: Any, batch: Any = None, abstract: Any = None) -> Op:
    matmul: Op = bilinear(
        "tested_matmul",
        np.matmul,
        abstract=abstract
        or (
            lambda x, y: ArrayType(
                (
                    *np.broadcast_shapes(x.shape[:-2], y.shape[:-2]),
                    x.shape[-2],
                    y.shape[-1],
                ),
                np.result_type(x.dtype, y.dtype),
            )
        ),
        transpose_lhs=transpose_lhs,
        transpose_rhs=lambda ct, x, y_type: summed(matmul(swap_last(x), ct), y_type),
        batch=batch or (lambda size, batched, operands, p: matmul(*operands)),
        samples=[Sample(((3, 3), (3, 3)), differentiate=(0, 1))],
    )
    return matmul


def summed(ct: Any, like: ArrayType) -> Any:
    extra = tuple(range(ct.ndim - like.ndim))
    return reduce_sum(ct, axes=extra) if extra else ct


def right_lhs(ct: Any, x_type: ArrayType, y: Any) -> Any:
    return summed(OPS["tested_matmul"](ct, swap_last(y)), x_type)


def test_a_right_bilinear_rule_passes() -> None:
    check_op(swapped_matmul(right_lhs))


def test_wrong_transpose() -> None:
    op = swapped_matmul(lambda ct, x_type, y: OPS["tested_matmul"](ct, y))
    wrong(op, "reverse", "dot-product")


def test_wrong_batch() -> None:
    def batch(size: Any, batched: Any, operands: Any, p: Any) -> Any:
        x, y = operands
        return OPS["tested_matmul"](
            x, y if batched[1] else broadcast_to(y[::-1], shape=(size, 3, 3))
        )

    wrong(swapped_matmul(right_lhs, batch), "batch", r"operands \(0,\)")


def test_wrong_abstract_shape_and_dtype() -> None:
    transposed = swapped_matmul(
        right_lhs, abstract=lambda x, y: ArrayType((y.shape[-1],), x.dtype)
    )
    wrong(transposed, "type", "abstract type")


def test_abstract_that_ignores_float32() -> None:
    op = cube(
        lambda _out, x: 3.0 * x * x, "wide_cube", dtype=lambda _: np.dtype(np.float64)
    )
    check_op(op, ["type"])
    wrong(op, "dtypes", "abstract type")


def test_linear_op_that_is_not() -> None:
    op = linear(
        "affine",
        lambda x: x + 1.0,
        abstract=lambda x: x,
        transposes=(lambda ct, _x: ct,),
        batch=lambda size, batched, operands, p: OPS["affine"](*operands),
        samples=[Sample(((3,),))],
    )
    wrong(op, "forward", "differences")


def test_sum_whose_batch_forgets_to_shift_the_axis() -> None:
    op: Op = linear(
        "tested_sum",
        lambda x, *, axes: np.sum(x, axis=axes),
        abstract=lambda x, *, axes: reduce_sum.abstract(x, axes=axes),
        transposes=(lambda ct, x_type, *, axes: expand(ct, x_type.shape, axes),),
        batch=lambda size, batched, operands, p: op(*operands, **p),
        samples=[Sample(((2, 2),), {"axes": (1,)})],
    )
    wrong(op, "batch", "vmap over operands")


def test_missing_jvp_of_one_operand() -> None:
    op = elementwise(
        "forgetful", lambda x, y: x * y, (lambda _o, _x, y: y, lambda _o, x, _y: x)
    )

    def jvp(primals: Any, tangents: Any, out: Any, p: Any) -> Any:
        first = tangents[0] if tangents[0] is not None else 0.0 * primals[0]
        return first * primals[1]

    op.jvp = jvp
    wrong(op, "forward", "differences")


def test_gradient_of_the_wrong_dtype() -> None:
    def vjp(ct: Any, _out: Any, x: Any) -> Any:
        return ct * 2.0 * x

    op = structural(
        "tested_square",
        lambda x: x * x if x.dtype.kind == "f" else 1 / 0,
        abstract=lambda x: x,
        jvp=lambda primals, tangents, out, p: tangents[0] * 2.1 * primals[0],
        vjps=(vjp,),
        batch=lambda size, batched, operands, p: OPS["tested_square"](*operands),
        samples=[Sample(((3,),))],
    )
    wrong(op, "forward", "differences")


def test_cut_op_with_a_derivative() -> None:
    wrong(piecewise_constant("leak", lambda x: 2.0 * x, reason="a lie"), "forward")


def test_cut_op_that_only_holds_for_reals() -> None:
    op = piecewise_constant("phase", lambda x: x / np.abs(x), reason="true of reals")
    check_op(op, ["forward"])
    wrong(op, "complex", "differences")


def test_value_that_depends_on_the_layout() -> None:
    op = cube(lambda _out, x: 3.0 * x * x, "layout_cube")
    right = op.evaluate
    op.evaluate = lambda x: right(x) if x.flags.c_contiguous else -right(x)
    wrong(op, "layouts")


def test_row_named_after_a_ufunc_with_another_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    op = OPS["exp"]
    monkeypatch.setattr(op, "evaluate", lambda x: np.exp(x) * (1 + 2e-16))
    wrong(op, "value", "against NumPy")


def test_row_without_samples() -> None:
    op = structural(
        "untested",
        lambda x: x,
        abstract=lambda x: x,
        jvp=Undefined("none"),
        vjps=(Undefined("none"),),
        batch=Undefined("none"),
        samples=[],
    )
    with pytest.raises(
        OpDefinitionError, match="untested: the row has no samples(.|\n)*Fix"
    ):
        check_op(op)


def test_failure_names_op_check_case_and_both_numbers() -> None:
    with pytest.raises(GradientCheckError) as caught:
        check_op(cube(ONE))
    text = str(caught.value)
    for part in ("cube", "forward", "plain", "got", "expected", __file__, "Fix:"):
        assert part in text
