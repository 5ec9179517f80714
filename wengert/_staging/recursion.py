"""Calls of the user's functions, and functions that call themselves.

A call is staged where it stands. Where a function is called again for arguments of
the same types, in a branch or loop that a traced value decides, its depth is known only
when the program runs: from there on it is a function of the program. It is staged again
until what was taken for granted of its calls of itself holds: types of the results,
arrays that it writes to, values that it reads from outside.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from wengert._core.interp import CURRENT
from wengert._core.source import explain
from wengert._staging.arguments import Arguments, same_function
from wengert._staging.recursive import SelfCalling, leave_path
from wengert._staging.region import Region
from wengert._staging.stage import FunctionStage, function_stage
from wengert._staging.unfolding import calls
from wengert.errors import JoinError, StagedValueError

_MANY = 10  # calls inside one another that may be the start of endlessly many
UNROLLED = 3  # calls inside one another before a number in them counts as unknown


class Call(NamedTuple):
    """A call of a user's function that is being staged."""

    function: Any
    given: Arguments
    within: Any  # the interpreter that was running
    body: SelfCalling | None = None  # where it is a function of the program


def entered(function: Any, converted: Any) -> Any:
    """What is called in place of a function, which notices calls of itself."""

    @functools.wraps(converted, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        stage = function_stage()
        if stage is None:
            return converted(*args, **kwargs)
        given = Arguments(args, kwargs)
        earlier = [c for c in stage.calls if same_function(c.function, function)]
        if earlier:
            return _again(stage, function, converted, given, earlier)
        return _outermost(stage, function, converted, given)

    return call


def is_active(function: Any) -> bool:
    """Whether a call of a function is being staged."""
    stage = function_stage()
    return stage is not None and any(c.function is function for c in stage.calls)


def _outermost(
    stage: FunctionStage, function: Any, converted: Any, given: Arguments
) -> Any:
    try:
        return _inline(stage, function, converted, given)
    except RecursionError as error:
        if function.__code__ not in stage.endless:
            raise
        name = getattr(function, "__name__", "function")
        raise StagedValueError(
            explain(
                f"{name} calls itself, as often as a traced value decides, and its "
                "arguments have other types at every depth",
                why="a function of compiled code has one type for each argument.",
                fix="pass arrays and numbers; a list or dictionary that grows, or an "
                "array of another rank, makes another function",
            )
        ) from error


def _inline(
    stage: FunctionStage, function: Any, converted: Any, given: Arguments
) -> Any:
    stage.calls.append(Call(function, given, CURRENT.get()))
    try:
        return converted(*given.args, **given.kwargs)
    finally:
        stage.calls.pop()


def _again(
    stage: FunctionStage,
    function: Any,
    converted: Any,
    given: Arguments,
    earlier: list[Call],
) -> Any:
    """A call of a function inside a call of it."""
    chain = list(CURRENT.get().chain())
    for call in reversed(earlier):
        body = call.body
        if body is not None and body.region in chain and body.accepts(given):
            return body.recur(given)
    for body in stage.functions:
        if same_function(body.function, function) and body.accepts(given):
            if body.is_reachable(chain):
                return body.call(given)
    alike = [c for c in earlier if c.given.is_like(given)]
    crossed = [c for c in alike if _is_decided_since(c.within, chain)]
    same = [c for c in crossed if not c.given.changed(given)]
    if stage.exploring and (len(alike) > UNROLLED or _is_same(alike, given)):
        leave_path()
    if same:
        return _of_program(stage, function, converted, given, ())
    if crossed:
        found = _with_numbers_traced(stage, function, converted, given, crossed)
        if found is not None:
            return found[0]
    if len(earlier) > _MANY and _is_decided_since(earlier[0].within, chain):
        stage.endless.add(function.__code__)
    return _inline(stage, function, converted, given)


def _is_same(calls: list[Call], given: Arguments) -> bool:
    return any(not c.given.changed(given) for c in calls)


def _is_decided_since(interpreter: Any, chain: list[Any]) -> bool:
    """Whether a traced value has decided something since an interpreter was current.

    What is running may stand below it: a rule of a custom function runs there.
    """
    before = [*interpreter.chain()]
    return any(isinstance(i, Region) for i in chain if i not in before)


def _of_program(
    stage: FunctionStage,
    function: Any,
    converted: Any,
    given: Arguments,
    traced: tuple[int, ...],
) -> Any:
    """A call as a function of the program; `traced`: numbers that are arguments."""
    body = SelfCalling(function, converted, given.with_traced(traced))
    body.stage_within(stage, lambda: Call(function, body.given, body.region, body))
    bodies = (c.body for c in stage.calls if c.body is not None)
    body.around = [b.region for b in bodies if calls(body.op, b.label)]
    stage.functions.append(body)
    return body.call(given)


def _with_numbers_traced(
    stage: FunctionStage,
    function: Any,
    converted: Any,
    given: Arguments,
    crossed: list[Call],
) -> tuple[Any] | None:
    """The call with the numbers traced that change from call to call.

    None where they are few calls yet, or where the function needs their values, as it
    does where they decide how often it calls itself.
    """
    changing = crossed[-1].given.changed(given)
    if len(crossed) < UNROLLED and not given.are_floats(changing):
        return None
    key = (function.__code__, changing)
    if key in stage.unrolled:
        return None
    try:
        return (_of_program(stage, function, converted, given, changing),)
    except (StagedValueError, JoinError):
        stage.unrolled.add(key)
        return None
