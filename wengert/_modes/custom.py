"""Derivative rules given by the user, and `stop_gradient`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from wengert._array.traced import unwrap, wrap
from wengert._core import tree
from wengert._core.interp import CURRENT, Tracer, prepared
from wengert._core.source import explain
from wengert._core.types import is_complex_dtype, is_inexact, type_of
from wengert._modes import api
from wengert._modes.block import Layout, Scope, pack, private, unpack
from wengert._modes.function import Function, Values
from wengert._ops.arithmetic import stop_gradient as stop_op
from wengert._ops.structure import astype
from wengert._ops.surrogate import detached, substitute
from wengert.errors import ArgumentError, CustomRuleError


class UserFunction(Function):
    """One call of a function with rules that the user wrote."""

    def __init__(self, rules: CustomFunction, args: tuple[Any, ...]) -> None:
        self.rules = rules
        self.name = rules.label
        self.has_jvp = rules.jvp_rule is not None
        self.has_vjp = rules.fwd_rule is not None
        static = rules.nondiff_argnums
        self.args = args
        self.static = [args[i] for i in static]
        self.positions = [i for i in range(len(args)) if i not in static]
        given = tuple(args[i] for i in self.positions)
        self.structures = [tree.flatten(a)[1] for a in given]
        self.operands, self.layout = pack(given)
        self.out_layout: Any = None

    def _arguments(self, operands: Any) -> list[Any]:
        args = list(self.args)
        given = unpack(list(operands), self.layout)
        for i, value in zip(self.positions, given, strict=True):
            args[i] = value
        return args

    def applied(self, operands: Sequence[Any]) -> Values:
        """The results under the current interpreter."""
        return list(CURRENT.get().call(self, tuple(operands)))

    def _results(self, out: Any) -> Values:
        values, self.out_layout = pack(out)
        return values

    def run(self, operands: Any) -> Values:
        with Scope(CURRENT.get(), self.name).running():
            return self._results(prepared(self.rules.fun)(*self._arguments(operands)))

    def jvp(self, primals: Values, tangents: Values) -> tuple[Values, Values]:
        with Scope(CURRENT.get(), self.name).running():
            given = _tangent_tree(primals, tangents, self.layout)
            pair = prepared(self.rules.jvp_rule)(
                *self.static, unpack(primals, self.layout), given
            )
            out, tangent = _pair(
                f"{self.name}: the jvp rule", pair, "(out, tangent_out)"
            )
            outs = self._results(out)
            return outs, self._tangents_of(outs, tangent)

    def _tangents_of(self, outs: Values, tangent: Any) -> Values:
        what = f"{self.name}: the jvp rule returned a tangent"
        leaves = _flatten_to(what, self.out_layout.structure, tangent)
        for leaf, constant in zip(leaves, self.out_layout.static, strict=True):
            if isinstance(constant, (float, complex)):
                _refuse_tangent(what, leaf, constant)
        return [
            _fitting(what, leaves[i], value)
            for i, value in zip(self.out_layout.arrays, outs, strict=True)
        ]

    def fwd(self, primals: Values) -> tuple[Values, Any]:
        with Scope(CURRENT.get(), self.name).running():
            pair = prepared(self.rules.fwd_rule)(*self._arguments(primals))
            out, residuals = _pair(f"{self.name}: fwd", pair, "(out, residuals)")
            return self._results(out), pack(residuals)

    def bwd(self, residuals: Any, cts: Values) -> Values:
        with Scope(CURRENT.get(), self.name).running():
            given = _cotangent_tree(cts, self.out_layout)
            found = prepared(self.rules.bwd_rule)(
                *self.static, unpack(*residuals), given
            )
            return self._cotangents_of(found, self.operands)

    def _cotangents_of(self, found: Any, operands: Sequence[Any]) -> Values:
        what = f"{self.name}: bwd returned a cotangent"
        if not isinstance(found, (tuple, list)) or len(found) != len(self.structures):
            got = (
                f"{len(found)} entries"
                if isinstance(found, (tuple, list))
                else type(found).__name__
            )
            raise CustomRuleError(
                explain(
                    f"{self.name}: bwd returned {got}, and the function has "
                    f"{len(self.structures)} argument(s) to differentiate",
                    fix="return a tuple with a cotangent per argument; None where it "
                    "is zero",
                )
            )
        leaves: Values = []
        for structure, ct in zip(self.structures, found, strict=True):
            if ct is None:
                leaves += [None] * structure.num_leaves
            else:
                leaves += _flatten_to(what, structure, ct)
        return [
            _fitting(what, leaves[i], value)
            for i, value in zip(self.layout.arrays, operands, strict=True)
        ]


def _tangent_tree(primals: Values, tangents: Values, layout: Layout) -> Any:
    """Tangents in the structure of the primals: zeros where known to be zero.

    None stands for what has no derivative: integer arrays, ints, strings.
    """
    leaves = _zeros_of_numbers(layout)
    for i, p, t, scalar in zip(
        layout.arrays, primals, tangents, layout.scalars, strict=True
    ):
        type_ = type_of(p)
        if is_inexact(type_.dtype):
            leaves[i] = api.user_value(
                api.zeros_like_type(type_) if t is None else t, scalar
            )
    return tree.unflatten(layout.structure, leaves)


def _zeros_of_numbers(layout: Layout) -> Values:
    """For Python's numbers zero; for anything else None."""
    kinds = (type(x) for x in layout.static)
    return [kind(0) if kind in (float, complex) else None for kind in kinds]


def _cotangent_tree(cts: Values, layout: Layout) -> Any:
    leaves = _zeros_of_numbers(layout)
    for i, ct, scalar in zip(layout.arrays, cts, layout.scalars, strict=True):
        leaves[i] = None if ct is None else api.user_value(ct, scalar)
    return tree.unflatten(layout.structure, leaves)


def _pair(what: str, pair: Any, wanted: str) -> Any:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise CustomRuleError(
            explain(
                f"{what} returned {type(pair).__name__}, not a pair",
                fix=f"return {wanted}",
            )
        )
    return pair


def _flatten_to(what: str, structure: Any, given: Any) -> Values:
    try:
        return structure.flatten_up_to(given)
    except (ValueError, TypeError) as error:
        raise CustomRuleError(
            explain(
                f"{what} of structure {tree.flatten(given)[1]} for a value of "
                "structure "
                f"{structure}",
                fix="return it in the structure of the value, for example by "
                "wg.tree.map",
            )
        ) from error


def _refuse_tangent(what: str, given: Any, constant: Any) -> None:
    """Raise unless the tangent of a Python number is none."""
    if given is None or (isinstance(given, (int, float)) and given == 0):
        return
    raise CustomRuleError(
        explain(
            f"{what} of a result that is a Python number",
            why="a Python number is a constant; the tangent would be lost.",
            fix=f"return a number of NumPy's: np.float64({constant})",
        )
    )


def _fitting(what: str, given: Any, value: Any) -> Any:
    """A tangent or cotangent as an engine value, or an error; None is zero."""
    if given is None:
        return None
    want = type_of(value)
    if not is_inexact(want.dtype):
        return None
    t = unwrap(given)
    if not hasattr(t, "shape"):
        t = want.dtype.type(t)
    got = type_of(t)
    fits = is_inexact(got.dtype) or got.dtype.kind in "iub"
    if tuple(got.shape) != tuple(want.shape) or not fits:
        raise CustomRuleError(
            explain(
                f"{what} of type {got} for a value of type {want}",
                fix="give it the shape and the dtype of its value",
            )
        )
    if is_complex_dtype(got.dtype) and not is_complex_dtype(want.dtype):
        raise CustomRuleError(
            explain(
                f"{what} of type {got} for a real value of type {want}",
                fix="take its real part",
            )
        )
    return t if got.dtype == want.dtype else astype(t, dtype=want.dtype)


class CustomFunction:
    """A function whose derivative is what its rules say.

    Rules are ordinary functions of traced values, so that they can be differentiated
    and batched themselves. Both rules may be attached; forward mode uses the jvp rule,
    reverse mode the vjp rule, and a missing one is derived where the other is linear.
    """

    kind = "custom"

    def __init__(
        self, fun: Callable[..., Any], nondiff_argnums: int | tuple[int, ...] = ()
    ) -> None:
        numbers = (
            (nondiff_argnums,) if isinstance(nondiff_argnums, int) else nondiff_argnums
        )
        self.fun = fun
        self.nondiff_argnums = tuple(sorted(numbers))
        self.jvp_rule: Any = None
        self.fwd_rule: Any = None
        self.bwd_rule: Any = None
        self.label = f"{self.kind}({getattr(fun, '__name__', 'function')})"
        functools.update_wrapper(self, fun, updated=())

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Attach ``rule(primals, tangents) -> (out, tangent_out)``.

        Args:
            rule: Takes two tuples with an entry per argument; the arguments of
                ``nondiff_argnums`` come before them. A tangent has the structure and
                the shapes of its primal, None standing for integers.

        Returns:
            The rule, so that this can be used as a decorator.

        Example:
            >>> import wengert as wg, wengert.numpy as wnp
            >>> f = wg.custom_jvp(lambda x: wnp.sin(x))
            >>> rule = f.defjvp(lambda primals, ts: (f(*primals), 10.0 * ts[0]))
            >>> wg.grad(f)(1.0)
            np.float64(10.0)
        """
        self.jvp_rule = rule
        return rule

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Attach ``fwd(*args) -> (out, residuals)`` and ``bwd(residuals, ct) -> cts``.

        Args:
            fwd: Takes the arguments of the function, returns its result and what `bwd`
                needs, two pytrees.
            bwd: Takes the residuals and a cotangent in the structure of the result;
                the arguments of ``nondiff_argnums`` come before them. Returns a tuple
                with a cotangent per differentiated argument, None where it is zero.

        Example:
            >>> import wengert as wg
            >>> f = wg.custom_vjp(lambda x: x * x)
            >>> f.defvjp(lambda x: (x * x, x), lambda x, ct: (2.0 * x * ct,))
            >>> wg.grad(f)(3.0)
            np.float64(6.0)
        """
        self.fwd_rule, self.bwd_rule = fwd, bwd

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            bound = inspect.signature(self.fun).bind(*args, **kwargs)
            bound.apply_defaults()
            args = bound.args
        interpreter = CURRENT.get()
        if interpreter.plain:
            return self.fun(*private(args))
        self._check_static(args)
        call = self._bind(args)
        return unpack(call.applied(call.operands), call.out_layout)

    def _bind(self, args: tuple[Any, ...]) -> UserFunction:
        return UserFunction(self, args)

    def _check_static(self, args: tuple[Any, ...]) -> None:
        for n in self.nondiff_argnums:
            if not 0 <= n < len(args):
                raise ArgumentError(
                    explain(
                        f"{self.label}: nondiff_argnums has {n}, and the call "
                        f"{len(args)} "
                        "argument(s)",
                        fix="give the positions of arguments, from 0",
                    )
                )
            if any(_depends(leaf) for leaf in tree.leaves(args[n])):
                raise CustomRuleError(
                    explain(
                        f"{self.label}: argument {n} is in nondiff_argnums, and "
                        "depends on an "
                        "input that is being differentiated",
                        fix="take it out of nondiff_argnums, or pass "
                        "wg.stop_gradient(x)",
                    )
                )


def _depends(leaf: Any) -> bool:
    if not api.is_array(leaf):
        return False
    value = unwrap(leaf)
    return isinstance(value, Tracer) and value.depends()


class custom_jvp(CustomFunction):
    """A function with a forward rule of its own; attach it with ``defjvp``.

    Args:
        fun: Function of pytrees that returns a pytree.
        nondiff_argnums: Positions of arguments that are not differentiated.

    Returns:
        The function, with the methods ``defjvp`` and ``defvjp``. Reverse mode
        transposes the rule, unless a vjp rule is attached too.

    Raises:
        CustomRuleError: at the call: no rule, a rule that is needed in the other mode
            and is not linear, one that returns the wrong structure or shape, or a
            function that reads a traced value by closure.
        MutationError: it writes into an array made outside.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> @wg.custom_jvp
        ... def log1pexp(x):
        ...     return wnp.log(1.0 + wnp.exp(x))
        >>> @log1pexp.defjvp
        ... def rule(primals, tangents):
        ...     (x,), (dx,) = primals, tangents
        ...     return log1pexp(x), dx / (1.0 + wnp.exp(-x))
        >>> wg.grad(log1pexp)(100.0)
        np.float64(1.0)
    """

    kind = "custom_jvp"


class custom_vjp(CustomFunction):
    """A function with a reverse rule of its own; attach it with ``defvjp``.

    Args:
        fun: Function of pytrees that returns a pytree.
        nondiff_argnums: Positions of arguments that are not differentiated.

    Returns:
        The function, with the methods ``defjvp`` and ``defvjp``. Forward mode
        transposes ``bwd``, unless a jvp rule is attached too.

    Raises:
        CustomRuleError, MutationError: as `custom_jvp`.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> clip_gradient = wg.custom_vjp(lambda x: x)
        >>> clip = lambda _, ct: (wnp.clip(ct, -1.0, 1.0),)
        >>> clip_gradient.defvjp(lambda x: (x, None), clip)
        >>> wg.grad(lambda x: 100.0 * clip_gradient(x))(3.0)
        np.float64(1.0)
    """

    kind = "custom_vjp"


def stop_gradient(x: Any) -> Any:
    """The same values as constants: their derivative is zero, and `audit` lists it.

    Args:
        x: Pytree; leaves that are no floating or complex arrays pass through.

    Returns:
        A pytree of the same structure, shapes and dtypes.

    Example:
        >>> import wengert as wg
        >>> wg.grad(lambda x: x * wg.stop_gradient(x))(3.0)
        np.float64(3.0)
    """
    return tree.map(_stopped, x)


def _stopped(leaf: Any) -> Any:
    if not api.is_array(leaf) or isinstance(leaf, (float, complex)):
        return leaf
    value = unwrap(leaf)
    return wrap(stop_op(value)) if is_inexact(value.dtype) else leaf


def straight_through(
    fun: Callable[..., Any], surrogate: Callable[..., Any]
) -> Callable[..., Any]:
    """A function with the value of `fun` and the derivatives of `surrogate`.

    Args:
        fun: Function of pytrees, such as a rounding or a step.
        surrogate: Function of the same arguments, with results of the same structure
            and shapes.

    Returns:
        A function with their arguments.

    Raises:
        CustomRuleError: the results of the two differ in structure or shape.

    Example:
        >>> import wengert as wg, wengert.numpy as wnp
        >>> round_through = wg.straight_through(wnp.round, lambda x: x)
        >>> wg.value_and_grad(lambda x: round_through(x) ** 2)(1.7)
        (np.float64(4.0), np.float64(4.0))

    References:
        Bengio, Léonard & Courville, "Estimating or propagating gradients through
        stochastic neurons for conditional computation", 2013.
    """

    @functools.wraps(fun, updated=())
    def straight(*args: Any, **kwargs: Any) -> Any:
        if CURRENT.get().plain:
            return fun(*args, **kwargs)
        values, structure = tree.flatten(
            prepared(fun)(*_stopped_tree(args), **_stopped_tree(kwargs))
        )
        leaves = _flatten_to(
            "straight_through: the surrogate returned a result",
            structure,
            surrogate(*args, **kwargs),
        )
        return tree.unflatten(structure, list(map(_substituted, values, leaves)))

    return straight


def _stopped_tree(args: Any) -> Any:
    return tree.map(_detached, args)


def _detached(leaf: Any) -> Any:
    if not api.is_array(leaf) or isinstance(leaf, (float, complex)):
        return leaf
    value = unwrap(leaf)
    if not isinstance(value, Tracer) or not is_inexact(value.dtype):
        return leaf
    return api.user_value(detached(value, dtype=value.dtype), api.is_scalar(leaf))


def _substituted(value: Any, surrogate: Any) -> Any:
    if not api.is_array(surrogate):
        return value
    s, v = unwrap(surrogate), unwrap(value)
    if not hasattr(s, "shape"):
        return value
    v = v if hasattr(v, "shape") else s.dtype.type(v)
    if tuple(v.shape) != tuple(s.shape):
        raise CustomRuleError(
            explain(
                "straight_through: the function returned the shape "
                f"{tuple(v.shape)}, the "
                f"surrogate {tuple(s.shape)}",
                fix="let both return results of one shape",
            )
        )
    return wrap(substitute(detached(v, dtype=s.dtype), s))


__all__ = [
    "custom_jvp", "custom_vjp", "stop_gradient", "straight_through",
]  # fmt: skip
