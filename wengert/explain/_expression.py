"""Lines of a Wengert list as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._ops.index import Slot
from wengert.explain._record import Ref, Step

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "scale": "*",
    "divide": "/",
    "floor_divide": "//",
    "power": "**",
    "remainder": "%",
    "matmul": "@",
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
}
PREFIX = {"negative": "-", "positive": "+", "invert": "~"}
WRITES = {"update": "=", "add_at": "+="}


def variable(number: int) -> str:
    return f"v{number + 1}"


def number_text(value: Any, digits: int = 6) -> str:
    """A value in a table: a number, a small array, or the type of a large one."""
    if value is None:
        return "-"
    array = np.asarray(value)
    if array.dtype.kind == "b":
        return str(array.tolist()).replace("'", "")
    if array.ndim == 0:
        return f"{array[()]:.{digits}g}"
    if array.size > 6:
        return f"{array.dtype}[{', '.join(map(str, array.shape))}]"
    return " ".join(
        np.array2string(
            array, formatter={"all": "{:.4g}".format}, separator=" "
        ).split()
    )


def index_text(index: tuple[Any, ...], slots: list[str]) -> str:
    return "[" + ", ".join(_item_text(item, slots) for item in index) + "]"


def _item_text(item: Any, slots: list[str]) -> str:
    if type(item) is Slot:
        return slots[item.k]
    if item is Ellipsis:
        return "..."
    if isinstance(item, slice):
        parts = ["" if p is None else str(p) for p in (item.start, item.stop)]
        step = "" if item.step is None else f":{item.step}"
        return ":".join(parts) + step
    return str(item)


def _indexed(step: Step, operands: list[str]) -> str:
    index = step.params["index"]
    if step.op.name == "getitem":
        return operands[0] + index_text(index, operands[1:])
    place = index_text(index, operands[2:])
    return f"{operands[0]} with {place} {WRITES[step.op.name]} {operands[1]}"


def expression(step: Step, shape: tuple[int, ...]) -> str:
    """The right-hand side of a line, such as ``v1 * v2``; `shape` is the result's."""
    operands = [
        variable(x.number) if type(x) is Ref else number_text(x) for x in step.operands
    ]
    op = step.op.name
    if op == "getitem" or op in WRITES:
        return _indexed(step, operands)
    if op in INFIX:
        return f"{operands[0]} {INFIX[op]} {operands[1]}"
    if op in PREFIX:
        return PREFIX[op] + operands[0]
    if op in ("astype", "to_integer"):
        return f"{step.params['dtype']}({operands[0]})"
    settings = [
        f"{key}={value}"
        for key, value in step.params.items()
        if not (value is None or value is False or (key == "axes" and shape == ()))
    ]
    return f"{op.removeprefix('reduce_')}({', '.join(operands + settings)})"
