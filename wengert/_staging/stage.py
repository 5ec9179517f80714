"""Stage: the interpreter that writes a program instead of computing.

A value of an interpreter below, or a plain array, that an op reads becomes a further
parameter of the program: it is captured. So a program is closed, and the regions of
control flow are staged as programs of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._array.traced import TracedArray
from wengert._control import loops
from wengert._core.interp import CURRENT, EVALUATE, Interpreter, Tracer, using
from wengert._core.op import Op
from wengert._core.source import Site, user_site
from wengert._core.types import PYTHON_SCALARS, ArrayType, Params, type_of
from wengert._ir.control import Check, Custom
from wengert._ir.program import (
    Atom,
    Equation,
    Literal,
    Program,
    Var,
    substitute,
    variables_in,
)
from wengert._modes.function import Function
from wengert._ops.arithmetic import add, equal, greater_equal, multiply
from wengert._ops.structure import Held, astype, full, held, promote, reshape
from wengert._staging.aliases import lose_twins
from wengert._staging.errors import refuse_concrete, refuse_extent, refuse_text
from wengert._staging.masks import has_masks, places_of, without_masks
from wengert._staging.operands import aligned_dtypes
from wengert._staging.orders import Orders

INDEX = ArrayType((), np.dtype(np.int64))
_EXTENT_TYPES = (INDEX, ArrayType((), np.dtype(np.bool_)))


class StageTracer(Tracer):
    """A value of the program that is being written."""

    __slots__ = ("interpreter", "var")

    interpreter: Stage
    known = False

    def __init__(self, interpreter: Stage, var: Var) -> None:
        self.interpreter = interpreter
        self.var = var

    @property
    def shape(self) -> Any:
        shape = self.var.type.shape
        if not any(isinstance(n, Var) for n in shape):
            return shape
        return tuple(
            Extent(self.interpreter, n) if isinstance(n, Var) else n for n in shape
        )

    @property
    def dtype(self) -> Any:
        return self.var.type.dtype

    @property
    def below(self) -> Any:
        refuse_concrete(self)

    def in_c_order(self) -> bool:
        stage = self.interpreter
        return stage.orders.certain(self.var, stage.equations)

    def shown(self) -> Any:
        mark = CURRENT.get().marking
        if mark is None:
            refuse_text(self)
        return mark(self)

    def as_extent(self) -> Extent:
        """This integer as it stands in a shape, or as a bound of a slice."""
        if self.var.type == INDEX:
            return Extent(self.interpreter, self.var)
        if self.var.type.shape or self.var.type.dtype.kind not in "iu":
            refuse_extent(self)
        return astype(self, dtype=INDEX.dtype).as_extent()

    def as_length(self) -> Extent:
        """This integer as a length: a run-time check says that it is one."""
        length = self.as_extent()
        innermost().check(greater_equal(length, 0), _negative_length)
        return length

    def __bool__(self) -> bool:
        refuse_concrete(self)

    def __index__(self) -> int:
        refuse_concrete(self)

    def __repr__(self) -> str:
        return f"<staged {self.var.type}>"


class Extent(StageTracer):
    """A run-time extent in a shape.

    Two extents are equal only if they are one variable, so that shapes compare as
    tuples of ints do; every other operation is that of a staged int64.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Extent) and other.var is self.var

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.var)

    def must_equal(self, other: Any, error: Any = None) -> Any:
        """The other extent, checked at run time to be this one.

        error: makes the exception of the two numbers.
        """
        if self != other:
            same = equal(self, other)
            innermost().check(same, error or _shapes_differ, self, other)
        return other


def innermost() -> Stage:
    """The stage that is writing now."""
    return next(i for i in CURRENT.get().chain() if isinstance(i, Stage))


def as_extent(value: Any) -> Any:
    """An int64 scalar as it stands in a shape."""
    if isinstance(value, StageTracer):
        return value.as_extent()
    return int(value) if isinstance(value, (int, np.integer)) else value


def _shapes_differ(a: Any, b: Any) -> Exception:
    return ValueError(
        f"operands could not be broadcast together: axes of length {a} and {b}"
    )


def _negative_length() -> Exception:
    return ValueError("negative dimensions are not allowed")


class Stage(Interpreter):
    """Interpreter that emits equations."""

    name = "jit"
    emits = True

    def __init__(self, parent: Interpreter) -> None:
        super().__init__(parent)
        self.equations: list[Equation] = []
        self.place: Site | None = None  # of an equation that is applied again
        self.given: list[Var] = []  # the parameters that were asked for, in order
        self.captured: dict[Any, tuple[Any, Var]] = {}
        self.extents: dict[Any, Var] = {}  # int64 scalars by how they are computed
        self.places: dict[Any, list[Any]] = {}  # where a mask is true
        self.orders = Orders()

    def parameter(self, type_: ArrayType, stands_for: Any = None) -> StageTracer:
        """A new parameter; of a loop, it stands for this value in the first step."""
        param = StageTracer(self, Var(self.own(type_)))
        self.given.append(param.var)
        if stands_for is not None:
            self.orders.stand_for[param.var] = stands_for
        return param

    def place_of(self, var: Var) -> int | None:
        """The place of a value among the parameters of the function."""
        return self.given.index(var) if var in self.given else None

    def parameters(self, templates: Sequence[Var | ArrayType]) -> list[StageTracer]:
        """Parameters of these types; an extent may be a variable given before."""
        params: list[StageTracer] = []
        given: dict[Var, StageTracer] = {}
        for template in templates:
            type_ = template.type if isinstance(template, Var) else template
            params.append(self.parameter(substitute(type_, given.__getitem__)))
            if isinstance(template, Var):
                given[template] = params[-1]
        return params

    def lift(self, x: Any) -> Atom:
        """A value as this program refers to it."""
        if isinstance(x, StageTracer) and x.interpreter is self:
            return x.var
        if isinstance(x, PYTHON_SCALARS):
            return Literal(np.result_type(type(x)).type(x), weak=True)
        if isinstance(x, np.generic):
            return Literal(x)
        return self.capture(x)

    def capture(self, x: Any) -> Var:
        """The parameter that stands for a value from outside."""
        key = x.var if isinstance(x, StageTracer) else id(x)
        if key not in self.captured:
            if isinstance(x, Tracer) and not _may_read(self.chain(), x.interpreter):
                x.refuse_leak()
            var = Var(self.own(type_of(x)))
            self.captured[key] = (x, var)
            self.orders.stand_for[var] = x
        return self.captured[key][1]

    def own(self, value: Any) -> Any:
        """A type, param or index expression with its run-time extents as variables."""
        if isinstance(value, StageTracer):
            return self.lift(value)
        if isinstance(value, ArrayType):
            return ArrayType(self.own(value.shape), value.dtype)
        if type(value) is tuple:
            return tuple(map(self.own, value))
        if isinstance(value, slice):
            return slice(*map(self.own, (value.start, value.stop, value.step)))
        return value

    def apply(self, op: Op, operands: tuple[Any, ...], params: Params) -> Any:
        if op.family in _SCALAR_FAMILIES:
            if all(isinstance(x, _CONSTANTS) for x in operands):
                found = op.evaluate(*operands, **params)
                return found[()] if isinstance(found, np.ndarray) else found
        if has_masks(op, operands):
            with using(self):
                return without_masks(op, operands, params, self.places_of)
        dtypes = aligned_dtypes(op, operands, params)
        atoms = tuple(
            self.cast(x, dtype) for x, dtype in zip(operands, dtypes, strict=True)
        )
        types = [self.seen(a.type) for a in atoms]
        found = op.abstract(*types, **params)
        found = found if op.multiple else (found,)
        outputs = tuple(Var(self.own(t)) for t in found)
        params = {k: self.own(v) for k, v in params.items() if k != "donate"}
        if outputs[0].type in _EXTENT_TYPES and not params:
            return StageTracer(self, self._extent(op, atoms, outputs[0]))
        self.emit(op, atoms, params, outputs)
        results = tuple(StageTracer(self, v) for v in outputs)
        return results if op.multiple else results[0]

    def places_of(self, mask: Any) -> list[Any]:
        """Where a mask is true; of one mask, once: the number is one variable."""
        key = self.lift(mask)
        if key not in self.places:
            self.places[key] = places_of(mask)
        return self.places[key]

    def _extent(self, op: Op, atoms: tuple[Atom, ...], out: Var) -> Var:
        """What extents are made of is computed once: equal ones are one variable."""
        for atom, other in (atoms, atoms[::-1]) if op in _NEUTRAL else ():
            if isinstance(other, Literal) and other.value == _NEUTRAL[op]:
                if isinstance(atom, Var):
                    return atom
        known = self.extents.get((op, atoms))
        if known is None:
            self.emit(op, atoms, {}, (out,))
            self.extents[op, atoms] = known = out
        return known

    def seen(self, type_: ArrayType) -> ArrayType:
        """A type as rules see it: its run-time extents are values."""
        shape = (Extent(self, n) if isinstance(n, Var) else n for n in type_.shape)
        return ArrayType(tuple(shape), type_.dtype)

    def cast(self, x: Any, dtype: Any) -> Atom:
        """An operand with the dtype in which its op computes."""
        atom = self.lift(x)
        if dtype is None or atom.type.dtype == dtype:
            return atom
        if isinstance(atom, Literal):
            return Literal(np.dtype(dtype).type(atom.value), atom.weak)
        out = Var(ArrayType(atom.type.shape, np.dtype(dtype)))
        self.emit(promote, (atom,), {"dtype": np.dtype(dtype)}, (out,))
        return out

    def fitted(self, atom: Atom, type_: ArrayType) -> Atom:
        """An array as one of this type: extents that differ are checked to be equal."""
        if atom.type == type_:
            return atom
        wanted = self.seen(type_).shape
        for n, m in zip(self.seen(atom.type).shape, wanted, strict=True):
            if n != m:
                longer, other = (n, m) if isinstance(n, Extent) else (m, n)
                longer.must_equal(other)
        out = Var(type_)
        self.emit(reshape, (atom,), {"shape": type_.shape}, (out,))
        return out

    def emit(
        self, op: Any, atoms: Sequence[Atom], params: Params, outputs: Sequence[Var]
    ) -> None:
        self.equations.append(
            Equation(
                op, tuple(atoms), params, tuple(outputs), self.place or user_site(2)
            )
        )

    def check(self, holds: Any, error: Any, *values: Any) -> None:
        """Raise ``error(*values)`` at run time where the condition is false."""
        self.emit(Check(error), [self.lift(x) for x in (holds, *values)], {}, ())

    def call(self, function: Any, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        """A function with rules of its own stays whole: its rules are not lost."""
        if hasattr(function, "on_stage"):
            op, atoms, outputs = function.on_stage(self, operands)
        else:
            op, atoms, outputs = self._custom(function, operands)
        self.emit(op, atoms, {}, outputs)
        return tuple(StageTracer(self, v) for v in outputs)

    def _custom(self, function: Function, operands: tuple[Any, ...]) -> Any:
        """The call of a user's function, with its own program to run."""
        outer = next((i for i in self.chain() if isinstance(i, FunctionStage)), None)
        inner = (
            Stage(EVALUATE) if outer is None else FunctionStage(EVALUATE, outer.convert)
        )
        types = [inner.own(type_of(x)) for x in operands]
        extents = [(x, v) for x, v in inner.captured.values()]
        params = [inner.parameter(t) for t in types]
        with using(inner):
            program = inner.program(params, list(function.run(params)))
        captured = [*inner.captured.values()][len(extents) :]
        first, last = ([v for _, v in pairs] for pairs in (extents, captured))
        program = program._replace(params=(*first, *program.params, *last))
        values = (*(x for x, _ in extents), *operands, *(x for x, _ in captured))
        atoms = [self.lift(x) for x in values]
        op = Custom(program, function, len(extents), len(operands))
        return op, atoms, outputs_of([program], atoms)

    def undoing(self) -> Callable[[], None]:
        count = len(self.equations)
        extents, places = dict(self.extents), dict(self.places)

        def undo() -> None:
            del self.equations[count:]
            self.orders.forget(count)
            self.extents, self.places = extents, places

        return undo

    def lose_twins(self, array: TracedArray) -> None:
        lose_twins(array, self)

    def program(self, params: Sequence[Any], results: Sequence[Any]) -> Program:
        """What has been written, as a program of these parameters."""
        return Program(
            tuple(p.var if isinstance(p, StageTracer) else p for p in params),
            tuple(self.equations),
            tuple(self.lift(r) for r in results),
        )


def _may_read(chain: Iterable[Interpreter], owner: Interpreter) -> bool:
    """Whether values of an interpreter may be read above the others."""
    return any(
        i is owner or isinstance(i, FunctionStage) and _may_read(i.around, owner)
        for i in chain
    )


class OfParam(NamedTuple):
    """An extent that is the parameter at this place."""

    place: int


class OfResult(NamedTuple):
    """An extent that is the result at this place."""

    place: int


def result_shapes(programs: Sequence[Program]) -> list[tuple[Any, ...]]:
    """The shapes of the results of programs, one of which runs.

    An extent is an int, a parameter or a result before it, the same in each program.
    """
    known: dict[Any, Any] = {}
    for i, params in enumerate(zip(*(p.params for p in programs), strict=True)):
        known[params] = OfParam(i)
    shapes = []
    for i, results in enumerate(zip(*(p.results for p in programs), strict=True)):
        extents = zip(*(r.type.shape for r in results), strict=True)
        shapes.append(tuple(ns[0] if _is_one_int(ns) else known[ns] for ns in extents))
        known.setdefault(tuple(map(extent_of, results)), OfResult(i))
    return shapes


def outputs_of(programs: Sequence[Program], atoms: Sequence[Atom]) -> list[Var]:
    """Variables for the results of programs, one of which runs on these values."""
    outputs: list[Var] = []
    for shape, result in zip(result_shapes(programs), programs[0].results, strict=True):
        extents = tuple(
            extent_of(atoms[n.place])
            if isinstance(n, OfParam)
            else outputs[n.place]
            if isinstance(n, OfResult)
            else n
            for n in shape
        )
        outputs.append(Var(ArrayType(extents, result.type.dtype)))
    return outputs


def results_of_loop(
    params: Sequence[Var], atoms: Sequence[Atom], constants: int
) -> list[Var]:
    """Variables for what a loop leaves; `params` of its body are for these operands.

    An extent that the loop carries is a result before the array.
    """
    known: dict[Var, Any] = dict(
        zip(params[:constants], map(extent_of, atoms), strict=False)
    )
    for param in params[constants:]:
        known[param] = Var(substitute(param.type, known.__getitem__))
    return [known[param] for param in params[constants:]]


def _is_one_int(extents: Sequence[Any]) -> bool:
    return all(type(n) is int and n == extents[0] for n in extents)


def extent_of(atom: Any) -> Any:
    """A value as an extent: an int where it is a constant."""
    is_number = isinstance(atom, Literal) and atom.type == INDEX
    return int(atom.value) if is_number else atom


_NEUTRAL = {add: 0, multiply: 1}
_CONSTANTS = (*PYTHON_SCALARS, np.generic)
_SCALAR_FAMILIES = ("elementwise", "piecewise constant")


class FunctionStage(Stage):
    """Stages a whole function; `convert` makes the user's functions ask the runtime.

    An array that the function reaches by a global, closure or attribute is an input:
    one traced array wherever it is reached. So is a traced value of the interpreters
    `around` the call for which the function is staged.
    """

    def __init__(
        self,
        parent: Interpreter,
        convert: Callable[[Any], Any],
        around: Iterable[Interpreter] = (),
    ) -> None:
        super().__init__(parent)
        self.convert = convert
        self.around = tuple(around)
        self.inputs: dict[int, tuple[np.ndarray, TracedArray]] = {}
        outer = function_stage()
        # What `recursion` knows of the calls of the user's functions.
        self.calls: list[Any] = [] if outer is None else [*outer.calls]
        self.functions: list[Any] = []  # of the program
        self.unrolled: set[Any] = set()  # whose numbers decide how often they recur
        self.endless: set[Any] = set()  # that may recur without end while staging
        # What a path does that is looked for, on which a function does not call itself.
        self.exploring = ""

    def prepare(self, fun: Any) -> Any:
        return self.convert(fun)

    def lane_by_lane(self) -> Any:
        return self.convert(loops.map)

    def input(self, array: np.ndarray) -> TracedArray:
        known = self.inputs.get(id(array))
        if known is None:
            with using(self):
                traced = TracedArray(StageTracer(self, self.capture(array)))
            known = self.inputs[id(array)] = array, traced
        return known[1]


def function_stage() -> FunctionStage | None:
    """The function that is being staged, if one is."""
    stages = (i for i in CURRENT.get().chain() if isinstance(i, FunctionStage))
    return next(stages, None)


def reached(value: Any) -> Any:
    """An array from outside is an input, whatever it holds when the code runs."""
    if type(value) is not np.ndarray or value.dtype.kind not in "biufc":
        return value
    stage = function_stage()
    return value if stage is None else stage.input(value)


def inner_extents(program: Program) -> list[Var]:
    """The extents of results that are neither parameters nor results before them."""
    known = set(program.params)
    found: list[Var] = []
    for result in program.results:
        inner = [n for n in variables_in(result.type) if n not in known]
        found += inner
        known.update(inner)
        if isinstance(result, Var):
            known.add(result)
    return found


class DerivedStage(FunctionStage):
    """Stages what is derived from a program, in which rules of functions are run.

    Its parameters are those of the program, so an array that a rule reads from outside
    is held by the program, and read when that runs. One that the rule makes, of a
    single number, is made when the program runs.
    """

    converting: Any = None  # what the front end makes of a function

    def __init__(self) -> None:
        super().__init__(EVALUATE, self.converting)
        self.made: dict[int, np.ndarray] = {}

    def creates(self, array: np.ndarray) -> None:
        self.made[id(array)] = array

    def capture(self, x: Any) -> Var:
        if not isinstance(x, np.ndarray):
            return super().capture(x)
        found: StageTracer
        with using(self):
            if id(x) in self.made and _is_uniform(x):
                value = x.flat[0].item() if x.size else 0
                found = full(shape=x.shape, value=value, dtype=x.dtype)
            else:
                found = held(source=Held(x))
        return found.var


def _is_uniform(x: np.ndarray) -> bool:
    """Whether all entries are one number, NaN and the sign of zero included."""
    return x.tobytes() == x.size * x.flat[0].tobytes() if x.size else True


def trace(
    build: Callable[..., Sequence[Any]], parameters: Sequence[Var | ArrayType]
) -> Program:
    """The program of a function of engine values; it captures nothing.

    Its parameters have these types, whose run-time extents are among the variables
    given before them.
    """
    stage = DerivedStage()
    params = stage.parameters(parameters)
    with using(stage):
        results = list(build(*params))
    program = stage.program(params, results)
    assert not stage.captured
    return program
