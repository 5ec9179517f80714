"""Interpreters of ops, and the context that says which one is running.

A transformation is an interpreter: it handles every op applied while it is current and
hands what is not its own to the interpreter below, its parent. At the bottom is
`EVALUATE`, which computes.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

import numpy as np

from wengert._core.source import Site, explain, user_site
from wengert._core.types import ArrayType, Params, Shape
from wengert.errors import LeakedValueError

if TYPE_CHECKING:
    from wengert._core.op import Op


Running = TypeVar("Running", bound="Interpreter")


class Interpreter:
    """Handler of ops.

    `keeps_values` says whether this interpreter, or one below it, keeps operands after
    the op has run, so that a user's array must be snapshotted before it is handed over.
    """

    name = "interpreter"
    keeps_values = False
    observer: Any = None  # told of bool() and int() of a tracer; see wg.audit
    plain = False  # whether user code gets plain arrays under it
    checks: Any = None  # what checks tangents and cotangents; see wg.debug_nans
    guarded = False  # whether `touch` tells it of the traced arrays that are used
    # What shows a tracer in a text that is made later.
    marking: Callable[[Tracer], Any] | None = None
    regional = False  # whether a region of control flow is being staged below
    emits = False  # whether it writes a program instead of computing
    each_lane: Any = None  # where it does: what calls an opaque function in all lanes

    def __init__(self, parent: Interpreter | None) -> None:
        self.parent: Any = parent  # None only at the bottom
        self.alive = True
        self.begun: Site | None = user_site() if parent is not None else None
        self.snapshots: dict[int, tuple[weakref.ref[np.ndarray], np.ndarray]] = {}
        self.xp: Any = np  # the array namespace at the bottom
        if parent is not None:
            self.keeps_values = self.keeps_values or parent.keeps_values
            self.checks = parent.checks
            self.guarded = self.regional = parent.regional
            self.xp = parent.xp

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        raise NotImplementedError

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        """Apply a function that has derivative rules of its own (`_modes.custom`)."""
        if self.parent is not None and any(isinstance(x, Tracer) for x in operands):
            with using(self.parent):
                return self.parent.call(function, operands)
        with using(self):
            return tuple(function.run(operands))

    def touch(self, array: Any) -> None:
        """A traced array is read or written to (where `guarded`)."""
        self.parent.touch(array)

    def adopts(self, array: Any) -> bool:
        """Whether a traced array that was made below may be written to here."""
        return False

    def creates(self, array: np.ndarray) -> None:
        """User code has made an array; nothing else refers to its memory."""
        self.parent.creates(array)

    def lose_twins(self, array: Any) -> None:
        """A traced array is written to that may be another one: see `_staging`."""
        self.parent.lose_twins(array)

    def refuse_use(self) -> NoReturn:
        """Raise: a value of this interpreter is used where it must not be."""
        raise_leaked(self)

    def prepare(self, fun: Any) -> Any:
        """What is run in place of a user's function: see `prepared`."""
        return self.parent.prepare(fun)

    def lane_by_lane(self) -> Any:
        """What runs a function for one row after the other; None if nothing can."""
        return self.parent.lane_by_lane()

    def undoing(self) -> Callable[[], None]:
        """What takes back all that is recorded from now on."""
        return self.parent.undoing()

    def chain(self) -> Iterator[Interpreter]:
        """This interpreter and those below it."""
        interpreter: Interpreter | None = self
        while interpreter is not None:
            yield interpreter
            interpreter = interpreter.parent

    def running(self) -> _Running[Self]:
        """Make this the current interpreter; it is dead when the block ends."""
        return _Running(self)


class Evaluate(Interpreter):
    """Computes on the arrays of one namespace: NumPy's, or any Array API library's."""

    name = "evaluate"
    plain = True
    guarded = True
    convert: Any = None  # what the front end, which stands above, makes of a function

    def __init__(self, xp: Any = np) -> None:
        super().__init__(None)
        self.xp = xp

    def touch(self, array: Any) -> None:
        array._owner.refuse_use()

    def creates(self, array: np.ndarray) -> None:
        """Nobody asks."""

    def lane_by_lane(self) -> Any:
        return None

    def undoing(self) -> Callable[[], None]:
        return lambda: None

    def prepare(self, fun: Any) -> Any:
        return fun if self.convert is None else self.convert(fun)

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        for x in operands:
            if isinstance(x, Tracer):
                x.refuse_leak()
        if self.xp is np:
            return op.evaluate(*operands, **params)
        return op.evaluate_with(self.xp, *operands, **params)


EVALUATE = Evaluate()
CURRENT: ContextVar[Interpreter] = ContextVar("wengert_interpreter", default=EVALUATE)


class using(Generic[Running]):
    """Run a block under an interpreter that goes on living after it.

    A class, which is entered and left three times as fast as a generator.
    """

    __slots__ = ("interpreter", "token")

    def __init__(self, interpreter: Running) -> None:
        self.interpreter = interpreter

    def __enter__(self) -> Running:
        self.token = CURRENT.set(self.interpreter)
        return self.interpreter

    def __exit__(self, *_: object) -> None:
        CURRENT.reset(self.token)


class _Running(using[Running]):
    """Run a block under an interpreter that ends with it."""

    __slots__ = ()

    def __exit__(self, *_: object) -> None:
        CURRENT.reset(self.token)
        self.interpreter.alive = False


def prepared(fun: Any) -> Any:
    """A user's function as what is running now wants it: converted by the front end."""
    return CURRENT.get().prepare(fun)


def replaceable(fun: Any) -> Any:
    """A function of ours in whose place `prepared` may have another one."""

    @functools.wraps(fun)
    def function(*args: Any, **kwargs: Any) -> Any:
        own = prepared(function)
        return (fun if own is function else own)(*args, **kwargs)

    return function


def raise_leaked(owner: Interpreter) -> NoReturn:
    """Raise: a value reached an interpreter that is not above the one that made it."""
    state = "is running in another thread" if owner.alive else "has ended"
    raise LeakedValueError(
        explain(
            "a traced value is used outside the transformation that made it "
            f"({owner.name}, begun at {owner.begun}), which {state}",
            why="its derivative would be lost.",
            fix="return the value from the function (has_aux=True for extra results) "
            "instead of storing it",
        )
    )


class Tracer:
    """A value passed around by an interpreter; immutable.

    Python's operators on it apply ops, so that rules read like formulas; user code sees
    it inside a `TracedArray` or a `TracedScalar`.
    """

    __slots__ = ()

    interpreter: Interpreter
    known = True  # whether there is a number at the bottom

    @property
    def shape(self) -> Shape:
        raise NotImplementedError

    @property
    def dtype(self) -> Any:
        raise NotImplementedError

    @property
    def type(self) -> ArrayType:
        return ArrayType(self.shape, self.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def below(self) -> Any:
        """The value as the interpreter below has it."""
        raise NotImplementedError

    def shown(self) -> Any:
        """What is shown of it in a text: a mark, where the text is made later."""
        mark = CURRENT.get().marking
        return self.below if mark is None else mark(self)

    def concrete(self) -> Any:
        """What `bool` and `int` decide on, in terms of the interpreter below."""
        return self.below

    def depends(self) -> bool:
        """Whether converting this value would cut a dependence on an input."""
        return True

    def in_c_order(self) -> bool:
        return in_c_order(self.below)

    def refuse_leak(self) -> NoReturn:
        """Raise: this tracer has reached an interpreter that is not above its own."""
        raise_leaked(self.interpreter)


def in_c_order(value: Any) -> bool:
    """Whether NumPy would have an array in C order; false where that is not certain."""
    if len(getattr(value, "shape", ())) < 2:
        return True
    if isinstance(value, Tracer):
        return value.in_c_order()
    return not isinstance(value, np.ndarray) or value.flags.c_contiguous


def is_known(value: Any) -> bool:
    """Whether there is a number at the bottom of an engine value."""
    while isinstance(value, Tracer):
        if not value.known:
            return False
        value = value.below
    return True


class PrimalTracer(Tracer):
    """A tracer around a value of the interpreter below, with the type of that value."""

    __slots__ = ()

    primal: Any

    @property
    def shape(self) -> Shape:
        return self.primal.shape

    @property
    def dtype(self) -> Any:
        return self.primal.dtype

    @property
    def ndim(self) -> int:
        return self.primal.ndim

    @property
    def below(self) -> Any:
        return self.primal
