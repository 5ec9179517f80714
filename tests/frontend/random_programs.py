"""Random structured programs: a function of two numbers that notes what it does."""

from __future__ import annotations

import functools
import linecache
import random
from typing import Any

NAMES = "abcde"
MODULE_NAMES = ("g", "h")
_RAISED = ("ValueError", "KeyError")


class Writer:
    """Writes one random program."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.made = 0  # names of functions and classes

    def program(self) -> str:
        self.line(0, "def program(a, b, note, fuel, *more, d=3):")
        if self.maybe(0.5):
            self.line(1, f"global {', '.join(MODULE_NAMES)}")
            self.shared = NAMES + "".join(MODULE_NAMES)
        else:
            self.shared = NAMES
        self.line(1, "functions = []")
        bound = [name for name in NAMES if self.maybe(0.9)]
        self.line(1, f"{' = '.join([*bound, 'e'])} = {self.random.randint(0, 3)}")
        self.line(1, "if d < 0:")
        self.line(2, f"{' = '.join(NAMES)} = 0")
        self.block(1, 3, loop=False, handlers=0)
        self.block(1, 3, loop=False, handlers=0)
        self.line(1, f"return {self.expression()}, [f() for f in functions[:3]]")
        return "\n".join(self.lines) + "\n"

    # -- helpers -----------------------------------------------------------------------

    def line(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def name(self) -> str:
        return self.random.choice(self.shared)

    def fresh(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}{self.made}"

    # -- expressions -------------------------------------------------------------------

    def expression(self, depth: int = 2) -> str:
        kinds: list[Any] = [self.atom]
        if depth > 0:
            kinds += [
                lambda: f"({self.expression(depth - 1)} + {self.atom()})",
                lambda: f"({self.atom()} * {self.expression(depth - 1)} % 7)",
                lambda: f"({self.test(depth - 1)})",
                lambda: (
                    f"({self.expression(depth - 1)} if {self.test(depth - 1)} else "
                    f"{self.expression(depth - 1)})"
                ),
                lambda: f"note({self.expression(depth - 1)})",
                lambda: (
                    f"sum([{self.atom()} + i for i in range(3) "
                    f"if i {self.random.choice('<>')} {self.atom()}])"
                ),
                lambda: f"(lambda x: x + {self.atom()})({self.expression(depth - 1)})",
                lambda: f"max({self.atom()}, {self.atom()})",
                lambda: f"len(f'{{{self.atom()}}}')",
            ]
        return self.random.choice(kinds)()

    def atom(self) -> str:
        number = str(self.random.randint(-2, 4))
        return self.name() if self.maybe(0.7) else number

    def test(self, depth: int = 1) -> str:
        less = depth - 1
        kinds: list[Any] = [
            lambda: f"{self.atom()} > {self.atom()}",
            lambda: f"{self.atom()} % 2 == {self.random.randint(0, 1)}",
            lambda: f"{self.atom()} in ({self.atom()}, {self.atom()}, 1)",
        ]
        if depth > 0:
            kinds += [
                lambda: f"{self.test(less)} and {self.test(less)}",
                lambda: f"({self.test(less)} or {self.test(less)})",
                lambda: f"not {self.test(less)}",
                lambda: f"{self.atom()} < {self.expression(less)} <= {self.atom()} + 2",
                lambda: f"({self.name()} := {self.atom()}) > {self.atom()}",
                lambda: f"note({self.atom()}) > 0",
            ]
        return self.random.choice(kinds)()

    # -- statements --------------------------------------------------------------------

    def block(self, indent: int, depth: int, *, loop: bool, handlers: int) -> None:
        """Statements; `loop`: break and continue are allowed."""
        for _ in range(self.random.randint(1, 4 if len(self.lines) < 60 else 1)):
            if self.statement(indent, depth, loop, handlers):
                break

    def statement(self, indent: int, depth: int, loop: bool, handlers: int) -> bool:
        """Write one statement; True after a jump."""
        if depth > 0 and len(self.lines) < 80 and self.maybe(0.5):
            compound = self.random.choice(
                [self.if_, self.if_, self.for_, self.while_, self.try_, self.with_]
                + [self.function, self.match, self.class_]
            )
            compound(indent, depth - 1, loop, handlers)
            return False
        if self.maybe(0.15):
            self.line(indent, self.jump(loop, handlers))
            return True
        self.line(indent, self.simple())
        return False

    def jump(self, loop: bool, handlers: int) -> str:
        kinds = [f"return {self.expression()}"]
        if self.maybe(0.5):
            kinds.append(f"raise {self.random.choice(_RAISED)}(note(5))")
        if loop:
            kinds += ["break", "continue"] * 2
        if handlers:
            kinds += ["raise", "raise ValueError from None"]
        return self.random.choice(kinds)

    def simple(self) -> str:
        name, other = self.name(), self.name()
        return self.random.choice(
            [
                f"{name} = {self.expression()}",
                f"{name} = {self.expression()}",
                f"{name} += {self.expression(1)}",
                f"{name}, {other} = {self.atom()}, {self.expression(1)}",
                f"[{name}, *x] = {self.expression(1)}, {self.atom()}; {other} = len(x)",
                f"del {name}" if self.maybe(0.3) else "pass",
                f"note({self.expression()})",
                f"assert {self.test()}, note({self.atom()})",
                f"functions.append(lambda: {self.expression(1)})",
                f"note([{name} := {self.atom()}, {self.atom()}])",
                f"import math as {name}; {name} = {name}.floor(2.5)",
            ]
        )

    def if_(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        self.line(indent, f"if {self.test(2)}:")
        self.block(indent + 1, depth, loop=loop, handlers=handlers)
        if self.maybe(0.3):
            self.line(indent, f"elif {self.test(2)}:")
            self.block(indent + 1, depth, loop=loop, handlers=handlers)
        self.or_else(indent, depth, loop, handlers)

    def or_else(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        if self.maybe(0.4):
            self.line(indent, "else:")
            self.block(indent + 1, depth, loop=loop, handlers=handlers)

    def for_(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        name, other = self.name(), self.name()
        head = self.random.choice(
            [
                f"for {name} in range({self.random.randint(0, 4)}):",
                f"for {name}, {other} in [(1, 2), (3, {self.atom()})]:",
                f"for {name} in (note(1), {self.atom()}):",
            ]
        )
        self.line(indent, head)
        self.block(indent + 1, depth, loop=True, handlers=handlers)
        self.or_else(indent, depth, loop, handlers)

    def while_(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        self.line(indent, f"while fuel() and {self.test()}:")
        self.block(indent + 1, depth, loop=True, handlers=handlers)
        self.or_else(indent, depth, loop, handlers)

    def try_(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        self.line(indent, "try:")
        self.block(indent + 1, depth, loop=loop, handlers=handlers)
        name = self.name()
        kind = self.random.choice(
            [f"ValueError as {name}", "(NameError, TypeError)", "Exception"]
        )
        self.line(indent, f"except {kind}:")
        self.line(indent + 1, "note('handler')")
        self.block(indent + 1, depth, loop=loop, handlers=handlers + 1)
        self.or_else(indent, depth, loop, handlers)
        if self.maybe(0.3):
            self.line(indent, "finally:")
            self.line(indent + 1, "note('finally')")
            self.block(indent + 1, depth, loop=loop, handlers=handlers)

    def with_(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        target = f" as {self.name()}" if self.maybe(0.2) else ""
        self.line(indent, f"with suppress(KeyError){target}:")
        self.block(indent + 1, depth, loop=loop, handlers=handlers)

    def match(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        self.line(indent, f"match {self.expression(1)}:")
        for pattern in (f"1 | 2 if {self.test()}", f"int() as {self.name()}", "_"):
            self.line(indent + 1, f"case {pattern}:")
            self.block(indent + 2, depth, loop=loop, handlers=handlers)

    def function(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        name, inner = self.fresh("f"), self.shared
        self.line(indent, f"def {name}(x={self.atom()}):")
        rebound = [n for n in NAMES if self.maybe(0.3)]
        if rebound:
            self.line(indent + 1, f"nonlocal {', '.join(rebound)}")
        self.block(indent + 1, depth, loop=False, handlers=0)
        self.line(indent + 1, f"return {self.expression(1)}")
        self.shared = inner
        self.line(indent, f"{self.name()} = {name}({self.atom()})")
        if self.maybe(0.3):
            self.line(indent, f"functions.append({name})")

    def class_(self, indent: int, depth: int, loop: bool, handlers: int) -> None:
        name = self.fresh("C")
        self.line(indent, f"class {name}:")
        self.line(indent + 1, f"__x = {self.expression(1)}")
        self.line(indent + 1, f"y = __x and {self.atom()}")
        self.line(indent + 1, "def method(self, a=1):")
        self.line(indent + 2, "b = c = d = e = 1")
        self.block(indent + 2, depth, loop=False, handlers=0)
        self.line(indent + 2, "return self.__x")
        self.line(indent, f"note({name}().method({self.atom()}))")


class Stopped(Exception):
    """The program has run long enough."""


def source(seed: int) -> str:
    return Writer(seed).program()


@functools.cache
def load(seed: int) -> Any:
    """The function of a seed, with source text that can be found."""
    text, file = source(seed), f"<random program {seed}>"
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    # `suppress` is a name of the module, as in a file that imports it.
    names: dict[str, Any] = {"__name__": "random_program", "g": 1, "h": 2}
    exec("from contextlib import suppress", names)
    exec(compile(text, file, "exec"), names)
    return names["program"]


def trace(function: Any, a: int, b: int) -> list[Any]:
    """Everything that a run notes, and what it left in the module."""
    notes: list[Any] = []
    left = [200]

    def note(x: Any) -> Any:
        notes.append(repr(x))
        fuel()
        return x

    def fuel() -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return True

    function.__globals__.update(g=1, h=2)
    try:
        notes.append(("returned", repr(function(a, b, note, fuel))))
    except Exception as error:
        # In a branch a name is that of an outer function, of which Python says so.
        unbound = isinstance(error, NameError)
        notes.append(("raised", "unbound" if unbound else repr(error)))
    notes.append([repr(function.__globals__.get(name)) for name in MODULE_NAMES])
    return notes
