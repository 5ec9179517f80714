"""Where a program stands as it is written: names, places, and small choices."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Options: TypeAlias = list[tuple[bool, Callable[[], str]]]  # and whether they can be


class Scope:
    """The names that have a value, by kind.

    s: number, v: vector of the length of x, w: view of a vector without its first
    element, m: 3x3 matrix, r: vector of 3, k: index, b: flag, p: pair of v and s,
    q: pair of numbers, d: dictionary of two numbers, f: function of a number.
    """

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names = {kind: list(found) for kind, found in names.items()}

    def of(self, kind: str) -> list[str]:
        return self.names.setdefault(kind, [])

    def bind(self, kind: str, name: str) -> None:
        if name not in self.of(kind):
            self.of(kind).append(name)

    def copy(self) -> Scope:
        return Scope(self.names)


class Place(NamedTuple):
    """Where a statement stands."""

    indent: int
    depth: int  # of nested blocks that are still allowed
    loops: int  # around it, in this function
    jumps: bool  # break and continue are allowed
    returns: str  # what is returned: "pair", "number" or nothing ("")

    def inside(self, **changes: Any) -> Place:
        return self._replace(indent=self.indent + 1, depth=self.depth - 1, **changes)


class Base:
    """What all parts of the writer share."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.constructs: Counter[str] = Counter()
        self.made = 0
        self.length = self.random.randint(4, 8)
        self.scope = Scope({})
        self.helpers: list[str] = []
        self.room = 0  # lines that this function may still have
        self.nested = False  # in a function inside another one
        self.looped = False  # in a loop
        self.shared: set[str] = set()  # arrays that have other names, or views

    def line(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)
        self.room -= 1

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def note(self, construct: str) -> None:
        self.constructs[construct] += 1

    def name(self, kind: str) -> str:
        """A name that has a value; often the newest."""
        found = self.scope.of(kind)
        return found[-1] if self.maybe(0.25) else self.random.choice(found)

    def has(self, kind: str) -> bool:
        return bool(self.scope.of(kind))

    def fresh(self, kind: str) -> str:
        self.made += 1
        return f"{kind}_{self.made}"

    def bind(self, kind: str, name: str, indent: int, value: str) -> None:
        self.line(indent, f"{name} = {value}")
        self.scope.bind(kind, name)

    def target(self, kind: str) -> str:
        """A name to assign to, other than an argument or a view.

        A loop that binds a name of a shared array anew is refused.
        """
        own = [n for n in self.scope.of(kind) if n != "x"]
        if self.looped and self.maybe(0.9):
            own = [n for n in own if n not in self.shared]
        return self.random.choice(own) if own else self.fresh(kind)

    def share(self, *names: str) -> None:
        self.shared.update(names)

    def choose(self, options: Options) -> str:
        return self.random.choice([make for given, make in options if given])()
