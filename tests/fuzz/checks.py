"""What is checked of a program: values, gradients, lanes, and calls after the first."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
import wengert.numpy as wnp
from tests.fuzz.complex_step import STEP, load_complex
from tests.fuzz.programs import Inputs, Loaded, call, inputs, load
from tests.fuzz.ways import running, way_of
from wengert._frontend.api import convert
from wengert.errors import InvalidProgramError, LanesDisagreeError, WengertError

VALUE, GRADIENT, SECOND = 1e-11, 1e-8, 1e-6
LANES = 3


class Mismatch(AssertionError):
    """A compiled program does something else than NumPy."""


class Refused(Exception):
    """The compiler does not take the program, and says why."""


class Outcome(NamedTuple):
    """What came of a program: the checks that ran, why it was refused, or a failure."""

    ran: tuple[str, ...] = ()
    refused: str = ""
    failure: str = ""
    detail: str = ""


def check(
    text: str, length: int, seed: int, only: str = "", way: str | None = None
) -> Outcome:
    """Check a program; `only`: one check by its name, `way`: how it is run."""
    with running(way or way_of(seed)):
        return _check(text, length, seed, only)


def _check(text: str, length: int, seed: int, only: str) -> Outcome:
    try:
        loaded = load(text, str(seed))
        given = inputs(seed, length, LANES)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for one in given:
                _finite(call(loaded, loaded.function, one))
    except Exception as error:
        return Outcome(failure="not a program", detail=repr(error))
    ran = []
    analytic = load_complex(text, f"{seed}, complex")
    program = Program(loaded, analytic, given, seed)
    for name, run in program.checks():
        if only and name != only:
            continue
        try:
            run()
        except Refused as error:
            cause = error.__cause__
            return Outcome(tuple(ran), f"{type(cause).__name__}: {cause}")
        except Exception as error:
            return Outcome(tuple(ran), "", name, _shown(error))
        ran.append(name)
    return Outcome(tuple(ran))


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _finite(found: Any) -> None:
    (s, v), x, weights = found
    assert np.ndim(s) == 0 and np.shape(v) == np.shape(x)
    for value in (s, v, x, weights):
        assert np.all(np.isfinite(value)) and np.max(np.abs(value)) < 1e4


class Program:
    """A program with its inputs, and the checks of it."""

    def __init__(
        self, loaded: Loaded, analytic: Loaded, given: list[Inputs], seed: int
    ) -> None:
        self.loaded = loaded
        self.analytic = analytic
        self.given = given
        self.random = random.Random(seed)
        rng = np.random.default_rng(seed + 1)
        self.scale = rng.uniform(-1, 1, len(given[0].x))
        self.direction = rng.uniform(-1, 1, len(given[0].x)), rng.uniform(-1, 1)
        self.compiled = wg.jit(loaded.function)
        self.eager = self.projected(convert(loaded.function, staging=False))
        self.derivative = wg.jit(wg.grad(self.projected(loaded.function), (0, 1)))
        self.reference: list[Any] = []

    def projected(self, function: Any) -> Callable[..., Any]:
        """A number made of all that a program returns."""

        def number(x: Any, a: Any, n: Any) -> Any:
            s, v = function(x, a, n)
            return 0.7 * s + wnp.sum(self.scale * v)

        return number

    def checks(self) -> list[tuple[str, Callable[[], None]]]:
        """The checks of this program: the first ones always, others of a fraction."""
        often, seldom = self.random.random(), self.random.random()
        found = [
            ("value", self.value),
            ("gradient", self.gradient),
            ("complex step", self.complex_step),
        ]
        if often < 0.4:
            found.append(("gradient of compiled", self.outer_gradient))
        elif often < 0.8:
            found.append(("forward", self.forward))
        if seldom < 0.25:
            found.append(("lanes", self.lanes))
        elif seldom < 0.4:
            found.append(("lanes of gradients", self.lanes_of_gradients))
        elif seldom < 0.55:
            found.append(("second order", self.second_order))
        return found

    # -- values ------------------------------------------------------------------------

    def value(self) -> None:
        """Three calls with other values, and other n, of one compiled function."""
        for given in self.given:
            expected = call(self.loaded, self.loaded.function, given)
            found = run(call, self.loaded, self.compiled, given)
            compare(found, expected, VALUE, "jit(f) and f")

    def lanes(self) -> None:
        rows = [
            call(self.loaded, self.loaded.function, g)[0] for g in self.of_one_world()
        ]
        inside = self.random.random() < 0.6  # else of one lane, and then batched
        found = self.mapped(self.fresh(self.loaded.function), inside)
        expected = tuple(np.stack(column) for column in zip(*rows, strict=True))
        compare(found, expected, VALUE, "jit(vmap(f)) and a loop of f")

    def lanes_of_gradients(self) -> None:
        rows = [self.eager_gradient(g) for g in self.of_one_world()]
        inner = self.projected(self.fresh(self.loaded.function))
        found = self.mapped(wg.grad(inner, (0, 1)), inside=True)
        expected = tuple(np.stack(column) for column in zip(*rows, strict=True))
        compare(found, expected, GRADIENT, "jit(vmap(grad(f))) and a loop of grad(f)")

    def mapped(self, function: Any, inside: bool) -> Any:
        """The function of all lanes; one by one where they choose other lengths."""
        mapped = wg.vmap(function, (0, 0, None))
        if not inside:
            mapped = wg.vmap(wg.jit(function), (0, 0, None))
        xs = np.stack([g.x for g in self.given])
        a = np.array([g.a for g in self.given])
        self.loaded.weights[...] = self.given[0].weights
        try:
            return run(wg.jit(mapped) if inside else mapped, xs, a, self.given[0].n)
        except Refused as error:
            if not inside or not isinstance(error.__cause__, LanesDisagreeError):
                raise
        return self.mapped(function, inside=False)

    def of_one_world(self) -> list[Inputs]:
        """The lanes share n and the array of the module."""
        first = self.given[0]
        return [g._replace(n=first.n, weights=first.weights) for g in self.given]

    def fresh(self, function: Any) -> Any:
        """The function on copies: lanes do not write to what they share."""
        return lambda x, a, n: function(x * 1.0, a, n)

    # -- derivatives -------------------------------------------------------------------

    def eager_gradient(self, given: Inputs) -> Any:
        eager = wg.grad(self.eager, (0, 1))
        return run(call, self.loaded, eager, given)[0]

    def gradient(self) -> None:
        self.reference = [self.eager_gradient(g) for g in self.given[:2]]
        for given, expected in zip(self.given, self.reference, strict=False):
            found = run(call, self.loaded, self.derivative, given)[0]
            compare(found, expected, GRADIENT, "jit(grad(f)) and eager grad(f)")

    def outer_gradient(self) -> None:
        outer = wg.grad(self.projected(self.compiled), (0, 1))
        for given, expected in zip(self.given, self.reference, strict=False):
            found = run(call, self.loaded, outer, given)[0]
            compare(found, expected, GRADIENT, "grad(jit(f)) and eager grad(f)")

    def forward(self) -> None:
        number, n = self.projected(self.loaded.function), self.given[0].n

        def pushed(x: Any, a: Any, dx: Any, da: Any) -> Any:
            return wg.jvp(lambda x, a: number(x, a, n), (x, a), (dx, da))[1]

        compiled, given = wg.jit(pushed), self.given[0]
        self.loaded.weights[...] = given.weights
        found = run(compiled, given.x.copy(), given.a, *self.direction)
        compare(found, self.along(0), GRADIENT, "jit(jvp(f)) and eager grad(f)")

    def along(self, i: int) -> Any:
        dx, da = self.direction
        gx, ga = self.reference[i]
        return float(gx @ dx + ga * da)

    def complex_step(self) -> None:
        """Eager gradients against an independent derivative."""
        for i, given in enumerate(self.given[: len(self.reference)]):
            dx, da = (1j * STEP * d for d in self.direction)
            moved = given._replace(x=given.x + dx, a=np.complex128(given.a + da))
            number = self.projected(self.analytic.function)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                end = call(self.analytic, number, moved)[0]
            found = float(np.imag(end)) / STEP
            compare(self.along(i), found, GRADIENT, "eager grad(f) and complex step")

    def second_order(self) -> None:
        number, given = self.projected(self.loaded.function), self.given[0]
        dx, _ = self.direction
        n = given.n

        def gradient(x: Any, a: Any) -> Any:
            return wg.grad(lambda x: number(x, a, n))(x)

        def forward(x: Any, a: Any) -> Any:
            return wg.jvp(lambda x: gradient(x, a), (x,), (dx,))[1]

        def reverse(x: Any, a: Any) -> Any:
            return wg.grad(lambda x: wnp.sum(gradient(x, a) * dx))(x)

        found = []
        for mode in (forward, reverse):
            self.loaded.weights[...] = given.weights
            found.append(run(wg.jit(mode), given.x.copy(), given.a))
        compare(found[0], found[1], SECOND, "forward and reverse over reverse")


def run(function: Any, *args: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return function(*args)
    except InvalidProgramError:
        raise
    except WengertError as error:
        raise Refused from error


def compare(found: Any, expected: Any, tolerance: float, what: str) -> None:
    """Refuse results that differ by more than rounding explains."""
    if isinstance(expected, tuple):
        if not isinstance(found, tuple) or len(found) != len(expected):
            raise Mismatch(f"{what}: {type(found)} for {type(expected)}")
        for one, other in zip(found, expected, strict=True):
            compare(one, other, tolerance, what)
        return
    one, other = np.asarray(found), np.asarray(expected)
    size = 1 + np.max(np.abs(other), initial=0)
    same = one.shape == other.shape
    if one.dtype != other.dtype:  # an integer on this path; a branch leaves one type
        same &= other.dtype == np.int64 and one.dtype == np.float64
    if not same or not np.all(np.abs(one - other) <= tolerance * size):
        raise Mismatch(f"{what} differ:\n{found!r}\n{expected!r}")
