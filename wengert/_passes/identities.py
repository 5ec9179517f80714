"""Identities of ops, exact in floating-point arithmetic.

A rule takes an equation and what is known of its operands, and returns an atom with the
value of its result, an equation that is cheaper, or None. The one liberty: where a
tangent or cotangent is zero for certain, the sign of its products is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np

from wengert._core.op import OPS
from wengert._ir.program import Atom, Equation, Literal, Var, variables_in
from wengert._ops.index import Slot
from wengert._passes.rewriting import is_entrywise, key_of, same

Found: TypeAlias = Atom | Equation | None


class Known(Protocol):
    """What a region knows of its variables."""

    def source(self, atom: Atom, *names: str) -> Equation | None:
        """The equation of a variable, if it applies one of these ops."""

    def number(self, atom: Atom) -> Literal | None:
        """The value of every entry, where it is one and a constant."""


def simpler(equation: Equation, known: Known) -> Found:
    """One step towards a simpler equation, or None."""
    if is_entrywise(equation.op):
        found = _without_broadcasts(equation, known) or _folded(equation, known)
        if found is not None:
            return found
    rule = _RULES.get(equation.op.name)
    return rule(equation, known) if rule is not None else None


# -- constants -------------------------------------------------------------------------


def _filled(equation: Equation, value: Literal) -> Found:
    """The result as one number."""
    type_ = equation.outputs[0].type
    if not type_.shape:
        return value
    params = {"shape": type_.shape, "value": value.value.item(), "dtype": type_.dtype}
    return equation._replace(op=OPS["full"], inputs=(), params=params)


def _folded(equation: Equation, known: Known) -> Found:
    """An op of numbers only, by its own evaluation."""
    numbers = [known.number(a) for a in equation.inputs]
    if not numbers or any(n is None for n in numbers):
        return None
    if any(True for v in equation.params.values() for _ in variables_in(v)):
        return None
    operands = [n.value for n in numbers if n is not None]
    try:
        with np.errstate(all="ignore"):
            found = equation.op.evaluate(*operands, **equation.params)
    except (ArithmeticError, ValueError):  # it fails when the program runs, if it does
        return None
    dtype = equation.outputs[0].type.dtype
    value = np.asarray(found)
    return _filled(equation, Literal(value[()])) if value.dtype == dtype else None


def _without_broadcasts(equation: Equation, known: Known) -> Found:
    """Operands as they were before they got a shape that the others have too."""
    shape = equation.outputs[0].type.shape
    inputs = list(equation.inputs)
    for i, atom in enumerate(inputs):
        if not shape or not isinstance(atom, Var):
            continue
        others = inputs[:i] + inputs[i + 1 :]
        if any(b.type.shape == shape for b in others):
            inputs[i] = known.number(atom) or _unbroadcast(atom, known)
    if all(a is b for a, b in zip(inputs, equation.inputs, strict=True)):
        return None
    return equation._replace(inputs=tuple(inputs))


def _unbroadcast(atom: Atom, known: Known) -> Atom:
    source = known.source(atom, "broadcast_to")
    return atom if source is None else source.inputs[0]


def _is(atom: Atom, number: Any, known: Known) -> bool:
    """Whether every entry of a value is this number; zeros differ by their sign."""
    found = known.number(atom)
    if found is None or found.value.dtype.kind not in "iuf":
        return False
    value = found.value
    signs = value.dtype.kind == "f" and np.signbit(value) != np.signbit(number)
    return bool(value == number) and not signs


def _is_zero(atom: Atom, known: Known) -> bool:
    found = known.number(atom)
    return found is not None and bool(found.value == 0)


def _is_integer(atom: Atom) -> bool:
    return atom.type.dtype.kind in "iub"


# -- arithmetic ------------------------------------------------------------------------


def _add(equation: Equation, known: Known) -> Found:
    x, y = equation.inputs
    # x + 0.0 is 0.0 where x is -0.0; x + -0.0 is x.
    zero = 0 if _is_integer(x) else -0.0
    if _is(y, zero, known):
        return x
    if _is(x, zero, known):
        return y
    for a, b in ((x, y), (y, x)):
        negated = known.source(b, "negative")
        if negated is not None:
            inputs = (a, negated.inputs[0])
            return equation._replace(op=OPS["subtract"], inputs=inputs)
    return None


def _subtract(equation: Equation, known: Known) -> Found:
    x, y = equation.inputs
    if _is(y, 0 if _is_integer(y) else 0.0, known):
        return x
    negated = known.source(y, "negative")
    if negated is not None:
        inputs = (x, negated.inputs[0])
        return equation._replace(op=OPS["add"], inputs=inputs)
    return None


def _multiply(equation: Equation, known: Known) -> Found:
    x, y = equation.inputs
    if _is(y, 1, known):
        return x
    if _is(x, 1, known):
        return y
    for a in (x, y):
        number = known.number(a)
        if number is not None and _is_integer(a) and number.value == 0:
            return _filled(equation, number)
    return None


def _divide(equation: Equation, known: Known) -> Found:
    x, y = equation.inputs
    return x if _is(y, 1, known) else None


def _scale(equation: Equation, known: Known) -> Found:
    """``t * w``, but 0 where t is (`both`: or where w is)."""
    t, w = equation.inputs
    zero = equation.outputs[0].type.dtype.type(0)
    if _is_zero(t, known) or (equation.params.get("both") and _is_zero(w, known)):
        return _filled(equation, Literal(zero))
    for number in (known.number(t), known.number(w)):
        # Then no product of zero is NaN.
        if number is not None and np.isfinite(number.value):
            return equation._replace(op=OPS["multiply"], params={})
    return None


def _negative(equation: Equation, known: Known) -> Found:
    twice = known.source(equation.inputs[0], equation.op.name)
    return None if twice is None else twice.inputs[0]


def _extreme(equation: Equation, _: Known) -> Found:
    x, y = equation.inputs
    return x if same(x, y) else None


def _where(equation: Equation, known: Known) -> Found:
    mask, x, y = equation.inputs
    holds = known.number(mask)
    if holds is not None:
        return x if holds.value else y
    return x if same(x, y) else None


# -- truth -----------------------------------------------------------------------------


def _compared(result: bool) -> Callable[[Equation, Known], Found]:
    def rule(equation: Equation, _: Known) -> Found:
        x, y = equation.inputs
        if x is y and _is_integer(x):
            return _filled(equation, Literal(np.bool_(result)))
        return None

    return rule


def _logical(neutral: bool) -> Callable[[Equation, Known], Found]:
    """`logical_and` and `logical_or`: one truth changes nothing, the other decides."""

    def rule(equation: Equation, known: Known) -> Found:
        for a, b in (equation.inputs, equation.inputs[::-1]):
            truth = known.number(a)
            if truth is not None and truth.value.dtype == bool:
                if bool(truth.value) is neutral:
                    return b
                return _filled(equation, truth)
        x, y = equation.inputs
        return x if x is y else None

    return rule


# -- shapes ----------------------------------------------------------------------------


def _moved(equation: Equation, known: Known) -> Found:
    """Entries of one number, in another shape."""
    (x,) = equation.inputs
    value = known.number(x)
    return None if value is None else _filled(equation, value)


def _identity(equation: Equation, _: Known) -> Found:
    return equation.inputs[0]


def _astype(equation: Equation, known: Known) -> Found:
    (x,) = equation.inputs
    return x if x.type.dtype == equation.params["dtype"] else _folded(equation, known)


def _reshape(equation: Equation, known: Known) -> Found:
    """A shape of a shape; the same shape is the same value in every order."""
    (x,) = equation.inputs
    if x.type.shape == equation.params["shape"]:
        return x
    earlier = known.source(x, equation.op.name)
    orders = {e.params.get("order", "C") for e in (equation, earlier) if e is not None}
    if earlier is not None and len(orders) == 1:
        return equation._replace(inputs=earlier.inputs)
    if equation.params.get("order") == "C":
        return equation._replace(params={"shape": equation.params["shape"]})
    return _moved(equation, known)


def _broadcast_to(equation: Equation, known: Known) -> Found:
    (x,) = equation.inputs
    if x.type.shape == equation.params["shape"]:
        return x
    earlier = known.source(x, equation.op.name)
    if earlier is not None:
        return equation._replace(inputs=earlier.inputs)
    return _moved(equation, known)


def _transpose(equation: Equation, known: Known) -> Found:
    (x,), axes = equation.inputs, equation.params["axes"]
    if axes == tuple(range(len(axes))):
        return x
    earlier = known.source(x, equation.op.name)
    if earlier is not None:
        first = earlier.params["axes"]
        params = {"axes": tuple(first[i] for i in axes)}
        return equation._replace(inputs=earlier.inputs, params=params)
    return _moved(equation, known)


def _flip(equation: Equation, known: Known) -> Found:
    (x,), axes = equation.inputs, equation.params["axes"]
    if not axes:
        return x
    earlier = known.source(x, equation.op.name)
    if earlier is not None and sorted(earlier.params["axes"]) == sorted(axes):
        return earlier.inputs[0]
    return _moved(equation, known)


def _of_real(equation: Equation, _: Known) -> Found:
    (x,) = equation.inputs
    return x if x.type.dtype.kind == "f" else None


def _joined(equation: Equation, _: Known) -> Found:
    return equation.inputs[0] if len(equation.inputs) == 1 else None


def _over_no_axes(equation: Equation, _: Known) -> Found:
    return None if equation.params["axes"] else equation.inputs[0]


# -- parts of arrays -------------------------------------------------------------------


def _with_known_index(equation: Equation, lead: int) -> Equation | None:
    """Index operands that are numbers, inside their axis, in the index itself."""
    x, index = equation.inputs[0], equation.params["index"]
    indices = equation.inputs[lead:]
    if not any(isinstance(i, Literal) for i in indices) or Ellipsis in index:
        return None
    items, kept, axis = [], [], 0
    for item in index:
        if isinstance(item, Slot):
            operand = indices[item.k]
            if operand.type.dtype == bool:
                return None
            n = x.type.shape[axis]
            if isinstance(operand, Literal) and _is_inside(operand, n):
                item = int(operand.value)
            else:
                kept.append(operand)
                item = Slot(len(kept) - 1)
        items.append(item)
        axis += item is not None
    if len(kept) == len(indices):
        return None
    return equation._replace(
        inputs=(*equation.inputs[:lead], *kept),
        params={**equation.params, "index": tuple(items)},
    )


def _is_inside(position: Literal, n: Any) -> bool:
    return isinstance(n, int) and -n <= int(position.value) < n


def _getitem(equation: Equation, known: Known) -> Found:
    x, *indices = equation.inputs
    params = equation.params
    if _takes_all(params["index"], x.type.shape):
        return x
    if "copy" in params:
        return equation._replace(params={"index": params["index"]})
    shorter = _with_known_index(equation, 1)
    if shorter is not None:
        return shorter
    value = known.number(x)
    if value is not None and not indices:
        return _filled(equation, value)
    written = known.source(x, "update")
    if written is not None and _at_same_place(equation, written):
        return written.inputs[1]
    return None


def _takes_all(index: Any, shape: Any) -> bool:
    """Whether an index is one whole slice an axis."""
    if Ellipsis in index:
        at = index.index(Ellipsis)
        rest = len(shape) - len(index) + 1
        index = index[:at] + (slice(None),) * rest + index[at + 1 :]
    if len(index) > len(shape):
        return False
    return all(_is_whole(item, n) for item, n in zip(index, shape, strict=False))


def _is_whole(item: Any, n: Any) -> bool:
    return (
        isinstance(item, slice)
        and item.start in (None, 0)
        and (item.stop is None or item.stop == n)
        and item.step in (None, 1)
    )


def _at_same_place(equation: Equation, written: Equation) -> bool:
    """Whether a part is read that an equation writes, each entry once."""
    indices, others = equation.inputs[1:], written.inputs[2:]
    return (
        key_of(equation.params["index"]) == key_of(written.params["index"])
        and len(indices) == len(others)
        and all(map(same, indices, others))
        and not any(i.type.shape or i.type.dtype == bool for i in indices)
    )


def _update(equation: Equation, known: Known) -> Found:
    shorter = _with_known_index(equation, 2)
    if shorter is not None:
        return shorter
    x, v, *indices = equation.inputs
    old, new = known.number(x), known.number(v)
    if old is not None and new is not None and not indices and same(old, new):
        return x
    if new is not None and v.type.shape:
        return equation._replace(inputs=(x, new, *indices))
    read = known.source(v, "getitem")
    if read is not None and read.inputs[0] is x and _at_same_place(read, equation):
        return x
    return None


def _add_at(equation: Equation, known: Known) -> Found:
    return _with_known_index(equation, 2)


_RULES: dict[str, Callable[[Equation, Known], Found]] = {
    "absolute": lambda e, known: (
        e.inputs[0] if known.source(e.inputs[0], "absolute") else None
    ),
    "add": _add,
    "add_at": _add_at,
    "astype": _astype,
    "broadcast_to": _broadcast_to,
    "concatenate": _joined,
    "conj": _of_real,
    "copy": _identity,
    "divide": _divide,
    "equal": _compared(True),
    "flip": _flip,
    "getitem": _getitem,
    "greater": _compared(False),
    "greater_equal": _compared(True),
    "less": _compared(False),
    "less_equal": _compared(True),
    "logical_and": _logical(True),
    "logical_not": _negative,
    "logical_or": _logical(False),
    "maximum": _extreme,
    "minimum": _extreme,
    "multiply": _multiply,
    "negative": _negative,
    "not_equal": _compared(False),
    "positive": _identity,
    "real": _of_real,
    "reduce_sum": _over_no_axes,
    "reshape": _reshape,
    "scale": _scale,
    "subtract": _subtract,
    "transpose": _transpose,
    "update": _update,
    "where": _where,
}
