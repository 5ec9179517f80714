"""Random numeric programs in plain NumPy: source text, and what it is made of.

A program is ``f(x, a, n)``: x a vector of floats, a a number, n an integer. It returns
a number and a vector on every path. Assigned values are bounded by tanh, sin or a
contraction, so that no program overflows; thresholds are unlikely to be met exactly.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

CUTS = ("0.3819", "-0.2361", "0.0718", "0.7321", "-0.5858", "0.1459")
HEAD = """import numpy as np

WEIGHTS = np.array({weights})
ORDER = np.array({order})
SOME = np.array({some})
"""


class Written(NamedTuple):
    """A program and how often each construct occurs in it."""

    text: str
    length: int
    constructs: Counter[str]


class Scope:
    """The names that have a value, by kind.

    s: number, v: vector of the length of x, w: view of a vector without its first
    element, m: 3x3 matrix, r: vector of 3, k: index, b: flag, p: pair of v and s,
    f: function of a number.
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


class Writer:
    """Writes one random program."""

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

    # -- the program -------------------------------------------------------------------

    def program(self) -> Written:
        n = self.length
        order = self.random.sample(range(n), n)
        some = [self.random.randrange(n) for _ in range(3)]
        weights = [round(self.random.uniform(-1, 1), 3) for _ in range(n)]
        head = HEAD.format(weights=weights, order=order, some=some)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            self.helper()
        self.main()
        return Written(head + "\n".join(self.lines) + "\n", n, self.constructs)

    def main(self) -> None:
        self.line(0, "\ndef f(x, a, n):")
        self.scope = Scope({"s": ["a"], "v": []})
        self.bind("v", "v0", 1, "x.copy()")
        self.bind("s", "s0", 1, "0.5")
        if self.maybe(0.5):
            self.bind("v", "v1", 1, self.pick("np.zeros(len(x))", "np.sin(x)"))
        if self.maybe(0.5):
            self.bind("s", "s1", 1, "x[1] * a")
        if self.maybe(0.35):
            self.bind("m", "m0", 1, "np.cos(np.outer(x[:3], x[1:4]))")
        if self.maybe(0.5):
            self.bind("k", "k0", 1, self.pick("1", "n", "len(x) - 1"))
        if self.maybe(0.3):
            self.bind("b", "b0", 1, self.pick("True", "False", "a > 0.1213"))
        if self.maybe(0.15):
            self.scope.bind("v", "x")
            self.note("argument written to")
        self.room = self.random.randint(8, 26)
        place = Place(1, 3, 0, False, "pair")
        for _ in range(self.random.randint(3, 7)):
            self.statement(place)
        self.line(1, f"return {self.result('pair')}")

    def helper(self) -> None:
        self.made += 1
        name = f"h{self.made}"
        self.line(0, f"\ndef {name}(x, t, n):")
        self.scope = Scope({"s": ["t"], "v": ["x"]})
        if self.maybe(0.5):
            self.bind("v", "v0", 1, "0.5 * x")
            if self.maybe(0.6):
                self.scope.names["v"] = ["v0"]
        self.room = self.random.randint(2, 8)
        for _ in range(self.random.randint(1, 3)):
            self.statement(Place(1, 2, 0, False, "number"))
        self.line(1, f"return {self.result('number')}")
        self.helpers.append(name)

    # -- small things ------------------------------------------------------------------

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
        return self.random.choice(self.scope.of(kind))

    def has(self, kind: str) -> bool:
        return bool(self.scope.of(kind))

    def fresh(self, kind: str) -> str:
        self.made += 1
        return f"{kind}_{self.made}"

    def bind(self, kind: str, name: str, indent: int, value: str) -> None:
        self.line(indent, f"{name} = {value}")
        self.scope.bind(kind, name)

    def target(self, kind: str) -> str:
        """A name to assign to, other than an argument or a view."""
        own = [n for n in self.scope.of(kind) if n != "x"]
        return self.random.choice(own) if own else self.fresh(kind)

    def choose(self, options: list[tuple[bool, Callable[[], str]]]) -> str:
        return self.random.choice([make for given, make in options if given])()

    # -- expressions -------------------------------------------------------------------

    def index(self) -> str:
        if self.has("k") and self.maybe(0.7):
            k = self.name("k")
            return self.pick(k, f"len(x) - 1 - {k}", f"({k} + 1) % len(x)", f"-1 - {k}")
        return str(self.random.randint(-4, 3))

    def three(self) -> str:
        if self.has("k") and self.maybe(0.6):
            return f"{self.name('k')} % 3"
        return str(self.random.randint(-3, 2))

    def atom(self) -> str:
        s, v = self.name("s"), self.name("v")
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: s),
            (True, lambda: s),
            (True, lambda: f"{v}[{self.index()}]"),
            (True, lambda: f"{v}[{self.index()}]"),
            (True, lambda: str(round(self.random.uniform(-1, 1), 2))),
            (True, lambda: "WEIGHTS[2]"),
            (self.has("k"), lambda: f"0.3 * {self.name('k')}"),
            (self.has("m"), lambda: f"{self.name('m')}[{self.three()}, 1]"),
            (self.has("r"), lambda: f"{self.name('r')}[{self.three()}]"),
            (self.has("w"), lambda: f"{self.name('w')}[-1]"),
            (self.has("p"), lambda: f"{self.name('p')}[1]"),
        ]
        return self.choose(options)

    def number(self, depth: int = 2) -> str:
        if depth <= 0 or self.maybe(0.25):
            return self.atom()
        less = depth - 1
        one, two = self.number(less), self.number(less)
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: f"np.sin({one})"),
            (True, lambda: f"np.tanh({one})"),
            (True, lambda: f"np.exp(-({one}) ** 2)"),
            (True, lambda: f"np.sqrt(abs({one}) + 0.3)"),
            (True, lambda: f"(0.5 * {one} - 0.4 * {two})"),
            (True, lambda: f"({one} - {two})"),
            (True, lambda: f"np.tanh({one} * {two})"),
            (True, lambda: f"{one} / (1.5 + np.cos({two}))"),
            (True, lambda: self.conditional(one, two)),
            (True, lambda: f"0.2 * np.sum({self.vector(less)})"),
            (True, lambda: f"np.mean({self.vector(less)})"),
            (True, lambda: self.noted("max", f"np.max({self.vector(less)})")),
            (True, lambda: f"0.1 * ({self.name('v')} @ {self.name('v')})"),
            (self.has("f"), lambda: f"{self.name('f')}({one})"),
            (bool(self.helpers), lambda: self.call(one)),
            (
                self.has("k"),
                lambda: self.noted(
                    "slice bound in a loop",
                    f"0.3 * np.sum({self.name('v')}[{self.name('k')}:])",
                ),
            ),
        ]
        return self.choose(options)

    def noted(self, construct: str, text: str) -> str:
        self.note(construct)
        return text

    def conditional(self, one: str, two: str) -> str:
        self.note("conditional expression")
        return f"({one} if {self.test(1)} else {two})"

    def call(self, argument: str) -> str:
        self.note("call of a helper")
        name = self.random.choice(self.helpers)
        return f"{name}({self.name('v')}, {argument}, n)"

    def vector(self, depth: int = 2) -> str:
        if depth <= 0 or self.maybe(0.25):
            return self.name("v")
        less = depth - 1
        one, v = self.vector(less), self.name("v")
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: f"np.sin({one})"),
            (True, lambda: f"np.tanh({one} - {v})"),
            (True, lambda: f"({one} - {v})"),
            (True, lambda: f"(0.5 * {one} + {self.number(less)})"),
            (True, lambda: f"({self.number(less)} - {one})"),
            (True, lambda: f"{one} * np.cos({self.number(less)})"),
            (True, lambda: f"{v}[::-1]"),
            (True, lambda: self.noted("where", self.where(one, v))),
            (True, lambda: self.noted("fancy index", f"{v}[ORDER]")),
            (True, lambda: "WEIGHTS"),
            (True, lambda: f"0.2 * np.cumsum({v})"),
            (self.has("p"), lambda: f"{self.name('p')}[0]"),
        ]
        return self.choose(options)

    def where(self, one: str, v: str) -> str:
        return f"np.where({v} > {self.pick(*CUTS)}, {one}, {self.number(0)} * {v})"

    def test(self, depth: int = 2) -> str:
        s, cut = self.number(0), self.pick(*CUTS)
        options: list[tuple[bool, Callable[[], str]]] = [
            (True, lambda: f"{s} > {cut}"),
            (True, lambda: f"{self.number(1)} < {cut}"),
            (True, lambda: f"n > {self.random.randint(0, 3)}"),
            (True, lambda: self.noted("chained comparison", f"-0.4142 < {s} <= 0.618")),
            (self.has("k"), lambda: f"{self.name('k')} % 2 == 0"),
            (self.has("k"), lambda: f"{self.name('k')} < {self.random.randint(1, 3)}"),
            (self.has("b"), lambda: self.noted("flag", self.name("b"))),
        ]
        if depth > 1:
            one, two = self.test(1), self.test(1)
            options += [
                (True, lambda: self.noted("and", f"({one} and {two})")),
                (True, lambda: self.noted("or", f"({one} or {two})")),
                (True, lambda: self.noted("not", f"not {one}")),
            ]
        return self.choose(options)

    def bounded(self) -> str:
        s = self.number()
        return self.pick(f"np.tanh({s})", f"np.sin({s})", f"0.9 * np.tanh({s})")

    def bounded_vector(self) -> str:
        v = self.vector()
        return self.pick(f"np.tanh({v})", f"np.sin({v})")

    def result(self, kind: str) -> str:
        if kind == "number":
            return self.bounded()
        return f"{self.number(1)}, {self.name('v')} * {self.atom()}"

    # -- statements --------------------------------------------------------------------

    def block(self, place: Place, at_least: int = 1) -> None:
        for _ in range(self.random.randint(at_least, 3 if self.room > 0 else 1)):
            self.statement(place)

    def statement(self, place: Place) -> None:
        if place.depth > 0 and self.room > 0 and self.maybe(0.45):
            compound = [self.if_, self.if_, self.for_, self.for_, self.while_]
            if place.loops > 1:
                compound = [self.if_]
            elif place.indent == 1:
                compound += [self.inner, self.fresh_in_loop]
            self.random.choice(compound)(place)
            return
        kinds: list[Any] = [self.assign, self.assign, self.write, self.write]
        kinds += [self.write, self.integers, self.tuples, self.aliases]
        self.random.choice(kinds)(place.indent)

    def assign(self, indent: int) -> None:
        if self.maybe(0.6):
            s = self.target("s")
            if self.maybe(0.3):
                self.note("augmented assignment")
                self.line(indent, f"{s} {self.pick('+=', '-=')} {self.bounded()}")
            else:
                self.bind("s", s, indent, self.bounded())
        elif self.maybe(0.6):
            self.bind("v", self.target("v"), indent, self.bounded_vector())
        elif self.maybe(0.5):
            self.note("lambda")
            name, s = self.fresh("f"), self.name("s")
            self.bind("f", name, indent, f"lambda z: np.tanh(z - {s})")
        else:
            self.note("flag assigned")
            self.bind("b", self.target("b"), indent, self.test(2))

    def write(self, indent: int) -> None:
        v, cut = self.name("v"), self.pick(*CUTS)
        at = self.index()
        k = self.name("k") if self.has("k") else "2"
        whole = f"{v}[:]" if self.nested else v  # a name would be local
        options = [
            ("element =", f"{v}[{at}] = {self.bounded()}"),
            ("element =", f"{v}[{at}] = {self.bounded()}"),
            ("element +=", f"{v}[{at}] += {self.bounded()}"),
            ("element -=", f"{v}[{at}] -= {self.bounded()}"),
            ("element *=", f"{v}[{at}] *= np.cos({self.number(1)})"),
            ("slice *=", f"{v}[1:] *= np.cos({self.number(1)})"),
            ("slice = overlapping slice", f"{v}[1:] = {v}[:-1]"),
            ("slice +=", f"{v}[:-1] += np.sin({self.name('v')}[1:])"),
            ("slice with bound =", f"{v}[{k}:] = np.sin({self.name('v')}[{k}:])"),
            ("slice with bound +=", f"{v}[{k}:] += {self.bounded()}"),
            ("slice with bound *=", f"{v}[:{k}] *= {self.bounded()}"),
            ("array in place", f"{whole} += {self.bounded_vector()}"),
            ("array in place", f"{whole} *= {self.bounded()}"),
            ("overwrite", f"{v}[:] = {self.bounded_vector()}"),
            ("add.at", f"np.add.at({v}, SOME, {self.bounded()})"),
            ("fancy write", f"{v}[ORDER] = {self.bounded_vector()}"),
            ("mask write", f"{v}[{v} > {cut}] = {self.bounded()}"),
            ("element swap", f"{v}[{at}], {v}[0] = {v}[0], {v}[{at}]"),
            ("weights written to", f"WEIGHTS[{at}] = 0.3"),
        ]
        if self.has("w"):
            w = self.name("w")
            options += [
                ("write through a view", f"{w}[{self.random.randint(-3, 2)}] = "),
                ("write through a view", f"{w}[:] *= "),
                ("write through a view", f"{w}[1:] += "),
            ]
        if self.has("r"):
            options += [("write through a row", f"{self.name('r')}[1] = ")] * 2
            options.append(("write through a row", f"{self.name('r')}[:] *= "))
        if self.has("m"):
            m, j = self.name("m"), self.three()
            options += [
                ("matrix write", f"{m}[{j}, {self.three()}] = "),
                ("matrix write", f"{m}[:, {j}] *= "),
                ("matrix write", f"{m}.T[{j}] = "),
                ("matrix write", f"{m}[{j}] += "),
            ]
        construct, text = self.random.choice(options)
        if text.startswith("WEIGHTS") and self.maybe(0.8):
            construct, text = options[0]
        self.note(construct)
        self.line(indent, text + (self.bounded() if text.endswith("= ") else ""))

    def integers(self, indent: int) -> None:
        k = self.target("k")
        if k == "i" or k.startswith("i_"):
            k = self.fresh("k")
        value = str(self.random.randint(0, 3))
        if k in self.scope.of("k") and self.maybe(0.7):
            value = self.pick(f"({k} + 1) % len(x)", f"len(x) - 1 - {k}")
        self.note("integer variable")
        self.bind("k", k, indent, value)

    def tuples(self, indent: int) -> None:
        kind = self.pick("s", "v", "p", "unpack")
        if kind == "p" or (kind == "unpack" and not self.has("p")):
            self.note("tuple")
            p = self.target("p")
            self.bind("p", p, indent, f"({self.bounded_vector()}, {self.bounded()})")
        elif kind == "unpack":
            self.note("unpacking")
            v, s = self.target("v"), self.target("s")
            self.line(indent, f"{v}, {s} = {self.name('p')}")
            self.scope.bind("v", v)
            self.scope.bind("s", s)
        else:
            own = [n for n in self.scope.of(kind) if n != "x"]
            if len(own) < 2:
                self.assign(indent)
                return
            one, two = self.random.sample(own, 2)
            self.note(f"swap of {'numbers' if kind == 's' else 'arrays'}")
            self.line(indent, f"{one}, {two} = {two}, {one}")

    def aliases(self, indent: int) -> None:
        v = self.name("v")
        kind = self.pick("alias", "view", "row", "copy", "transpose", "reverse")
        if kind == "alias" and self.maybe(0.5):
            self.note("alias")
            self.bind("v", self.fresh("v"), indent, v)
        elif kind in ("row", "transpose") and self.has("m"):
            self.note(f"view: {kind}")
            m = self.name("m")
            if kind == "row":
                self.bind("r", self.fresh("r"), indent, f"{m}[{self.three()}]")
            else:
                self.bind("m", self.fresh("m"), indent, f"{m}.T")
        elif kind == "view":
            self.note("view: slice")
            self.bind("w", self.fresh("w"), indent, f"{v}[1:]")
        elif kind == "reverse":
            self.note("view: reversed")
            self.bind("v", self.fresh("v"), indent, f"{v}[::-1]")
        else:
            self.note("copy")
            self.bind("v", self.target("v"), indent, f"{self.name('v')}.copy()")

    # -- compound statements -----------------------------------------------------------

    def within(self, place: Place, *, jump: float = 0.0, at_least: int = 1) -> Scope:
        """A block; the names that it leaves bound."""
        before = self.scope
        self.scope = before.copy()
        self.block(place, at_least)
        if self.maybe(jump):
            self.jump(place)
        inside, self.scope = self.scope, before
        return inside

    def jump(self, place: Place) -> None:
        kinds = ["break", "continue"] * 2 if place.jumps else []
        if place.returns:
            kinds.append("return")
        if not kinds:
            return
        kind = self.random.choice(kinds)
        self.note(f"{kind} in a loop" if place.loops else kind)
        if kind == "return":
            kind = f"return {self.result(place.returns)}"
        self.line(place.indent, kind)

    def if_(self, place: Place) -> None:
        inside = place.inside()
        jump = 0.5 if place.loops else 0.12
        self.note("if")
        self.line(place.indent, f"if {self.test()}:")
        self.within(inside, jump=jump)
        if self.maybe(0.25):
            self.note("elif")
            self.line(place.indent, f"elif {self.test()}:")
            self.within(inside, jump=jump / 2)
        if self.maybe(0.45):
            self.note("else")
            self.line(place.indent, "else:")
            self.within(inside)

    def for_(self, place: Place) -> None:
        i = self.fresh("i")
        head = self.pick(
            "range(len(x))",
            "range(len(x))",
            "range(1, len(x) - 1)",
            "range(n)",
            "range(n)",
            "range(len(x) - 1, -1, -1)",
            "reversed(range(n))",
            "range(0, len(x), 2)",
            "range(4)",
            "range(n, len(x))",
        )
        self.note(f"for in {head}")
        self.line(place.indent, f"for {i} in {head}:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        before, self.scope = self.scope, self.scope.copy()
        self.scope.bind("k", i)
        self.scope.bind("k", i)
        self.scope.names["k"].append(i)
        self.within(inside)
        self.scope = before
        self.or_else(place)

    def or_else(self, place: Place) -> None:
        if self.maybe(0.2):
            self.note("else of a loop")
            self.line(place.indent, "else:")
            self.within(place.inside())

    def while_(self, place: Place) -> None:
        c = self.fresh("c")
        bound = self.pick("5", "n", "len(x)")
        self.note("while")
        self.line(place.indent, f"{c} = 0")
        more = f" and {self.test(1)}" if self.maybe(0.7) else ""
        self.line(place.indent, f"while {c} < {bound}{more}:")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        self.line(inside.indent, f"{c} += 1")
        before, self.scope = self.scope, self.scope.copy()
        if self.maybe(0.4):
            k = self.fresh("k")
            self.bind("k", k, inside.indent, f"{c} % len(x)")
        self.within(inside)
        self.scope = before
        self.or_else(place)

    def fresh_in_loop(self, place: Place) -> None:
        """A variable that a loop binds first, and that is read after it."""
        self.note("bound in a loop, read after it")
        kind = self.pick("s", "v", "s")
        name, i = self.fresh(kind), self.fresh("i")
        self.line(place.indent, f"for {i} in range({self.random.randint(2, 4)}):")
        inside = place.inside(loops=place.loops + 1, jumps=True)
        before, self.scope = self.scope, self.scope.copy()
        self.scope.bind("k", i)
        value = self.bounded() if kind == "s" else self.bounded_vector()
        self.bind(kind, name, inside.indent, value)
        self.within(inside)
        self.scope = before
        self.scope.bind(kind, name)
        self.scope.bind("k", i)

    def inner(self, place: Place) -> None:
        """A nested function that writes to arrays and numbers of the outer one."""
        self.note("nested function")
        name, before = self.fresh("f"), self.scope
        self.line(place.indent, f"def {name}(z):")
        self.scope = before.copy()
        own = [n for n in before.of("s") if n != "a"]
        rebound = self.random.choice(own) if own and self.maybe(0.5) else None
        if rebound:
            self.note("nonlocal")
            self.line(place.indent + 1, f"nonlocal {rebound}")
        self.scope.bind("s", "z")
        self.nested = True
        for _ in range(self.random.randint(1, 2)):
            self.write(place.indent + 1)
        self.nested = False
        if rebound:
            self.line(place.indent + 1, f"{rebound} = np.tanh({rebound} + z)")
        self.line(place.indent + 1, f"return {self.bounded()}")
        self.scope = before
        self.scope.bind("f", name)
        self.bind("s", self.target("s"), place.indent, f"{name}({self.atom()})")


def write(seed: int) -> Written:
    return Writer(seed).program()
