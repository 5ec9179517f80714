"""`vjp`, `grad`, `value_and_grad`: reverse mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from wengert._core import tree
from wengert._core.interp import CURRENT, EVALUATE, Interpreter, using
from wengert._core.source import explain
from wengert._core.types import is_complex_dtype, type_of
from wengert._modes import api
from wengert._modes.tape import Tape, TapeTracer, backward
from wengert.errors import ArgumentError, DTypeError, ShapeError


class Recorded(NamedTuple):
    """A function's run on the tape."""

    tape: Tape
    base: Interpreter
    inputs: api.Inputs
    variables: list[TapeTracer]
    outputs: list[Any]
    structure: Any
    aux: Any


def record(
    name: str,
    fun: Callable[..., Any],
    args: Any,
    rebuild: Callable[[Any], Any],
    labels: str,
    *,
    has_aux: bool,
    strict_nan: bool,
) -> Recorded:
    inputs = api.collect(name, args, labels)
    base = api.base_interpreter(inputs.leaves, strict_nan)
    with Tape(base).running() as tape:
        variables = [tape.variable(v) for v in inputs.values]
        out = api.call(fun, inputs, variables, rebuild)
        aux = None
        if has_aux:
            out, aux = _split_aux(name, out)
            values, structure = api.results(aux)
            aux = [v.primal if _is_own(v, tape) else v for v in values], structure
        outputs, structure = api.results(out)
    return Recorded(tape, base, inputs, variables, outputs, structure, aux)


def _is_own(value: Any, tape: Tape) -> bool:
    return type(value) is TapeTracer and value.interpreter is tape


def _split_aux(name: str, out: Any) -> tuple[Any, Any]:
    if not isinstance(out, tuple) or len(out) != 2:
        raise ArgumentError(
            explain(
                f"{name}: has_aux=True, but the function returned {type(out).__name__}",
                fix="return a pair (value, aux)",
            )
        )
    return out


def sweep(
    run: Recorded, cotangents: dict[int, Any], *, consume: bool, convention: str
) -> list[Any]:
    """Cotangents of the active inputs, by a sweep back under the current context."""
    current = CURRENT.get()
    with using(run.base if current is EVALUATE else current):
        cotangents = backward(run.tape, cotangents, consume=consume)
        result = []
        for variable in run.variables:
            ct = cotangents.get(variable.index)
            if ct is None:
                ct = api.zeros_like_type(type_of(variable.primal))
            elif convention == "jax" and is_complex_dtype(ct.dtype):
                ct = ct.conj()
            result.append(ct)
    return result


def as_gradients(inputs: api.Inputs, values: list[Any]) -> Any:
    """Gradients in the structure of the inputs, None at the static leaves."""
    leaves: list[Any] = [None] * len(inputs.leaves)
    for i, value in zip(inputs.active, values, strict=True):
        leaves[i] = value
    return tree.unflatten(inputs.structure, leaves)


def check_convention(name: str, convention: str) -> None:
    if convention not in ("steepest", "jax"):
        raise ArgumentError(
            explain(
                f"{name}: convention={convention!r}",
                fix='use "steepest" (the adjoint under Re<u, v>, as PyTorch) or "jax"',
            )
        )


def vjp(
    fun: Callable[..., Any],
    *primals: Any,
    has_aux: bool = False,
    holomorphic: bool = False,
    convention: str = "steepest",
    strict_nan: bool = False,
) -> Any:
    """Evaluate ``fun(*primals)`` and return the value with its pullback.

    The pullback maps a cotangent of the result to one cotangent per primal. It may be
    called any number of times. Time: a small multiple of ``fun``, whatever the number
    of inputs; memory: the residuals of each op (see `checkpoint`).

    Args:
        fun: Function of ``len(primals)`` pytrees that returns a pytree of arrays.
        *primals: Points of evaluation: pytrees of floating or complex arrays. Python
            ints, bools, strings, None and callables in them are static.
        has_aux: ``fun`` returns ``(value, aux)``; aux is passed through.
        holomorphic: Inputs and outputs are complex, and ``fun`` is
            complex-differentiable.
        convention: ``"steepest"``: cotangents are adjoints under Re<u, v>; ``"jax"``:
            their conjugates.
        strict_nan: IEEE arithmetic for 0 times infinity, instead of 0.

    Returns:
        ``(value, pullback)``, or ``(value, pullback, aux)``; ``pullback(ct)`` takes the
        structure, shapes and dtypes of ``value`` and returns a tuple, its i-th entry
        with those of ``primals[i]``.

    Raises:
        DTypeError: an array leaf of a primal is of integer or bool dtype.
        ShapeError, TreeError: from ``pullback``, if ``ct`` does not fit ``value``.

    Example:
        >>> import numpy as np, wengert as wg
        >>> value, pullback = wg.vjp(lambda x: x * x, np.array([1.0, 2.0]))
        >>> value, pullback(np.array([1.0, 10.0]))
        (array([1., 4.]), (array([ 2., 40.]),))

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 3.
    """
    check_convention("vjp", convention)
    api.refuse_static("vjp", primals, tuple(range(len(primals))))
    run = record(
        "vjp", fun, primals, list, "primals", has_aux=has_aux, strict_nan=strict_nan
    )
    plain = [v.primal if _is_own(v, run.tape) else v for v in run.outputs]
    value = tree.unflatten(run.structure, api.hand_out(plain, kept=True))

    def pullback(ct: Any) -> tuple[Any, ...]:
        cts = api.match_tree("pullback", "cotangent", ct, run.structure)
        cotangents: dict[int, Any] = {}
        with using(run.base if CURRENT.get() is EVALUATE else CURRENT.get()):
            for i, (out, leaf) in enumerate(zip(run.outputs, cts, strict=True)):
                if leaf is None or not _is_own(out, run.tape):
                    continue
                leaf = api.check_tangent("pullback", f"ct leaf {i}", leaf, out.primal)
                if convention == "jax" and is_complex_dtype(leaf.dtype):
                    leaf = leaf.conj()
                present = cotangents.get(out.index)
                cotangents[out.index] = leaf if present is None else present + leaf
        values = sweep(run, cotangents, consume=False, convention=convention)
        if holomorphic:
            values = [v.conj() for v in values]
        return as_gradients(run.inputs, api.hand_out(values, kept=True))

    if has_aux:
        values, structure = run.aux
        return (
            value,
            pullback,
            tree.unflatten(structure, api.hand_out(values, kept=True)),
        )
    return value, pullback


def value_and_grad(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    convention: str = "steepest",
    strict_nan: bool = False,
) -> Callable[..., Any]:
    """Value and gradient of a scalar function, in one forward and one backward sweep.

    Args and errors are those of `grad`.

    Returns:
        A function with the arguments of ``fun`` that returns ``(value, gradient)``, or
        ``((value, aux), gradient)`` with ``has_aux``.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
        (np.float64(5.0), array([2., 4.]))
    """
    check_convention("grad", convention)

    def value_and_grad_of(*args: Any, **kwargs: Any) -> Any:
        positions, single = api.check_argnums("grad", argnums, len(args))
        api.refuse_static("grad", args, positions)
        given, rebuild = api.split_arguments(args, positions)
        target = api.with_keywords(fun, kwargs)
        run = record(
            "grad",
            target,
            given,
            rebuild,
            "args",
            has_aux=has_aux,
            strict_nan=strict_nan,
        )
        out = _check_scalar(run, holomorphic)
        cotangents: dict[int, Any] = {}
        value = out
        if _is_own(out, run.tape):
            value = out.primal
            with using(run.base if CURRENT.get() is EVALUATE else CURRENT.get()):
                cotangents[out.index] = api.filled(type_of(value), 1.0)
        values = sweep(run, cotangents, consume=True, convention=convention)
        if holomorphic and convention == "steepest":
            values = [v.conj() for v in values]
        aux, aux_structure = run.aux if has_aux else ([], None)
        handed = api.hand_out([value, *values, *aux])
        gradients = as_gradients(run.inputs, handed[1 : 1 + len(values)])
        gradient = gradients[0] if single else gradients
        if has_aux:
            aux = tree.unflatten(aux_structure, handed[1 + len(values) :])
            return (handed[0], aux), gradient
        return handed[0], gradient

    return _named(value_and_grad_of, fun, "value_and_grad")


def _named(
    wrapper: Callable[..., Any], fun: Callable[..., Any], what: str
) -> Callable[..., Any]:
    wrapper.__name__ = f"{what}({getattr(fun, '__name__', 'function')})"
    wrapper.__doc__ = getattr(fun, "__doc__", None)
    wrapper.__wrapped__ = fun  # type: ignore[attr-defined]
    return wrapper


def _check_scalar(run: Recorded, holomorphic: bool) -> Any:
    if len(run.outputs) != 1:
        raise ShapeError(
            explain(
                f"grad: the function returned {len(run.outputs)} values, "
                "not one scalar",
                fix="return one scalar (has_aux=True for extra results), or use wg.vjp "
                "or wg.jacobian",
            )
        )
    out = run.outputs[0]
    type_ = type_of(out) if api.is_array(out) or hasattr(out, "shape") else None
    if type_ is None and not isinstance(out, (bool, int)):
        raise DTypeError(
            explain(
                f"grad: the function returned {type(out).__name__}, not a number",
                fix="return a scalar",
            )
        )
    if type_ is not None and type_.shape != ():
        raise ShapeError(
            explain(
                f"grad: the function returned an array of shape {type_.shape}, "
                "not a scalar",
                fix="sum it up, or use wg.jacobian or wg.vjp",
            )
        )
    dtype = type_.dtype if type_ is not None else np.result_type(type(out))
    if is_complex_dtype(dtype) and not holomorphic:
        raise DTypeError(
            explain(
                "grad: the function returned a complex number",
                fix="return a real one, such as abs(z)**2, or pass holomorphic=True",
            )
        )
    if holomorphic and not all(is_complex_dtype(v.dtype) for v in run.inputs.values):
        raise DTypeError(
            explain(
                "grad: holomorphic=True, but an input is real",
                fix="pass complex inputs, or drop holomorphic",
            )
        )
    return out


def grad(
    fun: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    convention: str = "steepest",
    strict_nan: bool = False,
) -> Callable[..., Any]:
    """Gradient of a scalar function.

    Args:
        fun: Function that returns a scalar; ordinary NumPy code with ``wengert.numpy``,
            its loops, branches, views and in-place updates included. Its arguments are
            never changed.
        argnums: Position, or positions, of the arguments to differentiate: pytrees of
            floating or complex arrays. Static leaves have the gradient ``None``.
        has_aux: ``fun`` returns ``(value, aux)``; the result is ``(gradient, aux)``.
        holomorphic: ``fun`` is complex-differentiable: the result is its derivative
            f'(z).
        convention: For real functions of complex inputs: ``"steepest"``, the direction
            of steepest ascent (PyTorch's), or ``"jax"``, its conjugate.
        strict_nan: IEEE arithmetic for 0 times infinity, instead of 0.

    Returns:
        A function with the arguments of ``fun`` that returns the gradient, in the
        structure, shapes and dtypes of the arguments; a tuple if argnums is one.

    Raises:
        DTypeError: an integer argument, or a result that is not a real number.
        ShapeError: the result is not a scalar.
        ArgumentError: argnums out of range.

    Example:
        >>> import numpy as np, wengert as wg
        >>> wg.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(np.ones(2), 3.0)
        (array([3., 3.]), np.float64(2.0))

    References:
        Wengert, "A simple automatic derivative evaluation program", CACM 7(8), 1964;
        Linnainmaa, BIT 16, 1976.
    """
    compute = value_and_grad(
        fun,
        argnums,
        has_aux,
        holomorphic=holomorphic,
        convention=convention,
        strict_nan=strict_nan,
    )

    def grad_of(*args: Any, **kwargs: Any) -> Any:
        value, gradient = compute(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return _named(grad_of, fun, "grad")
