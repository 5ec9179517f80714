"""Ops and the one table they stand in.

An op is a unit of computation together with its row of rules. The families of
`wengert._ops.families` build rows; nothing else does.

Rules of a row (``x, y`` operands, ``p`` static params):

========== =========================================================================
evaluate   ``(*operands, **p) -> out`` on NumPy arrays
abstract   ``(*operand_types, **p) -> ArrayType``
jvp        ``(primals, tangents, out, p) -> tangent``; a tangent is None where zero
vjps       per operand ``(ct, out, *operands, **p) -> cotangent``
batch      ``(size, batched, operands, p) -> out``; the batch axis is always axis 0
========== =========================================================================

What a pullback keeps is read off the names of a vjp rule's parameters: ``_x`` is not
kept at all, of ``x_type`` only the `ArrayType` is kept, ``x`` is kept as it is, and
``*indices`` keeps all further operands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wengert._core.interp import CURRENT, EVALUATE
from wengert._core.source import explain
from wengert._core.types import type_of
from wengert.errors import MissingRuleError, OpDefinitionError


class Undefined:
    """A column that has no rule, and why; the reason is the text of the error."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.op = "?"
        self.column = "?"

    def __call__(self, *operands: Any, **params: Any) -> Any:
        raise MissingRuleError(
            explain(
                f"{self.op}: there is no {self.column} rule",
                why=self.reason,
                fix="wrap the call in wg.custom_jvp or wg.custom_vjp and give its rule",
            )
        )


class Op:
    """A unit of computation with its row of rules; calling it applies it."""

    __slots__ = (
        "abstract", "batch", "consumes", "cut", "evaluate", "evaluate_with", "family",
        "jvp", "keeps_operands", "kinks", "multiple", "name", "partials",
        "plans", "samples", "variadic", "vjps",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        family: str,
        *,
        evaluate: str | Callable[..., Any],
        abstract: Any,
        jvp: Any,
        vjps: Any,
        batch: Any,
        samples: Any = (),
        kinks: Any = None,
        cut: str | None = None,
        partials: tuple[Any, ...] | None = None,
        variadic: bool = False,
        keeps_operands: bool = False,
        multiple: bool = False,
        consumes: bool = False,
    ) -> None:
        self.name = name
        self.family = family
        self.evaluate, self.evaluate_with = _evaluators(name, evaluate)
        self.abstract = abstract
        self.jvp = jvp
        self.vjps = vjps
        self.batch = batch
        self.samples = samples
        self.kinks = kinks
        self.cut = cut
        self.partials = partials
        self.variadic = variadic
        self.keeps_operands = keeps_operands
        self.multiple = multiple
        self.consumes = consumes
        self.plans: dict[int, Plan] = {}
        for column in ("abstract", "jvp", "vjps", "batch"):
            rules = getattr(self, column)
            for rule in rules if isinstance(rules, tuple) else (rules,):
                if isinstance(rule, Undefined):
                    rule.op, rule.column = name, column.rstrip("s")
                elif not callable(rule):
                    raise OpDefinitionError(
                        explain(
                            f"op {name}: column {column} is {rule!r}",
                            fix='give a function, or Undefined("reason")',
                        )
                    )
        OPS.add(self)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        interpreter = CURRENT.get()
        if interpreter is EVALUATE:
            return self.evaluate(*operands, **params)
        return interpreter.apply(self, operands, params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def plan(self, mask: int, count: int) -> Plan:
        """What the tape needs to differentiate the operands whose bits are set."""
        positions = tuple(i for i in range(count) if mask >> i & 1)
        if self.variadic:
            rules = tuple(partial(self.vjps, i) for i in positions)
            keep: Keep | None = _keep_all if self.keeps_operands else _keep_types
        else:
            rules = tuple(self.vjps[i] for i in positions)
            keep = _residual_selector(rules)
        partials = tuple(getattr(rule, "partial", None) for rule in rules)
        plan = Plan(positions, rules, partials, keep)
        self.plans[mask] = plan
        return plan


Keep: TypeAlias = Callable[..., tuple[Any, ...]]


class Plan(NamedTuple):
    """How an op is recorded when some of its operands are differentiated."""

    positions: tuple[int, ...]
    rules: tuple[Callable[..., Any], ...]  # each ``(ct, *residuals, **params) -> ct``
    partials: tuple[Callable[..., Any] | None, ...]  # what the rules multiply `ct` by
    keep: Keep | None  # ``(out, *operands) -> residuals``; None where they are ``()``


def _keep_all(out: Any, *operands: Any) -> tuple[Any, ...]:
    return (out, *operands)


def _keep_types(out: Any, *operands: Any) -> tuple[Any, ...]:
    return (type_of(out), *map(type_of, operands))


def _residual_selector(
    rules: tuple[Callable[..., Any], ...],
) -> Keep | None:
    """Keep of ``(out, *operands)`` what the parameter names of the rules ask for."""
    kept: list[str] = []
    rest = False
    for rule in rules:
        names = _rule_parameters(rule)
        if names and names[-1].startswith("*"):
            rest = rest or not names[-1].startswith("*_")
            names = names[:-1]
        kept += [""] * (len(names) - len(kept))
        for i, name in enumerate(names):
            wants = (
                ""
                if name.startswith("_")
                else "type"
                if name.endswith("_type")
                else "all"
            )
            kept[i] = max(kept[i], wants, key=["", "type", "all"].index)
    if not kept and not rest:
        return None
    arguments = "".join(f"a{i}, " for i in range(len(kept)))
    template = {"": "None", "type": "type_of(a{})", "all": "a{}"}
    results = "".join(template[wants].format(i) + ", " for i, wants in enumerate(kept))
    results += "*rest, " if rest else ""
    # As namedtuple does: one call to code made for this op, on the tape's hot path.
    return eval(f"lambda {arguments}*rest: ({results})", {"type_of": type_of})


def _rule_parameters(rule: Callable[..., Any]) -> list[str]:
    """Names of the rule's positional parameters after the cotangent."""
    if isinstance(rule, Undefined):
        return []
    rule = getattr(rule, "partial", rule)
    parameters = inspect.signature(rule).parameters.values()
    names = [
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    names += [f"*{p.name}" for p in parameters if p.kind is p.VAR_POSITIONAL]
    return names[1:] if names and names[0] == "ct" else names


def _evaluators(
    name: str, evaluate: str | Callable[..., Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``(on NumPy arrays, on a given namespace)``.

    A string names a function of the Array API standard; a function whose first
    parameter is ``xp`` takes the namespace; any other function computes with NumPy or
    SciPy only, or with Python's operators.
    """
    if isinstance(evaluate, str):
        function_name = evaluate

        def from_namespace(xp: Any, *operands: Any, **params: Any) -> Any:
            return getattr(xp, function_name)(*operands, **params)

        return getattr(np, function_name), from_namespace
    if getattr(evaluate, "__module__", None) == "_operator":
        return evaluate, lambda _xp, *operands: evaluate(*operands)
    if (
        not isinstance(evaluate, np.ufunc)
        and "xp" in inspect.signature(evaluate).parameters
    ):
        return partial(evaluate, np), evaluate

    def numpy_only(xp: Any, *operands: Any, **params: Any) -> Any:
        raise MissingRuleError(
            explain(
                f"{name}: the Array API standard has no such function",
                why=f"it runs on NumPy arrays only, not on those of {xp.__name__}.",
                fix="convert the arrays with numpy.asarray",
            )
        )

    return evaluate, numpy_only


class OpTable:
    """All ops by name; a name is taken once."""

    def __init__(self) -> None:
        self._rows: dict[str, Op] = {}

    def add(self, op: Op) -> None:
        if op.name in self._rows:
            raise OpDefinitionError(
                explain(
                    f"op {op.name} is already in the table", fix="choose another name"
                )
            )
        self._rows[op.name] = op

    def __iter__(self) -> Iterator[Op]:
        return iter(self._rows.values())

    def __getitem__(self, name: str) -> Op:
        return self._rows[name]

    def __contains__(self, name: str) -> bool:
        return name in self._rows


OPS = OpTable()
