"""`jvp` and `linearize`: forward mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from wengert._core import tree
from wengert._core.interp import CURRENT, EVALUATE, Interpreter, using
from wengert._core.source import explain
from wengert._core.types import type_of
from wengert._modes import api
from wengert._modes.dual import Dual, DualTracer
from wengert._modes.tape import Tape, TapeTracer, backward, forward
from wengert.errors import ArgumentError


def _match_tangents(
    name: str, primals: Any, tangents: Any, inputs: api.Inputs
) -> list[Any]:
    if not isinstance(primals, tuple) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError(
            explain(
                f"{name}: primals and tangents must be tuples, one entry per argument",
                fix="write wg.jvp(f, (x,), (dx,))",
            )
        )
    leaves = api.match_tree(name, "tangents", tuple(tangents), inputs.structure)
    paths = tree.paths(tuple(primals), "tangents")
    return [
        None
        if leaves[i] is None
        else api.check_tangent(name, paths[i], leaves[i], value)
        for i, value in zip(inputs.active, inputs.values, strict=True)
    ]


def jvp(
    fun: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    holomorphic: bool = False,
    convention: str = "steepest",
    strict_nan: bool = False,
) -> tuple[Any, Any]:
    """Value of ``fun`` and its derivative along ``tangents``, in one sweep.

    Args:
        fun: Function of ``len(primals)`` pytrees that returns a pytree of arrays.
        primals: Tuple of the arguments; floating or complex array leaves.
        tangents: Tuple of the same structure; each leaf has the shape of its primal.
        holomorphic, convention: accepted for symmetry with `vjp`; a directional
            derivative does not depend on them.
        strict_nan: IEEE arithmetic for 0 times infinity, instead of 0.

    Returns:
        ``(value, tangent)``, two pytrees of one structure.

    Raises:
        DTypeError: an array leaf is of integer or bool dtype.
        ShapeError, TreeError: the tangents do not fit the primals.

    Example:
        >>> import wengert as wg
        >>> wg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
        (np.float64(6.0), np.float64(3.0))

    References:
        Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 3.
    """
    if isinstance(primals, tuple):
        api.refuse_static("jvp", primals, tuple(range(len(primals))))
    inputs = api.collect("jvp", primals, "primals")
    given = _match_tangents("jvp", primals, tangents, inputs)
    base = api.base_interpreter(inputs.leaves, strict_nan)
    with Dual(base).running() as dual:
        tracers = [
            v if t is None else DualTracer(dual, v, t)
            for v, t in zip(inputs.values, given, strict=True)
        ]
        out = api.call(fun, inputs, tracers, list)
        outputs, structure = api.results(out)
    values, derivatives = [], []
    for v in outputs:
        if type(v) is DualTracer and v.interpreter is dual:
            values.append(v.primal)
            derivatives.append(v.tangent)
        else:
            values.append(v)
            derivatives.append(
                None if api.is_static(v) else api.zeros_like_type(type_of(v))
            )
    handed = api.hand_out(values + derivatives)
    count = len(values)
    return tree.unflatten(structure, handed[:count]), tree.unflatten(
        structure, handed[count:]
    )


class LinearPart(NamedTuple):
    """A function's value, and the Wengert list of the linear map of its tangents.

    The list is swept from its start to push tangents, from its end to pull cotangents.
    """

    base: Interpreter
    inputs: api.Inputs
    variables: list[TapeTracer]
    tape: Tape
    values: list[Any]
    tangents: list[Any]
    structure: Any

    def context(self) -> Interpreter:
        current = CURRENT.get()
        return self.base if current is EVALUATE else current

    def push(self, given: list[Any]) -> list[Any]:
        """Tangents of the outputs (None for static ones); a given None is zero."""
        known = {
            variable.index: t
            for variable, t in zip(self.variables, given, strict=True)
            if t is not None
        }
        known = forward(self.tape, known)
        return [
            known[t.index]
            if type(t) is TapeTracer and t.index in known
            else None
            if api.is_static(v)
            else api.zeros_like_type(type_of(v))
            for v, t in zip(self.values, self.tangents, strict=True)
        ]

    def pull(self, given: list[Any]) -> list[Any]:
        """Cotangents of the active inputs; None among the given is zero."""
        cotangents: dict[int, Any] = {}
        for ct, t in zip(given, self.tangents, strict=True):
            if ct is not None and type(t) is TapeTracer:
                present = cotangents.get(t.index)
                cotangents[t.index] = ct if present is None else present + ct
        cotangents = backward(self.tape, cotangents)
        return [
            cotangents[variable.index]
            if variable.index in cotangents
            else api.zeros_like_type(type_of(value))
            for variable, value in zip(self.variables, self.inputs.values, strict=True)
        ]


def linear_part(
    name: str,
    fun: Callable[..., Any],
    primals: tuple[Any, ...],
    rebuild: Callable[[Any], Any],
    strict_nan: bool = False,
) -> LinearPart:
    """Run a function with dual numbers whose tangents are on a tape."""
    inputs = api.collect(name, primals, "primals")
    base = api.base_interpreter(inputs.leaves, strict_nan)
    with Tape(base).running() as tape:
        variables = [
            tape.variable(api.zeros_like_type(type_of(v))) for v in inputs.values
        ]
        with Dual(tape).running() as dual:
            tracers = [
                DualTracer(dual, v, t)
                for v, t in zip(inputs.values, variables, strict=True)
            ]
            outputs, structure = api.results(api.call(fun, inputs, tracers, rebuild))
    pairs = [
        (v.primal, v.tangent)
        if type(v) is DualTracer and v.interpreter is dual
        else (v, None)
        for v in outputs
    ]
    values, tangents = [v for v, _ in pairs], [t for _, t in pairs]
    return LinearPart(base, inputs, variables, tape, values, tangents, structure)


def linearize(fun: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Value of ``fun`` and its pushforward, the linear map of tangents.

    ``fun`` runs once; the pushforward may be called any number of times.

    Args:
        fun: Function of ``len(primals)`` pytrees that returns a pytree of arrays.
        *primals: Points of evaluation; floating or complex array leaves.

    Returns:
        ``(value, pushforward)``; ``pushforward(*tangents)`` takes a tangent per primal
        and returns one with the structure of ``value``.

    Raises:
        DTypeError, ShapeError, TreeError: as `jvp`.

    Example:
        >>> import wengert as wg
        >>> value, pushforward = wg.linearize(lambda x: x * x, 3.0)
        >>> pushforward(1.0), pushforward(10.0)
        (np.float64(6.0), np.float64(60.0))
    """
    api.refuse_static("linearize", primals, tuple(range(len(primals))))
    run = linear_part("linearize", fun, primals, list)
    value = tree.unflatten(run.structure, api.hand_out(run.values, kept=True))

    def pushforward(*tangents: Any) -> Any:
        given = _match_tangents("pushforward", primals, tangents, run.inputs)
        with using(run.context()):
            derivatives = run.push(given)
        return tree.unflatten(run.structure, api.hand_out(derivatives, kept=True))

    return value, pushforward
